/** Points of a PointBatch in a scratch engine, as the drain would store them, and rollups that run when a test says so. */
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { PointBatch } from '../../src/model/point-batch.js';
import { encodeBatch } from '../../src/spool/batch-blocks.js';
import { Rollups, type RollupsOptions } from '../../src/store/rollups.js';

/** Rollups without delay that throw what goes wrong. */
export function createRollups(
  clickhouse: ClickHouse,
  options: Pick<RollupsOptions, 'receiver' | 'nowUnixMs'> & Partial<RollupsOptions>,
): Rollups {
  return new Rollups({
    clickhouse,
    delayMs: 0,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
}

let inserts = 0;

/** Inserts all points and marks what they touch. */
export async function storeBatch(
  clickhouse: ClickHouse,
  rollups: Rollups,
  batch: PointBatch,
  nowMs: number,
): Promise<void> {
  const frames = encodeBatch(batch, nowMs / 1000).map((block) => ({
    table: block.table,
    rows: block.rows,
    payload: Buffer.concat(block.pieces),
  }));
  for (const { table, payload } of frames)
    await clickhouse.insertNative(table, [payload], { deduplicationToken: `insert-${inserts++}` });
  await rollups.markTouched(frames);
}
