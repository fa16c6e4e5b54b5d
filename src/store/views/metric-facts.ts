/**
 * What every series of some metrics did in each step of a grid, whatever their shape, in rows that KPIs are made from: how
 * often and how much, without buckets and quantiles. Enters: SQL of the metrics and of the grid; leaves: SQL text. The
 * rules of increases are those of docs/increase.md, and tests hold the answers against the views of one shape.
 */
import type { FactsQuery, FactsSql, QuantilesQuery } from '../../model/facts.js';
import { quote } from '../../model/sql-literal.js';
import { SHAPES, type Shape } from '../rollup-marks.js';
import { END_TIME, START_TIME, STEP_S } from './chain-rows.js';
import {
  type Grid,
  gridAliases,
  isRefined,
  isTaken,
  mayTake,
  type Resolution,
  refinedAliases,
} from './grid-buckets.js';
import { HISTOGRAM_SHAPES, quantileRows } from './histogram-quantiles.js';
import { isInlying, isOutside, isReached, outlyingAliases, rangedSeries } from './valid-range.js';

const ZERO_TIME = `toDateTime64(0, 9, 'UTC')`;

/**
 * A row of a chain in one form for all shapes. a and b: of numbers the integer and the double of a value, of the others
 * count and sum. first_…, last_…: of what counts since its start (is_chained), else 0. inside_…: what the row itself grew
 * by; of deltas all of it. levels, level_total, value: numbers as they were sent.
 */
const NUMBER_COLUMNS = `epoch, kind IN ('cumulative_counter', 'cumulative_updown') AND count > 0 AS is_chained, kind = 'cumulative_updown' AS may_fall,
            if(is_chained, first_int, 0) AS first_a, if(is_chained, first_double, 0) AS first_b,
            if(is_chained, last_int, 0) AS last_a, if(is_chained, last_double, 0) AS last_b,
            toInt64(0) AS inside_a, increase AS inside_b, true AS has_sum,
            count AS levels, sum AS level_total, toFloat64(last_int) + last_double AS value,
            points AS row_points, resets AS row_resets, first_time, last_time AS row_last_time, ended_time AS row_ended_time`;

const NUMBER_POINT_COLUMNS = `if(kind IN ('cumulative_counter', 'cumulative_updown'), start_time, ${ZERO_TIME}) AS epoch,
            kind IN ('cumulative_counter', 'cumulative_updown') AND value_type != 'none' AND isFinite(value_double) AS is_chained, kind = 'cumulative_updown' AS may_fall,
            if(is_chained, value_int, 0) AS first_a, if(is_chained, value_double, 0) AS first_b, first_a AS last_a, first_b AS last_b, toInt64(0) AS inside_a,
            if(isFinite(value_double), multiIf(kind = 'delta_counter', greatest(toFloat64(value_int) + value_double, 0), kind = 'delta_updown', toFloat64(value_int) + value_double, 0), 0) AS inside_b,
            true AS has_sum, toUInt64(value_type != 'none' AND isFinite(value_double)) AS levels,
            if(isFinite(value_double), toFloat64(value_int) + value_double, 0) AS level_total, toFloat64(value_int) + value_double AS value,
            toUInt64(1) AS row_points, toUInt64(0) AS row_resets, time AS first_time, time AS row_last_time, if(value_type = 'none', time, ${ZERO_TIME}) AS row_ended_time`;

/** Of histograms and summaries. */
const COUNTED_COLUMNS = `epoch, is_cumulative AND NOT ended AS is_chained, false AS may_fall,
            if(ended, 0, toInt64(first_count)) AS first_a, if(ended, 0, first_sum) AS first_b, if(ended, 0, toInt64(last_count)) AS last_a, if(ended, 0, last_sum) AS last_b,
            if(ended, 0, toInt64(last_count - first_count + carried_count)) AS inside_a, if(ended, 0, last_sum - first_sum + carried_sum) AS inside_b, has_sum OR ended AS has_sum,
            toUInt64(NOT ended) AS levels, toFloat64(0) AS level_total, toFloat64(0) AS value,
            points AS row_points, resets AS row_resets, first_time, last_time AS row_last_time, if(ended, last_time, ${ZERO_TIME}) AS row_ended_time`;

const COUNTED_POINT_COLUMNS = `if(is_cumulative, start_time, ${ZERO_TIME}) AS epoch, is_cumulative AND bitAnd(flags, 1) = 0 AS is_chained, false AS may_fall,
            if(is_chained, toInt64(count), 0) AS first_a, if(is_chained, ifNull(if(isFinite(sum), sum, 0), 0), 0) AS first_b, first_a AS last_a, first_b AS last_b,
            if(is_chained OR bitAnd(flags, 1) = 1, 0, toInt64(count)) AS inside_a, if(is_chained OR bitAnd(flags, 1) = 1, 0, ifNull(if(isFinite(sum), sum, 0), 0)) AS inside_b,
            ifNull(isFinite(sum), false) OR count = 0 OR bitAnd(flags, 1) = 1 AS has_sum, toUInt64(bitAnd(flags, 1) = 0) AS levels, toFloat64(0) AS level_total, toFloat64(0) AS value,
            toUInt64(1) AS row_points, toUInt64(0) AS row_resets, time AS first_time, time AS row_last_time, if(bitAnd(flags, 1) = 1, time, ${ZERO_TIME}) AS row_ended_time`;

/** Tables whose rows become those of a chain by the same expressions, and the columns that these need. */
interface Family {
  isNumber: boolean;
  columns: string;
  pointColumns: string;
  read: string;
  readPoints: string;
}

const NUMBERS: Family = {
  isNumber: true,
  columns: NUMBER_COLUMNS,
  pointColumns: NUMBER_POINT_COLUMNS,
  read: 'epoch, kind, points, count, sum, first_time, last_time, first_int, first_double, last_int, last_double, increase, resets, ended_time',
  readPoints: 'time, start_time, kind, value_type, value_int, value_double',
};
const COUNTED: Family = {
  isNumber: false,
  columns: COUNTED_COLUMNS,
  pointColumns: COUNTED_POINT_COLUMNS,
  read: 'epoch, ended, points, first_time, last_time, first_count, last_count, carried_count, has_sum, first_sum, last_sum, carried_sum, resets',
  readPoints: 'time, start_time, count, sum, flags',
};

/** Summaries only ever grow. */
const isCumulative = (shape: Shape) => (shape === 'summary' ? 'true' : `temporality = 'cumulative'`);

function gridOf({ known, startsOnStep }: FactsQuery): Grid {
  const perSecond = 1;
  if (known !== undefined) return { start: known.startS, end: known.endS, step: known.stepS, perSecond };
  return startsOnStep
    ? { start: 'from_s', end: 'to_s', step: startsOnStep.stepS, perSecond, startsOnStep: true }
    : { start: 'from_s', end: 'to_s', step: 'step_s', perSecond };
}

const waitingOf = (shape: Shape) => `${shape}_waiting`;

/** WITH elements of `factRows`: the grid, and the buckets that are read finer. */
function factAliases(query: FactsQuery): string {
  const { shapes = SHAPES, known } = query;
  const grid = gridOf(query);
  const isRanged = query.validRange !== undefined && shapes.includes('number');
  const outlying = isRanged
    ? `,${outlyingAliases(query, query.validRange!, {
        mayTake: (r) => mayTake(grid, r),
        isTaken: (r) => isTaken(waitingOf('number'), r),
        isRefined: (r) => isRefined(waitingOf('number'), r),
      })}`
    : '';
  const refined = shapes.map((shape) => refinedAliases(grid, waitingOf(shape), shape));
  return `
    ${known ? known.startS : `toUnixTimestamp(toDateTime(${query.start}, 'UTC'))`} AS from_s,
    ${known ? known.endS : `toUnixTimestamp(toDateTime(${query.end}, 'UTC'))`} AS to_s,
    ${known ? known.stepS : `toUInt32(${query.step})`} AS step_s,
    toDateTime(from_s, 'UTC') AS from_time,
    toDateTime(to_s, 'UTC') AS to_time,
    ${gridAliases(grid)},
    ${refined.join(',\n    ')}${outlying}`;
}

/**
 * Rows (series_id and the columns above) that together hold every point of the shapes before the end once. Tables are read
 * as they are and put together before anything is computed: the engine analyses each expression once for each SELECT.
 */
function chainRows(shapes: readonly Shape[], series: string, query: FactsQuery): string {
  const families = [
    { family: NUMBERS, members: shapes.filter((shape) => shape === 'number') },
    { family: COUNTED, members: shapes.filter((shape) => shape !== 'number') },
  ];
  return families
    .filter(({ members }) => members.length > 0)
    .flatMap(({ family, members }) => {
      const branches = members.map((shape) => readTables(shape, family, series, query));
      const together = (columns: string, from: string[]) => `
        SELECT series_id, ${family.isNumber} AS is_number, ${columns}
        FROM (${from.join('\n            UNION ALL')})`;
      return [
        together(
          family.columns,
          branches.flatMap(({ rollups }) => rollups),
        ),
        together(
          family.pointColumns,
          branches.map(({ points }) => points),
        ),
      ];
    })
    .join('\n        UNION ALL');
}

function readTables(
  shape: Shape,
  family: Family,
  series: string,
  query: FactsQuery,
): { rollups: string[]; points: string } {
  const cumulative = family.isNumber ? '' : `, ${isCumulative(shape)} AS is_cumulative`;
  const branch = (columns: string, table: string, ...conditions: string[]) => `
            SELECT series_id, ${columns}${cumulative}
            FROM ${shape}_${table}
            WHERE series_id IN (${series}) AND time < to_time AND ${conditions.join('\n                AND ')}`;
  const { read, readPoints } = family;
  const waiting = waitingOf(shape);
  const range = shape === 'number' ? query.validRange : undefined;
  if (range !== undefined) {
    const reached = (r: Resolution) => isReached(r, (at) => isRefined(waiting, at));
    const outside = `value_type != 'none' AND isFinite(value_double) AND ${isOutside(range, '(toFloat64(value_int) + value_double)')}`;
    const ranged = `LEFT JOIN (${rangedSeries(query, range)}) AS ranged ON ranged.id = series_id`;
    return {
      rollups: [
        branch(read, '1d FINAL', isTaken(waiting, 'day'), isInlying('day')),
        branch(read, '1h FINAL', isTaken(waiting, 'hour'), reached('day'), isInlying('hour')),
        branch(read, '1m FINAL', isTaken(waiting, 'minute'), reached('hour'), isInlying('minute')),
      ],
      points: branch(
        readPoints,
        `points FINAL ${ranged}`,
        reached('minute'),
        `NOT (ranged.id != 0 AND ${outside})`,
      ),
    };
  }
  return {
    rollups: [
      branch(read, '1d FINAL', isTaken(waiting, 'day')),
      branch(read, '1h FINAL', isTaken(waiting, 'hour'), isRefined(waiting, 'day')),
      branch(read, '1m FINAL', isTaken(waiting, 'minute'), isRefined(waiting, 'hour')),
    ],
    points: branch(readPoints, 'points FINAL', isRefined(waiting, 'minute')),
  };
}

const STEP_OF = `toDateTime(from_s + intDiv(toUnixTimestamp(first_time) - from_s, step_s) * step_s, 'UTC')`;

/**
 * SELECT of (series_id, time, count, sum, has_sum, increase, level_count, level_sum, last, begun_time, last_time, is_ended, points,
 * resets): count and sum of what histograms and summaries recorded; increase of counters; level_…: values of numbers as
 * they were sent, gauges above all. Needs `factAliases`.
 */
function factRows(query: FactsQuery): string {
  const { metrics, shapes = SHAPES, labels = [], where = 'true', isWhole = false, hasFolded = true } = query;
  const own = `SELECT series_id FROM series WHERE metric_name IN ${metrics}`;
  const series = hasFolded
    ? `${own} UNION ALL SELECT series_id FROM folded_series WHERE overflow_series_id IN (${own})`
    : own;
  const select = labels.map(({ name, sql }) => `, ${sql} AS ${name}`).join('');
  const carry = labels.map(({ name }) => `, any(${name}) AS ${name}`).join('');
  const names = labels.map(({ name }) => `, ${name}`).join('');
  const ownOnly = `SELECT series_id AS id, series_id AS shown_series_id, resource_id${select} FROM series WHERE metric_name IN ${metrics} AND ${where}`;
  const withFolded = `
                SELECT ids.id AS id, s.series_id AS shown_series_id, resource_id${select}
                FROM series AS s
                INNER JOIN
                (
                    SELECT series_id AS id, series_id AS shown FROM series WHERE metric_name IN ${metrics}
                    UNION ALL
                    SELECT series_id AS id, overflow_series_id AS shown FROM folded_series FINAL
                    WHERE overflow_series_id IN (${own}) AND series_id NOT IN (${own})
                ) AS ids ON ids.shown = s.series_id
                WHERE metric_name IN ${metrics} AND ${where}`;
  // A folded series is described by its overflow series; what is in both tables describes itself.
  const described = `
            SELECT id, any(shown_series_id) AS shown_series_id, min(r.first_time) AS observed_since${carry}
            FROM (${hasFolded ? withFolded : ownOnly}) AS s
            LEFT JOIN resource_activity AS r ON s.resource_id = r.resource_id
            GROUP BY id`;
  return `
    SELECT
        shown_series_id AS series_id${carry},
        ${isWhole ? `groupUniqArray(${STEP_OF})` : STEP_OF} AS ${isWhole ? 'times' : 'time'},
        sumIf(grown_a, NOT is_number) AS count,
        sumIf(grown_b, NOT is_number) AS sum,
        min(grown_has_sum) AS has_sum,
        sumIf(toFloat64(grown_a) + grown_b, is_number) AS increase,
        sumIf(levels, is_number) AS level_count,
        sumIf(level_total, is_number) AS level_sum,
        argMaxIf(value, row_last_time, levels > 0) AS last,
        minIf(grown_since, levels > 0) AS begun_time,
        maxIf(row_last_time, levels > 0) AS last_time,
        max(row_ended_time) > last_time AS is_ended,
        sum(row_points) AS points,
        sum(row_resets) AS resets
    FROM
    (
        SELECT
            shown_series_id${names}, first_time, is_number, row_last_time, row_ended_time, levels, level_total, value, row_points,
            first_a - base_a + inside_a AS grown_a,
            first_b - base_b + inside_b AS grown_b,
            has_sum AND (NOT goes_on OR previous_has_sum) AS grown_has_sum,
            multiIf(has_previous, previous_time, is_chained AND is_known, epoch, first_time) AS grown_since,
            row_resets + (has_previous AND NOT goes_on) AS row_resets
        FROM
        (
            SELECT
                *,
                multiIf(goes_on, previous_a, is_known, 0, first_a) AS base_a,
                multiIf(goes_on, previous_b, is_known, 0, first_b) AS base_b
            FROM
            (
                SELECT
                    * EXCEPT (may_fall, observed_since),
                    has_previous AND (may_fall OR if(is_number, toFloat64(first_a - previous_a) + (first_b - previous_b) >= 0, first_a >= previous_a)) AS goes_on,
                    has_previous OR epoch > ${ZERO_TIME} AND epoch < first_time AND (epoch >= first_time - INTERVAL 1 DAY
                        OR observed_since > ${ZERO_TIME} AND observed_since < first_time - INTERVAL 1 SECOND) AS is_known
                FROM
                (
                    SELECT
                        *,
                        lagInFrame(is_chained, 1, false) OVER chain AS has_previous,
                        lagInFrame(last_a) OVER chain AS previous_a,
                        lagInFrame(last_b) OVER chain AS previous_b,
                        lagInFrame(has_sum) OVER chain AS previous_has_sum,
                        lagInFrame(row_last_time) OVER chain AS previous_time
                    FROM (${chainRows(shapes, series, query)}
                    )
                    WHERE is_chained OR first_time >= from_time
                    WINDOW chain AS (PARTITION BY series_id, epoch, is_chained ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
                ) AS linked
                INNER JOIN (${described}) AS described ON described.id = linked.series_id
                WHERE first_time >= from_time
            )
        )
    )
    GROUP BY shown_series_id${isWhole ? '' : ', time'}`;
}

function factQuantiles({ metrics, start, end, step, shapes, grouped }: QuantilesQuery): string {
  // Of no metric at all there would be no SQL; one that nobody sends finds nothing.
  const names = metrics.length > 0 ? metrics : [''];
  const increases = (shape: Shape) => {
    const steps = names.map(
      (metric) =>
        `SELECT * FROM ${shape}_increase(metric = ${quote(metric)}, start_time = ${start}, end_time = ${end}, step_s = ${step})`,
    );
    return `
            SELECT steps.*, labels.grp AS grp, labels.factor AS factor
            FROM (${steps.join(' UNION ALL ')}) AS steps
            INNER JOIN (${grouped}) AS labels USING (series_id)
            WHERE increase_count > 0`;
  };
  const there = HISTOGRAM_SHAPES.filter((shape) => shapes.includes(shape));
  return quantileRows(increases, there.length > 0 ? there : HISTOGRAM_SHAPES.slice(0, 1));
}

export const FACTS: FactsSql = { aliases: factAliases, rows: factRows, quantiles: factQuantiles };

const PARAMETERS: FactsQuery = {
  metrics: '{metrics:Array(String)}',
  start: START_TIME,
  end: END_TIME,
  step: STEP_S,
};

/** The view metric_facts(metrics, start_time, end_time, step_s). */
export const METRIC_FACTS = `
CREATE OR REPLACE VIEW metric_facts AS
WITH ${factAliases(PARAMETERS)}
${factRows(PARAMETERS)}`;
