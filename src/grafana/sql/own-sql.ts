/**
 * SQL over the metrics that Plumbline records about itself (docs/self-metrics.md), and over what it says of the catalogue's
 * coverage. Enters: names of metrics; leaves: SELECTs.
 */

import { quote } from '../../model/sql-literal.js';
import { lines, START_S, STEP_S, TO_S, unionAll } from './sql-text.js';

const RANGE = `start_time = ${START_S}, end_time = ${TO_S}, step_s = ${STEP_S}`;
const ROWS_MAX = 500;

function joinSeries(database: string): string {
  return `INNER JOIN ${database}.series AS s FINAL USING (series_id)`;
}

/** What a counter grew by in a second, a column for each of its outcomes. */
export function ownRateSql(database: string, metric: string, outcomes: readonly string[]): string {
  const column = (outcome: string) =>
    `  sumIf(i.rate, s.attributes['outcome'] = ${quote(outcome)}) AS ${outcome}`;
  return lines(
    'SELECT',
    ['  i.time AS time', ...outcomes.map(column)].join(',\n'),
    `FROM ${database}.number_increase(metric = ${quote(metric)}, ${RANGE}) AS i`,
    joinSeries(database),
    'GROUP BY time',
    'ORDER BY time',
  );
}

/** The largest value of gauges in each step, by an attribute of the point or of the resource. */
export function ownGaugeSql(database: string, metrics: readonly string[], attribute: string): string {
  const name =
    attribute === 'service.instance.id'
      ? `s.resource_attributes[${quote(attribute)}]`
      : `s.attributes[${quote(attribute)}]`;
  const one = (metric: string) =>
    lines(
      `SELECT v.time AS time, ${metrics.length > 1 ? quote(metric) : name} AS name, max(v.max) AS value`,
      `FROM ${database}.number_values(metric = ${quote(metric)}, ${RANGE}) AS v`,
      joinSeries(database),
      'GROUP BY time, name',
    );
  return unionAll(metrics.map(one), 'time, name');
}

/** From the arrival of a request until its points are visible. */
export function ownDurationSql(database: string): string {
  return lines(
    'SELECT time, p50, p90, p99',
    `FROM ${database}.histogram_quantiles(metric = 'plumbline.processing.duration', ${RANGE}, group_by = '')`,
    'ORDER BY time',
  );
}

/** Every receiver: what it is, and when it was last heard of. */
export function receiversSql(database: string): string {
  return lines(
    'SELECT',
    "  resource_attributes['service.instance.id'] AS receiver,",
    "  arrayStringConcat(arraySort(groupUniqArray(resource_attributes['service.version'])), ', ') AS versions,",
    '  min(activity.first_time) AS `first seen`,',
    '  max(activity.last_time) AS `last seen`',
    `FROM (SELECT series_id, resource_attributes, seen_at FROM ${database}.series FINAL WHERE source_system = 'plumbline') AS s`,
    `INNER JOIN (SELECT series_id, min(point_time) AS first_time, max(point_time) AS last_time FROM (`,
    `  SELECT series_id, time AS point_time FROM ${database}.number_points WHERE series_id IN (SELECT series_id FROM ${database}.series WHERE metric_name = 'plumbline.memory.rss') AND time >= now64(9, 'UTC') - INTERVAL 7 DAY`,
    ') GROUP BY series_id) AS activity USING (series_id)',
    'GROUP BY receiver',
    'ORDER BY `last seen` DESC',
    'LIMIT 100',
  );
}

/** One row of counts: what there is, and what needs a look. */
export function countsSql(database: string): string {
  const count = (what: string, from: string) => `  (SELECT ${what} FROM ${database}.${from}) AS`;
  return lines(
    'SELECT',
    `${count('count()', 'series FINAL')} series,`,
    `${count('uniqExact(metric_name)', 'series')} metrics,`,
    `${count('uniqExact(source_system)', 'series')} services,`,
    `${count('count()', 'unclassified_metrics')} unclassified,`,
    `${count('count()', 'folded_series FINAL')} folded,`,
    `${count('count()', 'flagged_points FINAL WHERE $__timeFilter_ms(time)')} flagged`,
  );
}

/** Every metric that a KPI asks for: who sends it, and why some of it cannot be used. */
export function coverageSql(database: string): string {
  return lines(
    'SELECT kpi, source, metric, series,',
    "  multiIf(usable, 'feeds the KPI', series = 0, 'nobody sends it', 'cannot be used') AS state,",
    '  reason,',
    "  arrayStringConcat(services, ', ') AS services,",
    '  if(series = 0, NULL, toUnixTimestamp64Milli(last_seen)) AS `last seen`',
    `FROM ${database}.kpi_coverage`,
    'ORDER BY kpi, usable DESC, series DESC, metric, source',
    `LIMIT ${ROWS_MAX}`,
  );
}

/** KPIs with the number of metrics and series that feed them. */
export function fedSql(database: string): string {
  return lines(
    'SELECT kpi, uniqExactIf(metric, usable) AS metrics, sumIf(series, usable) AS series,',
    "  if(max(usable), 'measured', 'no data') AS state, concat('plumbline-kpi-', replaceAll(kpi, '_', '-')) AS board",
    `FROM ${database}.kpi_coverage`,
    'GROUP BY kpi',
    'ORDER BY state DESC, series, kpi',
  );
}

/** What is flagged of series, not for a KPI; the example is a metric. */
function flaggedSeriesSql(database: string, what: string, where: string): string {
  return (
    `SELECT ${quote(what)} AS what, count() AS count, any(s.metric_name) AS example ` +
    `FROM (SELECT series_id FROM ${database}.flagged_points FINAL WHERE ${where} AND $__timeFilter_ms(time)) AS f ` +
    `INNER JOIN (SELECT series_id, any(metric_name) AS metric_name FROM ${database}.series_of_points GROUP BY series_id) AS s USING (series_id)`
  );
}

/** What no rule takes, what was folded beyond a budget, what breaks the rules of KPIs, who shares a series: how much, and an example. */
export function needsLookSql(database: string): string {
  const flagged = (reason: string) =>
    `SELECT 'points with a wrong ${reason}' AS what, count() AS count, any(toString(kpi)) AS example FROM ${database}.flagged_points FINAL WHERE reason = ${quote(reason)} AND $__timeFilter_ms(time)`;
  return unionAll(
    [
      `SELECT 'metrics that no rule of the taxonomy takes' AS what, count() AS count, any(toString(metric_name)) AS example FROM ${database}.unclassified_metrics`,
      `SELECT 'series folded beyond a budget' AS what, count() AS count, '' AS example FROM ${database}.folded_series FINAL`,
      flagged('type'),
      flagged('unit'),
      flagged('range'),
      flaggedSeriesSql(database, 'points of two writers that share a series', "reason = 'conflicting_point'"),
      flaggedSeriesSql(
        database,
        'hours of series with start times that are not right',
        "startsWith(toString(reason), 'start_')",
      ),
    ],
    'count DESC, what',
  );
}
