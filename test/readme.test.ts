/** The README's facts that have a source elsewhere are compared with it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../src/config.js';
import { createOtlpSink } from './demo/otlp-sink.js';

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

  it('has a snippet for Node that sends what it records, run as it stands', async () => {
    const sink = await createOtlpSink();
    try {
      const code = /```js\n(import \{ metrics \}[\s\S]*?)```/.exec(readme)![1]!;
      expect(code).toContain('http://127.0.0.1:4318');
      const args = ['--input-type=module', '-e', code.replace('http://127.0.0.1:4318', sink.httpUrl)];
      await promisify(execFile)(process.execPath, args, { cwd: new URL('..', import.meta.url) });
      expect(sink.points).toMatchObject([{ name: 'response_time', unit: 'ms', count: 1, sum: 182 }]);
    } finally {
      await sink.close();
    }
  });

  it('shuts the provider of the snippet for Go down, which sends what it recorded', () => {
    expect(/```go\n([\s\S]*?)```/.exec(readme)![1]).toContain('defer provider.Shutdown(ctx)');
  });

  it('shows the two commands', () => {
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });
});
