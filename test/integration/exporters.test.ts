/** The real OpenTelemetry SDK and its real exporters against a real server: what was recorded is what SQL answers. */
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const data = makeDataDirectory();
let server: RunningServer;

beforeAll(async () => {
  server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '100' });
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

const { CUMULATIVE, DELTA } = AggregationTemporalityPreference;

const protocols: [string, (temporalityPreference: number, compression: never) => PushMetricExporter][] = [
  [
    'http/protobuf',
    (temporalityPreference, compression) =>
      new ProtobufExporter({ url: `http://${server.http}/v1/metrics`, temporalityPreference, compression }),
  ],
  [
    'http/json',
    (temporalityPreference, compression) =>
      new JsonExporter({ url: `http://${server.http}/v1/metrics`, temporalityPreference, compression }),
  ],
  [
    'grpc',
    (temporalityPreference, compression) =>
      new GrpcExporter({ url: `http://${server.grpc}`, temporalityPreference, compression }),
  ],
];

interface Status {
  points: { accepted: number; stored: number };
}

describe.each(protocols)('the %s exporter', (protocol, createExporter) => {
  it.each([
    ['cumulative', CUMULATIVE, 'none'],
    ['cumulative, gzip', CUMULATIVE, 'gzip'],
    ['delta', DELTA, 'none'],
    ['delta, gzip', DELTA, 'gzip'],
  ])('delivers every instrument, %s', async (_name, temporality, compression) => {
    const service = `${protocol} ${temporality} ${compression}`;
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.instance.id': 'a-1' }),
      views: [
        { instrumentName: 'test.exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
      ],
      readers: [
        new PeriodicExportingMetricReader({
          exporter: createExporter(temporality, compression as never),
          exportIntervalMillis: 3_600_000,
        }),
      ],
    });
    const meter = provider.getMeter('exporters.test', '1.2.3');
    const counter = meter.createCounter('test.counter', { unit: '{thing}', description: 'requests' });
    const upDown = meter.createUpDownCounter('test.updown');
    const gauge = meter.createGauge('test.gauge', { unit: 'Cel' });
    const histogram = meter.createHistogram('http.server.request.duration', { unit: 's' });
    const exponential = meter.createHistogram('test.exponential', { unit: 'ms' });
    const observed = meter.createObservableGauge('test.observed');
    observed.addCallback((result) => result.observe(0.25, { kind: 'callback' }));

    // Two exports: cumulative streams send the total twice, delta streams the two halves.
    for (const round of [1, 2]) {
      counter.add(3 * round, { route: '/a' });
      counter.add(5, { route: '/b', 'plumbline.category': 'not on the metric' });
      upDown.add(round === 1 ? 10 : -4);
      gauge.record(20 + round / 4);
      for (const value of [0.003, 0.02, 0.3, 4]) histogram.record(value, { 'http.request.method': 'GET' });
      for (const value of [0.5, 1, 2, 1000, 0]) exponential.record(value);
      await provider.forceFlush();
    }
    await provider.shutdown();

    const where = `source_system = '${service}'`;
    const isCumulative = temporality === CUMULATIVE;
    const read = <Row>(sql: string) => querySql<Row & Record<string, unknown>>(server, sql);
    const total = isCumulative ? 'argMax(value, time)' : 'sum(value)';
    // A request's points go into several tables, one after the other.
    await waitUntil(
      async () => (await (await fetch(`http://${server.web}/api/status`)).json()) as Status,
      ({ points }) => points.accepted > 0 && points.stored === points.accepted,
      10_000,
    );
    const counters = await read<{ route: string; total: number }>(
      `SELECT attributes['route'] AS route, ${total} AS total
       FROM number_points FINAL INNER JOIN series USING (series_id)
       WHERE ${where} AND metric_name = 'test.counter' GROUP BY route ORDER BY route`,
    );
    expect(counters).toEqual([
      { route: '/a', total: 9 },
      { route: '/b', total: 10 },
    ]);
    const [upDowns] = await read<{ total: number }>(
      `SELECT argMax(value, time) AS total FROM number_points INNER JOIN series USING (series_id)
       WHERE ${where} AND metric_name = 'test.updown'`,
    );
    expect(upDowns!.total).toBe(6);
    const [gauges] = await read<{ last: number }>(
      `SELECT argMax(metric_value, timestamp) AS last FROM performance_metrics WHERE ${where} AND metric_name = 'test.gauge'`,
    );
    // Sent as 20.5 Cel; views answer in base units.
    expect(gauges!.last).toBeCloseTo(293.65, 9);
    const pick = (column: string) => (isCumulative ? `argMax(${column}, time)` : `sum(${column})`);
    const histograms = await read<{ name: string; n: string; total: number; low: number; high: number }>(
      `SELECT metric_name AS name, ${pick('count')} AS n, ${pick('ifNull(sum, 0)')} AS total,
              min(min) AS low, max(max) AS high
       FROM (SELECT series_id, time, count, sum, min, max FROM histogram_points FINAL
             UNION ALL SELECT series_id, time, count, sum, min, max FROM exponential_histogram_points FINAL) AS h
       INNER JOIN series USING (series_id) WHERE ${where} GROUP BY metric_name ORDER BY name`,
    );
    expect(
      histograms.map((row) => ({ ...row, n: Number(row.n), total: Number(row.total.toFixed(9)) })),
    ).toEqual([
      { name: 'http.server.request.duration', n: 8, total: 8.646, low: 0.003, high: 4 },
      { name: 'test.exponential', n: 10, total: 2007, low: 0, high: 1000 },
    ]);
    const [buckets] = await read<{ total: string; bounds: number[] }>(
      `SELECT ${isCumulative ? 'argMax(arraySum(bucket_counts), time)' : 'sum(arraySum(bucket_counts))'} AS total,
              any(explicit_bounds) AS bounds FROM histogram_points FINAL INNER JOIN series USING (series_id) WHERE ${where}`,
    );
    expect(Number(buckets!.total)).toBe(8);
    expect(buckets!.bounds.length).toBeGreaterThan(5);
    const described = await read<Record<string, unknown>>(
      `SELECT metric_name, unit, description, metric_type, is_monotonic, category, subcategory, scope_name, scope_version,
              resource_attributes['service.instance.id'] AS instance
       FROM series FINAL WHERE ${where} AND metric_name IN ('test.counter', 'http.server.request.duration')
       ORDER BY metric_name LIMIT 1 BY metric_name`,
    );
    expect(described).toEqual([
      expect.objectContaining({
        metric_name: 'http.server.request.duration',
        unit: 's',
        metric_type: 'histogram',
        category: 'System Performance',
        subcategory: 'Response Times',
        instance: 'a-1',
      }),
      expect.objectContaining({
        metric_name: 'test.counter',
        unit: '{thing}',
        description: 'requests',
        metric_type: 'sum',
        is_monotonic: true,
        category: 'unclassified',
        scope_name: 'exporters.test',
        scope_version: '1.2.3',
      }),
    ]);
  });
});
