/**
 * SQL about single metrics behind a KPI: quantiles of histograms, exemplars, and how the KPI was defined. Enters: a Kpi; leaves:
 * SELECTs in the KPI's unit.
 */
import type { Kpi } from '../../model/kpi.js';
import { quote } from '../../model/sql-literal.js';
import { parseUnit } from '../../model/unit.js';
import { fromBaseSql } from '../../model/unit-sql.js';
import { chosenName, FROM_S, isChosen, lines, START_S, STEP_S, TO_S } from './sql-text.js';

const EXEMPLARS_MAX = 100;
const VERSIONS_MAX = 100;
const QUANTILES = ['p50', 'p90', 'p95', 'p99'];

/** The one chosen above the board. */
const METRIC = chosenName('metric');

function quantilesView(database: string): string {
  return `${database}.histogram_quantiles(metric = ${METRIC}, start_time = ${START_S}, end_time = ${TO_S}, step_s = ${STEP_S}, group_by = 'service.name')`;
}

/** Of each service, in the KPI's unit. */
export function quantilesSql(database: string, kpi: Kpi): string {
  return lines(
    `SELECT time, group AS service, ${QUANTILES.map((name) => `${fromBaseSql(`q.${name}`, kpi.unit)} AS ${name}`).join(', ')}`,
    `FROM ${quantilesView(database)} AS q`,
    `WHERE ${isChosen('group', 'service')} AND base_unit = ${quote(parseUnit(kpi.unit).baseUnit)}`,
    'ORDER BY time, service',
  );
}

/** Of all times that services recorded in a histogram, in seconds. */
export function callTimesSql(database: string): string {
  return lines(
    'SELECT time, group AS service, p50, p95, p99',
    `FROM ${quantilesView(database)}`,
    `WHERE ${isChosen('group', 'service')} AND base_unit = 's'`,
    'ORDER BY time, service',
  );
}

/** How many of them in a second. */
export function callRateSql(database: string): string {
  return lines(
    `SELECT time, group AS service, count / least(${STEP_S}, ${TO_S} - toUnixTimestamp(time)) AS rate`,
    `FROM ${quantilesView(database)}`,
    `WHERE ${isChosen('group', 'service')}`,
    'ORDER BY time, service',
  );
}

/**
 * The largest values of which a sender gave an example, with their traces: in the KPI's unit where it is made of such values,
 * else in the metric's base unit, which a column says.
 */
export function exemplarsSql(database: string, kpi: Kpi, isOwnValue: boolean): string {
  const own = `base_unit = ${quote(parseUnit(kpi.unit).baseUnit)}`;
  return lines(
    'SELECT',
    '  e.time AS time,',
    '  toString(s.source_system) AS service,',
    ...(isOwnValue
      ? [`  ${fromBaseSql('e.value', kpi.unit)} AS value,`]
      : ['  e.value AS value,', '  e.base_unit AS unit,']),
    '  e.trace_id AS trace,',
    "  arrayStringConcat(arrayMap((name, one) -> concat(name, '=', one), mapKeys(s.attributes), mapValues(s.attributes)), ', ') AS attributes",
    `FROM ${database}.metric_exemplars(metric = ${METRIC}, start_time = ${FROM_S}, end_time = ${TO_S}) AS e`,
    `INNER JOIN (SELECT * FROM ${database}.series_of_points WHERE metric_name = ${METRIC}) AS s USING (series_id)`,
    `WHERE ${isChosen('service', 'service')}${isOwnValue ? ` AND e.${own}` : ''}`,
    'ORDER BY value DESC, time DESC',
    `LIMIT ${EXEMPLARS_MAX}`,
  );
}

/** Every version of the definition and its thresholds, the newest first. */
export function versionsSql(database: string, { name }: Kpi): string {
  return lines(
    'SELECT',
    '  valid_from AS `valid from`, active, target_value AS target, warning_threshold AS warning,',
    '  critical_threshold AS critical, toString(unit) AS unit, toString(direction) AS direction,',
    '  window_s AS window, toString(calculation_method) AS formula, toString(owner) AS owner',
    `FROM ${database}.metric_definitions FINAL`,
    `WHERE metric_name = ${quote(name)}`,
    'ORDER BY valid_from DESC',
    `LIMIT ${VERSIONS_MAX}`,
  );
}
