/**
 * OTLP over gRPC: MetricsService/Export. Enters: calls; leaves: the message bytes to exportMetrics (grpc-js would answer
 * INTERNAL for an error while deserializing, so bytes pass through it), and the outcome as the response. Compression:
 * none, gzip and deflate; grpc-js cannot do zstd and answers UNIMPLEMENTED.
 */
import {
  type handleUnaryCall,
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Address, Component } from '../model/component.js';
import { encodeOutcome, encodeStatus } from './answer-encoding.js';
import type { ReceiverOptions } from './http-receiver.js';
import { describeFailure } from './status-codes.js';

// Failures to bind are thrown to the caller, who says them once and better.
setLogVerbosity(logVerbosity.NONE);

const asIs = (bytes: Buffer) => bytes;

const METRICS_SERVICE: ServiceDefinition = {
  Export: {
    path: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

export interface GrpcReceiverOptions extends ReceiverOptions {
  host: string;
  port: number;
  /** Silence after which a client is asked whether it is still there, and how long it has to answer, milliseconds. */
  pings?: { afterMs: number; answerMs: number };
}

/**
 * A client that does not answer is hung up on. Without it a connection that broke HTTP/2's rules keeps its socket for
 * ever: Node says goodbye and then neither reads nor closes.
 */
const PINGS = { afterMs: 30_000, answerMs: 10_000 };

/** Time for the last answers to reach their clients, milliseconds. */
const FLUSH_MS = 300;

export function createGrpcReceiver(options: GrpcReceiverOptions): Component & { address(): Address } {
  const { host, requestBytesMax, pings = PINGS } = options;
  const server = new Server({
    'grpc.max_receive_message_length': requestBytesMax,
    'grpc.keepalive_time_ms': pings.afterMs,
    'grpc.keepalive_timeout_ms': pings.answerMs,
  });
  const calls = new Set<Promise<unknown>>();
  server.addService(METRICS_SERVICE, { Export: createExportHandler(options, calls) });
  let port: number | undefined;
  return {
    async start() {
      port ??= await bind(server, `${host.includes(':') ? `[${host}]` : host}:${options.port}`);
    },
    async shutdown(deadlineMs) {
      const closed = new Promise<void>((done) => server.tryShutdown(() => done()));
      await Promise.race([Promise.all(calls), delay(deadlineMs)]);
      // grpc-js waits for every client to hang up; one that never does must not hold the end up.
      await Promise.race([closed, delay(FLUSH_MS)]);
      server.forceShutdown();
    },
    address: () => ({ host, port: port! }),
  };
}

function createExportHandler(
  { exportMetrics, onError }: ReceiverOptions,
  calls: Set<Promise<unknown>>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const answered = exportMetrics(call.request, 'protobuf').then(
      (outcome) => callback(null, encodeOutcome(outcome, 'protobuf')),
      (error: Error) => {
        const failure = describeFailure(error);
        if (failure.isUnexpected) onError(error);
        const metadata = new Metadata();
        metadata.set('grpc-status-details-bin', encodeStatus(failure, 'protobuf'));
        callback({ code: failure.grpcCode, details: failure.message, metadata });
      },
    );
    calls.add(answered);
    void answered.finally(() => calls.delete(answered));
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((done, fail) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error ? fail(withCode(error)) : done(port),
    );
  });
}

/** grpc-js has the system's error code in the text only. */
function withCode(error: Error): Error {
  const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error.message)?.[1];
  return Object.assign(error, code !== undefined && { code });
}
