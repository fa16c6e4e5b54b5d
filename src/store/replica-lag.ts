/**
 * Waits until every replica that may be read has what was written before. Enters: a ClickHouse; leaves: nothing, or an Error
 * that names who is behind. A rollup that reads a replica without the newest points would be wrong and count as done. Where
 * there is no cluster there is nothing to wait for.
 */
import { setTimeout } from 'node:timers/promises';
import type { ClickHouse } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';
import { REPLICA_DELAY_MAX_S } from './cluster-driver.js';
import { readQuery } from './sql-files.js';

/** Longest wait of one call, and time between two looks, milliseconds. */
const WAIT_MAX_MS = 10_000;
const LOOK_EVERY_MS = 250;

export async function waitForReplicas(clickhouse: ClickHouse): Promise<void> {
  const { cluster, database } = clickhouse;
  if (cluster === undefined) return;
  const sql = readQuery('replicas_behind').replace('{cluster}', quote(cluster));
  // By the clock of the server, as the times that its replicas report. Seconds: the present one counts too.
  const [row] = await clickhouse.query<{ next_s: number }>('SELECT toUnixTimestamp(now()) + 1 AS next_s');
  const params = { database, before: Number(row!.next_s), delay_max_s: REPLICA_DELAY_MAX_S };
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    // A replica that is down is read by nobody.
    const behind = await clickhouse.query<{ host: string; table: string; delay_s: string }>(sql, {
      params,
      settings: { skip_unavailable_shards: 1 },
    });
    const [first] = behind;
    if (first === undefined) return;
    if (waitedMs >= WAIT_MAX_MS) {
      throw new Error(
        `${behind.length} replicas have not fetched what was written yet (${first.host}: ${first.table}, ${first.delay_s} s behind)`,
      );
    }
    await setTimeout(LOOK_EVERY_MS);
  }
}
