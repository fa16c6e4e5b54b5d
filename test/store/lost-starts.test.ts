/**
 * A start that is lost for a while and comes back, in points that come in order while hours are rolled up in between: what was
 * written without the start is not counted beside what is written with it.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KIND_CUMULATIVE_COUNTER, PointBatch, VALUE_INT } from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const NOW_MS = Date.UTC(2026, 10, 21);
const BASE_S = Date.UTC(2026, 10, 20, 9) / 1000;

let engine: ScratchEngine;
let rollups: Rollups;
beforeAll(async () => {
  engine = await openScratchEngine();
  rollups = createRollups(engine.clickhouse, { receiver: 'a', nowUnixMs: () => NOW_MS });
  await engine.clickhouse.command(
    "INSERT INTO series (series_id, metric_name, metric_type) SELECT 1, 'flickers', 'sum'",
  );
});
afterAll(() => engine?.close());

/** A point a minute, 1,000 and ten more each; without a start where `hasStart` is false. */
async function store(fromMinute: number, toMinute: number, hasStart: boolean): Promise<void> {
  const batch = new PointBatch();
  const { numbers } = batch;
  const nanos = (s: number) => BigInt(BASE_S + s) * 1_000_000_000n;
  for (let minute = fromMinute; minute < toMinute; minute++) {
    numbers.seriesId.pushBigInt(1n);
    numbers.time.pushBigInt(nanos(minute * 60 + 5));
    numbers.startTime.pushBigInt(hasStart ? nanos(-60) : 0n);
    numbers.kind.push(KIND_CUMULATIVE_COUNTER);
    numbers.valueType.push(VALUE_INT);
    numbers.valueInt.pushBigInt(BigInt(1_000 + 10 * minute));
    numbers.valueDouble.push(0, 0);
    numbers.flags.push(0);
  }
  await storeBatch(engine.clickhouse, rollups, batch, NOW_MS);
  await rollups.settle();
}

/** Of the minutes after the first, in one step. */
async function grownAfterFirst(stepS: number): Promise<number> {
  const [row] = await engine.clickhouse.query<{ increase: number }>(
    `SELECT sum(increase) AS increase
     FROM number_increase(metric = 'flickers', start_time = fromUnixTimestamp({from:UInt32}),
                          end_time = fromUnixTimestamp({to:UInt32}), step_s = {step_s:UInt32})`,
    { params: { from: BASE_S, to: BASE_S + 86_400 - 9 * 3_600, step_s: stepS } },
  );
  return Number(row!.increase);
}

it('is one counter at every resolution', async () => {
  await store(0, 5, true);
  await store(5, 15, false);
  await store(15, 60, true);
  await store(60, 70, false);
  await store(70, 80, true);
  const wanted = 1_000 + 79 * 10;
  for (const stepS of [60, 3_600, 86_400])
    expect(await grownAfterFirst(stepS), `steps of ${stepS} s`).toBe(wanted);
}, 120_000);
