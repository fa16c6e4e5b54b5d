/** The house rules that a machine can check: stages, sizes, headers, names, and nothing in the tree that must not be. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((name) => name !== '');
const sources = tracked.filter((name) => /^src\/.*\.ts$/.test(name));
const text = (name: string) => readFileSync(`${root}/${name}`, 'utf8');

/** Folders of src/ that are stages: they import model/ and themselves, nothing else of ours. */
const STAGES = [
  'receive',
  'decode',
  'classify',
  'spool',
  'store',
  'kpi',
  'analyse',
  'alert',
  'grafana',
  'show',
  'client',
  'self',
  'demo',
];
const LINES_MAX = 400;

describe('house rules', () => {
  it('finds the sources it is to check', () => {
    expect(sources.length).toBeGreaterThan(30);
  });

  it('stages import only model/ and themselves, and model/ imports nothing outside itself', () => {
    const wrong: string[] = [];
    for (const name of sources) {
      const folder = name.split('/')[1]!;
      if (folder !== 'model' && !STAGES.includes(folder)) continue;
      for (const [, target] of text(name).matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)) {
        const resolved = new URL(target!, `file:///${name}`).pathname.slice(1);
        const targetFolder = resolved.split('/')[1];
        if (targetFolder !== folder && (folder === 'model' || targetFolder !== 'model')) {
          wrong.push(`${name} imports ${target}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('client/ is for apps: it imports nothing else of ours, not even model/, and nothing imports it', () => {
    const wrong = sources.filter((name) => {
      const targets = [...text(name).matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(
        ([, target]) => new URL(target!, `file:///${name}`).pathname.split('/')[2],
      );
      const isClient = name.startsWith('src/client/');
      return targets.some((folder) => (folder === 'client') !== isClient);
    });
    expect(wrong).toEqual([]);
  });

  it('every source file opens by saying what it is for', () => {
    const bare = sources.filter((name) => !/^(#!.*\n)?\/\*\*/.test(text(name)));
    expect(bare).toEqual([]);
  });

  it(`no source file is longer than ${LINES_MAX} lines`, () => {
    const long = sources.filter((name) => text(name).split('\n').length > LINES_MAX);
    expect(long).toEqual([]);
  });

  it('files are kebab-case and none is called after nothing in particular', () => {
    const odd = sources
      .map((name) => basename(name))
      .filter(
        (name) =>
          !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name) ||
          /\b(utils?|helpers?|manager|misc)\b|impl\b/.test(name),
      );
    expect(odd).toEqual([]);
  });

  it('only main.ts ends the process, and only main.ts, cli/ and tests read the clock or chance', () => {
    const wrong = sources.filter((name) => {
      const isEntry = name === 'src/main.ts' || dirname(name) === 'src/cli';
      const code = text(name);
      return (
        (name !== 'src/main.ts' && /process\.exit\(/.test(code)) ||
        (!isEntry && /Date\.now\(\)|new Date\(\)|Math\.random\(/.test(code))
      );
    });
    expect(wrong).toEqual([]);
  });

  it('SQL statements with a user value are never built by pasting strings', () => {
    const pasted = sources.filter((name) => /(SELECT|INSERT|WHERE)[^`'"]*=\s*'\$\{/.test(text(name)));
    expect(pasted).toEqual([]);
  });

  it('the lock file records no download addresses', () => {
    expect(text('package-lock.json')).not.toMatch(/"resolved":\s*"https?:/);
  });

  it('the lock files of other languages record none either', () => {
    const files = [
      'node/package-lock.json',
      'python/requirements.txt',
      'go/go.sum',
      'collector/go.sum',
      'rust/Cargo.lock',
    ];
    // Cargo's name for its default registry, wherever that is reached.
    const name = 'source = "registry+https://github.com/rust-lang/crates.io-index"';
    const texts = files.map((file) => text(`test/languages/${file}`).replaceAll(name, ''));
    expect(texts.map((locked) => locked.length > 1000)).toEqual(files.map(() => true));
    expect(
      texts.flatMap((locked) => locked.match(/"resolved":.*|--(index|find).*|.*crates\.io.*/g) ?? []),
    ).toEqual([]);
  });

  it('the lock file has the binaries of every platform, so that npm ci works on each', () => {
    const { packages } = JSON.parse(text('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const locked = Object.keys(packages);
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !locked.some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });

  it('entries of the lock file have the hash of what is installed, except those that docs/decisions explains', () => {
    const { packages } = JSON.parse(text('package-lock.json')) as {
      packages: Record<string, { version: string; integrity?: string; link?: boolean }>;
    };
    const without = Object.entries(packages)
      .filter(([path, { integrity, link }]) => path !== '' && integrity === undefined && link !== true)
      .map(([path, { version }]) => `${path.split('node_modules/').at(-1)} ${version}`);
    const explained = text('docs/decisions/0001-libraries.md').matchAll(/^\| `(\S+ \S+)` \| no hash/gm);
    expect(without).toEqual([...explained].map(([, entry]) => entry));
  });

  it('dependencies are pinned to exact versions', () => {
    const manifest = JSON.parse(text('package.json')) as Record<string, Record<string, string>>;
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});
