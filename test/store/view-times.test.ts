/**
 * Times given to views mean the same moment in any time zone of the session, in any form that has a moment, on days on which
 * clocks are changed too. See docs/increase.md, "Times".
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKpiReader } from '../../src/kpi/kpi-reader.js';
import { readKinds } from '../../src/kpi/metric-kinds.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { Catalogue } from '../../src/model/kpi.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { stringAttribute } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

/** Clocks are put forward in Berlin at the first of these, and back at the second. */
const SPRING_S = Date.UTC(2026, 2, 29, 1) / 1000;
const AUTUMN_S = Date.UTC(2026, 9, 25, 1) / 1000;
const HOUR_S = 3_600;
/** Before and after, each with a point every half hour. */
const REACH_S = 5 * HOUR_S;
const ZONES = ['Asia/Tokyo', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata'];

const KPIS = kpisOf(`
- { name: jobs, unit: '{job}', window: 1h, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, sum: { of: { metric: zone.jobs, measure: amount } } }] }
- { name: slow, unit: s, window: 1h, samples_min: 0, completeness_min: 0, stale_after: 1h, sources: [{ name: a, percentile: { of: zone.times, quantile: p95 } }] }
`);

let stored: StoredMetrics;

function pointsAt(unixS: number, i: number) {
  const nanos = BigInt(unixS) * 1_000_000_000n;
  const time = { startTimeUnixNano: nanos - 1_000_000_000n, timeUnixNano: nanos };
  const exemplars = [
    { timeUnixNano: nanos, asDouble: i, filteredAttributes: [stringAttribute('user', 'ada')] },
  ];
  const delta = { aggregationTemporality: 1 };
  const recorded = { count: 2n, sum: i / 10, explicitBounds: [1, 2], bucketCounts: [1n, 1n, 0n] };
  const jobs = { ...delta, isMonotonic: true, dataPoints: [{ ...time, asInt: BigInt(i), exemplars }] };
  const positive = { offset: 0, bucketCounts: [1n, 1n] };
  const quantileValues = [{ quantile: 0.5, value: i }];
  return [
    { name: 'zone.level', gauge: { dataPoints: [{ timeUnixNano: nanos, asInt: BigInt(i) }] } },
    { name: 'zone.jobs', unit: '{job}', sum: jobs },
    { name: 'zone.times', unit: 's', histogram: { ...delta, dataPoints: [{ ...time, ...recorded }] } },
    {
      name: 'zone.more_times',
      unit: 's',
      exponentialHistogram: { ...delta, dataPoints: [{ ...time, count: 2n, sum: 3, scale: 0, positive }] },
    },
    { name: 'zone.summary', summary: { dataPoints: [{ ...time, count: 1n, sum: i, quantileValues }] } },
  ];
}

beforeAll(async () => {
  stored = await openStoredMetrics((AUTUMN_S + 10 * REACH_S) * 1000);
  const metrics = [SPRING_S, AUTUMN_S].flatMap((changeS) =>
    Array.from({ length: (2 * REACH_S) / 1800 }, (_, i) => pointsAt(changeS - REACH_S + 1800 * i, i + 1)),
  );
  for (const each of metrics) await stored.send(ofService('shop', ...each));
  await stored.rollups.settle();
  const { clickhouse } = stored;
  const kinds = await readKinds(clickhouse, readQuery, KPIS);
  const options = { clickhouse, facts: FACTS, readQuery, nowUnixMs: 0, kinds };
  await publishCatalogue({ kpis: KPIS } as unknown as Catalogue, options);
}, 120_000);
afterAll(() => stored.close());

/** Rows of a SELECT in a session of a time zone. */
const inZone = (zone: string, sql: string) =>
  stored.clickhouse.query(`${sql} ORDER BY ALL`, { settings: { session_timezone: zone } });

const text = (unixS: number, offset: string, shiftS: number) =>
  `'${new Date((unixS + shiftS) * 1000).toISOString().slice(0, 19)}${offset}'`;

/** Ways to write a moment, as SQL. */
const FORMS: Readonly<Record<string, (unixS: number) => string>> = {
  'DateTime of the session': (unixS) => `toDateTime(${unixS})`,
  'DateTime64 of the session': (unixS) => `toDateTime64(${unixS}, 9)`,
  'fromUnixTimestamp64Milli, as Grafana writes it': (unixS) => `fromUnixTimestamp64Milli(${unixS}000)`,
  'arithmetic with now()': (unixS) => `now() - (now() - toDateTime(${unixS}))`,
  'text in the zone of the session': (unixS) => `toString(toDateTime(${unixS}))`,
  'text that ends in Z': (unixS) => text(unixS, 'Z', 0),
  'text with an offset': (unixS) => text(unixS, '+05:30', 19_800),
  'seconds since the epoch': String,
  'seconds of a DateTime of another zone': (unixS) => `toUnixTimestamp(toDateTime(${unixS}, 'Pacific/Apia'))`,
};
const SECONDS = FORMS['seconds since the epoch']!;

type Range = readonly [startS: number, endS: number];
/** No border lies in the hour that comes twice, where a text without zone has no one moment. */
const RANGES: readonly Range[] = [
  [SPRING_S - 2 * HOUR_S, SPRING_S + 2 * HOUR_S],
  [AUTUMN_S - 2 * HOUR_S, AUTUMN_S + 2 * HOUR_S],
];

const valuesOf = ([startS, endS]: Range, write: (unixS: number) => string) =>
  `SELECT * FROM number_values(metric = 'zone.level', start_time = ${write(startS)}, end_time = ${write(endS)}, step_s = 3600)`;

describe.each(ZONES)('in a session of %s', (zone) => {
  it.each(Object.keys(FORMS))('a time may be given as %s', async (form) => {
    for (const range of RANGES) {
      const right = await inZone('UTC', valuesOf(range, SECONDS));
      expect(right).toHaveLength(4);
      expect(await inZone(zone, valuesOf(range, FORMS[form]!))).toEqual(right);
    }
  });
});

describe('in a session of a zone in which clocks are changed within the range', () => {
  const views: Readonly<Record<string, string>> = {
    number_increase: `metric = 'zone.jobs', RANGE, step_s = 1800`,
    number_quantiles: `metric = 'zone.level', RANGE, step_s = 7200, group_by = ''`,
    number_last: `metric = 'zone.level', AT, stale_after_s = 60`,
    metric_exemplars: `metric = 'zone.jobs', RANGE`,
    metric_facts: `metrics = ['zone.jobs', 'zone.times'], RANGE, step_s = 3600`,
    histogram_increase: `metric = 'zone.times', RANGE, step_s = 3600`,
    exponential_histogram_increase: `metric = 'zone.more_times', RANGE, step_s = 3600`,
    summary_increase: `metric = 'zone.summary', RANGE, step_s = 3600`,
    summary_quantiles: `metric = 'zone.summary', AT`,
    histogram_quantiles: `metric = 'zone.times', RANGE, step_s = 7200, group_by = ''`,
    kpi_jobs: 'RANGE, step_s = 3600',
    kpi_jobs_status: 'AT',
    kpi_slow_status_of: `AT, service = '', environment = ''`,
  };
  it.each(Object.entries(views))(
    '%s answers as it does in UTC',
    async (view, parameters) => {
      const [startS, endS] = RANGES[1]!;
      const ask = (write: (unixS: number) => string) => {
        const range = `start_time = ${write(startS)}, end_time = ${write(endS)}`;
        const given = parameters.replace('RANGE', range).replace('AT', `at_time = ${write(endS)}`);
        return `SELECT * FROM ${view}(${given})`;
      };
      const right = await inZone('UTC', ask(SECONDS));
      expect(right.length).toBeGreaterThan(0);
      expect(await inZone('Europe/Berlin', ask(FORMS['DateTime of the session']!))).toEqual(right);
    },
    60_000,
  );
});

it('in the hour that comes twice seconds since the epoch name the moment', async () => {
  const hours = [AUTUMN_S - HOUR_S, AUTUMN_S, AUTUMN_S + HOUR_S];
  for (const startS of hours) {
    const range: Range = [startS, startS + HOUR_S];
    const right = await inZone('UTC', valuesOf(range, SECONDS));
    const exact = (unixS: number) => `toUnixTimestamp(toDateTime(${unixS}))`;
    expect(await inZone('Europe/Berlin', valuesOf(range, exact))).toEqual(right);
  }
});

it('a KPI that is asked for by the command line is the same on a server of another zone', async () => {
  const { clickhouse } = stored;
  const zone = { session_timezone: 'Asia/Tokyo' };
  const there: typeof clickhouse = {
    ...clickhouse,
    query: (sql, call) => clickhouse.query(sql, { ...call, settings: { ...call?.settings, ...zone } }),
  };
  const [here, abroad] = [clickhouse, there].map((each) => createKpiReader(each, FACTS, readQuery));
  for (const kpi of KPIS) {
    expect(await abroad!.readStatus(kpi, AUTUMN_S)).toEqual(await here!.readStatus(kpi, AUTUMN_S));
    if (kpi.name === 'slow') continue;
    const window = { startS: AUTUMN_S - 2 * HOUR_S, endS: AUTUMN_S + 2 * HOUR_S, slotS: HOUR_S };
    const right = await here!.readSteps(kpi, window);
    expect(right.filter(({ value }) => value !== undefined)).toHaveLength(4);
    expect(await abroad!.readSteps(kpi, window)).toEqual(right);
  }
}, 120_000);

it('a text that is no time is refused by its name', async () => {
  const asked = valuesOf([0, 1], (unixS) => (unixS === 0 ? "'last tuesday'" : 'now()'));
  await expect(inZone('UTC', asked)).rejects.toThrow(/Cannot read DateTime/);
});

it('times of a view still choose the parts that are read', async () => {
  const [from, to] = [AUTUMN_S, AUTUMN_S + 1800];
  const range = `start_time = toDateTime(${from}), end_time = toDateTime(${to}), step_s = 1800`;
  const plan = await stored.clickhouse.query<{ explain: string }>(
    `EXPLAIN indexes = 1 SELECT * FROM number_quantiles(metric = 'zone.level', ${range}, group_by = '')`,
  );
  const conditions = plan.map(({ explain }) => explain).filter((line) => line.includes('Condition:'));
  expect(conditions.filter((line) => line.includes(`'${from}'`) && line.includes(`'${to}'`))).not.toEqual([]);
}, 60_000);
