/** Segments move to quarantine and back, also between volumes, and no file is ever written over. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { moveFile } from '../../src/spool/move-file.js';
import { column, encodeBlock } from '../../src/spool/native-format.js';
import { openSpool } from '../../src/spool/spool.js';

/** A file system in memory that Linux has everywhere; where there is none, or it is the same one, its tests are skipped. */
const SHARED_MEMORY = '/dev/shm';
const hasOtherVolume = existsSync(SHARED_MEMORY) && statSync(SHARED_MEMORY).dev !== statSync(tmpdir()).dev;

let directory: string;
let elsewhere: string | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-move-'));
  elsewhere = hasOtherVolume ? mkdtempSync(join(SHARED_MEMORY, 'plumbline-move-')) : undefined;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  if (elsewhere !== undefined) rmSync(elsewhere, { recursive: true, force: true });
});

const at = (name: string) => join(directory, name);

describe('a file that is moved', () => {
  it('is under its new path only, and stays the same file', async () => {
    writeFileSync(at('a'), 'points');
    const { ino } = statSync(at('a'));
    await moveFile(at('a'), at('b'));
    expect(readdirSync(directory)).toEqual(['b']);
    expect(statSync(at('b')).ino).toBe(ino);
  });

  it('is not written over another one, nor over a folder', async () => {
    writeFileSync(at('a'), 'points');
    writeFileSync(at('b'), 'others');
    mkdirSync(at('c'));
    for (const to of ['b', 'c'])
      await expect(moveFile(at('a'), at(to))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(at('a'), 'utf8') + readFileSync(at('b'), 'utf8')).toBe('pointsothers');
  });

  it('is gone from its old path where an earlier move ended between its two last steps', async () => {
    writeFileSync(at('a'), 'points');
    writeFileSync(at('b'), 'points');
    await moveFile(at('a'), at('b'));
    expect(readdirSync(directory)).toEqual(['b']);
  });

  it('is missed where it is not there', async () => {
    await expect(moveFile(at('a'), at('b'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.skipIf(!hasOtherVolume)('a file that is moved to another volume', () => {
  it('is there whole, and an earlier copy that was cut short is replaced', async () => {
    const to = join(elsewhere!, 'a');
    writeFileSync(at('a'), 'points');
    writeFileSync(`${to}.new`, 'poin');
    await moveFile(at('a'), to);
    expect([readdirSync(directory), readdirSync(elsewhere!)]).toEqual([[], ['a']]);
    expect(readFileSync(to, 'utf8')).toBe('points');
  });

  it('stays where it is when it cannot be copied', async () => {
    mkdirSync(at('a'));
    await expect(moveFile(at('a'), join(elsewhere!, 'a'))).rejects.toThrow();
    expect([readdirSync(directory), readdirSync(elsewhere!)]).toEqual([['a'], []]);
  });

  it('is what a spool does whose quarantine lies there', async () => {
    symlinkSync(elsewhere!, at('quarantine'));
    const spool = await openSpool({ directory, bytesMax: 1e9, segmentBytesMax: 1e9, nowUnixMs: 1 });
    await spool.append([encodeBlock('number_points', 1, [column('x', 'UInt8', Uint8Array.of(7))])]);
    await spool.seal();
    const segment = spool.oldest()!;
    const whole = readFileSync(at(segment.name));
    const path = await spool.quarantine(segment);
    expect(readFileSync(path).equals(whole)).toBe(true);
    expect(readdirSync(directory)).toEqual(['quarantine']);
    expect(await spool.readQuarantine()).toEqual({ segments: 1, bytes: whole.length });
    expect([spool.isEmpty, spool.bytes]).toEqual([true, 0]);
  });
});
