/**
 * Values outside of a KPI's valid range are as if they had never been sent: whatever the grid, from rollups, raw points and any
 * mix of the two, in every unit, for gauges and up-down counters. What is no value of the KPI has no range.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/demo/random.js';
import { compileKpi } from '../../src/kpi/compile-kpi.js';
import { createKpiReader, type KpiReader } from '../../src/kpi/kpi-reader.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const DAY_S = 86_400;
/** A midnight, three days before the clock. */
const START_S = Math.floor(NOW_UNIX_MS / 1000 / DAY_S) * DAY_S - 3 * DAY_S;
const END_S = START_S + 3 * DAY_S;

const KPIS = kpisOf(`
- { name: used, unit: '%', valid: { min: 0, max: 100 }, samples_min: 0, sources: [{ name: a, average: [used.share, used.percent, used.updown] }] }
- { name: used_last, unit: '%', valid: { min: 0, max: 100 }, samples_min: 0, sources: [{ name: a, last: [used.share, used.percent, used.updown] }] }
- { name: positive, unit: '%', valid: { min: 0 }, samples_min: 0, sources: [{ name: a, average: [used.share, used.percent, used.updown] }] }
- { name: anything, unit: '%', samples_min: 0, sources: [{ name: a, average: [used.share, used.percent, used.updown] }] }
- { name: worked, unit: '{task}', valid: { min: 0, max: 5 }, samples_min: 0, sources: [{ name: a, sum: { of: { metric: worked, measure: amount } } }] }
- { name: mixed, unit: s, valid: { min: 0, max: 10 }, samples_min: 0, sources: [{ name: a, average: waited }] }
`);
const kpiNamed = (name: string) => KPIS.find((kpi) => kpi.name === name)!;

interface Sample {
  series: number;
  atS: number;
  percent: number;
}

let stored: StoredMetrics;
let reader: KpiReader;
const samples: Sample[] = [];

const nanos = (atS: number) => BigInt(atS) * 1_000_000_000n;
const point = (atS: number, asDouble: number, fields: OtlpMessage = {}) =>
  numberPoint({ timeUnixNano: nanos(atS), asDouble, ...fields });

/** Mostly within 0 to 100, bounds among them, now and then far outside. */
function drawPercent(random: Random): number {
  const kind = random.uniform();
  if (kind < 0.06) return random.pick([-1, 101, 1e9, -1e-6, 100.000001]);
  return kind < 0.12 ? random.pick([0, 100]) : Math.round(10_000 * random.uniform()) / 100;
}

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
  reader = createKpiReader(stored.clickhouse, FACTS, readQuery);
  const random = createRandom(20);
  const minutes = Array.from({ length: 60 }, () => 60 * Math.floor(random.uniform() * 3 * 24 * 60));
  const times = new Set<number>();
  while (times.size < 240) times.add(START_S + random.pick(minutes) + Math.floor(60 * random.uniform()));
  for (const atS of times)
    samples.push({ series: Math.floor(3 * random.uniform()), atS, percent: drawPercent(random) });
  const of = (series: number, scale: number, fields: OtlpMessage = {}) =>
    samples
      .filter((sample) => sample.series === series)
      .map(({ atS, percent }) => point(atS, percent * scale, fields));
  await stored.send(
    ofService(
      'shop',
      { name: 'used.share', unit: '1', gauge: { dataPoints: of(0, 0.01) } },
      { name: 'used.percent', unit: '%', gauge: { dataPoints: of(1, 1) } },
      {
        name: 'used.updown',
        unit: '%',
        sum: {
          aggregationTemporality: 2,
          isMonotonic: false,
          dataPoints: of(2, 1, { startTimeUnixNano: nanos(START_S - 60) }),
        },
      },
      {
        name: 'worked',
        sum: {
          aggregationTemporality: 1,
          isMonotonic: true,
          dataPoints: [point(START_S + 60, 40), point(START_S + 120, 3)],
        },
      },
      {
        name: 'waited',
        unit: 's',
        histogram: {
          aggregationTemporality: 1,
          dataPoints: [
            { timeUnixNano: nanos(START_S + 60), count: 2n, sum: 21, min: 1, max: 20, bucketCounts: [2n] },
          ],
        },
      },
    ),
  );
}, 60_000);
afterAll(() => stored.close());

// As numbers come out of the arithmetic in SQL: 100 × 0.01 is 1, and 1 is 100 %.
const isValid = ({ percent }: Sample) => percent >= 0 && percent <= 100;
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const within = (fromS: number, toS: number) => samples.filter(({ atS }) => atS >= fromS && atS < toS);

function expectedOf(name: string, fromS: number, toS: number): number | undefined {
  const inWindow = within(fromS, toS);
  const kept = inWindow.filter(
    (sample) => name === 'anything' || (name === 'positive' ? sample.percent >= 0 : isValid(sample)),
  );
  if (kept.length === 0) return undefined;
  if (name !== 'used_last') return mean(kept.map(({ percent }) => percent));
  const newest = [0, 1, 2].flatMap((series) => {
    const own = kept.filter((sample) => sample.series === series).sort((a, b) => b.atS - a.atS);
    return own.slice(0, 1).map(({ percent }) => percent);
  });
  return mean(newest);
}

const NAMES = ['used', 'used_last', 'positive', 'anything'];

async function checkGrid(name: string, startS: number, endS: number, slotS: number): Promise<void> {
  const rows = await reader.readSteps(kpiNamed(name), { startS, endS, slotS });
  const values = new Map(rows.map(({ timeS, value }) => [timeS, value]));
  for (let fromS = startS; fromS < endS; fromS += slotS) {
    const expected = expectedOf(name, fromS, Math.min(fromS + slotS, endS));
    const value = values.get(fromS);
    if (expected === undefined) expect(value, `${name} at ${fromS}`).toBeUndefined();
    else expect(value, `${name} at ${fromS}`).toBeCloseTo(expected, 6);
  }
}

async function checkWhole(name: string, startS: number, endS: number): Promise<void> {
  const [row] = await reader.readStatus(
    { ...kpiNamed(name), staleAfterS: 1e9, completenessMin: 0 },
    endS,
    endS - startS,
  );
  const expected = expectedOf(name, row!.timeS, endS);
  if (expected === undefined) expect(row!.value).toBeUndefined();
  else expect(row!.value).toBeCloseTo(expected, 6);
}

describe('values outside of the valid range', () => {
  it('are left out while they are raw, and when they are rolled up', async () => {
    await checkGrid('used', START_S, END_S, DAY_S);
    await checkGrid('used', START_S, END_S, 777);
    await stored.rollups.settle();
    for (const name of NAMES) await checkGrid(name, START_S, END_S, DAY_S);
    for (const name of ['used', 'used_last'])
      for (const slotS of [3_600, 777]) await checkGrid(name, START_S, END_S, slotS);
  });

  it('are left out whatever the window', async () => {
    for (const name of ['used', 'used_last']) {
      await checkWhole(name, START_S + 5 * 3_600, END_S - 7_777);
      await checkWhole(name, START_S + DAY_S + 4_000, START_S + DAY_S + 7_000);
    }
  });

  it('are left out where late points wait to be rolled up', async () => {
    const atS = START_S + DAY_S + 3_661;
    for (const percent of [50, 1e6]) {
      const late = { series: 1, atS: atS + percent / 50, percent };
      samples.push(late);
      await stored.send(
        ofService('shop', {
          name: 'used.percent',
          unit: '%',
          gauge: { dataPoints: [point(late.atS, percent)] },
        }),
      );
    }
    for (const name of ['used', 'used_last']) await checkGrid(name, START_S, END_S, DAY_S);
    await stored.rollups.settle();
    for (const name of ['used', 'used_last']) await checkGrid(name, START_S, END_S, 3_600);
  });
});

describe('the valid range', () => {
  it('is not that of counts, and single values of histograms are not known', async () => {
    const [worked] = await reader.readStatus(kpiNamed('worked'), START_S + 3_600, 3_600);
    expect(worked).toMatchObject({ value: 43 });
    const [mixed] = await reader.readStatus(kpiNamed('mixed'), START_S + 3_600, 3_600);
    expect(mixed).toMatchObject({ value: 10.5 });
  });

  it('costs nothing where there is none', () => {
    const grid = { start: 'a', end: 'b', step: 'c', rows: 'steps' as const };
    expect(compileKpi(kpiNamed('anything'), FACTS, grid)).not.toContain('outlying');
    expect(compileKpi(kpiNamed('worked'), FACTS, grid)).not.toContain('outlying');
    expect(compileKpi(kpiNamed('used'), FACTS, grid)).toContain('outlying_minute');
  });
});

describe('the reader of KPIs', () => {
  it('answers users who may only read and set nothing, too', async () => {
    const asked: string[] = [];
    const readonly = createKpiReader(
      {
        query: (sql, options) => {
          asked.push(sql);
          return stored.clickhouse.query(sql, {
            ...options,
            settings: { ...options?.settings, readonly: 1 },
          });
        },
      },
      FACTS,
      readQuery,
    );
    const rows = await readonly.readStatus(kpiNamed('used'), END_S, END_S - START_S);
    expect(rows).toEqual(await reader.readStatus(kpiNamed('used'), END_S, END_S - START_S));
    expect(rows[0]!.value).toBeDefined();
    expect(asked.filter((sql) => sql.includes('\nSETTINGS ')).length).toBeGreaterThan(0);
  });
});
