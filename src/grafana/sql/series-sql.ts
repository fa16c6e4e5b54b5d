/**
 * SQL over the list of series: what arrives, from whom, how much of it. Enters: names; leaves: SELECTs over tables that have a
 * row for each series, never for each point.
 */

import { ENVIRONMENT } from '../../model/environment.js';
import { quote } from '../../model/sql-literal.js';
import { isChosen, lines, toChoice } from './sql-text.js';

const ROWS_MAX = 200;
/** The hourly rollup keeps the time of the last point, so series of the last minutes may have none yet. */
const LAST_SEEN = 'toUnixTimestamp64Milli(max(greatest(activity.last_time, toDateTime64(seen_at, 9))))';

/** Series of the services and environments that were chosen. */
function chosen(): string {
  return `${isChosen('toString(source_system)', 'service')} AND ${isChosen(ENVIRONMENT, 'environment')}`;
}

function seriesWithActivity(database: string, condition: string): string {
  return lines(
    `FROM (SELECT * FROM ${database}.series FINAL WHERE ${condition}) AS s`,
    `LEFT JOIN ${database}.series_activity AS activity USING (series_id)`,
  );
}

export function metricsInPlaceSql(database: string, category: string, subcategory: string): string {
  const place = `category = ${quote(category)} AND subcategory = ${quote(subcategory)}`;
  return lines(
    'SELECT',
    '  toString(metric_name) AS metric,',
    '  toString(any(metric_type)) AS type,',
    '  toString(any(unit)) AS unit,',
    '  count() AS series,',
    "  arrayStringConcat(arraySort(groupUniqArray(toString(source_system))), ', ') AS services,",
    `  ${LAST_SEEN} AS \`last seen\``,
    seriesWithActivity(database, `${place} AND ${chosen()}`),
    'GROUP BY metric_name',
    'ORDER BY series DESC, metric',
    `LIMIT ${ROWS_MAX}`,
  );
}

/** Every service with what it is and when it was last heard of. */
export function servicesSeenSql(database: string): string {
  return lines(
    'SELECT',
    '  toString(source_system) AS service,',
    `  ${toChoice('service')} AS choice,`,
    `  arrayStringConcat(arraySort(groupUniqArray(${ENVIRONMENT})), ', ') AS environments,`,
    "  arrayStringConcat(arraySort(groupUniqArray(resource_attributes['service.version'])), ', ') AS versions,",
    "  uniqExact(resource_attributes['service.instance.id']) AS instances,",
    '  uniqExact(metric_name) AS metrics,',
    '  count() AS series,',
    `  ${LAST_SEEN} AS \`last seen\``,
    seriesWithActivity(database, chosen()),
    'GROUP BY source_system',
    'ORDER BY service',
    `LIMIT ${ROWS_MAX}`,
  );
}

/** The metrics of services, the largest first. */
export function metricsOfServicesSql(database: string): string {
  return lines(
    'SELECT',
    '  toString(source_system) AS service,',
    '  toString(metric_name) AS metric,',
    '  toString(any(metric_type)) AS type,',
    '  toString(any(unit)) AS unit,',
    "  any(if(subcategory = '', category, concat(category, ' / ', subcategory))) AS place,",
    '  count() AS series,',
    `  ${LAST_SEEN} AS \`last seen\``,
    seriesWithActivity(database, chosen()),
    'GROUP BY source_system, metric_name',
    'ORDER BY series DESC, service, metric',
    `LIMIT ${ROWS_MAX}`,
  );
}

/** How many series each value of a column has. */
export function seriesBySql(database: string, column: string, name: string, limit: number): string {
  return lines(
    `SELECT toString(${column}) AS ${name}, count() AS series`,
    `FROM ${database}.series FINAL`,
    `GROUP BY ${name}`,
    `ORDER BY series DESC, ${name}`,
    `LIMIT ${limit}`,
  );
}

/** Attributes of points by how many values each has: what makes series many. */
export function attributesSql(database: string): string {
  return lines(
    'SELECT',
    '  toString(metric_name) AS metric,',
    '  toString(pair.1) AS attribute,',
    '  uniqExact(pair.2) AS values,',
    '  uniqExact(series_id) AS series,',
    '  any(pair.2) AS example',
    `FROM ${database}.series FINAL`,
    "ARRAY JOIN CAST(attributes, 'Array(Tuple(String, String))') AS pair",
    'GROUP BY metric, attribute',
    'ORDER BY values DESC, metric, attribute',
    `LIMIT ${ROWS_MAX}`,
  );
}
