/**
 * The one table that turns errors into protocol codes, for HTTP and gRPC both. Enters: whatever was thrown; leaves: a
 * Failure. Rules: OTLP specification (retryable are exactly 429, 502, 503 and 504; bad data is 400 or INVALID_ARGUMENT
 * and never retried). An unexpected error is 500: its sender throws the data away, so storage never ends up there.
 */
import { PermanentError, type PermanentKind, RetryableError } from '../model/errors.js';

/** google.rpc.Code. */
export const GRPC_CODES = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const HTTP_STATUS_BY_GRPC_CODE: Readonly<Record<number, number>> = {
  [GRPC_CODES.CANCELLED]: 503,
  [GRPC_CODES.INVALID_ARGUMENT]: 400,
  [GRPC_CODES.DEADLINE_EXCEEDED]: 503,
  [GRPC_CODES.PERMISSION_DENIED]: 403,
  [GRPC_CODES.RESOURCE_EXHAUSTED]: 429,
  [GRPC_CODES.ABORTED]: 503,
  [GRPC_CODES.OUT_OF_RANGE]: 503,
  [GRPC_CODES.UNIMPLEMENTED]: 404,
  [GRPC_CODES.UNAVAILABLE]: 503,
  [GRPC_CODES.DATA_LOSS]: 503,
  [GRPC_CODES.UNAUTHENTICATED]: 401,
};

/** The HTTP status that belongs to a gRPC code, as OTLP receivers translate them; 500 for every other. */
export function httpStatusOf(grpcCode: number): number {
  return HTTP_STATUS_BY_GRPC_CODE[grpcCode] ?? 500;
}

export interface Failure {
  grpcCode: number;
  httpStatus: number;
  message: string;
  /** Set where the sender should try again: whole seconds, at least 1 (some exporters read 0 as "never"). */
  retryAfterS: number | undefined;
  /** True where the fault is ours and belongs in the log. */
  isUnexpected: boolean;
}

/** `httpStatus` is set where HTTP has a status that says more than the code does. */
const PERMANENT: Record<PermanentKind, { grpcCode: number; httpStatus?: number }> = {
  malformed: { grpcCode: GRPC_CODES.INVALID_ARGUMENT },
  too_large: { grpcCode: GRPC_CODES.RESOURCE_EXHAUSTED, httpStatus: 413 },
  unsupported: { grpcCode: GRPC_CODES.UNIMPLEMENTED, httpStatus: 415 },
  unauthenticated: { grpcCode: GRPC_CODES.UNAUTHENTICATED },
  not_found: { grpcCode: GRPC_CODES.NOT_FOUND, httpStatus: 404 },
  method_not_allowed: { grpcCode: GRPC_CODES.UNIMPLEMENTED, httpStatus: 405 },
};

export function describeFailure(error: unknown): Failure {
  if (error instanceof RetryableError) {
    const retryAfterS = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
    return expected(GRPC_CODES.UNAVAILABLE, undefined, error, retryAfterS);
  }
  if (error instanceof PermanentError) {
    const { grpcCode, httpStatus } = PERMANENT[error.kind];
    return expected(grpcCode, httpStatus, error, undefined);
  }
  return {
    grpcCode: GRPC_CODES.INTERNAL,
    httpStatus: httpStatusOf(GRPC_CODES.INTERNAL),
    message: 'an error of the server, see its log',
    retryAfterS: undefined,
    isUnexpected: true,
  };
}

function expected(
  grpcCode: number,
  httpStatus: number | undefined,
  { message }: Error,
  retryAfterS: number | undefined,
): Failure {
  return {
    grpcCode,
    httpStatus: httpStatus ?? httpStatusOf(grpcCode),
    message,
    retryAfterS,
    isUnexpected: false,
  };
}
