/**
 * Services, environments, groups and metrics whose names hold quotes, backslashes and what else means something in SQL, in
 * regular expressions or to Grafana: chosen in the dropdowns of boards, whose questions are then asked as Grafana asks them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { histogram, NOW_UNIX_NANO, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { type DashboardFile, listQueries, type Query } from './dashboard-queries.js';
import { expandMacros, expandVariables, type MacroContext, type VariableValue } from './expand-macros.js';

const NAMES = [
  'plain',
  "a'b",
  'a\\b',
  "a\\'b",
  'x") OR 1=1 --',
  '100%',
  '%27',
  '${service} $__fromTime',
  'a|b.*(c)',
  'shop/api: é, {1}',
];
const context: MacroContext = { fromMs: NOW_UNIX_MS - 3_600_000, toMs: NOW_UNIX_MS, intervalMs: 60_000 };
const METRIC = 'http.server.request.duration';

const FOLDER = new URL('../../grafana/dashboards/', import.meta.url);
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as DashboardFile;
const services = read('plumbline-service');
const responseTime = read('plumbline-kpi-response-time');

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_CATALOGUE_BUILT_IN: 'true' });
  for (const [i, name] of NAMES.entries()) {
    const seconds = i + 1;
    const dataPoints = [2, 40, 50].map((minutes) => ({
      timeUnixNano: NOW_UNIX_NANO - BigInt(minutes) * 60_000_000_000n,
      startTimeUnixNano: NOW_UNIX_NANO - BigInt(minutes + 1) * 60_000_000_000n,
      count: BigInt(seconds),
      sum: seconds * seconds,
      explicitBounds: [0.5, 100],
      bucketCounts: [0n, BigInt(seconds), 0n],
      attributes: [stringAttribute('http.route', name)],
    }));
    const metric = (metricName: string) => ({
      ...histogram({}),
      name: metricName,
      unit: 's',
      histogram: { aggregationTemporality: 1, dataPoints },
    });
    const resource = {
      attributes: [
        stringAttribute('service.name', name),
        stringAttribute('deployment.environment.name', `env ${name}`),
      ],
    };
    const metrics = [metric(METRIC), metric(`took ${name}`)];
    await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
  }
  await receiver.sql('SELECT 1');
}, 120_000);
afterAll(() => receiver.stop());

const expand = (query: Query, values: Readonly<Record<string, VariableValue>>) =>
  expandMacros(expandVariables(query.sql, values), context);

const ask = (query: Query, values: Readonly<Record<string, VariableValue>>) =>
  receiver.stored(expand(query, values));

const offered = new Map<string, Promise<{ value: string; text: string }[]>>();

/** The value that a dropdown has for what it shows. */
async function choiceOf(board: DashboardFile, variable: string, text: string): Promise<string> {
  const query = listQueries(board).find(({ name }) => name === `variable ${variable}`)!;
  const key = `${board.uid} ${variable}`;
  if (!offered.has(key)) offered.set(key, ask(query, {}) as Promise<{ value: string; text: string }[]>);
  const choices = (await offered.get(key))!;
  const found = choices.find((choice) => choice.text === text);
  expect(found, `${text} among ${choices.map((choice) => choice.text).join(' ')}`).toBeDefined();
  return found!.value;
}

const ALL = { allValue: '.*' };

const panelOf = (board: DashboardFile, title: RegExp) =>
  listQueries(board).find((query) => query.shape !== 'variable' && title.test(query.name))!;

describe('a service, environment, group and metric that is chosen', () => {
  it.each(NAMES)('%s: is offered, and its row is found', async (name) => {
    const service = await choiceOf(services, 'service', name);
    const chosen = {
      service: [service],
      environment: [await choiceOf(services, 'environment', `env ${name}`)],
    };
    expect(await ask(panelOf(services, / Services$/), chosen)).toMatchObject([
      { service: name, environments: `env ${name}`, choice: service },
    ]);
  });

  it.each(["a\\'b", 'x") OR 1=1 --'])(
    '%s: a KPI, its groups and percentiles are of it alone',
    async (name) => {
      const chosen = {
        service: [await choiceOf(services, 'service', name)],
        environment: [await choiceOf(services, 'environment', `env ${name}`)],
        group: [await choiceOf(responseTime, 'group', `${name} / ${name}`)],
        metric: await choiceOf(services, 'metric', `took ${name}`),
      };
      const durations = await ask(panelOf(services, / Percentiles: /), chosen);
      expect([...new Set(durations.map((row) => row.service))]).toEqual([name]);
      const rows = await ask(panelOf(responseTime, / Status$/), chosen);
      const samples = NAMES.indexOf(name) + 1;
      expect(rows.map((row) => [row.name, Number(row.samples)])).toEqual([
        ['all together', samples],
        [`${name} / ${name}`, samples],
      ]);
    },
  );

  it('stands in the SQL of every board in forms that are safe, and in no other', () => {
    // ${kpi} has a fixed list of names.
    const safe =
      /decodeURLComponent\(replaceAll\('\$\{\w+:regex\}', '%', '%5C%'\)\)|decodeURLComponent\('\$\{metric:raw\}'\)/g;
    const unsafe = readdirSync(FOLDER).flatMap((file) =>
      listQueries(read(file.replace('.json', '')))
        .filter(({ sql }) => /\$(?!__)|\[\[/.test(sql.replaceAll(safe, '').replaceAll('${kpi}', '')))
        .map((query) => `${file} ${query.name}`),
    );
    expect(unsafe).toEqual([]);
  });

  it('two of them, and all of them', async () => {
    const seen = listQueries(services).find(({ name }) => / Services$/.test(name))!;
    const servicesOf = async (service: VariableValue) =>
      (await ask(seen, { service, environment: ALL })).map((row) => row.service).sort();
    const two = ["a\\'b", 'x") OR 1=1 --'];
    const values = await Promise.all(two.map((name) => choiceOf(services, 'service', name)));
    expect(await servicesOf(values)).toEqual([...two].sort());
    expect(await servicesOf(ALL)).toEqual([...NAMES].sort());
  });

  it('has its name as its value where nothing in it would change the SQL', async () => {
    for (const name of ['plain', 'a|b.*(c)', 'shop/api: é, {1}'])
      expect(await choiceOf(services, 'service', name)).toBe(name);
  });
});
