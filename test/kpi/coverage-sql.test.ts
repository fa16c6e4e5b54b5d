/** kpi_coverage: which metrics feed which KPI, and why some cannot; against the series that select KPIs by themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/demo/random.js';
import { coverageSql } from '../../src/kpi/coverage-sql.js';
import { foldMetricName, foldMetricNameSql } from '../../src/kpi/folded-name.js';
import { placeTerms, termSql } from '../../src/kpi/kpi-terms.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { Kpi, Selector } from '../../src/model/kpi.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint, stringAttribute } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const KPIS = kpisOf(`
- name: response_time
  unit: s
  sources:
    - name: http
      average: { metric: http.server.request.duration, where_not: { http.route: [/healthz] }, shapes: [histogram] }
    - name: recorder
      average: response_time
- name: error_rate
  unit: '%'
  sources:
    - name: recorder
      ratio: { of: error_rate, to: throughput }
    - name: http
      ratio:
        of: { metric: http.server.request.duration, where: { http.response.status_code: '5*' } }
        to: http.server.request.duration
- name: users
  unit: '{user}'
  sources: [{ name: gauge, last: active_users }]
- name: cost
  unit: '{USD}'
  sources: [{ name: spent, sum: { of: cost } }]
`);

let stored: StoredMetrics;
let rows: Record<string, unknown>[];

const attributes = (values: Record<string, string>) =>
  Object.entries(values).map(([key, value]) => stringAttribute(key, value));
const timed = (name: string, unit: string, values: Record<string, string> = {}): OtlpMessage => ({
  name,
  unit,
  histogram: {
    dataPoints: [
      {
        timeUnixNano: BigInt(NOW_UNIX_MS) * 1_000_000n,
        count: 2n,
        sum: 3,
        bucketCounts: [2n],
        attributes: attributes(values),
      },
    ],
    aggregationTemporality: 1,
  },
});
const levelled = (name: string, unit: string): OtlpMessage => ({
  name,
  unit,
  gauge: { dataPoints: [numberPoint()] },
});
const counted = (name: string, unit: string): OtlpMessage => ({
  name,
  unit,
  sum: { dataPoints: [numberPoint()], aggregationTemporality: 2, isMonotonic: true },
});

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
  const route = { 'http.route': '/orders' };
  await stored.send(
    ofService(
      'shop',
      timed('http.server.request.duration', 's', route),
      timed('http.server.request.duration', 's', { ...route, 'http.response.status_code': '503' }),
      timed('http.server.request.duration', 's', { 'http.route': '/healthz' }),
      timed('response_time', 'ms'),
      counted('error_rate', '{error}'),
      levelled('throughput', '{request}'),
      timed('active_users', '{user}'),
    ),
  );
  await stored.send(
    ofService('bank', timed('response_time', ''), levelled('http.server.request.duration', 's')),
  );
  rows = await stored.sql(coverageSql(KPIS));
}, 60_000);
afterAll(() => stored.close());

const about = (kpi: string) =>
  rows
    .filter((row) => row.kpi === kpi)
    .map((row) => [
      row.source,
      row.term,
      row.metric,
      Number(row.series),
      row.services,
      Boolean(row.usable),
      row.reason,
    ]);

describe('kpi_coverage', () => {
  it('says which series feed a term, and which cannot because of their unit or shape', () => {
    expect(about('response_time')).toEqual([
      ['http', 'of', 'http.server.request.duration', 2, ['shop'], true, ''],
      [
        'http',
        'of',
        'http.server.request.duration',
        1,
        ['bank'],
        false,
        'it is a gauge, and a histogram is read',
      ],
      ['recorder', 'of', 'response_time', 1, ['shop'], true, ''],
      ['recorder', 'of', 'response_time', 1, ['bank'], false, "unit '' cannot be compared with s"],
    ]);
  });

  it('counts a series for each term that takes it, and says what has no amount', () => {
    expect(about('error_rate')).toEqual([
      ['recorder', 'numerator', 'error_rate', 1, ['shop'], true, ''],
      ['recorder', 'denominator', 'throughput', 1, ['shop'], false, 'a gauge has no amount to be read'],
      ['http', 'numerator', 'http.server.request.duration', 1, ['shop'], true, ''],
      ['http', 'denominator', 'http.server.request.duration', 3, ['shop'], true, ''],
      [
        'http',
        'denominator',
        'http.server.request.duration',
        1,
        ['bank'],
        false,
        'a gauge has no amount to be read',
      ],
    ]);
    expect(about('users')).toEqual([
      ['gauge', 'of', 'active_users', 1, ['shop'], false, 'a histogram has no last value to be read'],
    ]);
  });

  it('has a row for what nobody sends', () => {
    expect(about('cost')).toEqual([['spent', 'of', 'cost', 0, [], false, 'no series']]);
  });

  it('says when they were last seen, their units, types and rules', () => {
    const [row] = rows.filter((candidate) => candidate.kpi === 'response_time');
    expect(row).toMatchObject({
      types: ['histogram'],
      units: ['s'],
      rules: ['response-time'],
    });
    expect(String(row!.last_seen).slice(0, 19)).toBe(
      new Date(NOW_UNIX_MS).toISOString().slice(0, 19).replace('T', ' '),
    );
  });
});

describe('kpi_coverage of metrics that nearly feed a KPI', () => {
  const NEAR = kpisOf(`
- name: response_time
  unit: s
  sources:
    - { name: http, average: { metric: http.server.request.duration, shapes: [histogram] } }
    - { name: spans, average: { metric: near.span.duration, where: { span.kind: [SERVER, CONSUMER] }, where_not: { tier: [test] } } }
- name: error_rate
  unit: '%'
  sources:
    - name: mesh
      ratio:
        of: { metric: near_requests_total, where: { code: '5*' } }
        to: { metric: near_requests_total, where: { reporter: destination } }
    - name: plain
      ratio: { of: { metric: plain_requests_total, where: { code: '5*' } }, to: plain_requests_total }
    - name: coded
      ratio:
        of: { metric: coded_requests_total, where: { code: '5*' } }
        to: { any: [{ metric: coded_requests_total, where: { code: '*0*' } }, { metric: coded_requests_total, where: { status: '*0*' } }] }
`);
  let near: Record<string, unknown>[];
  const listed = (metric: string) =>
    near
      .filter((row) => row.metric === metric && Number(row.series) > 0)
      .map((row) => [row.kpi, row.source, row.term, Number(row.series), Boolean(row.usable), row.reason]);

  beforeAll(async () => {
    const of = (values: Record<string, string>) => ({
      dataPoints: [numberPoint({ attributes: attributes(values) })],
    });
    const sum = { aggregationTemporality: 2, isMonotonic: true };
    await stored.send(
      ofService(
        'near',
        timed('http_server_request_duration', 's'),
        timed('httpServerRequestDuration', 'By'),
        counted('http_server_request_duration_seconds_bucket', ''),
        timed('http.server.request.duration.of.all', 's'),
        levelled('http.server.request.duration.max', 's'),
        timed('near.span.duration', 'ms', { 'span.kind': 'CLIENT' }),
        timed('near.span.duration', 'ms', { 'span.kind': 'SERVER', tier: 'test' }),
        timed('near.span.duration', 'ms'),
        timed('near_span_duration_milliseconds', 'ms', { 'span.kind': 'CLIENT' }),
        { name: 'near_requests_total', sum: { ...of({ reporter: 'source', code: '200' }), ...sum } },
        { name: 'coded_requests_total', sum: { ...of({ handler: '/' }), ...sum } },
        { name: 'plain_requests_total', sum: { ...of({ code: '200' }), ...sum } },
      ),
    );
    near = await stored.sql(coverageSql(NEAR));
  });

  it('lists other spellings of a name with the KPI that they resemble, and what they lack besides', () => {
    const resembles = 'its name resembles http.server.request.duration';
    expect(listed('http_server_request_duration')).toEqual([
      ['response_time', 'http', 'of', 1, false, resembles],
    ]);
    expect(listed('httpServerRequestDuration')).toEqual([
      ['response_time', 'http', 'of', 1, false, `${resembles}, and unit 'By' cannot be compared with s`],
    ]);
    expect(listed('http_server_request_duration_seconds_bucket')).toEqual([
      ['response_time', 'http', 'of', 1, false, `${resembles}, and it is a counter, and a histogram is read`],
    ]);
  });

  it('lists no name that is another one, or that resembles one in other conditions only', () => {
    expect(listed('http.server.request.duration.of.all')).toEqual([]);
    // What Micrometer sends beside each timer.
    expect(listed('http.server.request.duration.max')).toEqual([]);
    expect(listed('near_span_duration_milliseconds')).toEqual([]);
  });

  it('says which attribute series lack where none of a metric fits', () => {
    expect(listed('near.span.duration').sort()).toEqual([
      ['response_time', 'spans', 'of', 1, false, 'it has no attribute span.kind'],
      ['response_time', 'spans', 'of', 1, false, 'its attribute span.kind is not SERVER or CONSUMER'],
      ['response_time', 'spans', 'of', 1, false, 'its attribute tier is test, which is left out'],
    ]);
    expect(listed('near_requests_total')).toEqual([
      ['error_rate', 'mesh', 'denominator', 1, false, 'its attribute reporter is not destination'],
    ]);
  });

  it('says which of several attributes would do', () => {
    expect(listed('coded_requests_total')).toEqual([
      [
        'error_rate',
        'coded',
        'denominator',
        1,
        false,
        'it has no attribute code, or it has no attribute status',
      ],
    ]);
  });

  it('takes no offence at a numerator without series: nothing failed', () => {
    expect(listed('plain_requests_total')).toEqual([['error_rate', 'plain', 'denominator', 1, true, '']]);
    expect(
      near.filter((row) => row.metric === 'plain_requests_total' && row.term === 'numerator'),
    ).toMatchObject([{ series: expect.anything(), reason: 'no series fits the conditions' }]);
  });

  it('folds names in SQL as in TypeScript', async () => {
    const names = [
      ...[
        'http.server.requests',
        'httpServerRequests',
        'http_server_requests_seconds_total',
        'a',
        'total',
        '_total',
        '',
      ],
      ...[
        'calls',
        'Calls_Total',
        'up',
        'x_bytes_bucket',
        'x.ms',
        'x..y--z',
        'HTTPServer',
        'été.total',
        'a_seconds_sum',
        'xTotal',
      ],
    ];
    const rows = await stored.sql<{ name: string; folded: string }>(
      `SELECT arrayJoin([${names.map((name) => `'${name}'`).join(', ')}]) AS name, ${foldMetricNameSql('name')} AS folded`,
    );
    expect(rows.map(({ folded }) => folded)).toEqual(names.map(foldMetricName));
    expect(foldMetricName('httpServerRequests')).toBe('http_server_requests');
    expect(foldMetricName('http_server_requests_seconds_total')).toBe('http_server_requests');
  });
});

describe('the selectors of kpi_coverage', () => {
  it('take the series that the SQL of KPIs takes', async () => {
    const random = createRandom(7);
    const values = ['/orders', '/healthz', '/o*', '*z', '50*', '503', 'shop', 'b*k', ''];
    const conditions = () =>
      Object.fromEntries(
        random
          .pick([[], [], [], ['http.route'], ['http.response.status_code', 'service'], ['service.name']])
          .map((name) => [
            name,
            random.pick([[], [random.pick(values)], [random.pick(values), random.pick(values)]]),
          ]),
      );
    const selector = (): Selector => ({
      metric: random.pick(['http.server.request.duration', 'response_time', 'throughput', 'active_users']),
      where: conditions(),
      whereNot: conditions(),
      shapes: random.pick([[], [], ['number'], ['histogram', 'summary']]),
    });
    const kpis = Array.from({ length: 150 }, (_, i): Kpi => {
      const of = {
        selectors: random.pick([[selector()], [selector(), selector()]]),
        measure: random.pick(['amount', 'total', 'average', 'last'] as const),
        across: 'average' as const,
      };
      const unit = random.pick(['s', '1', '{request}']);
      return {
        ...KPIS[0]!,
        name: `kpi_${i}`,
        unit,
        sources: [{ name: 'only', formula: { kind: 'average', of } }],
      };
    });
    const taken = await stored.sql(
      `SELECT ${kpis.map((kpi) => `countIf(${termSql(placeTerms(kpi)[0]!)}) AS ${kpi.name}`).join(', ')} FROM series FINAL`,
    );
    const covered = await stored.sql(
      `SELECT kpi, sumIf(series, usable) AS series FROM (${coverageSql(kpis)}) GROUP BY kpi`,
    );
    expect(Object.fromEntries(covered.map(({ kpi, series }) => [kpi, series]))).toEqual(taken[0]);
    expect(Object.values(taken[0]!).filter((count) => Number(count) > 0).length).toBeGreaterThan(20);
  });
});

describe('the published view', () => {
  it('has a name that no KPI can take', () => {
    expect(() => kpisOf('{ name: coverage, unit: s, sources: [{ name: a, average: b }] }')).toThrow(
      'kpi_coverage is a view of all KPIs',
    );
  });

  it('answers for the KPIs that there are, and is gone with the last of them', async () => {
    const publish = (kpis: readonly Kpi[]) =>
      publishCatalogue(
        { kpis, folders: [], warnings: [] },
        { clickhouse: stored.clickhouse, facts: FACTS, readQuery, nowUnixMs: NOW_UNIX_MS },
      );
    await publish(KPIS.slice(2));
    expect(await stored.sql('SELECT DISTINCT kpi FROM kpi_coverage ORDER BY kpi')).toEqual([
      { kpi: 'cost' },
      { kpi: 'users' },
    ]);
    await publish([]);
    expect(await stored.sql("SELECT name FROM system.tables WHERE name LIKE 'kpi\\_%'")).toEqual([]);
  });
});
