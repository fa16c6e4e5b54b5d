/** `plumbline kpi check`: files with everything wrong at its line, and what a catalogue would say and change on stored data. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKpiCommand } from '../../src/cli/kpi.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint } from '../testkit/otlp-message.js';
import { ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-check-'));
const AT = new Date(NOW_UNIX_MS).toISOString();
let stored: StoredMetrics;
let endpoint: ReturnType<typeof createSqlEndpoint>;

function writeCatalogue(name: string, yaml: string): string {
  mkdirSync(join(directory, name, 'kpis'), { recursive: true });
  writeFileSync(join(directory, name, 'kpis', 'all.yaml'), yaml);
  return join(directory, name);
}

const kpi = (name: string, rest: string) => `- name: ${name}
  title: ${name}
  category: system_performance
  subcategory: response_times
  description: For a test.
  owner: tests
  direction: lower_is_better
  completeness_min: 0
  ${rest}
`;
const LATENCY = 'unit: s\n  sources: [{ name: a, average: latency }]\n  group_by: [service]';
const BEFORE =
  kpi('latency', `target: 1\n  ${LATENCY}`) +
  kpi('old', `target: 2\n  ${LATENCY}`) +
  kpi('same', `target: 3\n  ${LATENCY}`);
const AFTER =
  kpi('latency', `target: 0.3\n  critical: 0.45\n  ${LATENCY}`) +
  kpi('fresh', `target: 0.1\n  ${LATENCY}`) +
  kpi('same', `target: 3\n  ${LATENCY}`);

const level = (value: number): OtlpMessage => ({
  name: 'latency',
  unit: 'ms',
  gauge: {
    dataPoints: [numberPoint({ timeUnixNano: BigInt(NOW_UNIX_MS - 60_000) * 1_000_000n, asDouble: value })],
  },
});

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
  await stored.send(ofService('shop', level(500)));
  await stored.send(ofService('bank', level(200)));
  const categories = [{ id: 'system_performance', subcategories: [{ id: 'response_times' }] }];
  const catalogue = await loadCatalogue({ folders: [writeCatalogue('before', BEFORE)], categories });
  await publishCatalogue(catalogue, {
    clickhouse: stored.clickhouse,
    facts: FACTS,
    readQuery,
    nowUnixMs: NOW_UNIX_MS - 3_600_000,
  });
  endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: stored.clickhouse, readOnly: true });
  await endpoint.start();
  await endpoint.open();
}, 60_000);
afterAll(async () => {
  await endpoint.shutdown(0);
  await stored.close();
  rmSync(directory, { recursive: true });
});

/** What the command prints, and its exit code. */
async function run(...args: string[]) {
  const port = String(endpoint.address().port);
  Object.assign(process.env, { PLUMBLINE_SQL_PORT: port, PLUMBLINE_CATALOGUE_BUILT_IN: 'false' });
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const codeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    await createKpiCommand().parseAsync(['check', ...args], { from: 'user' });
    const stdout = written.mock.calls.map(([chunk]) => String(chunk)).join('');
    return { stdout, lines: stdout.split('\n'), code: process.exitCode ?? 0 };
  } finally {
    written.mockRestore();
    process.exitCode = codeBefore;
  }
}

describe('plumbline kpi check', () => {
  test('lists everything that is wrong with file and line, and ends with 1', async () => {
    const folder = writeCatalogue('broken', kpi('latency', `target: fast\n  targt: 1\n  ${LATENCY}`));
    const { lines, code } = await run(folder);
    expect(code).toBe(1);
    const file = join(folder, 'kpis', 'all.yaml');
    expect(lines.slice(0, 3)).toEqual([
      `${folder}: 2 problems`,
      `  ${file}:9: latency: target must be a number, in the KPI's unit`,
      `  ${file}:10: latency: unknown key "targt" (did you mean "target"?)`,
    ]);
    const { problems } = JSON.parse((await run(folder, '--json')).stdout);
    expect(problems[0]).toEqual({
      file,
      line: 9,
      reason: "latency: target must be a number, in the KPI's unit",
    });
  });

  test('shows what each KPI says of stored data, judged by the files, and what would change', async () => {
    const folder = writeCatalogue('after', AFTER);
    const { stdout, lines, code } = await run(folder, '--at', AT);
    expect(lines[0]).toBe(`${folder}: 3 KPIs, no problems`);
    expect(code).toBe(0);
    const rows = lines.map((line) => line.trim().split(/ {2,}/));
    expect(rows.find((row) => row[1] === 'latency')).toEqual([
      '▲ warning',
      'latency',
      '350 ms',
      '2',
      'a',
      '2',
      'misses target 0.3 s',
    ]);
    expect(rows.find((row) => row[1] === 'fresh')).toEqual([
      '▲ warning',
      'fresh',
      '350 ms',
      '2',
      'a',
      '2',
      'misses target 0.1 s',
    ]);
    expect(stdout.slice(stdout.indexOf('Against the definitions')).trimEnd().split('\n').slice(1)).toEqual([
      '  + fresh  is new',
      '  ~ latency  target 1 → 0.3, critical none → 0.45',
      '      all: on target → warning, at 350 ms (misses target 0.3 s)',
      '      service=shop: on target → critical, at 500 ms (at or above critical 0.45 s)',
      '  - old  is in force and not in these files',
    ]);
  });

  test('answers in JSON', async () => {
    const folder = writeCatalogue('after', AFTER);
    const report = JSON.parse((await run(folder, '--at', AT, '--json')).stdout);
    expect(report).toMatchObject({ problems: [], removed: ['old'], at: AT });
    const latency = report.results.find((result: { kpi: string }) => result.kpi === 'latency');
    expect(latency).toMatchObject({
      error: '',
      isNew: false,
      groups: 2,
      now: { value: 0.35, status: 'warning', samples: 2, source: 'a', target: 0.3 },
      inForce: { value: 0.35, status: 'on_target', target: 1 },
      changes: [
        { key: 'target', from: 1, to: 0.3 },
        { key: 'critical', from: null, to: 0.45 },
      ],
      statusChanges: [
        { group: null, from: 'on_target', to: 'warning' },
        { group: { service: 'shop' }, from: 'on_target', to: 'critical' },
      ],
    });
  });

  test('needs no server: it says that it asked none', async () => {
    const folder = writeCatalogue('after', AFTER);
    const files = await run(folder, '--files-only');
    expect([files.lines.slice(0, 3), files.code]).toEqual([
      [`${folder}: 3 KPIs, no problems`, '', 'Asked no server.'],
      0,
    ]);
    vi.stubEnv('CLICKHOUSE_URL', 'http://127.0.0.1:1');
    try {
      const away = await run(folder);
      expect([away.lines[2], away.code]).toEqual([
        'Checked the files only: nothing answers at http://127.0.0.1:1.',
        0,
      ]);
    } finally {
      vi.unstubAllEnvs();
    }
    await expect(run(folder, '--url', 'http://127.0.0.1:1')).rejects.toThrow('nothing listens');
    await expect(run(join(directory, 'nowhere'))).rejects.toThrow('is no folder that can be read');
  });
});
