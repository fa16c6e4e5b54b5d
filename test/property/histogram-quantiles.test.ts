/**
 * Quantiles against the very values that were recorded: estimate and true quantile lie in the same bucket of what all
 * merged histograms share (docs/aggregates.md), and exponential ones are interpolated as a model of them is, for several distributions, negative values and zeros, bounds, scales and
 * zero thresholds merged, min, max and sum set or not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/demo/random.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { pushPoint } from '../testkit/histogram-batch.js';
import { findBucket, findExponentialIndex, type HistogramStream } from '../testkit/random-histogram.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const GROUPS = 300;
const SERIES_MAX = 4;
const BASE_US = Date.UTC(2026, 10, 17, 9, 0, 0) * 1000;
const QUANTILES = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 };

let engine: ScratchEngine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
});

afterAll(async () => {
  await engine?.close();
});

interface Group {
  values: number[];
  /** The same, as each series has them. */
  series: { values: number[]; scale: number }[];
  isExponential: boolean;
  hasExtremes: boolean;
  hasSum: boolean;
  /** Bounds that all of its explicit series have. */
  shared: number[];
  scale: number;
  threshold: number;
}

const LAYOUTS = [
  [-50, -5, 0, 5, 10, 25, 50, 100, 250, 1_000],
  [-50, 0, 5, 7, 50, 250],
  [0, 50, 1_000],
];

function drawValues(random: Random, count: number): number[] {
  const draw = random.pick([
    () => random.uniform() * 100,
    () => random.logNormal(20, 1.5),
    () => random.normal() * 40,
    () => 42,
    () => random.pick([0, 0, random.exponential(5), -random.exponential(1)]),
    () => random.pick([3, 3000]) * (1 + random.uniform()),
  ]);
  return Array.from({ length: count }, draw);
}

/** A group of series, their points pushed into `batch`. */
function makeGroup(random: Random, batch: PointBatch, seriesIds: readonly bigint[]): Group {
  const isExponential = random.chance(0.5);
  const [hasExtremes, hasSum] = [random.chance(0.5), random.chance(0.7)];
  const group: Group = {
    values: [],
    series: [],
    isExponential,
    hasExtremes,
    hasSum,
    shared: LAYOUTS[0]!,
    scale: 20,
    threshold: 0,
  };
  const layouts = random.pick([LAYOUTS, [LAYOUTS[0]!]]);
  const scales = random.pick([[3], [0, 2, 4], [5, 6]]);
  const thresholds = random.pick([[0], [0], [0.5], [0, 0.5]]);
  for (const seriesId of seriesIds) {
    const values = drawValues(random, 1 + Math.floor(random.exponential(60)));
    const [bounds, scale, zeroThreshold] = [
      random.pick(layouts),
      random.pick(scales),
      random.pick(thresholds),
    ];
    group.values.push(...values);
    group.series.push({ values, scale });
    group.shared = group.shared.filter((b) => bounds.includes(b));
    group.scale = Math.min(group.scale, scale);
    group.threshold = Math.max(group.threshold, zeroThreshold);
    const stream: HistogramStream = {
      kind: 'delta',
      isExponential,
      isUnsteady: false,
      hasSum,
      hasExtremes,
      points: [],
    };
    const point = { startUs: 0, timeUs: 60e6, life: 0, values, bounds, scale, zeroThreshold };
    pushPoint(batch, seriesId, stream, point, (us) => BigInt(BASE_US + us) * 1000n);
  }
  group.values.sort((a, b) => a - b);
  return group;
}

/**
 * The quantile of exponential histograms that are known by their buckets alone, worked out another way than in SQL: buckets are
 * cut into those of the finest scale, with the same share in each, and within these log(value) grows evenly with the rank.
 */
function interpolate({ series, values }: Group, q: number): number {
  const finest = Math.max(...series.map(({ scale }) => scale));
  const counts = new Map<string, { low: number; high: number; count: number }>();
  const add = (low: number, high: number, count: number) => {
    const piece = counts.get(`${low}`) ?? { low, high, count: 0 };
    counts.set(`${low}`, { ...piece, count: piece.count + count });
  };
  for (const { values: own, scale } of series) {
    const cuts = 2 ** (finest - scale);
    for (const value of own) {
      if (value === 0) add(0, 0, 1);
      else
        for (let cut = 0; cut < cuts; cut++) {
          const index = findExponentialIndex(value, scale) * cuts + cut;
          const [near, far] = [2 ** (index / 2 ** finest), 2 ** ((index + 1) / 2 ** finest)];
          if (value > 0) add(near, far, 1 / cuts);
          else add(-far, -near, 1 / cuts);
        }
    }
  }
  let left = q * values.length * (1 - 1e-12);
  const pieces = [...counts.values()].sort((a, b) => a.low - b.low);
  for (const { low, high, count } of pieces) {
    if (left <= count) return low === high ? low : low * (high / low) ** (left / count);
    left -= count;
  }
  return pieces.at(-1)!.high;
}

/** Whether true value and estimate lie where both must; undefined where they do. */
function findFault(group: Group, actual: number, q: number): string | undefined {
  const wanted = group.values[Math.ceil(q * group.values.length * (1 - 1e-12)) - 1]!;
  const slack = 1e-9 * Math.abs(wanted);
  if (group.isExponential) {
    if (!group.hasExtremes && group.threshold === 0) {
      const exact = interpolate(group, q);
      if (Math.abs(actual - exact) > 1e-9 * Math.abs(exact)) return `${actual} instead of ${exact}`;
    }
    const base = 2 ** (2 ** -group.scale);
    const near = Math.abs(actual - wanted) <= Math.abs(wanted) * (base - 1) + slack;
    // Zero buckets of different widths share only the widest, and the buckets beside it end where theirs begin.
    const widest = group.threshold * base;
    const inZero = Math.abs(wanted) <= widest && Math.abs(actual) <= widest + slack;
    return near || inZero ? undefined : `${actual} for ${wanted}, base ${base}`;
  }
  const index = findBucket(wanted, group.shared);
  const low = group.shared[index - 1] ?? Number.NEGATIVE_INFINITY;
  const high = group.shared[index] ?? Number.POSITIVE_INFINITY;
  return actual >= low && actual <= high ? undefined : `${actual} for ${wanted}, in ${low} to ${high}`;
}

type Row = Record<string, string | number | null>;

function findFaults(group: Group, row: Row): string[] {
  const faults = Object.entries(QUANTILES).map(([name, q]) => {
    const fault = findFault(group, row[name] as number, q);
    return fault === undefined ? '' : `${name} ${fault}`;
  });
  const sum = group.values.reduce((a, b) => a + b, 0);
  const isSumRight = group.hasSum
    ? Math.abs((row.sum as number) - sum) <= 1e-6 * (1 + Math.abs(sum))
    : row.sum === null;
  if (!isSumRight) faults.push(`sum ${row.sum}`);
  if (Number(row.count) !== group.values.length) faults.push(`count ${row.count}`);
  if (row.min !== (group.hasExtremes ? group.values[0] : null)) faults.push(`min ${row.min}`);
  if (row.max !== (group.hasExtremes ? group.values.at(-1) : null)) faults.push(`max ${row.max}`);
  return faults.filter((fault) => fault !== '').map((fault) => `group ${row.group}: ${fault}`);
}

function readQuantiles(metric: string): Promise<Row[]> {
  return clickhouse.query<Row>(
    `SELECT * FROM histogram_quantiles(metric = {metric:String}, start_time = '2026-11-17 09:00:00',
                                       end_time = '2026-11-17 10:00:00', step_s = 3600, group_by = 'g')`,
    { params: { metric } },
  );
}

describe('histogram_quantiles', () => {
  it(`lie in the bucket of the true quantile, ${GROUPS} random groups of merged series, raw and rolled up`, async () => {
    const random = createRandom(7);
    const batch = new PointBatch();
    const groups = Array.from({ length: GROUPS }, (_, g) => {
      const count = 1 + Math.floor(random.uniform() * SERIES_MAX);
      return makeGroup(
        random,
        batch,
        Array.from({ length: count }, (_, i) => BigInt(g * SERIES_MAX + i)),
      );
    });
    await clickhouse.command(
      `INSERT INTO series (series_id, metric_name, metric_type, attributes)
       SELECT number, 'm', 'histogram', map('g', toString(intDiv(number, {n:UInt64}))) FROM numbers({all:UInt64})`,
      { params: { n: SERIES_MAX, all: GROUPS * SERIES_MAX } },
    );
    const nowMs = BASE_US / 1000 + 86_400_000;
    const rollups = createRollups(clickhouse, { receiver: 'a', nowUnixMs: () => nowMs });
    await storeBatch(clickhouse, rollups, batch, BASE_US / 1000);
    for (const source of ['raw', 'rollups']) {
      const rows = await readQuantiles('m');
      expect(rows).toHaveLength(GROUPS);
      const faults = rows.flatMap((row) => findFaults(groups[Number(row.group)]!, row));
      expect(faults.slice(0, 5), `${faults.length} faults from ${source}`).toEqual([]);
      await rollups.settle();
    }
  }, 200_000);

  it('of nothing are nothing', async () => {
    expect(await readQuantiles('none')).toEqual([]);
  }, 200_000);
});
