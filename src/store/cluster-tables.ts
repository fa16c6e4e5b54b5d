/**
 * Where each table lives in a cluster, and what it is called there. Enters: the name that readers use; leaves: the name of
 * the table on a shard, or SQL that asks a system table of every shard. On a single server all names stay as they are.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';
import { quoteIdentifier } from './session-settings.js';

/** The cluster as its configuration names it (remote_servers), and the database of every table. */
export interface ClusterNames {
  cluster: string;
  database: string;
}

/**
 * `whole`: every server has all rows, so that shards can join and look up on their own. Else the sharding key: a local
 * table on each shard, and a Distributed table under the name that readers use. By series, so that a stream, its rollups
 * and everything worked out from its neighbouring points stay on one shard.
 */
const PLACES: Readonly<Record<string, 'whole' | 'series_id'>> = {
  schema_migrations: 'whole',
  series: 'whole',
  folded_series: 'whole',
  resource_activity_states: 'whole',
  rollup_marks: 'whole',
  checked_minutes: 'whole',
  metric_definitions: 'whole',
  metric_targets: 'whole',
  series_activity_states: 'series_id',
  flagged_points: 'series_id',
  exemplars: 'series_id',
  ...Object.fromEntries(
    ['number', 'histogram', 'exponential_histogram', 'summary'].flatMap((shape) =>
      ['points', '1m', '1h', '1d'].map((table) => [`${shape}_${table}`, 'series_id' as const]),
    ),
  ),
};

/** Tables that a migration makes and a later one drops. */
const FORMER_PLACES: typeof PLACES = { resource_activity: 'whole', series_activity: 'series_id' };

export const KNOWN_TABLES: readonly string[] = Object.keys(PLACES);

export function isKnownTable(table: string): boolean {
  return Object.hasOwn(PLACES, table);
}

/** The column by which a table is sharded; undefined where every server has all of it. */
export function shardingKeyOf(table: string): string | undefined {
  const place = PLACES[table] ?? FORMER_PLACES[table];
  if (place === undefined) {
    throw new Error(
      `no place in a cluster is known for table ${table}; add it to PLACES in src/store/cluster-tables.ts`,
    );
  }
  return place === 'whole' ? undefined : place;
}

/** What a table is called where its rows are. */
export function localNameOf(table: string): string {
  return shardingKeyOf(table) === undefined ? table : `${table}_local`;
}

/** The same on a single server, where a table is itself. */
export function storedNameOf({ cluster }: Pick<ClickHouse, 'cluster'>, table: string): string {
  return cluster === undefined ? table : localNameOf(table);
}

/** `database.table` of the rows of one shard, quoted: statements that run on a shard have no database of their own. */
export function qualifiedLocalName(table: string, { database }: ClusterNames): string {
  return `${quoteIdentifier(database)}.${quoteIdentifier(localNameOf(table))}`;
}

/** A system table as SQL: of one server of each shard, where there is a cluster. */
export function systemTable({ cluster }: Pick<ClickHouse, 'cluster'>, table: string): string {
  return cluster === undefined ? `system.${table}` : `cluster(${quote(cluster)}, system.${table})`;
}
