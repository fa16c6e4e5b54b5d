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

export function createGrpcReceiver(options: ReceiverOptions): Component & { address(): Address } {
  const { host, requestBytesMax } = options;
  const server = new Server({ 'grpc.max_receive_message_length': requestBytesMax });
  server.addService(METRICS_SERVICE, { Export: createExportHandler(options) });
  let port: number | undefined;
  return {
    async start() {
      port ??= await bind(server, `${host.includes(':') ? `[${host}]` : host}:${options.port}`);
    },
    shutdown: (deadlineMs) =>
      new Promise((done) => {
        const timer = setTimeout(() => server.forceShutdown(), deadlineMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          done();
        });
      }),
    address: () => ({ host, port: port! }),
  };
}

function createExportHandler({ exportMetrics, onError }: ReceiverOptions): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    exportMetrics(call.request, 'protobuf').then(
      (outcome) => callback(null, encodeOutcome(outcome, 'protobuf')),
      (error: Error) => {
        const failure = describeFailure(error);
        if (failure.isUnexpected) onError(error);
        const metadata = new Metadata();
        metadata.set('grpc-status-details-bin', encodeStatus(failure, 'protobuf'));
        callback({ code: failure.grpcCode, details: failure.message, metadata });
      },
    );
  };
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
