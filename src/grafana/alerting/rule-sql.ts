/**
 * What alert rules ask: SQL over the views of a KPI that gives one row for all of it together and one for each group, every
 * column a text but one number. Enters: a Kpi; leaves: SQL with the datasource's macros that its backend knows. Never judges:
 * the condition of a rule does.
 */
import type { Kpi } from '../../model/kpi.js';
import { type BurnPair, rateMaxOf } from '../../model/service-level.js';
import { ALL_TOGETHER } from '../sql/kpi-sql.js';
import { TO_S } from '../sql/sql-text.js';
import { formatSeconds } from './file-format.js';

const HOUR_S = 3_600;
const DAY_S = 86_400;

/** The label that names a group in words. */
export const GROUP_LABEL = 'kpi_group';

/** Names that labels of groups cannot have in an alert: rules give them themselves, or Grafana does. */
const TAKEN: readonly string[] = [
  ...['alert', 'alertname', 'category', 'escalation', 'grafana_folder', 'kind', 'kpi', 'level', 'notify'],
  ...[
    'owner',
    'severity',
    'subcategory',
    GROUP_LABEL,
    'burn_windows',
    'burn_rate_max',
    'kpi_labels',
    'kpi_value',
  ],
];

/** Labels of an alert, one for each label of the KPI's groups. */
export function labelsOf(kpi: Kpi): string[] {
  return kpi.groupBy.map(({ label }) => (TAKEN.includes(label) ? `group_${label}` : label));
}

function labelColumns(kpi: Kpi): string {
  const columns = labelsOf(kpi).map((label, i) => `    kpi_labels[${i + 1}] AS \`${label}\`,\n`);
  const words = "arrayStringConcat(arrayFilter(label -> label != '', kpi_labels), ', ')";
  return `    multiIf(empty(kpi_labels), '${ALL_TOGETHER}', ${words} = '', 'without labels', ${words}) AS ${GROUP_LABEL},\n${columns.join('')}`;
}

/** The last whole minute, seconds since the epoch: what ends there comes from rollups and reads no point. */
const END_S = `intDiv(${TO_S}, 60) * 60`;

/** Values of now that somebody can stand behind. */
export function valueSql(database: string, kpi: Kpi): string {
  return `SELECT
${labelColumns(kpi)}    kpi_value
FROM (
    SELECT group AS kpi_labels, assumeNotNull(value) AS kpi_value
    FROM ${database}.kpi_${kpi.name}_status(at_time = ${TO_S})
    WHERE status != 'unknown' AND isNotNull(value)
)
ORDER BY kpi_labels`;
}

/** Seconds since the newest data, of the whole or of each group; nothing of what had none within the lookback. */
export function silenceSql(
  database: string,
  kpi: Kpi,
  of: 'all together' | 'groups',
  lookbackS: number,
): string {
  const stepS = lookbackS > 3 * DAY_S ? DAY_S : HOUR_S;
  const start = `intDiv(${TO_S}, ${stepS}) * ${stepS} - ${lookbackS}`;
  // The newest of all is that of the whole: where it is silent too, its own rule says so, once.
  const filter =
    of === 'all together'
      ? 'WHERE empty(kpi_labels)'
      : `WHERE notEmpty(kpi_labels) AND newest_s <= ${kpi.staleAfterS}`;
  const newest = of === 'all together' ? '' : ', min(kpi_value) OVER () AS newest_s';
  return `SELECT
${labelColumns(kpi)}    kpi_value
FROM (
    SELECT kpi_labels, kpi_value${newest}
    FROM (
        SELECT
            group AS kpi_labels,
            min(${END_S} - least(toUnixTimestamp(time) + ${stepS}, ${END_S}) + assumeNotNull(age_s)) AS kpi_value
        FROM ${database}.kpi_${kpi.name}(start_time = ${start}, end_time = ${END_S}, step_s = ${stepS})
        WHERE isNotNull(age_s)
        GROUP BY kpi_labels
    )
)
${filter}
ORDER BY kpi_labels`;
}

/** Burn rates as multiples of the rate at which someone is told; above 1 in both windows of a pair is too fast. */
export function burnSql(database: string, kpi: Kpi, pairs: readonly BurnPair[], objective: number): string {
  const windows = pairs.flatMap(({ shortS, longS }) => [shortS, longS]);
  const spanS = Math.max(...windows);
  const stepS = windows.reduce(greatestDivisor);
  const rows = pairs.map((pair) => {
    const rateMax = Number(rateMaxOf(pair, kpi.sloWindowS).toPrecision(6));
    const words = `${formatSeconds(pair.longS)} and ${formatSeconds(pair.shortS)}`;
    return `('${words}', ${pair.longS}, ${pair.shortS}, ${toFloat(rateMax)})`;
  });
  const budget = Number((1 - objective).toPrecision(12));
  const burned = (windowS: string) => {
    const within = since(windowS);
    return `greatest(0., sumIf(total - good, ${within})) / sumIf(total, ${within}) / ${budget}`;
  };
  return `SELECT
${labelColumns(kpi)}    pair.1 AS burn_windows,
    toString(pair.4) AS burn_rate_max,
    least(long_rate, short_rate) / pair.4 AS kpi_value
FROM (
    SELECT
        group AS kpi_labels,
        pair,
        ${burned('pair.2')} AS long_rate,
        ${burned('pair.3')} AS short_rate
    FROM ${database}.kpi_${kpi.name}(start_time = ${END_S} - ${spanS}, end_time = ${END_S}, step_s = ${stepS})
    ARRAY JOIN [${rows.join(', ')}] AS pair
    GROUP BY kpi_labels, pair
    HAVING sumIf(total, ${since('pair.2')}) >= ${Math.max(1, kpi.samplesMin)} AND sumIf(total, ${since('pair.3')}) > 0
)
ORDER BY kpi_labels, burn_windows`;
}

/** Whether a step of a KPI's view lies within so many seconds (SQL) of the end. */
function since(windowS: string): string {
  return `toUnixTimestamp(time) >= ${END_S} - ${windowS}`;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** A literal that ClickHouse takes for a Float64, also where it is whole. */
function toFloat(value: number): string {
  return Number.isInteger(value) ? `${value}.` : String(value);
}
