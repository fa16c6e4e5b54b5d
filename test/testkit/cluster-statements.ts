/**
 * The statements of a cluster `production` as text: for each migration a file, and the rollup of numbers. Reads the
 * project's own SQL; leaves what test/golden/cluster has to hold.
 */
import { insertOnShards, rewriteForCluster } from '../../src/store/cluster-ddl.js';
import { KNOWN_TABLES } from '../../src/store/cluster-tables.js';
import { fsyncStatement } from '../../src/store/fsync-settings.js';
import { readMigrations, VERSION_TABLE } from '../../src/store/migrations.js';
import { writeStatement } from '../../src/store/roll-up.js';

export const NAMES = { cluster: 'production', database: 'plumbline' };

export async function listClusterFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const migrations = [{ name: '0000_versions', statements: [VERSION_TABLE] }, ...(await readMigrations())];
  for (const { name, statements } of migrations) {
    const rewritten = statements.flatMap((sql) => rewriteForCluster({ sql }, NAMES));
    files.set(`${name}.sql`, rewritten.map(({ sql }) => `${sql.trim()};\n`).join('\n'));
  }
  const settings = KNOWN_TABLES.flatMap((table) => rewriteForCluster({ sql: fsyncStatement(table) }, NAMES));
  files.set('fsync-settings.sql', settings.map(({ sql }) => `${sql};\n`).join(''));
  const params = { source: 'number_1m', target: 'number_1h' };
  const rollups = ['rollup_number_points', 'rollup_number', 'rollup_resources'].map((name) => {
    const source = name === 'rollup_number_points' ? 'points' : '1m';
    const sql = writeStatement({ shape: 'number', source, series: undefined }, name, []);
    return insertOnShards({ sql, params }, NAMES).sql;
  });
  files.set('rollups.sql', rollups.map((sql) => `${sql.trim()};\n`).join('\n'));
  return files;
}

export const GOLDEN_FOLDER = new URL('../golden/cluster/', import.meta.url);
