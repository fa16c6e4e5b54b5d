/**
 * The whole pipeline in the process of the test, with a clock of the test's choice: requests go in over real sockets,
 * answers come from the SQL port. One engine and so one pipeline at a time in a process.
 */
import { Client, credentials } from '@grpc/grpc-js';
import { type DestinationStream, pino } from 'pino';
import { readConfig } from '../../src/config.js';
import { createPipeline, type Pipeline } from '../../src/pipeline.js';
import type { Status } from '../../src/show/web-server.js';
import type { OtlpMessage } from './otlp-arbitrary.js';
import { toJson, toProtobuf } from './otlp-message.js';
import { makeDataDirectory, querySql, serverEnvironment, waitUntil } from './server.js';

export interface HttpAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  /** Of a 200 in JSON; undefined in protobuf. */
  json: unknown;
}

export type Encoding = 'protobuf' | 'json';

export interface RunningPipeline {
  pipeline: Pipeline;
  http: string;
  grpc: string;
  /** A body over HTTP. */
  post(body: Uint8Array | string, encoding: Encoding, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** A message over gRPC; resolves with the bytes of the answer. */
  call(message: Buffer): Promise<Buffer>;
  /** A request that must be taken whole; throws otherwise. */
  send(request: OtlpMessage, encoding?: Encoding): Promise<void>;
  /** Rows, once everything that was taken is stored. */
  stored<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Rows, once everything that was taken is stored and rolled up too. */
  sql<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  stop(): Promise<void>;
}

const EXPORT_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };

export async function startPipeline(
  nowUnixMs: () => number,
  extra: Record<string, string> = {},
  logTo: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Promise<RunningPipeline> {
  const data = makeDataDirectory();
  const config = readConfig(serverEnvironment(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '20', ...extra }));
  const log = pino({ level: 'error' }, logTo);
  const pipeline = await createPipeline({ config, version: 'test', log, nowUnixMs });
  await pipeline.start();
  const { http, grpc, sql } = pipeline.addresses();

  async function post(body: Uint8Array | string, encoding: Encoding, headers = {}): Promise<HttpAnswer> {
    const response = await fetch(`http://${http}/v1/metrics`, {
      method: 'POST',
      headers: { 'content-type': CONTENT_TYPES[encoding], ...headers },
      body: body as Uint8Array<ArrayBuffer>,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const json = encoding === 'json' ? JSON.parse(bytes.toString()) : undefined;
    return { status: response.status, headers: response.headers, bytes, json };
  }

  const grpcClient = new Client(grpc, credentials.createInsecure());
  const call = (message: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const asIs = (bytes: Buffer) => bytes;
      grpcClient.makeUnaryRequest(EXPORT_PATH, asIs, asIs, message, (error, answer) =>
        error ? reject(error) : resolve(answer!),
      );
    });

  return {
    pipeline,
    http,
    grpc,
    post,
    call,
    async send(request, encoding = 'protobuf') {
      const body = encoding === 'json' ? toJson(request) : toProtobuf(request);
      const { status, bytes } = await post(body, encoding);
      const whole = encoding === 'json' ? '{}' : '';
      if (status !== 200 || bytes.toString() !== whole) throw new Error(`${status}: ${bytes}`);
    },
    async stored(text) {
      const isStored = ({ points }: Status) => points.stored === points.accepted;
      await waitUntil(pipeline.readStatus, isStored, 60_000);
      return querySql({ sql }, text);
    },
    async sql(text) {
      await pipeline.settle();
      return querySql({ sql }, text);
    },
    async stop() {
      grpcClient.close();
      await pipeline.shutdown(10_000);
      data.remove();
    },
  };
}
