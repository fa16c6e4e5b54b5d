/**
 * The property behind every histogram: for random values, cut into points by random exporters, arriving late, twice,
 * shuffled, at two receivers and across restarts, histogram_increase and exponential_histogram_increase give the true
 * count, sum and number of values in every bucket, in every step of any grid, at any moment: from raw points, from
 * rollups, and from any mix of the two.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/demo/random.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { PointBatch } from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { pushPoint } from '../testkit/histogram-batch.js';
import {
  type Contribution,
  findBucket,
  findContributions,
  findExponentialIndex,
  type HistogramPoint,
  type HistogramStream,
  makeHistogramStream,
} from '../testkit/random-histogram.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const ROUNDS = 2;
const STREAMS_PER_ROUND = 300;
const INSERTS = 3;
const BASE_US = Date.UTC(2026, 10, 17, 9, 47, 11) * 1000;
const SPAN_US = 50 * 3_600e6;
const NOW_MS = Date.UTC(2026, 10, 21);
const SHAPES = ['histogram', 'exponential_histogram'] as const;

let engine: ScratchEngine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
});

afterAll(async () => {
  await engine?.close();
});

const rollupsOf = (receiver: string) => createRollups(clickhouse, { receiver, nowUnixMs: () => NOW_MS });

interface Arrival {
  index: number;
  stream: HistogramStream;
  point: HistogramPoint;
}

async function insert(arrivals: readonly Arrival[], rollups: Rollups): Promise<void> {
  const batch = new PointBatch();
  for (const { index, stream, point } of arrivals) pushPoint(batch, BigInt(index), stream, point, nanosOf);
  await storeBatch(clickhouse, rollups, batch, NOW_MS);
}

function nanosOf(us: number): bigint {
  return BigInt(BASE_US + us) * 1000n;
}

interface Grid {
  startUs: number;
  endUs: number;
  stepS: number;
}

/** Aligned to days, hours, minutes or to nothing; steps from a minute to the whole range. */
function makeGrid(random: Random): Grid {
  const unitUs = random.pick([86_400e6, 3_600e6, 60e6, 1]);
  const align = (us: number) => Math.floor((BASE_US + us) / unitUs) * unitUs - BASE_US;
  const startUs = align((random.uniform() - 0.1) * SPAN_US);
  const endUs = Math.max(align(startUs + random.uniform() * SPAN_US) + unitUs, startUs + 1e6);
  const whole = Math.max(1, Math.ceil((endUs - startUs) / 1e6));
  return { startUs, endUs, stepS: random.pick([whole, 86_400, 7_200, 3_600, 5_400, 60]) };
}

interface StepRow {
  series_id: string;
  step: string;
  explicit_bounds: number[];
  scale: number;
  zero_threshold: number;
  increase_count: string;
  increase_sum: number | null;
  increase_bucket_counts: string[];
  increase_zero_count: string;
  positive_offset: number;
  increase_positive_bucket_counts: string[];
  negative_offset: number;
  increase_negative_bucket_counts: string[];
  min: number | null;
  max: number | null;
  lowest: number | null;
  highest: number | null;
}

async function readSteps(shape: string, metric: string, grid: Grid): Promise<Map<string, StepRow[]>> {
  const rows = await clickhouse.query<StepRow>(
    `SELECT *, toString(series_id) AS series_id,
            toString(intDiv(toUnixTimestamp64Nano(time) - {start:Int64}, 1000000000 * {step_s:Int64})) AS step
     FROM ${shape}_increase(metric = {metric:String}, start_time = fromUnixTimestamp64Nano({start:Int64}, 'UTC'),
                            end_time = fromUnixTimestamp64Nano({end:Int64}, 'UTC'), step_s = {step_s:UInt32})`,
    {
      params: {
        metric,
        start: String(nanosOf(grid.startUs)),
        end: String(nanosOf(grid.endUs)),
        step_s: grid.stepS,
      },
    },
  );
  return groupBy(rows, (row) => `${row.series_id} ${row.step}`);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Values of `contributions` for which `isIn` holds, those taken away subtracted. */
function countValues(contributions: readonly Contribution[], isIn: (value: number) => boolean): number {
  return contributions.reduce((n, c) => n + c.plus.filter(isIn).length - c.minus.filter(isIn).length, 0);
}

const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** What is wrong with the rows of one series and step; undefined where nothing is. */
function findFault(
  stream: HistogramStream,
  rows: readonly StepRow[],
  expected: readonly Contribution[],
): string | undefined {
  const faults: string[] = [];
  const check = (name: string, actual: unknown, wanted: unknown) => {
    if (JSON.stringify(actual) !== JSON.stringify(wanted))
      faults.push(`${name} ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
  };
  check(
    'count',
    sumOf(rows.map((r) => Number(r.increase_count))),
    countValues(expected, () => true),
  );
  const sum = sumOf(expected.map((c) => sumOf(c.plus) - sumOf(c.minus)));
  if (stream.hasSum) check('sum', sumOf(rows.map((r) => r.increase_sum ?? Number.NaN)), sum);
  else if (rows.some((r) => r.increase_sum !== null && r.increase_sum !== 0))
    faults.push('a sum of points without one');
  if (stream.isExponential) checkExponential(rows, expected, check);
  else if (stream.isUnsteady) checkSharedBounds(rows, expected, check);
  else {
    const byLayout = groupBy(expected, (c) => JSON.stringify(c.bounds));
    check('layouts', rows.map((r) => JSON.stringify(r.explicit_bounds)).sort(), [...byLayout.keys()].sort());
    for (const row of rows) {
      const own = byLayout.get(JSON.stringify(row.explicit_bounds)) ?? [];
      const wanted = Array.from({ length: row.explicit_bounds.length + 1 }, (_, i) =>
        Math.max(
          0,
          countValues(own, (v) => findBucket(v, row.explicit_bounds) === i),
        ),
      );
      check('buckets', row.increase_bucket_counts.map(Number), wanted);
    }
  }
  checkExtremes(stream, rows, expected, check);
  return faults[0];
}

type Check = (name: string, actual: unknown, wanted: unknown) => void;

function checkExponential(rows: readonly StepRow[], expected: readonly Contribution[], check: Check): void {
  check('rows', rows.length, 1);
  for (const row of rows) {
    const { zero_threshold: threshold, scale } = row;
    check(
      'zeros',
      Number(row.increase_zero_count),
      Math.max(
        0,
        countValues(expected, (v) => Math.abs(v) <= threshold),
      ),
    );
    for (const [sign, offset, counts] of [
      [1, row.positive_offset, row.increase_positive_bucket_counts],
      [-1, row.negative_offset, row.increase_negative_bucket_counts],
    ] as const) {
      const wanted = counts.map((_, i) =>
        Math.max(
          0,
          countValues(expected, (v) => v * sign > threshold && findExponentialIndex(v, scale) === offset + i),
        ),
      );
      check(`buckets ${sign}`, counts.map(Number), wanted);
    }
  }
}

/** Bounds that changed on the way: what is below every bound that all rows have is still exact. */
function checkSharedBounds(rows: readonly StepRow[], expected: readonly Contribution[], check: Check): void {
  const isMinus = expected.some((c) => c.minus.length > 0);
  if (isMinus) return;
  for (const bound of rows[0]!.explicit_bounds) {
    if (!rows.every((row) => row.explicit_bounds.includes(bound))) continue;
    const below = rows.map((row) =>
      sumOf(row.increase_bucket_counts.slice(0, row.explicit_bounds.indexOf(bound) + 1).map(Number)),
    );
    check(
      `values up to ${bound}`,
      sumOf(below),
      countValues(expected, (v) => v <= bound),
    );
  }
}

function checkExtremes(
  stream: HistogramStream,
  rows: readonly StepRow[],
  expected: readonly Contribution[],
  check: Check,
): void {
  const values = expected.flatMap((c) => c.plus);
  if (!stream.hasExtremes || values.length === 0 || expected.some((c) => c.minus.length > 0)) return;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const known = rows.filter((r) => Number(r.increase_count) > 0);
  if (stream.kind === 'delta') {
    check('min', Math.min(...known.map((r) => r.min ?? Number.NaN)), least);
    check('max', Math.max(...known.map((r) => r.max ?? Number.NaN)), most);
  }
  check('lowest', Math.min(...known.map((r) => r.lowest ?? Number.NaN)) <= least, true);
  check('highest', Math.max(...known.map((r) => r.highest ?? Number.NaN)) >= most, true);
}

interface FactRow {
  series_id: string;
  step: string;
  count: string;
  sum: number;
  has_sum: boolean;
}

/** metric_facts, which knows no buckets, counts and adds up the same. */
async function listWrongFacts(
  metric: string,
  grid: Grid,
  streams: readonly HistogramStream[],
  arrived: readonly HistogramPoint[][],
): Promise<string[]> {
  const rows = await clickhouse.query<FactRow>(
    `SELECT toString(series_id) AS series_id, count, sum, has_sum, toString(intDiv(toUnixTimestamp(time) - {start_s:Int64}, {step_s:Int64})) AS step
     FROM metric_facts(metrics = [{metric:String}], start_time = toDateTime({start_s:Int64}, 'UTC'), end_time = toDateTime({end_s:Int64}, 'UTC'), step_s = {step_s:UInt32})`,
    {
      params: {
        metric,
        start_s: String(nanosOf(grid.startUs) / 1_000_000_000n),
        end_s: String(nanosOf(grid.endUs) / 1_000_000_000n),
        step_s: grid.stepS,
      },
    },
  );
  const actual = groupBy(rows, (row) => `${row.series_id} ${row.step}`);
  const wrong: string[] = [];
  streams.forEach((stream, i) => {
    const inside = findContributions(stream, arrived[i]!).filter(
      (c) => c.timeUs >= grid.startUs && c.timeUs < grid.endUs,
    );
    const steps = groupBy(
      inside,
      (c) => `${i} ${Math.floor((c.timeUs - grid.startUs) / (grid.stepS * 1e6))}`,
    );
    for (const [key, expected] of steps) {
      const row = actual.get(key)?.[0];
      const count = countValues(expected, () => true);
      const sum = sumOf(expected.map((c) => sumOf(c.plus) - sumOf(c.minus)));
      if (Number(row?.count ?? Number.NaN) !== count)
        wrong.push(`facts of ${key} (${stream.kind}): count ${row?.count} instead of ${count}`);
      else if (stream.hasSum && (row?.sum !== sum || !row.has_sum))
        wrong.push(`facts of ${key} (${stream.kind}): sum ${row?.sum} instead of ${sum}`);
      else if (!stream.hasSum && row?.has_sum && count > 0)
        wrong.push(`facts of ${key} (${stream.kind}): a sum of points without one`);
    }
  });
  return wrong;
}

async function checkGrid(
  metric: string,
  grid: Grid,
  streams: readonly HistogramStream[],
  arrived: readonly HistogramPoint[][],
) {
  const wrong: string[] = [];
  for (const shape of SHAPES) {
    const actual = await readSteps(shape, metric, grid);
    streams.forEach((stream, i) => {
      if (stream.isExponential !== (shape === 'exponential_histogram')) return;
      const inside = findContributions(stream, arrived[i]!).filter(
        (c) => c.timeUs >= grid.startUs && c.timeUs < grid.endUs,
      );
      const steps = groupBy(
        inside,
        (c) => `${i} ${Math.floor((c.timeUs - grid.startUs) / (grid.stepS * 1e6))}`,
      );
      for (const [key, expected] of steps) {
        const rows = actual.get(key) ?? [];
        actual.delete(key);
        const fault = rows.length === 0 ? 'no row' : findFault(stream, rows, expected);
        if (fault !== undefined)
          wrong.push(
            `series and step ${key} (${shape}, ${JSON.stringify({ ...stream, points: 0 })}): ${fault}`,
          );
      }
    });
    for (const key of actual.keys())
      wrong.push(`series and step ${key} (${shape}): a row where there are no points`);
  }
  // Of a few grids in each round: what wants the most time is to plan the views.
  if ((BASE_US + grid.startUs) % 3_600e6 === 0 && grid.endUs % 1e6 === 0)
    wrong.push(...(await listWrongFacts(metric, grid, streams, arrived)));
  expect(wrong.slice(0, 5), `${wrong.length} wrong in ${JSON.stringify(grid)}`).toEqual([]);
}

describe('histogram_increase and exponential_histogram_increase', () => {
  for (let round = 1; round <= ROUNDS; round++) {
    it(`give the true values of ${STREAMS_PER_ROUND} random streams at any moment, round ${round}`, async () => {
      const random = createRandom(round);
      const metric = `round-${round}`;
      for (const table of ['points', '1m', '1h', '1d']) {
        for (const shape of SHAPES) await clickhouse.command(`TRUNCATE TABLE ${shape}_${table}`);
      }
      await clickhouse.command('TRUNCATE TABLE series');
      await clickhouse.command(
        `INSERT INTO series (series_id, metric_name, metric_type)
         SELECT number, {metric:String}, 'histogram' FROM numbers({n:UInt64})`,
        { params: { metric, n: STREAMS_PER_ROUND } },
      );
      // Something of the same process long before: so every true start counts.
      await clickhouse.command(
        `INSERT INTO resource_activity_states SELECT DISTINCT resource_id, toDateTime64('2026-11-01 00:00:00', 9, 'UTC') FROM series`,
      );
      const receivers = [rollupsOf(`a-${round}`), rollupsOf(`b-${round}`)];
      const streams = Array.from({ length: STREAMS_PER_ROUND }, () => makeHistogramStream(random, SPAN_US));
      const arrived: HistogramPoint[][] = streams.map(() => []);
      const arrivals = shuffle(
        streams.flatMap((stream, index) => stream.points.map((point) => ({ index, stream, point }))),
        random,
      );
      const partSize = Math.ceil(arrivals.length / INSERTS);
      for (let from = 0; from < arrivals.length; from += partSize) {
        const part = arrivals.slice(from, from + partSize);
        // Some of what came before is sent again, and may reach the other receiver.
        const again = arrivals.slice(0, from).filter(() => random.chance(0.1));
        await insert(part.slice(0, part.length / 2), receivers[0]!);
        await insert([...again, ...part.slice(part.length / 2)], receivers[1]!);
        for (const { index, point } of part) arrived[index]!.push(point);
        if (random.chance(0.7)) await receivers[random.chance(0.5) ? 0 : 1]!.settle();
        await checkGrid(metric, makeGrid(random), streams, arrived);
      }
      for (const rollups of receivers) await rollups.settle();
      // Everything from rollups, from raw points (a grid that cuts every minute), and a few grids of any kind.
      await checkGrid(
        metric,
        { startUs: -BASE_US, endUs: Date.UTC(2026, 11, 1) * 1000 - BASE_US, stepS: 86_400 },
        streams,
        arrived,
      );
      await checkGrid(metric, { startUs: 30e6 + 1, endUs: 3_600e6 * 3, stepS: 7 }, streams, arrived);
      for (let i = 0; i < 2; i++) await checkGrid(metric, makeGrid(random), streams, arrived);
    }, 400_000);
  }
});

function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
