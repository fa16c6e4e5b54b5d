/**
 * What the dropdowns above a board offer: SELECTs of two columns, value and text. Enters: names; leaves: SQL over the list of
 * series, which is small. A value with a quote in it cannot be chosen: it would end the text it is put into.
 */
import type { GroupLabel, Kpi } from '../../model/kpi.js';
import { quote } from '../../model/sql-literal.js';
import { metricsOfKpi } from '../kpi-texts.js';
import { lines, quoteList } from './sql-text.js';

const VALUES_MAX = 1000;

function listOf(database: string, value: string, condition = ''): string {
  return lines(
    'SELECT value, value AS text',
    `FROM (SELECT DISTINCT ${value} AS value FROM ${database}.series${condition && ` WHERE ${condition}`})`,
    "WHERE value != '' AND position(value, '\\'') = 0",
    `ORDER BY value LIMIT ${VALUES_MAX}`,
  );
}

export function servicesSql(database: string): string {
  return listOf(database, 'toString(source_system)');
}

export function environmentsSql(database: string): string {
  return listOf(
    database,
    "if(mapContains(resource_attributes, 'deployment.environment.name'), resource_attributes['deployment.environment.name'], resource_attributes['deployment.environment'])",
  );
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
    'SELECT value, value AS text',
    `FROM (SELECT DISTINCT toString(metric_name) AS value FROM ${database}.series WHERE metric_name IN (${list}) AND metric_type IN ('histogram', 'exponential_histogram'))`,
    `ORDER BY indexOf([${list}], value)`,
  );
}

/** Histograms of times, those of the most series first. */
export function durationsSql(database: string): string {
  return lines(
    'SELECT toString(metric_name) AS value, value AS text',
    `FROM ${database}.series`,
    "WHERE metric_type IN ('histogram', 'exponential_histogram') AND base_unit = 's'",
    'GROUP BY metric_name',
    'ORDER BY count() DESC, value',
    `LIMIT ${VALUES_MAX}`,
  );
}
