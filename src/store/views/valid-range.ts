/**
 * Values outside of a valid range, left out of facts: rows of rollups that have one are read finer, down to single points,
 * and such points are not read. Enters: a FactsQuery with validRange; leaves: WITH elements and conditions for the branches
 * of metric-facts.ts. Where finer rows are gone already, what the coarse row holds cannot be told apart and is left out.
 */
import type { FactsQuery, ValidRange } from '../../model/facts.js';
import { BUCKET_OF, type Resolution } from './grid-buckets.js';

/** SELECT of (id, range_factor, range_offset): series whose values have to lie within the range, folded ones too. */
export function rangedSeries({ metrics, hasFolded = true }: FactsQuery, range: ValidRange): string {
  const columns = `${range.factor} AS range_factor, ${range.offset} AS range_offset`;
  const own = `SELECT series_id AS id, ${columns} FROM series WHERE metric_name IN ${metrics} AND (${range.series})`;
  if (!hasFolded)
    return `SELECT id, any(range_factor) AS range_factor, any(range_offset) AS range_offset FROM (${own}) GROUP BY id`;
  // What is in both tables describes itself.
  return `
        SELECT id, any(range_factor) AS range_factor, any(range_offset) AS range_offset
        FROM
        (
            ${own}
            UNION ALL
            SELECT f.series_id, o.range_factor, o.range_offset
            FROM folded_series AS f FINAL
            INNER JOIN (${own}) AS o ON o.id = f.overflow_series_id
            WHERE f.series_id NOT IN (SELECT series_id FROM series WHERE metric_name IN ${metrics})
        )
        GROUP BY id`;
}

/** Whether the values from `least` to `most` (SQL) of a row joined to `rangedSeries` are not all within the range. */
export function isOutside({ min, max }: ValidRange, least: string, most = least): string {
  const bounds = [
    ...(min === undefined ? [] : [`${least} * range_factor + range_offset < ${min}`]),
    ...(max === undefined ? [] : [`${most} * range_factor + range_offset > ${max}`]),
  ];
  return `(${bounds.join(' OR ')})`;
}

const TABLES = [
  { name: 'day', table: 'number_1d', coarser: undefined },
  { name: 'hour', table: 'number_1h', coarser: 'day' },
  { name: 'minute', table: 'number_1m', coarser: 'hour' },
] as const;

/** How the branches of metric-facts.ts choose rows. */
export interface Branches {
  /** False where it is known that no row of the resolution is read within the grid. */
  mayTake: (r: Resolution) => boolean;
  isTaken: (r: Resolution) => string;
  isRefined: (r: Resolution) => string;
}

/**
 * WITH elements outlying_day, outlying_hour, outlying_minute: (series_id, time) of rows within the grid that would be read as
 * they are and have a value outside.
 */
export function outlyingAliases(query: FactsQuery, range: ValidRange, branches: Branches): string {
  return TABLES.map(({ name, table, coarser }) => {
    if (!branches.mayTake(name)) return `\n    ${NOTHING} AS outlying_${name}`;
    const reached = coarser === undefined ? '' : `AND ${isReached(coarser, branches.isRefined)}`;
    return `
    (
        SELECT groupUniqArray((series_id, time))
        FROM ${table} FINAL
        INNER JOIN (${rangedSeries(query, range)}) AS ranged ON ranged.id = series_id
        WHERE time >= ${name}_begin AND time < to_time AND ${branches.isTaken(name)} ${reached}
            AND count > 0 AND ${isOutside(range, 'min', 'max')}
    ) AS outlying_${name}`;
  }).join(',');
}

const NOTHING = `CAST([], 'Array(Tuple(UInt64, DateTime))')`;

/** Whether rows below resolution `r` are read at `time`: its bucket is read finer, for whatever reason. */
export function isReached(r: Resolution, isRefined: (r: Resolution) => string): string {
  return `(${isRefined(r)} OR (series_id, ${BUCKET_OF[r]}(time)) IN outlying_${r})`;
}

/** Whether the row at `time` of resolution `r` has no value outside. */
export function isInlying(r: Resolution): string {
  return `(series_id, time) NOT IN outlying_${r}`;
}
