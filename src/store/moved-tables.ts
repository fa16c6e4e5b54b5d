/**
 * What moves from one Plumbline to another, and in what order and pieces. Enters: a ClickHouse; leaves: the list of pieces of
 * every table, and for each piece the statement that reads it and the one that counts it. It uses the names that readers
 * use, so that a cluster's tables are read through whatever stands in front of them. It moves nothing itself.
 */
import { readdir } from 'node:fs/promises';
import { type CallOptions, type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { formatTime } from './query-params.js';
import { SHAPES } from './rollup-marks.js';
import { quoteIdentifier } from './session-settings.js';
import { sqlDirectory } from './sql-files.js';

export interface MovedTable {
  table: string;
  /** Column with the time of a row; tables without one move as a whole. */
  time?: string;
  /** The time of one piece, in whole days of UTC. */
  slice?: 'day' | 'month' | 'year';
  /** SQL by which tables without time are divided. */
  key?: string;
}

export interface MovedPiece {
  table: string;
  /** Seconds since the epoch, `toS` not included. */
  fromS?: number | undefined;
  toS?: number | undefined;
  /** `part` of `parts`, of tables without time. */
  part?: number | undefined;
  parts?: number | undefined;
}

const points = SHAPES.map((shape): MovedTable => ({ table: `${shape}_points`, time: 'time', slice: 'day' }));
const rollups = (
  [
    ['1d', 'year'],
    ['1h', 'month'],
    ['1m', 'day'],
  ] as const
).flatMap(([resolution, slice]) =>
  SHAPES.map((shape): MovedTable => ({ table: `${shape}_${resolution}`, time: 'time', slice })),
);

/**
 * In the order in which they are read while points may still arrive: what is made from something else comes before it. So
 * no rollup knows points that are not there, and every point has its series.
 */
export const MOVED_TABLES: readonly MovedTable[] = [
  { table: 'metric_targets', key: 'metric_id' },
  { table: 'metric_definitions', key: 'cityHash64(metric_name)' },
  ...rollups,
  { table: 'checked_minutes', time: 'time', slice: 'year' },
  { table: 'flagged_points', time: 'time', slice: 'month' },
  // All of them are read for each piece: they are sorted by another time.
  { table: 'exemplars', time: 'point_time', slice: 'month' },
  ...points,
  { table: 'resource_activity_states', key: 'resource_id' },
  { table: 'series_activity_states', key: 'series_id' },
  { table: 'folded_series', key: 'series_id' },
  { table: 'series', key: 'series_id' },
];

/**
 * Tables that stay: which migrations ran, and which buckets wait for a receiver of the source. What waits in the target is
 * found by comparing (rollup-gaps.ts).
 */
export const TABLES_THAT_STAY = ['schema_migrations', 'rollup_marks'] as const;

/** What each piece holds at most: one insert of it is a few seconds of work, and what a broken run has to do again. */
const PIECE_ROWS_MAX = 5_000_000;
/** Rows of these are long: attributes. */
const SERIES_PER_PIECE_MAX = 500_000;
const DAY_S = 86_400;
const SLICE_STEP_S = 60;

export interface TimeRange {
  /** Whole days of UTC, seconds since the epoch. */
  fromS: number;
  toS: number;
}

/** The newest migration that this program has. */
export async function findSchemaVersion(): Promise<number> {
  const names = await readdir(sqlDirectory('migrations'));
  return Math.max(...names.filter((name) => name.endsWith('.sql')).map((name) => Number.parseInt(name, 10)));
}

const UNKNOWN_TABLE = 60;
const UNKNOWN_DATABASE = 81;

/** The newest migration that a database has seen. Throws UserError where it is no Plumbline's. */
export async function readSchemaVersion(clickhouse: ClickHouse): Promise<number> {
  try {
    const [row] = await clickhouse.query<{ version: number }>(
      'SELECT max(version) AS version FROM schema_migrations',
    );
    return Number(row!.version);
  } catch (error) {
    if (!(error instanceof ClickHouseError) || ![UNKNOWN_TABLE, UNKNOWN_DATABASE].includes(error.code))
      throw error;
    throw new UserError(
      `the database ${clickhouse.database} is not one of Plumbline: it has no table schema_migrations; ` +
        'name the right one with CLICKHOUSE_DATABASE',
    );
  }
}

/** Names of the columns that hold something of their own, in the order of the table. */
export async function readColumns(clickhouse: ClickHouse, table: string): Promise<string[]> {
  const rows = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns
     WHERE database = currentDatabase() AND table = {table:String} AND default_kind NOT IN ('ALIAS', 'MATERIALIZED', 'EPHEMERAL')
     ORDER BY position`,
    { params: { table } },
  );
  return rows.map(({ name }) => name);
}

/** The pieces of a table, the oldest first, each with about how many rows it has. */
export async function planPieces(
  clickhouse: ClickHouse,
  table: MovedTable,
  range: TimeRange | undefined,
): Promise<(MovedPiece & { plannedRows: number })[]> {
  if (table.time === undefined) return planParts(clickhouse, table);
  const where = range === undefined ? '' : `WHERE ${inRange(table.time)}`;
  const rows = await clickhouse.query<{ day: string; rows: string }>(
    `SELECT intDiv(toUnixTimestamp(${table.time}), ${DAY_S}) AS day, count() AS rows FROM {table:Identifier} ${where} GROUP BY day ORDER BY day`,
    { params: { table: table.table, ...(range && rangeParams(range)) }, settings: NO_LIMITS },
  );
  const slices = new Map<number, TimeRange & { rows: number }>();
  for (const row of rows) {
    const slice = findSlice(Number(row.day) * DAY_S, table.slice!, range);
    const known = slices.get(slice.fromS);
    if (known === undefined) slices.set(slice.fromS, { ...slice, rows: Number(row.rows) });
    else known.rows += Number(row.rows);
  }
  return [...slices.values()].flatMap((slice) => splitSlice(table.table, slice));
}

async function planParts(
  clickhouse: ClickHouse,
  { table }: MovedTable,
): Promise<(MovedPiece & { plannedRows: number })[]> {
  const [row] = await clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM {table:Identifier}', {
    params: { table },
  });
  const rows = Number(row!.rows);
  const parts = Math.ceil(rows / (table === 'series' ? SERIES_PER_PIECE_MAX : PIECE_ROWS_MAX));
  return Array.from({ length: parts }, (_, part) => ({
    table,
    part,
    parts,
    plannedRows: Math.ceil(rows / parts),
  }));
}

/** The day, month or year that a day lies in, cut to what is wanted. */
function findSlice(dayS: number, slice: 'day' | 'month' | 'year', range: TimeRange | undefined): TimeRange {
  const day = new Date(dayS * 1000);
  const year = day.getUTCFullYear();
  const month = slice === 'year' ? 0 : day.getUTCMonth();
  const date = slice === 'day' ? day.getUTCDate() : 1;
  const from = Date.UTC(year, month, date) / 1000;
  const to =
    slice === 'day'
      ? from + DAY_S
      : Date.UTC(...(slice === 'year' ? ([year + 1, 0] as const) : ([year, month + 1] as const))) / 1000;
  return { fromS: Math.max(from, range?.fromS ?? from), toS: Math.min(to, range?.toS ?? to) };
}

/** Large ones in stretches of equal length. */
function splitSlice(
  table: string,
  { fromS, toS, rows }: TimeRange & { rows: number },
): (MovedPiece & { plannedRows: number })[] {
  const wanted = Math.ceil(rows / PIECE_ROWS_MAX);
  const stepS = Math.ceil((toS - fromS) / wanted / SLICE_STEP_S) * SLICE_STEP_S;
  const count = Math.ceil((toS - fromS) / stepS);
  return Array.from({ length: count }, (_, i) => ({
    table,
    fromS: fromS + i * stepS,
    toS: Math.min(toS, fromS + (i + 1) * stepS),
    plannedRows: Math.ceil(rows / count),
  }));
}

/** A statement and what it runs with. */
export interface PieceStatement {
  sql: string;
  call: CallOptions;
}

/** Long work is meant; blocks are small enough to be held one at a time. */
const NO_LIMITS = { max_execution_time: 0 };
const READ_SETTINGS = {
  ...NO_LIMITS,
  // Rows with the same key are in the same partition: none has to be merged across partitions.
  do_not_merge_across_partitions_select_final: 1,
};

/** Every row of a piece once, however often it was sent. */
export function readPiece(piece: MovedPiece, columns: readonly string[]): PieceStatement {
  const blockRows = piece.table === 'series' ? 8_192 : 65_536;
  return ofPiece(piece, columns.map(quoteIdentifier).join(', '), { max_block_size: blockRows });
}

export function countPiece(piece: MovedPiece): PieceStatement {
  return ofPiece(piece, 'count() AS rows', {});
}

function ofPiece(piece: MovedPiece, what: string, settings: Record<string, number>): PieceStatement {
  const { time, key } = findTable(piece.table);
  const where = time === undefined ? `${key} % {parts:UInt32} = {part:UInt32}` : inRange(time);
  const params =
    time === undefined
      ? { parts: piece.parts, part: piece.part }
      : rangeParams({ fromS: piece.fromS!, toS: piece.toS! });
  return {
    sql: `SELECT ${what} FROM {table:Identifier} FINAL WHERE ${where}`,
    call: { params: { table: piece.table, ...params }, settings: { ...READ_SETTINGS, ...settings } },
  };
}

/** Throws UserError for a table that this Plumbline does not move. */
export function findTable(table: string): MovedTable {
  const found = MOVED_TABLES.find((known) => known.table === table);
  if (found === undefined) throw new UserError(`this Plumbline has no table ${table} that it could move`);
  return found;
}

function inRange(time: string): string {
  return `${time} >= {from:DateTime64(9, 'UTC')} AND ${time} < {to:DateTime64(9, 'UTC')}`;
}

function rangeParams({ fromS, toS }: TimeRange): Record<string, string> {
  return { from: formatTime(fromS), to: formatTime(toS) };
}
