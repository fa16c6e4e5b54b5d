/**
 * SQL that checks stored points against the definitions of the KPIs they feed. Enters: KPIs; leaves: SELECTs that count the
 * points of minutes and name the series that look wrong, and statements that write their flagged points. Parameters:
 * minutes, from and to (all times of a statement), series, checked_at.
 */
import type { Kpi, MetricShape } from '../model/kpi.js';
import { parseUnit } from '../model/unit.js';
import { FEED_CODES, type Feed, fedSeriesSql, feedAliases, listFeeds } from './coverage-sql.js';
import { numberLiteral, quoteList } from './sql-text.js';

export interface CheckSql {
  /** (shape, time_s, points, has_suspects): whether any point of a series may have to be flagged. */
  count: string;
  /** (shape, series): of which any point may have to be flagged. */
  suspects: string;
  /** INSERT into flagged_points of those of {series} in {minutes}. */
  flag: Readonly<Record<MetricShape, string>>;
  /** (time_s, flagged): points of {series} that were flagged at {checked_at}. */
  countFlagged: string;
}

const SHAPES: readonly MetricShape[] = ['number', 'histogram', 'exponential_histogram', 'summary'];

/** Plumbline's own metrics are not checked: only what came through the receivers counts as data. */
const OWN_PREFIX = 'plumbline.';

/** Cumulative histograms keep their extremes until they start anew: points of this long before say which are new. */
const LOOK_BACK_S = 86_400;

/** Undefined where no KPI reads any metric of others. */
export function compileChecks(kpis: readonly Kpi[]): CheckSql | undefined {
  const feeds = listFeeds(kpis).filter(({ metric }) => !metric.startsWith(OWN_PREFIX));
  if (feeds.length === 0) return undefined;
  const rules = (only: string) => rulesSql(feeds, only);
  const rows = SHAPES.map(
    (shape) => `
        SELECT '${shape}' AS shape, series_id, time, points AS row_points, ${extremes(shape, 'count > 0')}
        FROM ${shape}_1m FINAL
        WHERE time IN {minutes:Array(DateTime('UTC'))} AND time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')}`,
  );
  const flag = (shape: MetricShape) => `
INSERT INTO flagged_points (series_id, time, start_time, kpi, reason, value, checked_at)
WITH ${ruleAliases(feeds)}
SELECT series_id, time, start_time, violation.1 AS kpi, violation.2 AS reason, violation.3 AS value, {checked_at:DateTime64(3, 'UTC')}
FROM (${pointsSql(shape)}) AS p
INNER JOIN (${rules('AND ids.id IN {series:Array(UInt64)}')}) AS r ON r.id = p.series_id
ARRAY JOIN arrayConcat(
    arrayMap(f -> (f.1, f.2, any_value), r.flags),
    arrayMap(x -> (x.kpi, 'range', if(ifNull(${isBelow('least_value')}, false), least_value, most_value)), arrayFilter(x -> is_new AND ${isOutside('least_value', 'most_value')}, r.ranges))) AS violation
WHERE p.is_due`;
  const isSuspect = `notEmpty(flags) OR arrayExists(x -> ${isOutside('least_value', 'most_value')}, ranges)`;
  const checked = `
FROM (${rows.join('\n        UNION ALL')}
) AS m
INNER JOIN (${rules('')}) AS r ON r.id = m.series_id`;
  return {
    count: `
WITH ${ruleAliases(feeds)}
SELECT shape, toUnixTimestamp(time) AS time_s, sum(row_points) AS points, max(${isSuspect}) AS has_suspects${checked}
GROUP BY shape, time`,
    suspects: `
WITH ${ruleAliases(feeds)}
SELECT shape, groupUniqArray(toString(series_id)) AS series${checked}
WHERE ${isSuspect}
GROUP BY shape`,
    flag: {
      number: flag('number'),
      histogram: flag('histogram'),
      exponential_histogram: flag('exponential_histogram'),
      summary: flag('summary'),
    },
    countFlagged: `
SELECT toUnixTimestamp(toStartOfMinute(time)) AS time_s, uniqExact(series_id, time, start_time) AS flagged
FROM flagged_points FINAL
WHERE checked_at = {checked_at:DateTime64(3, 'UTC')} AND kpi != '' AND series_id IN {series:Array(UInt64)} AND time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')}
GROUP BY time_s`,
  };
}

const isBelow = (least: string) => `${least} * x.factor + x.offset < x.min`;
/** NULL where nothing is known of the values: nothing is wrong with them then. */
const isOutside = (least: string, most: string) =>
  `ifNull(${isBelow(least)} OR ${most} * x.factor + x.offset > x.max, false)`;

/** least_value and most_value of a row of rollups or of a point, NULL where it has none. */
function extremes(shape: MetricShape, hasValue: string): string {
  const [least, most] = {
    number: [`if(${hasValue}, min, NULL)`, `if(${hasValue}, max, NULL)`],
    histogram: ['min', 'max'],
    exponential_histogram: ['min', 'max'],
    summary: ['NULL', 'NULL'],
  }[shape] as [string, string];
  return `CAST(${least}, 'Nullable(Float64)') AS least_value, CAST(${most}, 'Nullable(Float64)') AS most_value`;
}

/** Points of {series} in {minutes}; any_value is what is shown where it is the series that is wrong. */
function pointsSql(shape: MetricShape): string {
  const due = `toStartOfMinute(time) IN {minutes:Array(DateTime('UTC'))}`;
  const from = "{from:DateTime64(9, 'UTC')}";
  const within = "series_id IN {series:Array(UInt64)} AND time < {to:DateTime64(9, 'UTC')} AND time >=";
  if (shape === 'number') {
    const value = `if(value_type != 'none' AND isFinite(value_double), toFloat64(value_int) + value_double, NULL)`;
    return `
    SELECT series_id, time, start_time, CAST(${value}, 'Nullable(Float64)') AS any_value, any_value AS least_value, any_value AS most_value, true AS is_new, true AS is_due
    FROM number_points FINAL
    WHERE ${within} ${from} AND ${due}`;
  }
  const none = `CAST(NULL, 'Nullable(Float64)')`;
  if (shape === 'summary') {
    return `
    SELECT series_id, time, start_time, ${none} AS any_value, ${none} AS least_value, ${none} AS most_value, true AS is_new, true AS is_due
    FROM summary_points FINAL
    WHERE ${within} ${from} AND ${due}`;
  }
  // A cumulative point has the extremes since its start: it is flagged where they are not those of the point before it.
  return `
    SELECT
        series_id, time, start_time, ${none} AS any_value, min AS least_value, max AS most_value, ${due} AS is_due,
        temporality != 'cumulative' OR isNull(lagInFrame(min) OVER chain) OR min < lagInFrame(min) OVER chain OR max > lagInFrame(max) OVER chain AS is_new
    FROM ${shape}_points FINAL
    WHERE ${within} ${from} - INTERVAL ${LOOK_BACK_S} SECOND
    WINDOW chain AS (PARTITION BY series_id, start_time ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`;
}

function ruleAliases(feeds: readonly Feed[]): string {
  const units = feeds.map(({ kpi }) => parseUnit(kpi.unit));
  const bound = (value: number | undefined, none: string) =>
    value === undefined ? none : numberLiteral(value);
  const list = (values: readonly string[], type: string) => `CAST([${values.join(', ')}], 'Array(${type})')`;
  return `${feedAliases(feeds)},
    ${list(
      feeds.map((feed) => String(isRanged(feed))),
      'Bool',
    )} AS feed_ranged,
    ${list(
      units.map(({ factor }) => numberLiteral(factor)),
      'Float64',
    )} AS feed_factors,
    ${list(
      units.map(({ offset }) => numberLiteral(offset)),
      'Float64',
    )} AS feed_offsets,
    ${list(
      feeds.map(({ kpi }) => bound(kpi.validMin, '-inf')),
      'Float64',
    )} AS feed_mins,
    ${list(
      feeds.map(({ kpi }) => bound(kpi.validMax, 'inf')),
      'Float64',
    )} AS feed_maxes`;
}

/** Values of the KPI itself are within its valid range: not counts, parts or shares of it. */
function isRanged({ kpi, placed }: Feed): boolean {
  const isValue = ['average', 'percentile', 'last', 'uptime'].includes(placed.source.formula.kind);
  return isValue && (kpi.validMin !== undefined || kpi.validMax !== undefined);
}

/**
 * SELECT of (id, flags, ranges) of every series that feeds a KPI or is asked for, folded ones too. flags: (KPI, reason) where
 * no KPI can use it; ranges: what the values must be, of the KPIs that use it.
 */
function rulesSql(feeds: readonly Feed[], only: string): string {
  const metrics = quoteList([...new Set(feeds.map(({ metric }) => metric))].sort());
  const own = `SELECT series_id FROM series WHERE metric_name IN ${metrics}`;
  const series = `
                (
                    SELECT ids.id AS id, s.*
                    FROM (SELECT * FROM series FINAL WHERE metric_name IN ${metrics}) AS s
                    INNER JOIN
                    (
                        SELECT DISTINCT series_id AS id, series_id AS shown FROM series WHERE metric_name IN ${metrics}
                        UNION ALL
                        SELECT series_id AS id, overflow_series_id AS shown FROM folded_series FINAL
                        WHERE overflow_series_id IN (${own}) AND series_id NOT IN (${own})
                    ) AS ids ON ids.shown = s.series_id
                    WHERE true ${only}
                )`;
  const usable = `arrayFilter(f -> f.2 = ${FEED_CODES.usable}, fed)`;
  return `
    SELECT
        id,
        if(notEmpty(${usable}), [], arrayDistinct(arrayMap(f -> (feed_kpis[f.1], if(f.2 = ${FEED_CODES.unit}, 'unit', 'type')), fed))) AS flags,
        CAST(arrayDistinct(arrayMap(f -> (feed_kpis[f.1], unit_factor / feed_factors[f.1], (unit_offset - feed_offsets[f.1]) / feed_factors[f.1], feed_mins[f.1], feed_maxes[f.1]),
            arrayFilter(f -> feed_ranged[f.1], ${usable}))),
            'Array(Tuple(kpi String, factor Float64, offset Float64, min Float64, max Float64))') AS ranges
    FROM (${fedSeriesSql(feeds, 'id, unit_factor, unit_offset', series)})
    WHERE notEmpty(fed)`;
}
