/**
 * Real clients against a running receiver: what the SDK handed to its exporter (noted on the way) and what is put
 * together again from SQL is the same, point by point, to the last bit and nanosecond.
 */

import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type Meter, ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { HostMetrics } from '@opentelemetry/host-metrics';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { OtlpMessage, OtlpValue } from '../testkit/otlp-arbitrary.js';
import { seededRandom } from '../testkit/otlp-encoding.js';
import { type RecordingExporter, recordExports } from '../testkit/recorded-metrics.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';
import { listPoints } from '../testkit/request-points.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { readStoredRequest } from '../testkit/stored-requests.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => Date.now(), { PLUMBLINE_POINT_AGE_MAX_MS: '630720000000' });
});
afterAll(() => receiver.stop());

const { CUMULATIVE, DELTA, LOWMEMORY } = AggregationTemporalityPreference;
type Protocol = 'http/protobuf' | 'http/json' | 'grpc';
const PROTOCOLS: Protocol[] = ['http/protobuf', 'http/json', 'grpc'];

function createExporter(
  protocol: Protocol,
  temporalityPreference: number,
  compression = 'none',
): PushMetricExporter {
  const options = { temporalityPreference, compression: compression as never };
  const url = `http://${receiver.http}/v1/metrics`;
  if (protocol === 'grpc') return new GrpcExporter({ ...options, url: `http://${receiver.grpc}` });
  return protocol === 'http/json'
    ? new JsonExporter({ ...options, url })
    : new ProtobufExporter({ ...options, url });
}

interface Client {
  service: string;
  exporter: RecordingExporter;
  provider: MeterProvider;
  meter: Meter;
}

let clients = 0;
function createClient(protocol: Protocol, temporality = CUMULATIVE, compression?: string): Client {
  const service = `client ${++clients}`;
  const exporter = recordExports(createExporter(protocol, temporality, compression));
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'process.pid': 42,
      'process.command_args': ['node', 'app.js'],
      'deployment.ratio': 0.25,
      'deployment.canary': true,
    }),
    views: [
      { instrumentName: '*.exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
    ],
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  const meter = provider.getMeter('conformance', '1.2.3', {
    schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
  });
  return { service, exporter, provider, meter };
}

/** Ends the client; what it recorded and what SQL has must be equal. Answers with the points, as texts. */
async function expectSame({ service, exporter, provider }: Client): Promise<string[]> {
  await provider.shutdown();
  expect(exporter.errors).toEqual([]);
  const recorded = listPoints(exporter.recorded());
  const stored = await readStoredRequest((sql) => receiver.stored(sql), `source_system = '${service}'`);
  expect(listPoints(stored)).toEqual(recorded);
  return recorded;
}

/** Every kind of instrument, three exports, random values of a fixed seed. */
async function recordEverything({ meter, provider }: Client, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const counter = meter.createCounter('test.counter', {
    unit: '{thing}',
    description: 'things',
    valueType: ValueType.INT,
  });
  const ratio = meter.createCounter('test.ratio', { unit: '1' });
  const upDown = meter.createUpDownCounter('test.updown', { valueType: ValueType.INT });
  const gauge = meter.createGauge('test.gauge', { unit: 'Cel' });
  const histogram = meter.createHistogram('test.histogram', {
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.1, 1, 10] },
  });
  const exponential = meter.createHistogram('test.exponential', { unit: 'ms' });
  meter.createObservableCounter('test.observed.total').addCallback((result) => result.observe(2 ** 53 - 1));
  meter
    .createObservableGauge('test.observed')
    .addCallback((result) => result.observe(-0.25, { kind: 'é😀' }));
  meter.createObservableUpDownCounter('test.observed.updown').addCallback((result) => result.observe(-7));
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 40; i++) {
      const attributes = { route: `/${i % 3}`, status: 200 + (i % 2), cached: i % 2 === 0, shares: [0.5, 1] };
      counter.add(Math.floor(random() * 10), attributes);
      ratio.add(random(), attributes);
      upDown.add(Math.floor(random() * 10) - 5, { route: attributes.route });
      gauge.record(random() * 100 - 50);
      histogram.record(random() * 12, attributes);
      exponential.record(i === 0 ? 0 : random() ** 8 * 1e6, { route: attributes.route });
    }
    await provider.forceFlush();
  }
}

describe('real clients', () => {
  for (const protocol of PROTOCOLS) {
    for (const compression of ['none', 'gzip']) {
      line('clients.exporters', `${protocol}, ${compression}`, async () => {
        const client = createClient(protocol, CUMULATIVE, compression);
        await recordEverything(client, 1);
        const points = await expectSame(client);
        expect(points.length).toBeGreaterThan(50);
      });
    }
    for (const [name, temporality] of [
      ['cumulative', CUMULATIVE],
      ['delta', DELTA],
      ['low memory', LOWMEMORY],
    ] as const) {
      line('clients.temporalities', `${protocol}, ${name}`, async () => {
        const client = createClient(protocol, temporality);
        await recordEverything(client, 2);
        const points = (await expectSame(client)).join('\n');
        expect(points.includes('aggregationTemporality: 2')).toBe(
          temporality !== DELTA || points.includes('updown'),
        );
        expect(points.includes('aggregationTemporality: 1')).toBe(temporality !== CUMULATIVE);
      });
    }
  }

  for (const protocol of PROTOCOLS) {
    line('clients.exponential-views', protocol, async () => {
      const client = createClient(protocol, DELTA);
      const exponential = client.meter.createHistogram('latency.exponential', { unit: 's' });
      const random = seededRandom(3);
      // From one value at the finest scale to values that force the coarsest.
      for (const spread of [0, 1, 10, 300]) {
        for (let i = 0; i < 200; i++) exponential.record(2 ** ((random() - 0.5) * spread * 3));
        exponential.record(0);
        await client.provider.forceFlush();
      }
      const points = await expectSame(client);
      const scales = points.map((point) => Number(/\bscale: (-?\d+)/.exec(point)?.[1] ?? 0));
      expect(new Set(scales).size).toBe(4);
      expect(points.every((point) => point.includes('zeroCount: 1'))).toBe(true);
    });
  }

  for (const encoding of ['json', 'protobuf'] as const) {
    line('clients.examples', encoding, async () => {
      const text = readFileSync(new URL('../testkit/otlp-examples/metrics.json', import.meta.url), 'utf8');
      const service = `example ${encoding}`;
      const body = text.replaceAll('"my.service"', `"${service}"`);
      const request = fromJson(EXPORT_REQUEST_TYPE, JSON.parse(body));
      if (encoding === 'protobuf') await receiver.send(request);
      else expect((await receiver.post(body, 'json')).json).toEqual({});
      const where = `resource_attributes['service.name'] = '${service}'`;
      const stored = await readStoredRequest((sql) => receiver.stored(sql), where);
      expect(listPoints(stored)).toEqual(listPoints(request));
      expect(listPoints(request)).toHaveLength(4);
    });
  }

  line('clients.host-metrics', async () => {
    const client = createClient('http/protobuf');
    const groups = ['system.cpu', 'system.memory', 'process.cpu', 'process.memory'];
    new HostMetrics({ meterProvider: client.provider, metricGroups: groups }).start();
    for (let i = 0; i < 2; i++) {
      await new Promise((done) => setTimeout(done, 50));
      await client.provider.forceFlush();
    }
    const points = (await expectSame(client)).join('\n');
    for (const group of groups) expect(points).toContain(`"${group}`);
  });

  line('clients.runtime-node', async () => {
    const client = createClient('grpc');
    const runtime = new RuntimeNodeInstrumentation({ monitoringPrecision: 10 });
    runtime.setMeterProvider(client.provider);
    runtime.enable();
    for (let i = 0; i < 2; i++) {
      await new Promise((done) => setTimeout(done, 100));
      await client.provider.forceFlush();
    }
    runtime.disable();
    const points = (await expectSame(client)).join('\n');
    for (const name of ['nodejs.eventloop.', 'v8js.memory.']) expect(points).toContain(`"${name}`);
  });

  line('clients.instrumentation-http', async () => {
    const client = createClient('http/json', DELTA);
    const isProbe = (path?: string | null) => path?.startsWith('/probe') ?? false;
    const instrumentation = new HttpInstrumentation({
      ignoreIncomingRequestHook: (request) => !isProbe(request.url),
      ignoreOutgoingRequestHook: (request) => !isProbe(request.path),
    });
    // The instrumentation patches what is required after it.
    createRequire(import.meta.url)('node:http');
    instrumentation.setMeterProvider(client.provider);
    instrumentation.enable();
    const server = http.createServer((request, response) => {
      response.writeHead(request.url === '/probe/1' ? 500 : 200).end('answer');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    for (let i = 0; i < 10; i++) await ask(port, `/probe/${i % 3}`);
    await client.provider.forceFlush();
    instrumentation.disable();
    await new Promise((done) => server.close(done));
    const points = await expectSame(client);
    const durations = points.filter((point) => point.includes('"http.server.request.duration"'));
    const counts = durations.map((point) => Number(/\bcount: (\d+)/.exec(point)![1]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(durations.length).toBe(2);
  });
});

function ask(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().once('end', resolve);
    });
    request.once('error', reject);
    request.end();
  });
}

/** OTLP/JSON as SDKs write it, as a message: by the definitions of protobuf, with nothing of the receiver. */
function fromJson(type: protobuf.Type, json: Record<string, unknown>): OtlpMessage {
  const message: OtlpMessage = {};
  for (const [name, value] of Object.entries(json)) {
    const field = type.fields[name]!.resolve();
    const { resolvedType } = field;
    const convert = (item: unknown): OtlpValue => {
      if (resolvedType instanceof protobuf.Type)
        return fromJson(resolvedType, item as Record<string, unknown>);
      if (field.type.endsWith('64')) return BigInt(item as string);
      if (field.type === 'bytes') return Buffer.from(item as string, 'hex');
      return item as OtlpValue;
    };
    message[name] = field.repeated ? (value as unknown[]).map(convert) : convert(value);
  }
  return message;
}
