/**
 * gRPC health checking (grpc.health.v1.Health) on the OTLP port, as load balancers, Kubernetes and gRPC clients ask it.
 * Enters: Check and Watch calls; leaves: SERVING while the port takes metrics, NOT_SERVING from the moment it shuts down.
 * It needs no token: probes cannot send one, and the answer says no more than that the port is open. Source:
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { PermanentError } from '../model/errors.js';
import { describeGrpcStatus } from './grpc-status.js';

/** HealthCheckResponse.ServingStatus. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** The empty name is the server as a whole. */
const SERVICES = new Set(['', 'opentelemetry.proto.collector.metrics.v1.MetricsService']);
const HEALTH_PATH = '/grpc.health.v1.Health/';
/** Field 1 of HealthCheckRequest, a string: the only field that it has. */
const SERVICE_TAG = 0x0a;

const asIs = (bytes: Buffer) => bytes;
const BYTES = {
  requestStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};

export const HEALTH_SERVICE: ServiceDefinition = {
  Check: { ...BYTES, path: `${HEALTH_PATH}Check`, responseStream: false },
  Watch: { ...BYTES, path: `${HEALTH_PATH}Watch`, responseStream: true },
};

export function isHealthPath(path: string): boolean {
  return path.startsWith(HEALTH_PATH);
}

export interface GrpcHealth {
  handlers: UntypedServiceImplementation;
  /** Answers NOT_SERVING from now on, also to those that watch, and ends their calls; may be repeated. */
  stop(): void;
}

export function createGrpcHealth(): GrpcHealth {
  let status = SERVING;
  const watchers = new Set<ServerWritableStream<Buffer, Buffer>>();

  const check: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const service = readService(call.request);
    if (service !== undefined && SERVICES.has(service)) callback(null, encodeStatus(status));
    else callback(describeGrpcStatus(describeProblem(service)));
  };

  const watch: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    const service = readService(call.request);
    if (service === undefined) {
      call.emit('error', describeGrpcStatus(describeProblem(service)));
      return;
    }
    // A service that is not known may be added to a server later, so its watchers stay too.
    call.write(encodeStatus(SERVICES.has(service) ? status : SERVICE_UNKNOWN));
    if (status === NOT_SERVING) {
      call.end();
      return;
    }
    watchers.add(call);
    call.once('cancelled', () => watchers.delete(call));
  };

  return {
    handlers: { Check: check, Watch: watch },
    stop() {
      status = NOT_SERVING;
      for (const call of watchers) {
        if (SERVICES.has(readService(call.request)!)) call.write(encodeStatus(status));
        call.end();
      }
      watchers.clear();
    },
  };
}

function describeProblem(service: string | undefined): PermanentError {
  if (service === undefined) return new PermanentError('malformed', 'the message is no HealthCheckRequest');
  const quoted = JSON.stringify(service.slice(0, 64));
  return new PermanentError('not_found', `there is no service ${quoted}; ask for "" or the MetricsService`);
}

/** The service that a HealthCheckRequest asks for, or undefined where it is none. */
function readService(message: Buffer): string | undefined {
  if (message.length === 0) return '';
  // One byte of length: no service has a name of 128 bytes.
  const isWhole = message[0] === SERVICE_TAG && message[1] === message.length - 2 && message[1] < 128;
  return isWhole ? message.toString('utf8', 2) : undefined;
}

/** HealthCheckResponse: status = 1. */
function encodeStatus(status: number): Buffer {
  return Buffer.from([0x08, status]);
}
