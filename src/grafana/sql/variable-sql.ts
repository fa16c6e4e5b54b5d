/**
 * What the dropdowns above a board offer: SELECTs of two columns, value and text. Enters: names; leaves: SQL over the list of
 * series, which is small. The text is a name; its value is safe to be put into SQL (sql-text.ts).
 */
import { ENVIRONMENT, environmentSql, isEnvironment } from '../../model/environment.js';
import type { GroupLabel, Kpi } from '../../model/kpi.js';
import { quote } from '../../model/sql-literal.js';
import { metricsOfKpi } from '../kpi-texts.js';
import { lines, quoteList, toChoice } from './sql-text.js';

const VALUES_MAX = 1000;

const CHOICE = `${toChoice('text')} AS value, text`;

function listOf(database: string, name: string, condition = ''): string {
  return lines(
    `SELECT ${CHOICE}`,
    `FROM (SELECT DISTINCT ${name} AS text FROM ${database}.series${condition && ` WHERE ${condition}`})`,
    "WHERE text != ''",
    `ORDER BY text LIMIT ${VALUES_MAX}`,
  );
}

export function servicesSql(database: string): string {
  return listOf(database, 'toString(source_system)');
}

export function environmentsSql(database: string): string {
  return listOf(database, ENVIRONMENT);
}

/** Groups of a KPI as its panels name them: the values of its labels. */
export function groupNamesSql(database: string, kpi: Kpi): string {
  const name = `arrayStringConcat([${kpi.groupBy.map(labelOf).join(', ')}], ' / ')`;
  return listOf(database, name, `metric_name IN (${quoteList(metricsOfKpi(kpi))})`);
}

/** A label has the value of the first of its attributes that a series has. */
function labelOf({ attributes }: GroupLabel): string {
  const tries = attributes.flatMap((name) =>
    name === 'service'
      ? ["source_system != ''", 'toString(source_system)']
      : isEnvironment(name)
        ? [
            `${environmentSql('attributes', 'resource_attributes')} != ''`,
            environmentSql('attributes', 'resource_attributes'),
          ]
        : ['attributes', 'resource_attributes'].flatMap((map) => [
            `mapContains(${map}, ${quote(name)})`,
            `${map}[${quote(name)}]`,
          ]),
  );
  return `multiIf(${[...tries, "''"].join(', ')})`;
}

/** Metrics that are there as histograms, in the order of the KPI's sources. */
export function histogramsSql(database: string, metrics: readonly string[]): string {
  const list = quoteList(metrics);
  return lines(
    `SELECT ${CHOICE}`,
    `FROM (SELECT DISTINCT toString(metric_name) AS text FROM ${database}.series WHERE metric_name IN (${list}) AND metric_type IN ('histogram', 'exponential_histogram'))`,
    `ORDER BY indexOf([${list}], text)`,
  );
}

/** Histograms of times, those of the most series first. */
export function durationsSql(database: string): string {
  return lines(
    `SELECT ${CHOICE}`,
    `FROM (SELECT toString(metric_name) AS text, count() AS series FROM ${database}.series`,
    "  WHERE metric_type IN ('histogram', 'exponential_histogram') AND base_unit = 's' GROUP BY metric_name)",
    'ORDER BY series DESC, text',
    `LIMIT ${VALUES_MAX}`,
  );
}
