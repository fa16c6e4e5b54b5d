/**
 * A backend for tests: takes OTLP over HTTP (protobuf and JSON, gzipped or not) and gRPC on free ports and keeps every
 * data point, unless it is not to. Can be told to refuse the next requests. Never stores anything beyond the test.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describeSeries } from '../../src/demo/ground-truth.js';
import { decodeRequest, type JsonAttribute, type JsonMetric, type JsonRequest } from './otlp-messages.js';

export type PointType = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';

export interface SinkPoint {
  service: string;
  scope: string;
  name: string;
  unit: string;
  type: PointType;
  isDelta: boolean;
  isMonotonic: boolean;
  attributes: Record<string, string | boolean | number>;
  /** Name and attributes: the series within one service. */
  series: string;
  startMs: number;
  timeMs: number;
  isInteger: boolean;
  value: number;
  count: number;
  sum: number;
  bucketCounts: number[];
  explicitBounds: number[];
  scale: number;
}

export interface OtlpSink {
  httpUrl: string;
  grpcUrl: string;
  points: SinkPoint[];
  /** Sizes of the requests that were taken, as they came over the wire. */
  requestBytes: number[];
  /** `statusCode` is one of HTTP or of gRPC, as the sender speaks. */
  refuseNext(times: number, statusCode: number, headers: Record<string, string>): void;
  close(): Promise<void>;
}

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

export async function createOtlpSink(
  options: { keepsPoints: boolean } = { keepsPoints: true },
): Promise<OtlpSink> {
  const points: SinkPoint[] = [];
  const requestBytes: number[] = [];
  const refusals: { statusCode: number; headers: Record<string, string> }[] = [];
  const take = (request: JsonRequest): void => {
    for (const point of listPoints(request)) points.push(point);
  };
  const http = createServer(async (request, response) => {
    const body = await readBody(request);
    const refusal = refusals.shift();
    if (refusal !== undefined)
      return void response.writeHead(refusal.statusCode, refusal.headers).end('not now');
    requestBytes.push(body.length);
    if (!options.keepsPoints) return void response.end();
    answerExport(request, response, body, take);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const grpc = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  const pass = (bytes: Buffer): Buffer => bytes;
  const codec = {
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  grpc.addService(
    { Export: { path: EXPORT, requestStream: false, responseStream: false, ...codec } },
    {
      Export(call: { request: Buffer }, done: (error: { code: number } | null, answer?: Buffer) => void) {
        const refusal = refusals.shift();
        if (refusal !== undefined) return done({ code: refusal.statusCode });
        requestBytes.push(call.request.length);
        take(decodeRequest(call.request));
        done(null, Buffer.alloc(0));
      },
    },
  );
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  return {
    httpUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    points,
    requestBytes,
    refuseNext(times, statusCode, headers) {
      for (let i = 0; i < times; i++) refusals.push({ statusCode, headers });
    },
    async close() {
      grpc.forceShutdown();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function answerExport(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  take: (request: JsonRequest) => void,
): void {
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const type = request.headers['content-type'] ?? '';
  if (request.method !== 'POST' || request.url !== '/v1/metrics') return void response.writeHead(404).end();
  take(type === 'application/json' ? JSON.parse(bytes.toString('utf8')) : decodeRequest(bytes));
  response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function* listPoints(request: JsonRequest): Generator<SinkPoint> {
  for (const { resource, scopeMetrics = [] } of request.resourceMetrics ?? []) {
    const service = String(readAttributes(resource?.attributes)['service.name']);
    for (const { scope, metrics = [] } of scopeMetrics) {
      for (const metric of metrics) yield* listMetricPoints(metric, service, scope?.name ?? '');
    }
  }
}

function* listMetricPoints(metric: JsonMetric, service: string, scope: string): Generator<SinkPoint> {
  for (const type of ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const) {
    const data = metric[type];
    for (const point of data?.dataPoints ?? []) {
      const { attributes, series } = readSeries(metric.name, point.attributes ?? []);
      const isInteger = Object.hasOwn(point, 'asInt');
      yield {
        service,
        scope,
        name: metric.name,
        unit: metric.unit ?? '',
        type,
        isDelta: data?.aggregationTemporality === 1,
        isMonotonic: data?.isMonotonic ?? false,
        attributes,
        series,
        startMs: Number(point.startTimeUnixNano ?? 0) / 1e6,
        timeMs: Number(point.timeUnixNano) / 1e6,
        isInteger,
        value: Number((isInteger ? point.asInt : point.asDouble) ?? 0),
        count: Number(point.count ?? 0),
        sum: point.sum ?? 0,
        bucketCounts: (point.bucketCounts ?? point.positive?.bucketCounts ?? []).map(Number),
        explicitBounds: point.explicitBounds ?? [],
        scale: point.scale ?? 0,
      };
    }
  }
}

type ReadSeries = Pick<SinkPoint, 'attributes' | 'series'>;
/** Series recur in every request: their attributes are read once. */
const knownSeries = new Map<string, ReadSeries>();

function readSeries(name: string, raw: readonly JsonAttribute[]): ReadSeries {
  let key = name;
  for (const { key: attribute, value } of raw) key += ` ${attribute}=${Object.values(value)[0]}`;
  const known = knownSeries.get(key);
  if (known !== undefined) return known;
  const attributes = readAttributes(raw);
  const read = { attributes, series: describeSeries(name, attributes) };
  knownSeries.set(key, read);
  return read;
}

function readAttributes(attributes: readonly JsonAttribute[] = []): SinkPoint['attributes'] {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [kind, one] = Object.entries(value)[0]!;
      return [key, kind === 'intValue' ? Number(one) : one];
    }),
  );
}
