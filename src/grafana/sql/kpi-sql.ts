/**
 * The SQL of panels about one KPI, all of it over its published views kpi_NAME_of and kpi_NAME_status_of. Enters: a Kpi;
 * leaves: SELECTs. What a value is, and how it is judged, is never told again here.
 */
import type { Kpi } from '../../model/kpi.js';
import { quote } from '../../model/sql-literal.js';
import { chosenPattern, FROM_S, isChosen, lines, START_S, STEP_S, TO_S, unionAll } from './sql-text.js';

export interface Steps {
  start: string;
  end: string;
  step: string;
}

/** Names of all series together in tables and legends. */
export const ALL_TOGETHER = 'all together';
const GROUPS_MAX = 12;

/** By the dropdowns of a board, or everything on boards that have none. */
export const CHOSEN = `service = ${chosenPattern('service')}, environment = ${chosenPattern('environment')}`;
export const EVERYTHING = "service = '', environment = ''";
const RANGE: Steps = { start: START_S, end: TO_S, step: STEP_S };

/** The KPI's view over steps. */
export function stepsView(
  database: string,
  { name }: Pick<Kpi, 'name'>,
  { start, end, step }: Steps = RANGE,
  chosen = CHOSEN,
): string {
  return `${database}.kpi_${name}_of(start_time = ${start}, end_time = ${end}, step_s = ${step}, ${chosen})`;
}

export function statusView(database: string, { name }: Kpi): string {
  return `${database}.kpi_${name}_status_of(at_time = ${TO_S}, ${CHOSEN})`;
}

/** How much better than its target a value is, as a share of the target. */
export function distanceSql({ direction }: Kpi): string {
  const better = direction === 'lower_is_better' ? 'target - value' : 'value - target';
  return `(${better}) / nullIf(abs(target), 0)`;
}

/** Thresholds that the KPI has, the target first. */
export function thresholdsOf(kpi: Kpi): ('target' | 'warning' | 'critical')[] {
  return (['target', 'warning', 'critical'] as const).filter((level) => kpi[level] !== undefined);
}

/** Value, thresholds in force and distance to the target: what tiles, gauges, bars and lines all show. */
export function valueSql(database: string, kpi: Kpi, chosen = CHOSEN): string {
  const columns = ['time', 'value', ...thresholdsOf(kpi)];
  if (kpi.target !== undefined) columns.push(`${distanceSql(kpi)} AS \`to target\``);
  return lines(
    `SELECT ${columns.join(', ')}`,
    `FROM ${stepsView(database, kpi, RANGE, chosen)}`,
    'WHERE empty(group)',
    'ORDER BY time',
  );
}

const GROUP_NAME = "arrayStringConcat(group, ' / ')";

/** The largest groups by samples. */
export function groupsSql(database: string, kpi: Kpi): string {
  return lines(
    'SELECT time, name AS `group`, value',
    'FROM (',
    '  SELECT time, name, value, dense_rank() OVER (ORDER BY weight DESC, name) AS place',
    '  FROM (',
    `    SELECT time, ${GROUP_NAME} AS name, value, sum(samples) OVER (PARTITION BY name) AS weight`,
    `    FROM ${stepsView(database, kpi)}`,
    `    WHERE notEmpty(group) AND ${isChosen('name', 'group')}`,
    '  )',
    ')',
    `WHERE place <= ${GROUPS_MAX}`,
    'ORDER BY time, name',
  );
}

/** How the KPI and each of its groups stand at the end of the range, the worst first. */
export function statusSql(database: string, kpi: Kpi): string {
  const ofTarget = kpi.target === undefined ? [] : ['target', `${distanceSql(kpi)} AS \`to target\``];
  return lines(
    'SELECT',
    `  if(empty(group), '${ALL_TOGETHER}', ${GROUP_NAME}) AS name,`,
    `  status, ${['value', ...ofTarget].join(', ')}, samples, completeness, age_s AS age, source, reason`,
    `FROM ${statusView(database, kpi)}`,
    kpi.groupBy.length === 0
      ? 'WHERE empty(group)'
      : `WHERE empty(group) OR ${isChosen(GROUP_NAME, 'group')}`,
    "ORDER BY notEmpty(group), indexOf(['critical', 'warning', 'unknown', 'on_target'], status), name",
    'LIMIT 200',
  );
}

/** Seconds of the range, in whole steps: as far back as the period before it began. */
const PERIOD_S = `toUInt32(ceil((${TO_S} - ${FROM_S}) / ${STEP_S}) * ${STEP_S})`;

/** The same steps one period, one day and one week earlier, moved onto the range. */
export function comparisonSql(database: string, kpi: Kpi): string {
  const start = `${START_S} - greatest(604800, ${PERIOD_S})`;
  const line = (shift: string, name: string) => `  anyIf(value, shift = ${shift}) AS \`${name}\``;
  return lines(
    'SELECT',
    "  toDateTime(unix_s + shift, 'UTC') AS time,",
    [
      line('0', 'this period'),
      line(PERIOD_S, 'previous period'),
      line('86400', 'a day before'),
      line('604800', 'a week before'),
    ].join(',\n'),
    'FROM (',
    '  SELECT toUnixTimestamp(time) AS unix_s, value',
    `  FROM ${stepsView(database, kpi, { ...RANGE, start })}`,
    '  WHERE empty(group)',
    ')',
    `ARRAY JOIN arrayDistinct([0, ${PERIOD_S}, 86400, 604800]) AS shift`,
    `WHERE unix_s + shift >= ${START_S} AND unix_s + shift < ${TO_S}`,
    'GROUP BY time',
    'ORDER BY time',
  );
}

/** In the order of Grafana's value mappings: 1 on target, 2 warning, 3 critical, 4 unknown. */
export const STATUSES = ['on_target', 'warning', 'critical', 'unknown'] as const;
const STATUS_LIST = `[${STATUSES.map((status) => `'${status}'`).join(', ')}]`;

/** The status of several KPIs over time, as numbers. */
export function statusesSql(database: string, kpis: readonly Kpi[]): string {
  const one = (kpi: Kpi) =>
    `SELECT time, ${quote(kpi.title)} AS kpi, toFloat64(indexOf(${STATUS_LIST}, status)) AS status FROM ${stepsView(database, kpi)} WHERE empty(group)`;
  return unionAll(kpis.map(one), 'time, kpi');
}

/** When the status of a KPI changed, the newest first; the last row is how the range began. */
export function crossingsSql(database: string, kpi: Pick<Kpi, 'name'>): string {
  return lines(
    "SELECT time, if(before = '', 'begin of the range', before) AS `from`, status AS `to`, value, target, warning, critical, reason",
    'FROM (',
    "  SELECT *, lagInFrame(status, 1, '') OVER (ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before",
    `  FROM ${stepsView(database, kpi)}`,
    '  WHERE empty(group)',
    ')',
    'WHERE before != status',
    'ORDER BY time DESC',
    'LIMIT 200',
  );
}
