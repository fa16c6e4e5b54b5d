/**
 * Two writers of one series whose points come in different requests: found when their minute is rolled up, before parts are
 * merged, flagged once and counted once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KIND_DELTA_COUNTER, PointBatch, TEMPORALITY_DELTA, VALUE_INT } from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { readQuery } from '../../src/store/sql-files.js';
import { decode, LIMITS } from '../testkit/decode-fixture.js';
import { EVERY_SHAPE } from '../testkit/every-shape.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { toProtobuf } from '../testkit/otlp-message.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const NOW_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
const MINUTE_S = Date.UTC(2026, 10, 20, 11, 30, 0) / 1000;

let engine: ScratchEngine;
let rollups: Rollups;
let nowMs = NOW_MS;
beforeAll(async () => {
  engine = await openScratchEngine();
  // As if merges were slow: what was merged is not found.
  for (const shape of ['number', 'histogram', 'exponential_histogram', 'summary'])
    await engine.clickhouse.command(`SYSTEM STOP MERGES ${shape}_points`);
  rollups = createRollups(engine.clickhouse, { receiver: 'a', nowUnixMs: () => nowMs });
});
afterAll(async () => {
  await engine?.close();
});

/** [series, second of the minute, value, start before it in seconds]. */
type Point = [series: number, second: number, value: number, startS?: number];

function pushKey(
  columns: Pick<PointBatch['numbers'], 'seriesId' | 'time' | 'startTime' | 'flags'>,
  [series, second, , startS = 10]: Point,
): void {
  columns.seriesId.pushBigInt(BigInt(series));
  const timeNs = BigInt(MINUTE_S) * 1_000_000_000n + BigInt(Math.round(second * 1e9));
  columns.time.pushBigInt(timeNs);
  columns.startTime.pushBigInt(timeNs - BigInt(startS) * 1_000_000_000n);
  columns.flags.push(0);
}

async function sendNumbers(...points: Point[]): Promise<void> {
  const batch = new PointBatch();
  const { numbers } = batch;
  for (const point of points) {
    pushKey(numbers, point);
    numbers.kind.push(KIND_DELTA_COUNTER);
    numbers.valueType.push(VALUE_INT);
    numbers.valueInt.pushBigInt(BigInt(point[2]));
    numbers.valueDouble.push(0, 0);
  }
  await storeBatch(engine.clickhouse, rollups, batch, nowMs);
}

async function sendHistograms(...points: Point[]): Promise<void> {
  const batch = new PointBatch();
  const { histograms } = batch;
  for (const point of points) {
    pushKey(histograms, point);
    histograms.temporality.push(TEMPORALITY_DELTA);
    histograms.count.push(1, 0);
    for (const { isNull, value } of [histograms.sum, histograms.min, histograms.max]) {
      isNull.push(1);
      value.push(0, 0);
    }
    histograms.explicitBounds.pushDouble(point[2]);
    histograms.explicitBoundsEnd.push(histograms.explicitBounds.length, 0);
    histograms.bucketCounts.push(1, 0);
    histograms.bucketCounts.push(0, 0);
    histograms.bucketCountsEnd.push(histograms.bucketCounts.length, 0);
  }
  await storeBatch(engine.clickhouse, rollups, batch, nowMs);
}

/** [series, second of the minute] of what is flagged. */
async function readFlagged(): Promise<[number, number][]> {
  const rows = await engine.clickhouse.query<{ id: string; second: string; kpi: string; reason: string }>(
    `SELECT toString(series_id) AS id, toString(toUnixTimestamp(time) - ${MINUTE_S}) AS second, kpi, toString(reason) AS reason
     FROM flagged_points FINAL ORDER BY series_id, time, start_time`,
  );
  for (const { kpi, reason } of rows) expect([kpi, reason]).toEqual(['', 'conflicting_point']);
  return rows.map(({ id, second }) => [Number(id), Number(second)]);
}

describe('points of two writers in different requests', () => {
  it('are flagged where their values differ, and repeats are not', async () => {
    await sendNumbers([1, 5, 10], [2, 5, 10], [3, 5, 10], [4, 5, 10]);
    nowMs += 5_000;
    await sendNumbers([1, 5, 11], [2, 5, 10], [3, 6, 11], [4, 5, 11, 20]);
    await rollups.settle();
    expect(await readFlagged()).toEqual([[1, 5]]);
    expect(rollups.conflicts).toBe(1);
  });

  it('are counted once, however often their minute is rolled up', async () => {
    await sendNumbers([1, 5, 12], [5, 7, 1]);
    await rollups.settle();
    expect(await readFlagged()).toEqual([[1, 5]]);
    await sendNumbers([5, 7, 2]);
    await rollups.settle();
    expect(await readFlagged()).toEqual([
      [1, 5],
      [5, 7],
    ]);
    expect(rollups.conflicts).toBe(2);
  });

  it('are found in the last nanosecond of a minute, and of histograms', async () => {
    await sendHistograms([11, 59.999999999, 1], [12, 0, 1], [13, 30, 1]);
    await sendHistograms([11, 59.999999999, 2], [12, 0, 2], [13, 30, 1]);
    await rollups.settle();
    expect((await readFlagged()).slice(2)).toEqual([
      [11, 59],
      [12, 0],
    ]);
    expect(rollups.conflicts).toBe(4);
  });
});

it('no shape is suspected where no point came twice, so that the points are not read again', async () => {
  const { batch } = decodeEveryShape();
  await storeBatch(engine.clickhouse, rollups, batch, NOW_UNIX_MS);
  await rollups.settle();
  for (const shape of ['number', 'histogram', 'exponential_histogram', 'summary']) {
    const params = {
      source: `${shape}_points`,
      rollup: `${shape}_1m`,
      from: '2023-11-14 00:00:00',
      to: '2023-11-15 00:00:00',
    };
    const [row] = await engine.clickhouse.query<{ points: string }>(
      "SELECT toString(count()) AS points FROM {source:Identifier} WHERE time < fromUnixTimestamp64Milli(1700100000000, 'UTC')",
      { params },
    );
    expect(Number(row!.points)).toBeGreaterThan(0);
    expect(
      await engine.clickhouse.query(readQuery('conflicts_suspected').replaceAll('/*series*/', ''), {
        params,
      }),
    ).toMatchObject([{ is_suspected: 0 }]);
  }
});

function decodeEveryShape(): { batch: PointBatch } {
  const batch = new PointBatch();
  const { rejections } = decode(toProtobuf(EVERY_SHAPE), 'protobuf', {
    batch,
    limits: { ...LIMITS, pointAgeMaxMs: 1e12 },
  });
  expect(rejections).toEqual([]);
  return { batch };
}
