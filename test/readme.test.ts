/** The README's facts that have a source elsewhere are compared with it. Its programs are run by test/languages. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../src/settings.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('README', () => {
  it('has a row for each setting, with its default and unit, and no other', () => {
    const rows = Object.values(SETTINGS).map((setting) => {
      const unit = 'unit' in setting && setting.unit !== 'port' ? ` ${setting.unit}` : '';
      const value = setting.default === '' ? '(none)' : `\`${setting.default}\`${unit}`;
      return `| \`${setting.env}\` | ${value} | ${setting.about} |`;
    });
    const [, table] = readme
      .split('|---|---|---|\n')
      .filter((part) => part.includes('PLUMBLINE_DATA_DIR'))[0]!
      .match(/^((?:\|.*\n)+)/)!;
    expect(table!.trimEnd().split('\n')).toEqual(rows);
  });

  it('names only files that exist', async () => {
    const { existsSync } = await import('node:fs');
    const named = [...readme.matchAll(/`((?:src|test|catalogue|clickhouse|docs|proto)\/[\w./-]*)`/g)].map(
      (m) => m[1]!,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !existsSync(new URL(`../${name}`, import.meta.url)))).toEqual([]);
  });

  it('shows the two commands', () => {
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });
});
