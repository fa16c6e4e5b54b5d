/**
 * External data of a statement → the statements that put it into temporary tables of the statement's own session. Names,
 * structure and format come from outside and go into SQL, so each is held against a list or a grammar first and then written
 * out again: a structure has no expressions, and a format names nothing else to be read.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import type { ExternalTable } from '../model/external-table.js';
import { quote } from '../model/sql-literal.js';
import { renderColumns } from './column-structure.js';
import { quoteIdentifier } from './session-settings.js';

/** What all tables of one statement may take in memory. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

/** Rows, and nothing that evaluates expressions (Values) or that libraries other than the engine read (Parquet, Arrow …). */
const FORMATS: ReadonlySet<string> = new Set([
  ...['TabSeparated', 'TSV', 'TabSeparatedRaw', 'TSVRaw', 'CSV', 'JSONCompactEachRow', 'RowBinary'].flatMap(
    (name) => [name, `${name}WithNames`, `${name}WithNamesAndTypes`],
  ),
  ...['CustomSeparated', 'LineAsString', 'TSKV', 'JSONEachRow', 'JSONLines', 'NDJSON', 'JSONStringsEachRow'],
  'Native',
]);

/** @throws ClickHouseError 36 or 73 where a name, a structure or a format is not taken. */
export function buildExternalTables(tables: readonly ExternalTable[]): string[] {
  return tables.flatMap((table) => {
    const { name, format, path } = table;
    if (!/^[A-Za-z_]\w{0,99}$/.test(name)) {
      throw badArguments(`The name of an external table must be an identifier, not ${quote(name)}`);
    }
    if (!FORMATS.has(format)) {
      const message = `External table ${name}: format ${quote(format)} is not taken; these are: ${[...FORMATS].join(', ')}`;
      throw new ClickHouseError(73, 'UNKNOWN_FORMAT', message);
    }
    const memory = Math.floor(MEMORY_BYTES_MAX / tables.length);
    return [
      `CREATE TEMPORARY TABLE ${quoteIdentifier(name)} (${buildColumns(table)}) ENGINE = Memory`,
      `INSERT INTO ${quoteIdentifier(name)} FROM INFILE ${quote(path)} ` +
        `SETTINGS async_insert = 0, max_memory_usage = ${memory} FORMAT ${format}`,
    ];
  });
}

function buildColumns({ name, structure, types }: ExternalTable): string {
  if (structure === undefined && types === undefined) {
    throw badArguments(
      `Neither structure nor types have been provided for external table ${name}. ` +
        `Use fields ${name}_structure or ${name}_types to do so.`,
    );
  }
  try {
    return renderColumns(structure ?? types!, structure === undefined ? 'types' : 'names and types');
  } catch (error) {
    throw badArguments(`External table ${name}: ${(error as Error).message}`);
  }
}

/** The engine names the file in errors about its data. */
export function hidePaths(error: unknown, tables: readonly ExternalTable[]): unknown {
  if (!(error instanceof ClickHouseError)) return error;
  const message = tables.reduce(
    (text, { name, path }) => text.replaceAll(path, `external table ${name}`),
    error.message,
  );
  return new ClickHouseError(error.code, error.type, message);
}

function badArguments(message: string): ClickHouseError {
  return new ClickHouseError(36, 'BAD_ARGUMENTS', message);
}
