/**
 * Whether a first point is a baseline depends on the times of what is stored, not on which receiver took it, in which order, or
 * when it was rolled up.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KIND_CUMULATIVE_COUNTER, PointBatch, VALUE_INT } from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const NOW_MS = Date.UTC(2026, 10, 21);
/** Times below are seconds after it. */
const BASE_S = Date.UTC(2026, 10, 20, 9) / 1000;

let engine: ScratchEngine;
let receivers: Rollups[];
let series = 0;
beforeAll(async () => {
  engine = await openScratchEngine();
  receivers = ['a', 'b'].map((receiver) =>
    createRollups(engine.clickhouse, { receiver, nowUnixMs: () => NOW_MS }),
  );
  // The first point of this database.
  await store(0, 'first', [[0, 0, 1]]);
  await settle();
});
afterAll(() => engine?.close());

/** [seconds of the start, of the point, value]. */
type Point = [startS: number, atS: number, value: number];

async function store(
  receiver: number,
  process: string,
  points: readonly Point[],
  metric = process,
): Promise<void> {
  const { clickhouse } = engine;
  const known = await clickhouse.query<{ id: number }>(
    'SELECT toUInt32(series_id) AS id FROM series WHERE metric_name = {metric:String}',
    { params: { metric } },
  );
  const id = known[0]?.id ?? ++series;
  if (known.length === 0)
    await clickhouse.command(
      `INSERT INTO series (series_id, metric_name, metric_type, resource_attributes) SELECT {id:UInt64}, {metric:String}, 'sum', map('process', {process:String})`,
      { params: { id, metric, process } },
    );
  const batch = new PointBatch();
  const { numbers } = batch;
  const nanos = (s: number) => BigInt(BASE_S + s) * 1_000_000_000n;
  for (const [startS, atS, value] of points) {
    numbers.seriesId.pushBigInt(BigInt(id));
    numbers.time.pushBigInt(nanos(atS));
    numbers.startTime.pushBigInt(nanos(startS));
    numbers.kind.push(KIND_CUMULATIVE_COUNTER);
    numbers.valueType.push(VALUE_INT);
    numbers.valueInt.pushBigInt(BigInt(value));
    numbers.valueDouble.push(0, 0);
    numbers.flags.push(0);
  }
  await storeBatch(clickhouse, receivers[receiver]!, batch, NOW_MS);
}

async function settle(): Promise<void> {
  for (const rollups of receivers) await rollups.settle();
}

/** What a metric grew by, as [second, increase], in steps of a minute. */
async function increases(metric: string): Promise<number[][]> {
  const rows = await engine.clickhouse.query<{ at: number; increase: number }>(
    `SELECT toUnixTimestamp(time) - {base:UInt32} AS at, sum(increase) AS increase
     FROM number_increase(metric = {metric:String}, start_time = fromUnixTimestamp({base:UInt32}) - 86400,
                          end_time = fromUnixTimestamp({base:UInt32}) + 86400, step_s = 60)
     GROUP BY time HAVING increase != 0 ORDER BY time`,
    { params: { metric, base: BASE_S } },
  );
  return rows.map(({ at, increase }) => [Number(at), Number(increase)]);
}

describe('a baseline', () => {
  it('is the same whichever of two receivers took which point, before and after they roll up', async () => {
    const points: Point[] = [
      [-3_600, 10, 5_000],
      [-3_600, 70, 5_003],
      [-3_600, 130, 5_004],
    ];
    const wanted = [
      [60, 3],
      [120, 1],
    ];
    const orders = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ];
    for (const [i, order] of orders.entries()) {
      for (const [n, k] of order.entries()) await store(n % 2, `two-${i}`, [points[k]!]);
      expect(await increases(`two-${i}`)).toEqual(wanted);
      await settle();
      expect(await increases(`two-${i}`)).toEqual(wanted);
    }
  });

  it('moves with a late point that shows an earlier beginning', async () => {
    await store(0, 'late', [
      [-3_600, 3_600, 900],
      [-3_600, 3_660, 905],
    ]);
    await settle();
    expect(await increases('late')).toEqual([[3_660, 5]]);
    await store(1, 'late', [[-3_600, 1_800, 890]]);
    await settle();
    expect(await increases('late')).toEqual([
      [3_600, 10],
      [3_660, 5],
    ]);
  });

  it('is none for a series of the process that comes up after a minute, and for what came in parts within it', async () => {
    await store(0, 'process', [[-3_600, 7_200, 100]], 'process.a');
    await store(1, 'process', [[-3_600, 7_215, 200]], 'process.b');
    await store(0, 'process', [[-3_600, 7_300, 2]], 'process.errors');
    for (let i = 0; i < 2; i++) {
      expect(await increases('process.a')).toEqual([]);
      expect(await increases('process.b')).toEqual([]);
      await settle();
    }
    expect(await increases('process.errors')).toEqual([[7_260, 2]]);
  });

  it('is none after an outage: a known counter goes on, one that started during it counts from zero', async () => {
    await store(0, 'known', [[-3_600, 10, 1_000]]);
    await settle();
    await store(0, 'known', [[-3_600, 18_010, 1_500]]);
    await store(0, 'restarted', [[9_000, 18_010, 40]]);
    await settle();
    expect(await increases('known')).toEqual([[18_000, 500]]);
    expect(await increases('restarted')).toEqual([[18_000, 40]]);
  });
});
