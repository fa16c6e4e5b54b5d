/** How texts call the program: as a person can call it from where they are. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameCommand } from '../../src/model/own-command.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'plumbline-command-')));
const at = (...parts: string[]) => join(root, ...parts);
const checkout = at('checkout');
const program = at('checkout', 'dist', 'start.cjs');
const app = at('app');
const installed = at('app', 'node_modules', 'plumbline', 'dist', 'start.cjs');

function link(target: string, path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  symlinkSync(target, path);
}

beforeAll(() => {
  for (const file of [program, installed]) {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
    chmodSync(file, 0o755);
  }
  for (const folder of [checkout, app]) writeFileSync(join(folder, 'package.json'), '{}');
  mkdirSync(at('checkout', 'docs'));
  mkdirSync(at("it's here"));
  link(program, at('checkout', 'node_modules', '.bin', 'plumbline'));
  link(installed, at('app', 'node_modules', '.bin', 'plumbline'));
  link(program, at('usr', 'bin', 'plumbline'));
  link(installed, at('other', 'bin', 'plumbline'));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('the command that texts name', () => {
  it.each<[where: string, program: string, cwd: string, path: string[], command: string]>([
    ['a checkout', program, checkout, [], 'npx plumbline'],
    ['a folder of a checkout', program, at('checkout', 'docs'), [], 'npx plumbline'],
    ['an app that depends on it', installed, app, [], 'npx plumbline'],
    ['anywhere, installed for all', program, root, [at('usr', 'bin')], 'plumbline'],
    [
      'a script of npm, whose PATH is not that of the shell',
      program,
      checkout,
      [at('checkout', 'node_modules', '.bin')],
      'npx plumbline',
    ],
    ['a machine on which another one is installed', program, checkout, [at('other', 'bin')], 'npx plumbline'],
    ['elsewhere', program, root, [], `node ${program}`],
    ['an app that has another one', program, app, [], `node ${program}`],
    ['another program', at('nowhere', 'start.cjs'), root, [], 'plumbline'],
  ])('is what works in %s', (_, path, cwd, folders, command) => {
    expect(nameCommand(path, cwd, folders.join(':'))).toBe(command);
  });

  it('quotes a path for the shell', () => {
    const odd = at("it's here", 'start.cjs');
    writeFileSync(odd, '');
    expect(nameCommand(odd, root, '')).toBe(`node '${root}/it'\\''s here/start.cjs'`);
  });
});
