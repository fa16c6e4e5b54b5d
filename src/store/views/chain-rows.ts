/**
 * SQL that reads every point of a metric once, as coarse as possible: the common part of all views of increases and
 * quantiles. Enters: a shape and what to select; leaves: text with the parameters metric, start_time, end_time, step_s.
 * Views are flat on purpose: the engine analyses a view inside a view again at every level.
 */
import { timeParameter } from '../../model/time-parameter.js';
import type { Shape } from '../rollup-marks.js';
import { DATABASE_SINCE } from './chain-links.js';
import { type Grid, gridAliases, isRefined, isTaken, refinedAliases } from './grid-buckets.js';

/** The parameters of most views, as placeholders. */
export const METRIC = '{metric:String}';
export const START_TIME = timeParameter('start_time');
export const END_TIME = timeParameter('end_time');
export const STEP_S = '{step_s:UInt32}';

const OWN_SERIES = `SELECT series_id FROM series WHERE metric_name = ${METRIC}`;

/**
 * The one place where readers turn the name of a metric into its series: those of table `series`, and those that were
 * folded into one of them (docs/decisions/0011-cardinality.md).
 */
export const SERIES_OF_METRIC = `
        ${OWN_SERIES}
        UNION ALL
        SELECT series_id FROM folded_series WHERE overflow_series_id IN (${OWN_SERIES})`;

/** One step of whole days that reaches from the beginning of time to just after `moment`: to ask what was last. */
export function until(moment: string): { start: string; end: string; step: string } {
  const start = "toDateTime64('1970-01-01 00:00:00', 9, 'UTC')";
  return { start, end: `(${moment} + INTERVAL 1 NANOSECOND)`, step: '4294944000' };
}

/** In nanoseconds; a step of 0 is refused by `chainAliases`. */
const GRID: Grid = { start: 'from_ns', end: 'to_ns', step: 'step_ns', perSecond: 1_000_000_000 };

/** WITH elements that `chainRows` and the views around it refer to: the grid, and the buckets that are read finer. */
export function chainAliases(
  shape: Shape,
  grid = { start: START_TIME, end: END_TIME, step: STEP_S },
): string {
  const refuse = `, throwIf(${grid.step} = 0, 'step_s must be at least 1')`;
  return `
    ${grid.start} AS from_time,
    ${grid.end} AS to_time,
    toUnixTimestamp64Nano(from_time) AS from_ns,
    toUnixTimestamp64Nano(to_time) AS to_ns,
    ${DATABASE_SINCE},
    -- A constant that primary keys understand.
    1000000000 * greatest(toInt64(${grid.step}), 1) AS step_ns,
    ${gridAliases(GRID)},
    ${refinedAliases(GRID, 'waiting', shape, refuse)}`;
}

/**
 * Rows that together hold every point of `shape` before end_time once: rows of 1d, 1h and 1m, and single points as rows
 * of their own. `rollupColumns` is selected from {shape}_1d, _1h and _1m, `pointColumns` from {shape}_points, under the same
 * names.
 */
export function chainRows(shape: Shape, rollupColumns: string, pointColumns: string): string {
  const branch = (columns: string, table: string, ...conditions: string[]) => `
    SELECT ${columns}
    FROM ${shape}_${table} FINAL
    WHERE series_id IN (${SERIES_OF_METRIC}) AND time < to_time
        AND ${conditions.join('\n        AND ')}`;
  return [
    branch(rollupColumns, '1d', isTaken('waiting', 'day')),
    branch(rollupColumns, '1h', isRefined('waiting', 'day'), isTaken('waiting', 'hour')),
    branch(rollupColumns, '1m', isRefined('waiting', 'hour'), isTaken('waiting', 'minute')),
    branch(pointColumns, 'points', isRefined('waiting', 'minute')),
  ].join('\n    UNION ALL');
}

/** The start of the grid step in which `time` (a DateTime64(9)) lies. */
export function stepOf(time: string): string {
  return `fromUnixTimestamp64Nano(from_ns + intDiv(toUnixTimestamp64Nano(${time}) - from_ns, step_ns) * step_ns, 'UTC')`;
}

/**
 * (series_id, shown_series_id, observed_since) of the metric's series, to be joined to chains: under which row of `series`
 * results are shown, and when the process was first heard of.
 */
export const DESCRIBED_SERIES = `
    SELECT s.series_id AS series_id, any(s.shown_series_id) AS shown_series_id, min(r.first_time) AS observed_since
    FROM
    (
        SELECT series_id, series_id AS shown_series_id, resource_id FROM series WHERE metric_name = ${METRIC}
        UNION ALL
        SELECT f.series_id AS series_id, f.overflow_series_id AS shown_series_id, o.resource_id AS resource_id
        FROM
        (
            SELECT series_id, overflow_series_id FROM folded_series FINAL
            WHERE overflow_series_id IN (${OWN_SERIES}) AND series_id NOT IN (${OWN_SERIES})
        ) AS f
        INNER JOIN (SELECT DISTINCT series_id, resource_id FROM series WHERE metric_name = ${METRIC}) AS o
            ON o.series_id = f.overflow_series_id
    ) AS s
    LEFT JOIN resource_activity_states AS r ON s.resource_id = r.resource_id
    GROUP BY series_id`;
