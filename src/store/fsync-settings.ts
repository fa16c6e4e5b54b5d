/**
 * What ClickHouse has to do so that an insert is on disk when it is answered: the drain removes a segment of the spool right
 * after. By default it leaves that to the operating system, for half a minute and longer. The embedded engine gets these
 * settings as its defaults; on a server, which is configured by somebody else, every table of Plumbline carries them.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { KNOWN_TABLES, storedNameOf, systemTable } from './cluster-tables.js';

/**
 * Merged parts too: the parts they replace are removed half a minute later by the embedded engine (old_parts_lifetime is 0
 * there), and at start only the sizes of files are compared, not what is in them.
 */
const FSYNC_SETTINGS: Readonly<Record<string, number>> = {
  fsync_after_insert: 1,
  fsync_part_directory: 1,
  min_rows_to_fsync_after_merge: 1,
  // Parts that a replica gets from another one.
  min_compressed_bytes_to_fsync_after_fetch: 1,
};

/** The settings as an element of the configuration of the embedded engine. */
export function fsyncXml(): string {
  const settings = Object.entries(FSYNC_SETTINGS).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<merge_tree>${settings.join('')}</merge_tree>`;
}

/** Sets them on every table of a server or a cluster that lacks one; throws ClickHouseError where the user may not. */
export async function setFsyncSettings(clickhouse: ClickHouse): Promise<void> {
  if (clickhouse.kind === 'embedded' && clickhouse.cluster === undefined) return;
  const tables = await clickhouse.query<{ name: string; engine_full: string }>(
    `SELECT name, engine_full FROM ${systemTable(clickhouse, 'tables')}
     WHERE database = {database:String} AND engine LIKE '%MergeTree'`,
    { params: { database: clickhouse.database } },
  );
  const lacking = new Set(tables.filter(({ engine_full }) => !hasAll(engine_full)).map(({ name }) => name));
  for (const table of KNOWN_TABLES) {
    if (lacking.has(storedNameOf(clickhouse, table))) await clickhouse.command(fsyncStatement(table));
  }
}

/** The statement for one table, by the name that readers use. */
export function fsyncStatement(table: string): string {
  return `ALTER TABLE ${table} MODIFY SETTING ${assignments.join(', ')}`;
}

const assignments = Object.entries(FSYNC_SETTINGS).map(([name, value]) => `${name} = ${value}`);

function hasAll(engineFull: string): boolean {
  return assignments.every((assignment) => engineFull.includes(assignment));
}
