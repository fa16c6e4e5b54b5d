/** One process to a data directory, whatever its path, and nothing of it is touched by another. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataDirectory } from '../src/data-directory.js';
import { UserError } from '../src/model/errors.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-directory-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('the data directory', () => {
  it.each([
    ['a short path', 'data'],
    ['a path of more than 100 bytes', `${'long'.repeat(30)}/data`],
    ['a path with characters of several bytes', `${'é☃'.repeat(20)}/data`],
  ])('is locked with %s, and left alone by whoever finds it locked', async (_, name) => {
    const path = join(directory, name);
    const first = await openDataDirectory(path);
    writeFileSync(join(first.temporary, 'insert'), 'under way');
    await expect(openDataDirectory(path)).rejects.toThrow(/in use by another Plumbline/);
    await expect(openDataDirectory(path)).rejects.toBeInstanceOf(UserError);
    expect(existsSync(join(first.temporary, 'insert'))).toBe(true);
    await first.unlock();
    const second = await openDataDirectory(path);
    expect(second.receiver).toBe(first.receiver);
    expect(existsSync(join(second.temporary, 'insert'))).toBe(false);
    await second.unlock();
  });

  it('is locked where no socket can be made in it', async () => {
    const path = join(directory, 'data');
    mkdirSync(join(path, 'lock'), { recursive: true });
    writeFileSync(join(path, 'lock', 'file'), '');
    const first = await openDataDirectory(path);
    await expect(openDataDirectory(path)).rejects.toThrow(/in use by another Plumbline/);
    await first.unlock();
  });

  it('says at once that it cannot be made', async () => {
    await expect(openDataDirectory('/proc/nope/data')).rejects.toThrow(
      /^the data directory \/proc\/nope\/data cannot be written/,
    );
    writeFileSync(join(directory, 'file'), '');
    await expect(openDataDirectory(join(directory, 'file', 'data'))).rejects.toThrow(/ENOTDIR/);
  });
});
