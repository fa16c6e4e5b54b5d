/**
 * Instrumentation that people have already, as its own documentation describes it (conventions/*.yaml): sent over OTLP to a
 * whole pipeline, each convention as a service of its own, it must light up the KPIs of requests.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { connectTo } from '../../src/cli/asked-server.js';
import { readConfig } from '../../src/config.js';
import { createKpiReader } from '../../src/kpi/kpi-reader.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { ofService } from '../testkit/stored-metrics.js';
import { loadShippedCatalogue } from './catalogue-folder.js';

interface Point {
  of: Record<string, string>;
  value?: number;
  counts?: number[];
  count?: number;
  sum?: number;
}

interface Metric {
  name: string;
  unit?: string;
  bounds?: number[];
  counter?: Point[];
  gauge?: Point[];
  histogram?: Point[];
  summary?: Point[];
}

interface Convention {
  convention: string;
  /** The convention's name unless given. */
  service?: string;
  metrics: Metric[];
  expect: {
    /** Of the KPIs of requests, where it reports any. */
    source?: string;
    responseTimeSource?: string;
    requests?: number;
    routes?: Record<string, { requests: number; seconds?: number; errorPercent: number }>;
    cpu?: { source: string; percent: number };
  };
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const CONVENTIONS = ['opentelemetry', 'prometheus'].flatMap(
  (name) => parse(read(`./conventions/${name}.yaml`)) as Convention[],
);
const serviceOf = ({ convention, service }: Convention) => service ?? convention;

const MINUTE_MS = 60_000;
/** End of a minute, an hour ago. */
const END_MS = Math.floor(NOW_UNIX_MS / MINUTE_MS) * MINUTE_MS - 60 * MINUTE_MS;
const nanos = (ms: number) => BigInt(ms) * 1_000_000n;

/** Two exports of a process that has been counting for a while: only what happened between them is of the window. */
const EXPORTS = [
  { atMs: END_MS - 90_000, times: 0 },
  { atMs: END_MS - 10_000, times: 1 },
] as const;
/** What had been counted before the first. */
const BEFORE = 1000;

function toMetric({ name, unit = '', bounds, counter, gauge, histogram, summary }: Metric): OtlpMessage {
  const points = (of: readonly Point[] = [], fields: (point: Point, times: 0 | 1) => OtlpMessage) =>
    EXPORTS.flatMap(({ atMs, times }) =>
      of.map((point) => ({
        attributes: Object.entries(point.of).map(([key, value]) => stringAttribute(key, value)),
        startTimeUnixNano: nanos(EXPORTS[0].atMs),
        timeUnixNano: nanos(atMs),
        ...fields(point, times),
      })),
    );
  const counted = (times: 0 | 1, count: number) => BigInt(BEFORE + times * count);
  if (gauge !== undefined)
    return { name, unit, gauge: { dataPoints: points(gauge, ({ value }) => ({ asDouble: value! })) } };
  if (counter !== undefined) {
    const dataPoints = points(counter, ({ value }, times) => ({ asDouble: BEFORE + times * value! }));
    return { name, unit, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } };
  }
  if (summary !== undefined) {
    const dataPoints = points(summary, ({ count, sum }, times) => ({
      count: counted(times, count!),
      sum: BEFORE + times * sum!,
    }));
    return { name, unit, summary: { dataPoints } };
  }
  const dataPoints = points(histogram, ({ counts, sum }, times) => {
    const buckets = counts!.map((count) => counted(times, count));
    return {
      count: buckets.reduce((a, b) => a + b),
      sum: BEFORE + times * sum!,
      bucketCounts: buckets,
      explicitBounds: bounds!,
    };
  });
  return { name, unit, histogram: { aggregationTemporality: 2, dataPoints } };
}

/** What the service itself says, and what others saw of the same requests, under other labels. */
const SEVERAL: Metric[] = [
  {
    name: 'http.server.request.duration',
    unit: 's',
    bounds: [0.1],
    histogram: [
      { of: { 'http.route': '/a', 'http.response.status_code': '200' }, counts: [6, 0], sum: 0.3 },
      { of: { 'http.route': '/b', 'http.response.status_code': '500' }, counts: [4, 0], sum: 0.2 },
    ],
  },
  ...CONVENTIONS.filter(({ convention }) =>
    ['span-metrics', 'traefik', 'istio'].includes(convention),
  ).flatMap(({ metrics }) => metrics),
];

/** A case of test/testkit/cases: its times count from the end of the window, its service is renamed. */
function readCase(name: string): string {
  return read(`../testkit/cases/${name}.json`)
    .replaceAll(/"@(-?[\d.]+)"/g, (_all, seconds) => `"${nanos(END_MS + 1000 * Number(seconds))}"`)
    .replaceAll('"svc-c"', `"case-${name}"`);
}

interface Answer {
  group: string[];
  value: number;
  samples: number;
  source: string;
}

let server: RunningPipeline;
const answers = new Map<string, Answer[]>();

beforeAll(async () => {
  server = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_CATALOGUE_BUILT_IN: 'true' });
  for (const convention of CONVENTIONS)
    await server.send(ofService(serviceOf(convention), ...convention.metrics.map(toMetric)));
  for (const name of ['span-metrics', 'prometheus-names']) {
    const { status, json } = await server.post(readCase(name), 'json');
    expect([status, json], name).toEqual([200, {}]);
  }
  await server.send(ofService('several', ...SEVERAL.map(toMetric)));
  await server.pipeline.settle();
  for (const kpi of ['response_time', 'throughput', 'error_rate', 'resource_utilization']) {
    const sql = `SELECT group, value, samples, source FROM plumbline.kpi_${kpi}_status(at_time = toDateTime64(${END_MS / 1000}, 3, 'UTC'))`;
    answers.set(kpi, await server.sql<Answer>(sql));
  }
}, 180_000);
afterAll(() => server.stop());

/** Of the groups of a service: value, samples and source by the group's next label. */
function readGroups(kpi: string, service: string) {
  const own = answers.get(kpi)!.filter(({ group }) => group[0] === service);
  return Object.fromEntries(
    own.map(({ group, value, samples, source }) => [group[1] ?? '', { value, samples, source }]),
  );
}
const about = (number: number) => expect.closeTo(number, 9);

describe('what people send already', () => {
  it.each(CONVENTIONS.map((convention) => [serviceOf(convention), convention] as const))(
    '%s lights up the KPIs that it says something about',
    (service, { expect: { source, responseTimeSource = source, requests, routes = {}, cpu } }) => {
      expect(readGroups('throughput', service)).toEqual(
        requests === undefined ? {} : { '': { value: about(requests / 300), samples: requests, source } },
      );
      const timed = Object.entries(routes).filter(([, { seconds }]) => seconds !== undefined);
      expect(readGroups('response_time', service)).toEqual(
        Object.fromEntries(
          timed.map(([route, { seconds, requests: samples }]) => [
            route,
            { value: about(seconds!), samples, source: responseTimeSource },
          ]),
        ),
      );
      expect(readGroups('error_rate', service)).toEqual(
        Object.fromEntries(
          Object.entries(routes).map(([route, { errorPercent, requests: samples }]) => [
            route,
            { value: about(errorPercent), samples, source },
          ]),
        ),
      );
      const used = Object.values(readGroups('resource_utilization', service));
      expect(used).toEqual(
        cpu === undefined
          ? []
          : [{ value: about(cpu.percent), samples: expect.anything(), source: cpu.source }],
      );
    },
  );

  it('requests that a service reports itself are in its own groups, and in no others beside them', () => {
    const source = 'http-server';
    expect(readGroups('response_time', 'several')).toEqual({
      '/a': { value: about(0.05), samples: 6, source },
      '/b': { value: about(0.05), samples: 4, source },
    });
    expect(readGroups('error_rate', 'several')).toEqual({
      '/a': { value: 0, samples: 6, source },
      '/b': { value: 100, samples: 4, source },
    });
    expect(readGroups('throughput', 'several')).toEqual({
      '': { value: about(10 / 300), samples: 10, source },
    });
  });

  it('a history and the command line have the same groups from the same sources', async () => {
    const { kpis } = await loadShippedCatalogue();
    const [kpi] = kpis.filter(({ name }) => name === 'error_rate');
    const status = answers.get('error_rate')!;
    const groups = (rows: readonly { group: readonly string[]; source: string }[]) =>
      rows.map(({ group, source }) => `${group.join(' ')}: ${source}`).sort();
    const history = await server.sql<Answer>(
      `SELECT group, source FROM plumbline.kpi_error_rate(start_time = toDateTime(${END_MS / 1000 - 60}, 'UTC'), end_time = toDateTime(${END_MS / 1000}, 'UTC'), step_s = 60)`,
    );
    expect(groups(history)).toEqual(groups(status));
    const clickhouse = await connectTo(`http://${server.pipeline.addresses().sql}`, readConfig({}));
    try {
      const rows = await createKpiReader(clickhouse, FACTS, readQuery).readStatus(kpi!, END_MS / 1000);
      const read = rows.map(({ group = {}, source }) => ({ group: Object.values(group), source }));
      expect(groups(read)).toEqual(groups(status));
    } finally {
      await clickhouse.close();
    }
  });

  it('the case span-metrics has the requests of server spans alone', () => {
    const service = 'case-span-metrics';
    const [time] = Object.values(readGroups('response_time', service));
    expect(time).toMatchObject({ value: about(0.14), samples: 10 });
    expect(readGroups('throughput', service)).toMatchObject({ '': { samples: 10 } });
    expect(readGroups('error_rate', service)).toMatchObject({ 'GET /a': { value: about(20) } });
  });

  it('the case prometheus-names is in seconds, as its name says', () => {
    expect(readGroups('response_time', 'case-prometheus-names')).toEqual({
      '/a': { value: about(0.14), samples: 10, source: 'http-server-prometheus' },
    });
  });
});
