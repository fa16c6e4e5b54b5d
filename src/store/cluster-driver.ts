/**
 * A ClickHouse that is a server of a cluster, behind the same interface: what changes tables runs on every server, what
 * inserts and reads goes through Distributed tables. Callers write for one server. It knows statements, not their meaning.
 */
import type { CallOptions, ClickHouse } from '../model/clickhouse.js';
import { rewriteForCluster } from './cluster-ddl.js';
import type { Settings } from './session-settings.js';

/** A replica that is further behind is not read while another one is there, seconds. */
export const REPLICA_DELAY_MAX_S = 60;

/**
 * An insert is answered when the shards have it, and the tokens of both are the sender's. The first replica that lives
 * takes what is written and answers what is read, so that a rollup finds the points it is about; others serve who else
 * reads. Servers that are down do what they missed when they come back. No shard is ever left out of an answer.
 */
export const CLUSTER_SETTINGS: Settings = {
  distributed_foreground_insert: 1,
  parallel_distributed_insert_select: 2,
  distributed_product_mode: 'global',
  load_balancing: 'in_order',
  prefer_localhost_replica: 0,
  max_replica_delay_for_distributed_queries: REPLICA_DELAY_MAX_S,
  skip_unavailable_shards: 0,
  distributed_ddl_output_mode: 'none_only_active',
  // Less than a call may take, so that what is still under way is said and not cut off.
  distributed_ddl_task_timeout: 90,
  // Columns are there on every replica that lives before an insert names them.
  alter_sync: 2,
};

export function joinCluster(inner: ClickHouse, cluster: string, settings = CLUSTER_SETTINGS): ClickHouse {
  const names = { cluster, database: inner.database };
  const inCluster = (call: CallOptions = {}) => ({ ...call, settings: { ...settings, ...call.settings } });
  return {
    kind: inner.kind,
    database: inner.database,
    cluster,
    async command(sql, call = {}) {
      for (const statement of rewriteForCluster(
        { sql, ...(call.params && { params: call.params }) },
        names,
      )) {
        await inner.command(statement.sql, {
          ...inCluster(call),
          ...(statement.params && { params: statement.params }),
        });
      }
    },
    query: (sql, call) => inner.query(sql, inCluster(call)),
    stream: (sql, format, call) => inner.stream(sql, format, inCluster(call)),
    insertNative: (table, blocks, insert) =>
      inner.insertNative(table, blocks, { ...insert, settings: { ...settings, ...insert.settings } }),
    ping: () => inner.ping(),
    close: () => inner.close(),
  };
}
