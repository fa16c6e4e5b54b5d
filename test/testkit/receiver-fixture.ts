/**
 * A receiver on a free port with an exportMetrics of the test's choice, and the smallest reader of answers: protobuf
 * bodies are read by the google.rpc.Status and ExportMetricsServiceResponse definitions, never by code under test.
 */
import protobuf from 'protobufjs';
import { createHttpServer, type HttpServerOptions } from '../../src/http-server.js';
import type { Address, Component } from '../../src/model/component.js';
import type { ExportMetrics, ExportOutcome } from '../../src/model/export-outcome.js';
import type { GrpcReceiverOptions } from '../../src/receive/grpc-receiver.js';
import { createHttpReceiver, type HttpReceiverOptions } from '../../src/receive/http-receiver.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';

const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message FieldViolation { string field = 1; string description = 2; }
  message BadRequest { repeated FieldViolation field_violations = 1; }
  message PartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
  message Response { PartialSuccess partial_success = 1; }
`);

export interface StatusAnswer {
  code: number;
  message: string;
  /** Type → its content. */
  details: Record<string, Record<string, unknown>>;
}

export function readStatus(bytes: Uint8Array): StatusAnswer {
  const status = read('Status', bytes) as {
    code: number;
    message: string;
    details: { typeUrl: string; value: Uint8Array }[];
  };
  const details: StatusAnswer['details'] = {};
  for (const { typeUrl, value } of status.details) {
    const name = typeUrl.replace('type.googleapis.com/google.rpc.', '');
    details[name] = read(name, value);
  }
  return { code: status.code, message: status.message, details };
}

export function readResponse(bytes: Uint8Array): Record<string, unknown> {
  return read('Response', bytes);
}

function read(name: string, bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType(`google.rpc.${name}`);
  return type.toObject(type.decode(bytes), { longs: String, arrays: true });
}

export interface Fixture {
  port: number;
  /** What reached exportMetrics. */
  received: { bytes: Buffer; encoding: 'protobuf' | 'json' }[];
  errors: Error[];
  close(): Promise<void>;
}

export const ALL_ACCEPTED: ExportOutcome = { accepted: 1, rejected: 0, rejections: [] };

/** Everything a receiver of either protocol and its port can be given. */
export type ReceiverFixtureOptions = GrpcReceiverOptions & Pick<HttpServerOptions, 'limits' | 'keepAliveMs'>;

/** Limits that no test meets by accident. */
export const LIMITS = {
  requestBytesMax: 64 * 1024,
  requestTimeoutMs: 30_000,
  bodyIdleMs: 30_000,
  connectionsMax: 1000,
  headersTimeoutMs: 30_000,
};

export function createHttpPort(options: ReceiverFixtureOptions): Component & { address(): Address } {
  return createHttpServer({ ...options, listener: createHttpReceiver(options) });
}

/** @param limits Those that differ from LIMITS. */
export async function startReceiver(
  create: (options: ReceiverFixtureOptions) => Component & { address(): Address },
  exportMetrics: ExportMetrics = async () => ALL_ACCEPTED,
  limits: Partial<typeof LIMITS> = {},
  more: Partial<ReceiverFixtureOptions & HttpReceiverOptions> = {},
): Promise<Fixture> {
  const received: Fixture['received'] = [];
  const errors: Error[] = [];
  const receiver = create({
    host: '127.0.0.1',
    port: 0,
    keepAliveMs: 5_000,
    limits: { ...LIMITS, ...limits },
    inflight: new InflightBytes(1e9),
    connectionsMax: limits.connectionsMax ?? LIMITS.connectionsMax,
    handshakeTimeoutMs: LIMITS.headersTimeoutMs,
    streamsMax: 1000,
    connectionIdleMs: 0,
    connectionAgeMs: 0,
    exportMetrics: (bytes, encoding) => {
      received.push({ bytes: Buffer.from(bytes), encoding });
      return exportMetrics(bytes, encoding);
    },
    onError: (error) => errors.push(error),
    ...more,
  });
  await receiver.start();
  return { port: receiver.address().port, received, errors, close: () => receiver.shutdown(1000) };
}
