/**
 * Numbered, forward-only migrations. Enters: clickhouse/migrations/NNNN_name.sql; leaves: the schema, and a row per
 * migration in schema_migrations. Refuses a database that a newer Plumbline has migrated.
 */
import { readdir, readFile } from 'node:fs/promises';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { setFsyncSettings } from './fsync-settings.js';
import { sqlDirectory } from './sql-files.js';
import { createViews } from './views/views.js';

export interface Migration {
  version: number;
  name: string;
  statements: string[];
}

/** Applies what is missing, in order, and makes the views anew; returns the names of what was applied. */
export async function applyMigrations(clickhouse: ClickHouse): Promise<string[]> {
  await createVersionTable(clickhouse);
  await checkPlace(clickhouse);
  const migrations = await readMigrations();
  const rows = await clickhouse.query<{ version: number }>('SELECT DISTINCT version FROM schema_migrations');
  const applied = new Set(rows.map((row) => Number(row.version)));
  const newest = migrations.at(-1)?.version ?? 0;
  const unknown = Math.max(0, ...applied);
  if (unknown > newest) {
    throw new UserError(
      `the database ${clickhouse.database} has schema version ${unknown}, this Plumbline knows ${newest}: ` +
        'it was used by a newer Plumbline; upgrade this one, or point it at another data directory or database',
    );
  }
  const done: string[] = [];
  for (const migration of migrations) {
    if (applied.has(migration.version)) continue;
    for (const statement of migration.statements) await clickhouse.command(statement);
    await clickhouse.command(
      'INSERT INTO schema_migrations (version, name) SELECT {version:UInt32}, {name:String}',
      {
        params: { version: migration.version, name: migration.name },
      },
    );
    done.push(migration.name);
  }
  await setFsyncSettings(clickhouse);
  await createViews(clickhouse);
  return done;
}

const UNKNOWN_DATABASE = 81;

export const VERSION_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations
       (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
       ENGINE = ReplacingMergeTree ORDER BY version`;

/** Creates the database too, but only where it is missing: a user may well lack the right to. */
async function createVersionTable(clickhouse: ClickHouse): Promise<void> {
  const create = () => clickhouse.command(VERSION_TABLE);
  try {
    await create();
  } catch (error) {
    if (!(error instanceof ClickHouseError) || error.code !== UNKNOWN_DATABASE) throw error;
    await clickhouse.command('CREATE DATABASE IF NOT EXISTS {database:Identifier}', {
      params: { database: clickhouse.database },
    });
    await create();
  }
}

/** Tables of a single server and those of a cluster have the same names: neither may take the other's for its own. */
async function checkPlace({ kind, cluster, database, query }: ClickHouse): Promise<void> {
  if (kind === 'embedded' && cluster === undefined) return;
  const [points] = await query<{ engine: string }>(
    "SELECT engine FROM system.tables WHERE database = {database:String} AND name = 'number_points'",
    { params: { database } },
  );
  if (points === undefined || (points.engine === 'Distributed') === (cluster !== undefined)) return;
  throw new UserError(
    cluster === undefined
      ? `the database ${database} is one of a cluster: set CLICKHOUSE_CLUSTER to its name`
      : `the database ${database} was made without CLICKHOUSE_CLUSTER and cannot be spread over a cluster where it is: ` +
          'set CLICKHOUSE_DATABASE to a new one, and move what is stored ("plumbline export", docs/moving.md)',
  );
}

export async function readMigrations(): Promise<Migration[]> {
  const directory = sqlDirectory('migrations');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => ({
      version: Number.parseInt(name, 10),
      name: name.replace(/\.sql$/, ''),
      statements: splitStatements(await readFile(`${directory}/${name}`, 'utf8')),
    })),
  );
}

/** Statements end with a semicolon at the end of a line. Each can be run again: a crash may fall between two. */
function splitStatements(sql: string): string[] {
  return sql
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
    .map((statement) =>
      statement.replace(/^CREATE (TABLE|VIEW) (?!IF NOT EXISTS)/, 'CREATE $1 IF NOT EXISTS '),
    );
}
