/** Texts that the program prints, renders or brings along point at what is where the program is: in the packed package. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const packed = new Set(
  (
    JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: root,
        encoding: 'utf8',
      }),
    ) as { files: { path: string }[] }[]
  )[0]!.files.map(({ path }) => path),
);
const list = (folder: string, name: RegExp) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((path) => join(folder, String(path)))
    .filter((path) => name.test(path));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
/** Without comments: nobody but who reads the source sees them. */
const withoutComments = (text: string) =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

/** What is read by people: sources for what they print, catalogue files with their comments, rendered files. */
const TEXTS: [path: string, text: string][] = [
  ...list('src', /\.c?ts$/).map((path): [string, string] => [path, withoutComments(read(path))]),
  ...list('catalogue', /\.(yaml|json)$/).map((path): [string, string] => [path, read(path)]),
  ...list('grafana', /\.(yaml|json|md)$/).map((path): [string, string] => [path, read(path)]),
];
/** Messages for those who change Plumbline itself, and its documents, are read in a checkout. */
const FOR_DEVELOPERS = /^src\/(cli\/integration-points|store\/cluster-(ddl|tables))\.ts$/;
const FILE =
  /(?<![\w./-])(?:docs|catalogue|clickhouse|proto|src|test)\/[\w./-]*\.(?:md|yaml|json|sql|ts|proto)\b/g;
/** A file that a command writes. */
const WRITTEN = ['catalogue/kpis/from-grafana.yaml'];

describe('texts of the package', () => {
  it('name files that are in the package', () => {
    const named = TEXTS.filter(([path]) => !FOR_DEVELOPERS.test(path)).flatMap(([path, text]) =>
      [...text.matchAll(FILE)].map(([file]) => ({ path, file })),
    );
    expect(named.filter(({ file }) => file.startsWith('docs/')).length).toBeGreaterThan(30);
    expect(named.filter(({ file }) => !packed.has(file) && !WRITTEN.includes(file))).toEqual([]);
  });

  it('name no command that only a checkout has', () => {
    const named = TEXTS.filter(([path]) => !FOR_DEVELOPERS.test(path)).flatMap(([path, text]) =>
      [...text.matchAll(/npm (?:run [\w:-]+|start|ci|test)|(?<!')npx plumbline(?!')/g)].map(
        ([command]) => `${path}: ${command}`,
      ),
    );
    expect(named).toEqual([]);
  });

  it('have the whole documentation beside them', () => {
    const documents = [...packed].filter((path) => /^docs\/.*\.md$/.test(path));
    expect(documents).toEqual(expect.arrayContaining(list('docs', /\.md$/)));
  });
});
