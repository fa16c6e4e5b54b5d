/**
 * The catalogue in ClickHouse: definitions and targets with the time from which they hold, and two views for each KPI. Enters:
 * a Catalogue; leaves: what changed. What is the same already is left alone, so any number of receivers may do it.
 */
import { type ClickHouse, isAway } from '../model/clickhouse.js';
import { createView, viewMark } from '../model/created-view.js';
import { ENVIRONMENT } from '../model/environment.js';
import type { FactsSql } from '../model/facts.js';
import type { Catalogue, Kpi } from '../model/kpi.js';
import { timeParameter } from '../model/time-parameter.js';
import { compileKpi, type KpiGrid } from './compile-kpi.js';
import { coverageSql } from './coverage-sql.js';
import { windowSql } from './kpi-window.js';
import { type KpiKinds, kindsOf, type MetricKinds } from './metric-kinds.js';

export interface PublishOptions {
  clickhouse: ClickHouse;
  facts: FactsSql;
  /** Text of a file of clickhouse/queries. */
  readQuery: (name: string) => string;
  nowUnixMs: number;
  /** Views read only what is there, where that is given; they have to be published again when it changes. */
  kinds?: MetricKinds;
  /** Ends the work between two statements. */
  signal?: AbortSignal;
}

export interface Published {
  /** Names of KPIs that are new, were changed, or are gone. */
  added: string[];
  changed: string[];
  removed: string[];
}

/** How the views of KPIs are told from those that users made. */
const VIEW_COMMENT = 'KPI of the catalogue';
/** kpi_coverage has all KPIs in one statement; it may be as long as it has to. */
const VIEW_SETTINGS = { max_query_size: 64 * 1024 * 1024, max_ast_elements: 5_000_000 };

export async function publishCatalogue(catalogue: Catalogue, options: PublishOptions): Promise<Published> {
  const published = await publishDefinitions(catalogue, options);
  await publishViews(catalogue, options);
  return published;
}

async function publishDefinitions(catalogue: Catalogue, options: PublishOptions): Promise<Published> {
  const { clickhouse, readQuery } = options;
  const rows = await clickhouse.query<{ metric_name: string; definition: string; active: boolean | number }>(
    readQuery('kpi_definitions'),
  );
  const known = new Map(rows.map((row) => [row.metric_name, row]));
  const published: Published = { added: [], changed: [], removed: [] };
  for (const kpi of catalogue.kpis) {
    const before = known.get(kpi.name);
    known.delete(kpi.name);
    const isActive = before !== undefined && Boolean(Number(before.active));
    if (isActive && before.definition === describeDefinition(kpi)) continue;
    (isActive ? published.changed : published.added).push(kpi.name);
    await define(kpi, true, options);
  }
  for (const [name, row] of known) {
    if (!Number(row.active)) continue;
    published.removed.push(name);
    await define({ ...(JSON.parse(row.definition) as Kpi), name }, false, options);
  }
  return published;
}

/** Where a KPI stands in which file is no part of what it is. */
export function describeDefinition({ file: _file, line: _line, ...kpi }: Kpi): string {
  return JSON.stringify({ ...kpi, alerts: kpi.alerts.map(({ line: _line, ...alert }) => alert) });
}

async function define(
  kpi: Kpi,
  active: boolean,
  { clickhouse, readQuery, nowUnixMs }: PublishOptions,
): Promise<void> {
  const validFrom = new Date(nowUnixMs).toISOString().slice(0, 23).replace('T', ' ');
  const thresholds = { target: kpi.target, warning: kpi.warning, critical: kpi.critical };
  // Targets first: a definition says that all of it is there.
  for (const [type, value] of active ? Object.entries(thresholds) : []) {
    if (value === undefined) continue;
    const params = {
      metric_name: kpi.name,
      target_type: type,
      target_value: value,
      description: `${kpi.title}: ${kpi.direction === 'lower_is_better' ? 'at most' : 'at least'} ${value} ${kpi.unit}`,
      valid_from: validFrom,
    };
    await clickhouse.command(readQuery('kpi_define_target'), { params });
  }
  const params = {
    metric_name: kpi.name,
    title: kpi.title,
    category: kpi.category,
    subcategory: kpi.subcategory,
    description: kpi.description,
    owner: kpi.owner,
    unit: kpi.unit,
    direction: kpi.direction,
    target: kpi.target ?? null,
    warning: kpi.warning ?? null,
    critical: kpi.critical ?? null,
    window_s: kpi.windowS,
    refresh_s: kpi.refreshS,
    calculation_method: kpi.calculationMethod,
    data_type: kpi.dataType,
    visualisation: kpi.visualisation,
    runbook: kpi.runbook,
    definition: describeDefinition(kpi),
    active,
    valid_from: validFrom,
  };
  await clickhouse.command(readQuery('kpi_define'), { params });
}

/**
 * kpi_NAME(start_time, end_time, step_s): a row for each step; kpi_NAME_status(at_time): the status at a time; kpi_coverage:
 * which metrics feed which KPI.
 */
async function publishViews(catalogue: Catalogue, options: PublishOptions): Promise<void> {
  const { clickhouse, signal } = options;
  const views = await clickhouse.query<{ name: string; comment: string }>(
    'SELECT name, comment FROM system.tables WHERE database = {database:String} AND startsWith(comment, {comment:String})',
    { params: { database: clickhouse.database, comment: VIEW_COMMENT } },
  );
  const known = new Map(views.map(({ name, comment }) => [name, comment]));
  const publishView = async (name: string, sql: string) => {
    const statement = `CREATE OR REPLACE VIEW ${name} AS ${sql}`;
    const comment = `${VIEW_COMMENT}, ${viewMark(statement)}`;
    const isSame = known.get(name) === comment;
    known.delete(name);
    // A view takes its time to be made, and most are what they were before.
    if (isSame || signal?.aborted) return;
    await createView(clickhouse, statement, comment, { settings: VIEW_SETTINGS });
  };
  if (catalogue.kpis.length > 0) await publishView('kpi_coverage', coverageSql(catalogue.kpis));
  for (const kpi of catalogue.kpis) {
    try {
      const views = viewsOf(kpi, options.facts, options.kinds && kindsOf(kpi, options.kinds));
      for (const [name, sql] of Object.entries(views)) await publishView(name, sql);
    } catch (error) {
      throw isAway(error) ? error : withPlace(kpi, error as Error);
    }
  }
  if (signal?.aborted) return;
  for (const name of known.keys())
    await clickhouse.command('DROP VIEW IF EXISTS {name:Identifier}', { params: { name } });
}

function withPlace({ file, line, name }: Kpi, error: Error): Error {
  return new Error(`${file}:${line}: ${name}: its views cannot be made: ${error.message}`, { cause: error });
}

/**
 * And kpi_NAME_of and kpi_NAME_status_of: the same of some services and environments only. They read the shapes of `kinds`;
 * all that the KPI could have where that is not given.
 */
export function viewsOf(kpi: Kpi, facts: FactsSql, kinds?: KpiKinds): Record<string, string> {
  const time = (name: string) => `toDateTime(${timeParameter(name)}, 'UTC')`;
  const steps: KpiGrid = {
    ...{ start: time('start_time'), end: time('end_time'), step: '{step_s:UInt32}' },
    there: kinds,
    rows: 'steps',
  };
  const whole: KpiGrid = { ...windowSql(kpi, time('at_time')), there: kinds, rows: 'whole' };
  return {
    [`kpi_${kpi.name}`]: compileKpi(kpi, facts, steps),
    [`kpi_${kpi.name}_of`]: compileKpi(kpi, facts, { ...steps, where: CHOSEN }),
    [`kpi_${kpi.name}_status`]: compileKpi(kpi, facts, whole),
    [`kpi_${kpi.name}_status_of`]: compileKpi(kpi, facts, { ...whole, where: CHOSEN }),
  };
}

const matches = (value: string, parameter: string) =>
  `({${parameter}:String} IN ('', '.*') OR match(${value}, concat('^(?:', {${parameter}:String}, ')$')))`;

/** Series whose service and environment match the regular expressions of the parameters as a whole. */
const CHOSEN = `${matches('source_system', 'service')} AND ${matches(ENVIRONMENT, 'environment')}`;
