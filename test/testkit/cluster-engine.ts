/**
 * A cluster inside one embedded engine: its own address is every server of it, so that queries go through real Distributed
 * tables. Of two shards each sees the rows of its own remainder of series_id only, by a row policy on every local table.
 * Not there: other servers, ON CLUSTER, replication; their words are taken out of statements on the way, and nothing else.
 */
import type { CallOptions, ClickHouse } from '../../src/model/clickhouse.js';
import { CLUSTER_SETTINGS, joinCluster } from '../../src/store/cluster-driver.js';
import { type EmbeddedOptions, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { SHAPES } from '../../src/store/rollup-marks.js';

export const CLUSTER = 'testing';

/** Two names of this machine: the engine takes a shard for itself only where the address is its own. */
const HOSTS = ['127.0.0.1', 'localhost'];

const SHARDED = [
  ...SHAPES.flatMap((shape) => ['points', '1m', '1h', '1d'].map((table) => `${shape}_${table}`)),
  'exemplars',
  'series_activity_states',
  'flagged_points',
];

export interface ClusterOptions {
  shards: 1 | 2;
  settings?: Record<string, string | number>;
  /** Every statement as it would go to a cluster. */
  onStatement?: (sql: string) => void;
}

export function clusterXml(shards: 1 | 2, further = ''): { server: string; rowPolicies: string } {
  const servers = HOSTS.slice(0, shards).map(
    (host) =>
      `<shard><internal_replication>true</internal_replication><replica><host>${host}</host><port>9000</port></replica></shard>`,
  );
  const policies = SHARDED.map(
    (table) =>
      `<${table}_local><filter>shardNum() = 0 OR series_id % 2 = shardNum() - 1</filter></${table}_local>`,
  );
  return {
    server: `<tcp_port>9000</tcp_port><remote_servers><${CLUSTER}>${servers.join('')}</${CLUSTER}></remote_servers>${further}`,
    rowPolicies: shards === 1 ? '' : `<plumbline>${policies.join('')}</plumbline>`,
  };
}

/** Statements without what the engine does not have. */
export function onOneServer(sql: string, shards: 1 | 2): string {
  return sql
    .replaceAll(/ ON CLUSTER `\w+`/g, '')
    .replaceAll(/ENGINE = Replicated(\w+)\('[^']*', '[^']*'(?:, )?/g, 'ENGINE = $1(')
    .replaceAll(/, replicated_deduplication_window_seconds = \d+/g, '')
    .replaceAll(
      /\breplicated_deduplication_window = (\d+)/g,
      // Two shards that are one table would take each other's tokens for their own.
      (_, tokens: string) => `non_replicated_deduplication_window = ${shards === 1 ? tokens : 0}`,
    );
}

/** Opens the engine and joins it to a cluster that is itself. */
export function openCluster({ shards, settings, onStatement }: ClusterOptions) {
  return async (options: EmbeddedOptions): Promise<ClickHouse> => {
    const engine = await openEmbeddedClickHouse({ ...options, engineXml: clusterXml(shards) });
    const server: ClickHouse = {
      ...engine,
      async command(sql: string, call?: CallOptions) {
        onStatement?.(sql);
        await engine.command(onOneServer(sql, shards), call);
      },
    };
    // A network connection to itself is the one thing it cannot have. `deny`: no query of ours may need anything else.
    const here = { prefer_localhost_replica: 1, distributed_product_mode: 'deny' };
    return joinCluster(server, CLUSTER, { ...CLUSTER_SETTINGS, ...here, ...settings });
  };
}
