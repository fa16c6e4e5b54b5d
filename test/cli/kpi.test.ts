/**
 * `plumbline kpi` against the SQL port of a stored catalogue and metrics that came as OTLP. What it prints is worked out here
 * from the events themselves. Exit codes and complaints come from the program itself (dist/, so built before).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKpiCommand } from '../../src/cli/kpi.js';
import { KPI_COLUMNS } from '../../src/kpi/compile-kpi.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { Slo } from '../../src/kpi/slo.js';
import type { Kpi } from '../../src/model/kpi.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { numberPoint } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
/** 2023-11-14 22:13:20 UTC. */
const NOW_S = NOW_UNIX_MS / 1000;
const AT = new Date(NOW_UNIX_MS).toISOString();
const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

const BEFORE = kpisOf(`
- name: error_rate
  title: Error Rate
  category: system_performance
  subcategory: error_rates
  unit: '%'
  target: 2
  critical: 8
  data_type: ratio
  completeness_min: 0
  group_by: [service]
  slo: { objective: 0.99, window: 30d }
  sources: [{ name: recorder, ratio: { of: errors, to: requests } }]
  runbook: docs/runbooks/error_rate.md
  alerts: [{ level: critical, severity: high, notify: [email], for: 5m, message: Too many errors }]
`);
const AFTER = [
  { ...BEFORE[0]!, target: 1, critical: 5 },
  ...kpisOf(`
- name: response_time
  title: Response Time
  unit: s
  target: 2
  critical: 3
  completeness_min: 0
  group_by: [service, { route: [http.route, endpoint] }]
  sources: [{ name: recorder, average: response_time }]
- name: success_rate
  category: quality_indicators
  unit: '1'
  direction: higher_is_better
  target: 0.99
  data_type: ratio
  sources: [{ name: recorder, ratio: { of: errors, to: requests, complement: true } }]
- { name: hit_rate, unit: '1', direction: higher_is_better, target: 0.5, sources: [{ name: recorder, ratio: { of: hits, to: requests } }] }
- { name: miss_rate, unit: '1', target: 0.5, sources: [{ name: recorder, ratio: { of: hits, to: requests, complement: true } }] }
- { name: availability, unit: '%', direction: higher_is_better, target: 90, window: 1h, completeness_min: 0, stale_after: 1h, sources: [{ name: checks, uptime: up }] }
- { name: daily_cost, unit: '{USD}', target: 10, data_type: money, window: 1d, stale_after: 1d, completeness_min: 0, sources: [{ name: bills, sum: { of: cost } }] }
- { name: other_shape, unit: s, target: 1, sources: [{ name: gauges, last: response_time }] }
- { name: never_sent, unit: s, target: 1, sources: [{ name: recorder, average: nobody.sends.this }, { name: mesh, fallback: true, average: no.mesh.either }] }
`),
];

interface Requests {
  agoS: number;
  service: string;
  requests: number;
  errors: number;
  hits: number;
}

/** Counted over time, deltas: every window has sums of its own. */
const REQUESTS: Requests[] = [
  { agoS: 20 * DAY_S, service: 'shop', requests: 100_000, errors: 300, hits: 40_000 },
  { agoS: 2 * DAY_S, service: 'shop', requests: 50_000, errors: 400, hits: 30_000 },
  { agoS: 20 * HOUR_S, service: 'bank', requests: 20_000, errors: 600, hits: 10_000 },
  { agoS: 5 * HOUR_S, service: 'bank', requests: 4_000, errors: 60, hits: 1_000 },
  { agoS: 100 * MINUTE_S, service: 'shop', requests: 2_000, errors: 30, hits: 900 },
  { agoS: 25 * MINUTE_S, service: 'shop', requests: 1_000, errors: 40, hits: 500 },
  { agoS: 12 * MINUTE_S, service: 'bank', requests: 1_000, errors: 0, hits: 500 },
  { agoS: 2 * MINUTE_S, service: 'shop', requests: 500, errors: 50, hits: 400 },
  { agoS: 2 * MINUTE_S, service: 'bank', requests: 1_500, errors: 30, hits: 600 },
];
const UP = [1, 1, 0, 1, 1, 1, 0, 1, 1, 1];

function sumOf(field: 'requests' | 'errors' | 'hits', windowS: number, service?: string): number {
  return REQUESTS.filter((each) => each.agoS <= windowS && (service ?? each.service) === each.service).reduce(
    (sum, each) => sum + each[field],
    0,
  );
}

const nanos = (agoS: number) => BigInt(NOW_S - agoS) * 1_000_000_000n;
const at = (agoS: number, asDouble: number) => numberPoint({ timeUnixNano: nanos(agoS), asDouble });
const counter = (name: string, ...dataPoints: OtlpMessage[]): OtlpMessage => ({
  name,
  sum: { dataPoints, aggregationTemporality: 1, isMonotonic: true },
});
const level = (name: string, ...dataPoints: OtlpMessage[]): OtlpMessage => ({ name, gauge: { dataPoints } });
/** `count` answers of `meanMs` each. */
const timed = (agoS: number, count: number, meanMs: number, route: string): OtlpMessage => ({
  name: 'response_time',
  unit: 'ms',
  histogram: {
    aggregationTemporality: 1,
    dataPoints: [
      {
        timeUnixNano: nanos(agoS),
        count: BigInt(count),
        sum: count * meanMs,
        bucketCounts: [BigInt(count)],
        attributes: [{ key: 'http.route', value: { stringValue: route } }],
      },
    ],
  },
});

let stored: StoredMetrics;
let endpoint: ReturnType<typeof createSqlEndpoint>;

const publish = (kpis: Kpi[], agoS: number) =>
  publishCatalogue(
    { kpis, folders: [], warnings: [] },
    { clickhouse: stored.clickhouse, facts: FACTS, readQuery, nowUnixMs: NOW_UNIX_MS - agoS * 1000 },
  );

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
  const countedBy = (service: string) =>
    (['requests', 'errors', 'hits'] as const).map((name) =>
      counter(
        name,
        ...REQUESTS.filter((each) => each.service === service).map((each) => at(each.agoS, each[name])),
      ),
    );
  const shop = ofService(
    'shop',
    ...countedBy('shop'),
    timed(60, 10, 400, '/cart'),
    timed(90, 10, 600, '/pay'),
    level('up', ...UP.map((value, i) => at((30 - i) * MINUTE_S, value))),
    counter('cost', at(10 * HOUR_S, 5.15), at(HOUR_S, 3.25)),
  );
  const bank = ofService('bank', ...countedBy('bank'), timed(60, 20, 4000, '/transfer\u001b[31m'));
  await stored.send({
    resourceMetrics: [shop, bank].flatMap((each) => each.resourceMetrics as OtlpMessage[]),
  });
  await stored.sql('SELECT 1');
  await publish(BEFORE, 3 * HOUR_S);
  await publish(AFTER, 20 * MINUTE_S);
  await stored.clickhouse.command(
    `INSERT INTO metric_definitions (metric_name, definition, active, valid_from)
     VALUES ('from_the_future', {definition:String}, true, {at:DateTime64(3, 'UTC')})`,
    { params: { definition: JSON.stringify(fromTheFuture()), at: '2023-11-14 22:00:00' } },
  );
  endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: stored.clickhouse, readOnly: true });
  await endpoint.start();
  await endpoint.open();
}, 60_000);
afterAll(async () => {
  await endpoint.shutdown(0);
  await stored.close();
});

/** A KPI of a newer Plumbline, whose formula this one cannot read. */
function fromTheFuture(): unknown {
  return { ...AFTER[0]!, name: 'from_the_future', sources: [{ name: 'x', formula: { kind: 'oracle' } }] };
}

function environment(): Record<string, string> {
  return { PLUMBLINE_SQL_PORT: String(endpoint.address().port), PLUMBLINE_WEB_PORT: '0' };
}

/** The command in this process: what it prints. */
async function run(...args: string[]): Promise<string> {
  Object.assign(process.env, environment());
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await createKpiCommand().parseAsync(args, { from: 'user' });
    return written.mock.calls.map(([chunk]) => String(chunk)).join('');
  } finally {
    written.mockRestore();
  }
}

const runJson = async (...args: string[]) => JSON.parse(await run(...args, '--json'));

/** The program itself. */
async function runProgram(...args: string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment() };
  const child = spawn(process.execPath, [main, 'kpi', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { stdout, stderr, code };
}

const cells = (line: string | undefined) => (line ?? '').trim().split(/ {2,}/);
const rowOf = (printed: string, name: string) =>
  cells(printed.split('\n').find((line) => cells(line).includes(name)));

describe('plumbline kpi list and show', () => {
  test('list names every KPI with its thresholds', async () => {
    const printed = await run('list');
    expect(cells(printed.split('\n')[0])).toEqual([
      'KPI',
      'title',
      'category',
      'unit',
      'better',
      'target',
      'critical',
      'window',
      'sources',
    ]);
    expect(rowOf(printed, 'error_rate')).toEqual([
      'error_rate',
      'Error Rate',
      'system_performance/error_rates',
      '%',
      'lower',
      '≤ 1 %',
      '≥ 5 %',
      '5m',
      'recorder',
    ]);
    const some = await runJson('list', '--category', 'quality_indicators');
    expect(some).toMatchObject([
      { name: 'success_rate', target: 0.99, critical: null, sources: ['recorder'] },
    ]);
  });

  test('show says in words how a KPI is measured, since when, and how its groups stand', async () => {
    const printed = await run('show', 'error_rate', '--at', AT);
    expect(printed).toContain('recorder  count of errors ÷ count of requests');
    expect(printed).toContain('99 % of events good in 30d');
    expect(printed).toContain('docs/runbooks/error_rate.md');
    expect(printed).toContain('critical ≥ 5 % for 5m: severity high, to email: Too many errors');
    expect(printed).toContain('since 2023-11-14 21:53:20Z, version 2 of its definition');
    expect(rowOf(printed, 'service=shop').slice(0, 3)).toEqual(['✖ critical', 'service=shop', '10 %']);
  });

  test('list counts fallbacks, and show marks them', async () => {
    const line = (await run('list')).split('\n').find((text) => text.startsWith('never_sent'))!;
    expect(line).toContain('recorder, 1 fallback');
    const shown = await run('show', 'never_sent');
    expect(shown).toContain('  2* mesh      average of all values of no.mesh.either');
    expect(shown).toContain('  * fallback: gives groups of a service only where');
  });

  test('show --sql gives SQL that answers the same', async () => {
    const sql = await run('show', 'error_rate', '--at', AT, '--sql');
    const rows = await stored.clickhouse.query<{ value: number; group: string[] }>(sql);
    expect(rows.map(({ value, group }) => [group, value])).toEqual([
      [[], 4],
      [['bank'], 2],
      [['shop'], 10],
    ]);
  });
});

describe('plumbline kpi status', () => {
  const SHOWN = [
    'response_time',
    'daily_cost',
    'availability',
    'never_sent',
    'other_shape',
    'from_the_future',
  ];

  test('shows value, target, distance, samples, coverage, age and reason of each KPI', async () => {
    const printed = await run('status', ...SHOWN, '--at', AT);
    expect(printed.split('\n')[0]).toBe('At 2023-11-14 22:13:20Z');
    // 10 × 0.4 s, 10 × 0.6 s and 20 × 4 s, in 2 of the 6 minutes from 22:08.
    expect(rowOf(printed, 'response_time')).toEqual([
      '▲ warning',
      'response_time',
      '2.25 s',
      '≤ 2 s',
      '-12.5 %',
      '40',
      '33.3 %',
      '60 s',
      'misses target 2 s',
    ]);
    expect(rowOf(printed, 'daily_cost').slice(0, 5)).toEqual([
      '✔ on target',
      'daily_cost',
      '$8.40',
      '≤ $10.00',
      '+16 %',
    ]);
    expect(rowOf(printed, 'never_sent')).toEqual([
      '? unknown',
      'never_sent',
      '–',
      '≤ 1 s',
      '0',
      '0 %',
      '–',
      'no data',
    ]);
    expect(rowOf(printed, 'other_shape').at(-1)).toBe('no data');
    expect(rowOf(printed, 'from_the_future').slice(0, 2)).toEqual(['! error', 'from_the_future']);
    expect(printed).toContain('1 could not be read');
  });

  test('shows groups below their KPI, the worst first, and nothing of their names moves the cursor', async () => {
    const printed = await run('status', 'response_time', '--at', AT, '--by-group', '--limit', '2');
    const rows = printed
      .split('\n')
      .slice(3, 8)
      .map((line) => cells(line).slice(0, 3));
    expect(rows).toEqual([
      ['System Performance'],
      ['▲ warning', 'response_time', '2.25 s'],
      ['✖ critical', 'service=bank, route=/transfer·[31m', '4 s'],
      ['✔ on target', 'service=shop, route=/cart', '400 ms'],
      ['… 1 more group', 'raise --limit to see them'],
    ]);
  });

  test('of one group, over another window, in JSON', async () => {
    const { at: time, kpis } = await runJson(
      'status',
      'error_rate',
      'success_rate',
      '--group',
      'service=shop',
      '--window',
      '1h',
      '--at',
      AT,
    );
    expect(time).toBe(AT);
    // success_rate has no services to choose from.
    expect(kpis.map(({ name }: Kpi) => name)).toEqual(['error_rate']);
    const { rows } = kpis[0];
    const value = (100 * sumOf('errors', HOUR_S, 'shop')) / sumOf('requests', HOUR_S, 'shop');
    expect(rows).toMatchObject([
      {
        group: { service: 'shop' },
        value,
        status: 'critical',
        target: 1,
        samples: sumOf('requests', HOUR_S, 'shop'),
      },
    ]);
    expect(rows[0].distance).toBeCloseTo(1 - value, 9);
  });

  test('judges the past with the thresholds of the past', async () => {
    const { kpis } = await runJson('status', 'error_rate', '--at', '2023-11-14T21:50');
    expect(kpis[0].rows).toMatchObject([{ value: 4, status: 'warning', target: 2, critical: 8 }]);
  });
});

describe('plumbline kpi history', () => {
  test('shows each step with the thresholds then, gaps, and what changed', async () => {
    const printed = await run('history', 'error_rate', '--at', AT, '--since', '2h', '--step', '10m');
    const redefined = 'definition 2023-11-14 21:53:20Z: target 2 % → 1 %, critical 8 % → 5 %';
    expect(printed.split('\n').slice(2).map(cells)).toEqual([
      ['from (UTC)', 'value', 'status', 'target', 'critical', 'samples', 'what changed'],
      ['2023-11-14 20:10:00', 'no data, 2 steps'],
      ['2023-11-14 20:30:00', '1.5 %', '✔ on target', '≤ 2 %', '≥ 8 %', '2,000'],
      ['2023-11-14 20:40:00', 'no data, 6 steps'],
      ['2023-11-14 21:40:00', '4 %', '▲ warning', '≤ 2 %', '≥ 8 %', '1,000', 'on target → warning'],
      ['2023-11-14 21:50:00', 'no data', redefined],
      ['2023-11-14 22:00:00', '0 %', '✔ on target', '≤ 1 %', '≥ 5 %', '1,000', 'warning → on target'],
      ['2023-11-14 22:10:00', '4 %', '▲ warning', '≤ 1 %', '≥ 5 %', '2,000', 'on target → warning'],
      [''],
      ['On target in 2 of 4 measured steps (50 %, 50 % of samples)'],
      [''],
    ]);
  });

  test('of a group, in JSON', async () => {
    const history = ['history', 'error_rate', '--group', 'service=bank', '--since', '1d', '--step', '6h'];
    const { definitions, groups, ...rest } = await runJson(...history, '--at', AT);
    expect(rest).toMatchObject({
      name: 'error_rate',
      from: '2023-11-13T18:00:00.000Z',
      to: AT,
      stepS: 21_600,
    });
    expect(definitions.map(({ changes }: { changes: string[] }) => changes[0])).toEqual([
      'put into the catalogue',
      'target 2 % → 1 %',
    ]);
    expect(groups).toMatchObject([
      {
        group: { service: 'bank' },
        // 600 of 20,000; then 60 of 4,000; then 30 of 2,500.
        steps: [
          { time: '2023-11-14T00:00:00.000Z', value: 3, status: 'warning', target: 2, marks: [] },
          { time: '2023-11-14T12:00:00.000Z', value: 1.5, status: 'on_target', target: 2 },
          { time: '2023-11-14T18:00:00.000Z', value: 1.2, status: 'warning', target: 1 },
        ],
        attainment: { stepsMeasured: 3, stepsOnTarget: 1, bySamples: 4_000 / 26_500 },
      },
    ]);
  });
});

describe('plumbline kpi slo', () => {
  /** What the command says of windows that end with the last whole minute, all of which events keep clear of. */
  const burn = (windowS: number, service?: string) =>
    sumOf('errors', windowS, service) / sumOf('requests', windowS, service) / 0.01;

  test('shows budgets of event KPIs, and how the others kept their targets', async () => {
    const names = ['success_rate', 'response_time'];
    const printed = await run('slo', ...names, '--window', '1d', '--at', AT);
    const [bad, total] = [sumOf('errors', DAY_S), sumOf('requests', DAY_S)];
    const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
    expect(rowOf(printed, 'success_rate')).toEqual([
      '✖ budget spent',
      'success_rate',
      '99 %',
      percent(1 - bad / total),
      '1d',
      total.toLocaleString('en-US'),
      String(bad),
      `${Math.round(1000 - (1000 * bad) / (0.01 * total)) / 10} %`,
    ]);
    // Minute by minute: 10 × 0.6 s, then 10 × 0.4 s with 20 × 4 s.
    expect(rowOf(printed, 'response_time').slice(1)).toEqual([
      '2.25 s',
      '≤ 2 s',
      '-12.5 %',
      '50 %',
      '25 %',
      '2',
      '1d',
    ]);
  });

  test('has budgets and burn rates of all and of each group in JSON, the emptiest budget first', async () => {
    const { kpis } = await runJson('slo', 'error_rate', '--by-group', '--at', AT);
    const windows = [
      [HOUR_S, 5 * MINUTE_S],
      [6 * HOUR_S, 30 * MINUTE_S],
      [DAY_S, 2 * HOUR_S],
      [3 * DAY_S, 6 * HOUR_S],
    ] as const;
    for (const [n, service] of [undefined, 'bank', 'shop'].entries()) {
      const slo = kpis[0].slos[n];
      const [bad, total] = [sumOf('errors', 30 * DAY_S, service), sumOf('requests', 30 * DAY_S, service)];
      const group = service === undefined ? null : { service };
      expect(slo).toMatchObject({ group, good: total - bad, bad, total, objective: 0.99, state: 'ticket' });
      expect(slo.budgetLeft).toBeCloseTo(1 - bad / (0.01 * total), 9);
      for (const [i, [longS, shortS]] of windows.entries()) {
        expect(slo.burns[i]).toMatchObject({ longS, shortS });
        expect(slo.burns[i].longRate).toBeCloseTo(burn(longS, service), 9);
        expect(slo.burns[i].shortRate).toBeCloseTo(burn(shortS, service), 9);
      }
    }
  });

  test('of no names in particular leaves out what counts no events, and says so', async () => {
    const printed = await run('slo', '--window', '1h', '--group', 'service=bank', '--at', AT);
    expect(rowOf(printed, 'error_rate').slice(0, 3)).toEqual([
      '✖ budget spent',
      'error_rate',
      'service=bank',
    ]);
    expect(printed).toContain('2 more KPIs count no events');
  });

  test('counts as good what makes the KPI better, whichever way it counts', async () => {
    const names = ['hit_rate', 'miss_rate', 'availability'];
    const { kpis } = await runJson('slo', ...names, '--window', '1d', '--at', AT);
    const answers = new Map(kpis.map((kpi: { name: string }) => [kpi.name, kpi])) as Map<
      string,
      { slos: Slo[] }
    >;
    const [requests, hits] = [sumOf('requests', DAY_S), sumOf('hits', DAY_S)];
    const goodOf = (name: string) => answers.get(name)!.slos[0];
    expect(goodOf('hit_rate')).toMatchObject({ good: hits, total: requests, objective: 0.5 });
    expect(goodOf('miss_rate')).toMatchObject({ good: hits, total: requests, objective: 0.5 });
    expect(goodOf('availability')).toMatchObject({
      good: 8,
      bad: 2,
      total: 10,
      objective: 0.9,
      state: 'spent',
    });
  });
});

describe('docs/kpis.md', () => {
  const document = readFileSync(new URL('../../docs/kpis.md', import.meta.url), 'utf8');

  test('has SQL that runs', async () => {
    const statements = [...document.matchAll(/^```sql\n(.*?);\n```$/gms)].map(([, sql]) => sql!);
    expect(statements.length).toBeGreaterThan(3);
    for (const sql of statements) await stored.clickhouse.query(sql);
  });

  test('names every column of a view', () => {
    const named = new Set([...document.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
    expect(KPI_COLUMNS.filter((column) => !named.has(column))).toEqual([]);
  });
});

describe('what plumbline kpi says besides', () => {
  test('a program ends with 1 for --exit-code where anything is critical, and for a time that is none', async () => {
    const [critical, time] = await Promise.all([
      runProgram('status', 'error_rate', '--group', 'service=shop', '--exit-code', '--at', AT),
      runProgram('history', 'error_rate', '--at', 'yesterday'),
    ]);
    expect(critical).toMatchObject({ code: 1, stderr: '' });
    expect(critical.stdout).toContain('✖ critical');
    expect(time).toMatchObject({ code: 1, stderr: expect.stringContaining('2h for two hours ago') });
  });

  test('a time in the future is refused, with the time that it is', async () => {
    for (const command of [['status'], ['history', 'error_rate'], ['show', 'error_rate'], ['slo']]) {
      await expect(run(...command, '--at', '2999-01-01')).rejects.toThrow(
        /--at 2999-01-01T00:00:00Z is in the future: it is 20\d\d-.*Z now/,
      );
    }
  });

  test('files of a catalogue that cannot be used are named beside the KPIs in force', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-kpi-'));
    writeFileSync(join(folder, 'kpis'), 'no folder');
    vi.stubEnv('PLUMBLINE_CATALOGUE', folder);
    const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const { kpis } = await runJson('status', 'response_time', '--at', AT);
      expect(kpis[0].rows[0].status).toBe('warning');
      expect(String(errors.mock.calls[0]![0])).toMatch(/^notice: .* cannot read .*kpis \(ENOTDIR\)\n$/);
    } finally {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    }
  });

  test('names, categories and groups that are none are met with those that were meant', async () => {
    await expect(run('show', 'eror_rate')).rejects.toThrow('did you mean "error_rate"?');
    await expect(run('list', '--category', 'quality')).rejects.toThrow('system_performance');
    await expect(run('status', '--group', 'servce=shop')).rejects.toThrow('did you mean "service"?');
    await expect(run('history', 'success_rate', '--group', 'service=shop')).rejects.toThrow('no groups here');
  });
});
