/**
 * Every question of every committed dashboard, asked as Grafana would ask it, of a Plumbline that the demo shop sent its
 * history to: it is answered, in the shape that the panel says, and with data.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHistory } from '../../src/demo/history/run-history.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { waitUntil } from '../testkit/server.js';
import { type DashboardFile, listQueries, listVariables, type Query } from './dashboard-queries.js';
import { expandMacros, expandVariables, type MacroContext, type VariableValue } from './expand-macros.js';

const FOLDER = new URL('../../grafana/dashboards/', import.meta.url);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The engine works on two questions at a time; more would only wait. */
const ASKED_AT_ONCE = 3;

interface Answer {
  columns: { name: string; type: string }[];
  rows: unknown[][];
}

/**
 * Boards of single KPIs ask the same of another view, and planning it is what takes the time: without TEST_PANELS=all
 * (npm run test:panels) these stand for the others, one for each kind of formula and visualisation.
 */
const KPIS_ASKED = ['response-time', 'error-rate', 'availability', 'user-satisfaction', 'roi'];
const isAsked = ({ uid }: DashboardFile) =>
  process.env.TEST_PANELS === 'all' ||
  !uid.startsWith('plumbline-kpi-') ||
  KPIS_ASKED.includes(uid.slice('plumbline-kpi-'.length));

const dashboards = readdirSync(FOLDER)
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as DashboardFile)
  .filter(isAsked);
let running: RunningPipeline;
/** One time range for all of them, so that panels that ask the same are answered once. */
let context: MacroContext;
const answers = new Map<string, Answer | string>();

async function ask(sql: string): Promise<Answer | string> {
  const { sql: port } = running.pipeline.addresses();
  const url = `http://${port}/?database=plumbline&default_format=JSONCompact`;
  const response = await fetch(url, { method: 'POST', body: sql });
  const text = await response.text();
  if (!response.ok) return text.trim();
  const { meta, data } = JSON.parse(text) as { meta: Answer['columns']; data: unknown[][] };
  return { columns: meta, rows: data };
}

/** What is chosen when a board is opened: everything, or the first of what is offered. */
function chosenOn(dashboard: DashboardFile): Record<string, VariableValue> {
  const values: Record<string, VariableValue> = {};
  for (const { name, allValue, query, current } of listVariables(dashboard)) {
    const offered = typeof query === 'object' ? answers.get(expandMacros(query.rawSql, context)) : undefined;
    if (allValue !== undefined) values[name] = { allValue };
    else if (typeof offered === 'object') values[name] = String(offered.rows[0]?.[0] ?? '');
    else values[name] = String(current?.value ?? '');
  }
  return values;
}

function sqlOf(query: Query, dashboard: DashboardFile): string {
  return expandMacros(expandVariables(query.sql, chosenOn(dashboard)), context);
}

async function askAll(statements: readonly string[]): Promise<void> {
  const open = [...new Set(statements)].filter((sql) => !answers.has(sql));
  const work = async (): Promise<void> => {
    for (let sql = open.shift(); sql !== undefined; sql = open.shift()) answers.set(sql, await ask(sql));
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work));
}

/** Thirty hours with a point every ten minutes, then one with a point every minute, up to now. */
async function writeHistory(): Promise<void> {
  const toUnixMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const betweenMs = Math.floor((toUnixMs - HOUR_MS) / (10 * MINUTE_MS)) * 10 * MINUTE_MS;
  const write = (fromUnixMs: number, endUnixMs: number, intervalMs: number, seed: number) =>
    runHistory({
      plan: {
        fromUnixMs,
        toUnixMs: endUnixMs,
        intervalMs,
        ratePerSecond: 20,
        isDelta: false,
        seed,
        instanceId: 'test',
      },
      target: { protocol: 'http/protobuf', endpoint: `http://${running.http}`, temporality: 'cumulative' },
      clock: { unixMs: () => Date.now(), monotonicMs: () => performance.now() },
      signal: new AbortController().signal,
      onProgress() {},
    });
  await write(betweenMs - 30 * HOUR_MS, betweenMs, 10 * MINUTE_MS, 1);
  await write(betweenMs, toUnixMs, MINUTE_MS, 2);
}

/** Until Plumbline has written down what it counted, its own KPIs have nothing to show. */
async function waitForOwnMetrics(): Promise<void> {
  const sql =
    "SELECT uniqExact(metric_name) FROM plumbline.series WHERE metric_name IN ('plumbline.data.checked', 'plumbline.processing.duration', 'plumbline.points')";
  await waitUntil(
    () => ask(sql),
    (answer) => typeof answer === 'object' && Number(answer.rows[0]![0]) === 3,
    60_000,
  );
}

beforeAll(async () => {
  running = await startPipeline(Date.now, {
    PLUMBLINE_CATALOGUE_BUILT_IN: 'true',
    PLUMBLINE_SELF_METRICS_INTERVAL_MS: '1000',
  });
  await writeHistory();
  await running.pipeline.settle();
  await waitForOwnMetrics();
  const toMs = Date.now();
  context = { fromMs: toMs - 6 * HOUR_MS, toMs, intervalMs: 10 * MINUTE_MS };
  const queries = dashboards.flatMap((dashboard) =>
    listQueries(dashboard).map((query) => ({ dashboard, query })),
  );
  // Variables first: others have their values in them.
  await askAll(
    queries
      .filter(({ query }) => query.shape === 'variable')
      .map(({ query }) => expandMacros(query.sql, context)),
  );
  await askAll(queries.map(({ query, dashboard }) => sqlOf(query, dashboard)));
}, 900_000);

afterAll(async () => {
  await running?.stop();
});

const isTime = (type: string) => /^(Nullable\()?Date/.test(type);
const isNumber = (type: string) => /^(Nullable\()?(U?Int|Float|Decimal|Bool)/.test(type);
const isText = (type: string) => /^(LowCardinality\()?(Nullable\()?String\b/.test(type);

function problemsOfSeries({ columns, rows }: Answer): string[] {
  const problems: string[] = [];
  const times = columns.flatMap(({ type }, i) => (isTime(type) ? [i] : []));
  const numbers = columns.flatMap(({ type }, i) => (isNumber(type) ? [i] : []));
  const texts = columns.flatMap(({ type }, i) => (isText(type) ? [i] : []));
  if (times.length !== 1 || columns[times[0]!]!.name !== 'time')
    problems.push('has not one time, named time');
  if (numbers.length === 0) problems.push('has no numbers');
  if (times.length + numbers.length + texts.length !== columns.length)
    problems.push(`has other columns: ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}`);
  const moments = rows.map((row) => String(row[times[0]!]));
  if (moments.some((moment, i) => i > 0 && moment < moments[i - 1]!))
    problems.push('is not in the order of time');
  const keys = rows.map((row) => [times[0]!, ...texts].map((i) => row[i]).join('\n'));
  if (new Set(keys).size !== keys.length) problems.push('has a time twice for the same labels');
  if (rows.length > 0 && !rows.some((row) => numbers.some((i) => row[i] !== null))) problems.push('is empty');
  return problems;
}

function problemsOfTable({ columns }: Answer): string[] {
  const odd = columns.filter(({ type }) => !isTime(type) && !isNumber(type) && !isText(type));
  return odd.map(({ name, type }) => `has a column that tables do not show: ${name} ${type}`);
}

function problemsOfVariable({ columns }: Answer): string[] {
  return columns.length > 2 ? [`has ${columns.length} columns, not value and text`] : [];
}

const CHECKS = { series: problemsOfSeries, table: problemsOfTable, variable: problemsOfVariable };

function problemsOf(query: Query, dashboard: DashboardFile): string[] {
  const answer = answers.get(sqlOf(query, dashboard))!;
  if (typeof answer === 'string') return [`${query.name}: ${answer}`];
  const problems = CHECKS[query.shape](answer);
  if (answer.rows.length === 0) problems.push('has no rows');
  return [...problems, ...problemsOfFields(query, answer)].map((problem) => `${query.name}: ${problem}`);
}

interface FieldSettings {
  options?: { reduceOptions?: { fields?: string }; xField?: string; colorByField?: string };
  fieldConfig?: { overrides: { matcher: { id: string; options: unknown } }[] };
}

/** Columns that a panel names are in the answer. */
function problemsOfFields({ panel }: Query, { columns }: Answer): string[] {
  const { options = {}, fieldConfig } = (panel ?? {}) as FieldSettings;
  const names = columns.map(({ name }) => name);
  const named = [
    options.xField,
    options.colorByField,
    ...(fieldConfig?.overrides ?? [])
      .filter(({ matcher }) => matcher.id === 'byName')
      .map(({ matcher }) => String(matcher.options)),
  ].filter((name) => name !== undefined && name !== '');
  const problems = named
    .filter((name) => !names.includes(name!))
    .map((name) => `names the column "${name}"; there are ${names.join(', ')}`);
  const pattern = /^\/(.*)\/$/.exec(options.reduceOptions?.fields ?? '')?.[1];
  if (pattern !== undefined && !names.some((name) => new RegExp(pattern).test(name)))
    problems.push(`shows ${pattern}; there are ${names.join(', ')}`);
  return problems;
}

describe('the committed dashboards', () => {
  it('ask something', () => {
    expect(dashboards.length).toBeGreaterThan(10);
    expect(answers.size).toBeGreaterThan(80);
  });

  it.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))(
    '%s: every panel and variable is answered, in its shape, with data',
    (_, dashboard) => {
      const problems = listQueries(dashboard).flatMap((query) => problemsOf(query, dashboard));
      expect(problems).toEqual([]);
    },
  );

  it('leave no variable and no macro unresolved', () => {
    const unresolved = dashboards.flatMap((dashboard) =>
      listQueries(dashboard)
        .filter((query) => sqlOf(query, dashboard).includes('$'))
        .map(({ name }) => `${dashboard.uid}: ${name}`),
    );
    expect(unresolved).toEqual([]);
  });

  it('are answered for one service, one environment and one group alone', async () => {
    const dashboard = dashboards.find(({ uid }) => uid === 'plumbline-kpi-response-time')!;
    const chosen = {
      ...chosenOn(dashboard),
      service: ['shop-storefront'],
      environment: ['demo'],
      group: ['shop-storefront / /products/{id}', 'shop-storefront / /cart'],
    };
    const queries = listQueries(dashboard).filter(({ shape }) => shape !== 'variable');
    const statements = queries.map(({ sql }) => expandMacros(expandVariables(sql, chosen), context));
    await askAll(statements);
    const empty = queries.filter((_, i) => {
      const answer = answers.get(statements[i]!);
      return typeof answer !== 'object' || answer.rows.length === 0;
    });
    expect(empty.map(({ name }) => name)).toEqual([]);
    const groups = queries.findIndex(({ sql }) => sql.includes('AS `group`'));
    const { rows } = answers.get(statements[groups]!) as Answer;
    expect([...new Set(rows.map((row) => row[1]))].sort()).toEqual([...chosen.group].sort());
  }, 120_000);
});
