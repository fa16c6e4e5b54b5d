/**
 * Values outside of a valid range, left out of facts: rows of rollups that have one are read finer, down to single points,
 * and such points are not read. Enters: a FactsQuery with validRange; leaves: WITH elements and conditions for the branches
 * of metric-facts.ts. Where finer rows are gone already, what the coarse row holds cannot be told apart and is left out.
 *
 * At what times any series has one is a constant, by which primary keys are searched; which series it is, a set: as
 * constants the pairs of both would take the engine minutes where a series is outside all the time.
 */
import type { FactsQuery, ValidRange } from '../../model/facts.js';
import { IS_VALUE } from './fact-families.js';
import { BUCKET_OF, isAmong, RESOLUTIONS, type Resolution, TABLE_OF } from './grid-buckets.js';

/** SELECT of (id, range_factor, range_offset): series whose values have to lie within the range, folded ones too. */
function rangedSeries({ metrics, hasFolded = true }: FactsQuery, range: ValidRange): string {
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

const COARSER = { day: undefined, hour: 'day', minute: 'hour' } as const;

/** How the branches of metric-facts.ts choose rows. */
export interface Branches {
  /** False where it is known that no row of the resolution is read within the grid. */
  mayTake: (r: Resolution) => boolean;
  isTaken: (r: Resolution) => string;
  isRefined: (r: Resolution) => string;
}

/** The rest of a FROM, after the shape, of a table whose rows are joined to their range, if they have one. */
export function withRange(table: string, query: FactsQuery, range: ValidRange): string {
  return `${table} FINAL LEFT JOIN (${rangedSeries(query, range)}) AS ranged ON ranged.id = series_id`;
}

/** Whether a row of rollups of a series that has a range has any value outside. */
const isOutlying = (range: ValidRange) => `count > 0 AND ${isOutside(range, 'min', 'max')}`;

/** Whether a row of rollups joined by `withRange` has no value outside. */
export function isInlying(range: ValidRange): string {
  return `NOT (ranged.id != 0 AND ${isOutlying(range)})`;
}

/** The same of a point. */
export function isInside(range: ValidRange): string {
  const value = '(toFloat64(value_int) + value_double)';
  return `NOT (ranged.id != 0 AND ${IS_VALUE} AND ${isOutside(range, value)})`;
}

function outlyingRows(
  r: Resolution,
  columns: string,
  times: string,
  query: FactsQuery,
  range: ValidRange,
): string {
  return `SELECT ${columns} FROM number_${TABLE_OF[r]} FINAL
        INNER JOIN (${rangedSeries(query, range)}) AS ranged ON ranged.id = series_id
        WHERE ${times} AND ${isOutlying(range)}`;
}

/**
 * WITH elements outlying_day, outlying_hour, outlying_minute: times of rows within the grid that would be read as they are
 * and have a value outside.
 */
export function outlyingAliases(query: FactsQuery, range: ValidRange, branches: Branches): string {
  return RESOLUTIONS.map((r) => {
    if (!branches.mayTake(r)) return `\n    CAST([], 'Array(DateTime)') AS outlying_${r}`;
    const coarser = COARSER[r];
    const reached =
      coarser === undefined
        ? ''
        : ` AND (${branches.isRefined(coarser)} OR ${isAmong(`${BUCKET_OF[coarser]}(time)`, `outlying_${coarser}`)})`;
    const times = `time >= ${r}_begin AND time < to_time AND ${branches.isTaken(r)}${reached}`;
    return `
    (
        ${outlyingRows(r, 'groupUniqArray(time)', times, query, range)}
    ) AS outlying_${r}`;
  }).join(',');
}

/** Whether rows below resolution `r` are read at `time`: its bucket is read finer, for whatever reason. */
export function isReached(r: Resolution, isRefined: string, query: FactsQuery, range: ValidRange): string {
  const rows = outlyingRows(r, 'series_id, time', isAmong('time', `outlying_${r}`), query, range);
  return `(${isRefined} OR ${isAmong(`${BUCKET_OF[r]}(time)`, `outlying_${r}`)} AND (series_id, ${BUCKET_OF[r]}(time)) IN (${rows}))`;
}
