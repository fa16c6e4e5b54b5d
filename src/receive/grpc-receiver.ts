/**
 * OTLP over gRPC: MetricsService/Export, and health checking beside it. Enters: calls; leaves: the message bytes to exportMetrics (grpc-js would answer
 * INTERNAL for an error while deserializing, so bytes pass through it), and the outcome as the response. Compression:
 * none, gzip and deflate; grpc-js cannot do zstd, which is answered with UNIMPLEMENTED.
 */
import {
  type handleUnaryCall,
  logVerbosity,
  type Metadata,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServiceDefinition,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Address, Component } from '../model/component.js';
import { encodeOutcome } from './answer-encoding.js';
import { type Authorize, describeTokenProblem } from './bearer-tokens.js';
import { createArrivalInterceptor, shareOf } from './grpc-arrival.js';
import { createGrpcHealth, HEALTH_SERVICE, isHealthPath } from './grpc-health.js';
import { createGrpcPort, type GrpcPortOptions } from './grpc-port.js';
import { describeGrpcStatus, toGrpcStatus } from './grpc-status.js';
import type { ReceiverOptions } from './http-receiver.js';
import type { RefusedSenders } from './refused-senders.js';
import { describeFailure } from './status-codes.js';

// What goes wrong with one connection or call is told to its client.
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

export interface GrpcReceiverOptions extends ReceiverOptions, GrpcPortOptions {
  /** Calls at one time on one connection. */
  streamsMax: number;
  /** How long a connection without calls is kept, milliseconds; 0 = for ever. */
  connectionIdleMs: number;
  /** How old a connection becomes before its client is asked to connect anew, milliseconds; 0 = any age. */
  connectionAgeMs: number;
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
/** Time for calls under way on a connection that is too old, milliseconds. */
const AGE_GRACE_MS = 30_000;

export function createGrpcReceiver(options: GrpcReceiverOptions): Component & { address(): Address } {
  const { pings = PINGS } = options;
  const server = new Server({
    'grpc.max_receive_message_length': options.limits.requestBytesMax,
    'grpc.max_concurrent_streams': options.streamsMax,
    'grpc.keepalive_time_ms': pings.afterMs,
    'grpc.keepalive_timeout_ms': pings.answerMs,
    ...(options.connectionIdleMs > 0 && { 'grpc.max_connection_idle_ms': options.connectionIdleMs }),
    ...(options.connectionAgeMs > 0 && {
      'grpc.max_connection_age_ms': options.connectionAgeMs,
      'grpc.max_connection_age_grace_ms': AGE_GRACE_MS,
    }),
    interceptors: [
      createArrivalInterceptor(options.limits, options.inflight),
      ...(options.authorize ? [createAuthInterceptor(options.authorize, options.refusedSenders)] : []),
    ],
  });
  const calls = new Set<Promise<unknown>>();
  const health = createGrpcHealth();
  server.addService(METRICS_SERVICE, { Export: createExportHandler(options, calls) });
  server.addService(HEALTH_SERVICE, health.handlers);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const port = createGrpcPort(options, (socket) => injector.injectConnection(socket));
  return {
    start: () => port.start(),
    async shutdown(deadlineMs) {
      health.stop();
      await port.shutdown(deadlineMs);
      const closed = new Promise<void>((done) => server.tryShutdown(() => done()));
      await Promise.race([Promise.all(calls), delay(deadlineMs)]);
      // grpc-js waits for every client to hang up; one that never does must not hold the end up.
      await Promise.race([closed, delay(FLUSH_MS)]);
      server.forceShutdown();
    },
    address: () => port.address(),
  };
}

/** Answers before anything of the message is read. */
function createAuthInterceptor(authorize: Authorize, refusedSenders?: RefusedSenders): ServerInterceptor {
  return (method, call) => {
    const isOpen = isHealthPath(method.path);
    const guarded: ServerInterceptingCall = new ServerInterceptingCall(
      call,
      new ResponderBuilder()
        .withStart((next) =>
          next(
            new ServerListenerBuilder()
              .withOnReceiveMetadata((metadata, proceed) => {
                const problem = isOpen ? undefined : authorize(readAuthorization(metadata));
                if (problem === undefined) return proceed(metadata);
                refusedSenders?.record(problem, call.getPeer(), 'gRPC');
                guarded.sendStatus(describeGrpcStatus(describeTokenProblem(problem)));
              })
              .build(),
          ),
        )
        .build(),
    );
    return guarded;
  };
}

function readAuthorization(metadata: Metadata): string | undefined {
  const [value] = metadata.get('authorization');
  return value?.toString();
}

function createExportHandler(
  { exportMetrics, onError }: ReceiverOptions,
  calls: Set<Promise<unknown>>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const share = shareOf(call.request);
    const exported = () => exportMetrics(call.request, 'protobuf', share);
    const answered = (share === undefined ? exported() : share.keepDuring(exported)).then(
      (outcome) => callback(null, encodeOutcome(outcome, 'protobuf')),
      (error: Error) => {
        const failure = describeFailure(error);
        if (failure.isUnexpected) onError(error);
        callback(toGrpcStatus(failure));
      },
    );
    calls.add(answered);
    void answered.finally(() => calls.delete(answered));
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}
