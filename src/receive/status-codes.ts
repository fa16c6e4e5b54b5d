/**
 * The one table that turns errors into protocol codes, for HTTP and gRPC both. Enters: whatever was thrown; leaves: a
 * Failure. Rules: OTLP specification (retryable are exactly 429, 502, 503 and 504; bad data is 400 or INVALID_ARGUMENT
 * and never retried). An unexpected error is 500: its sender throws the data away, so storage never ends up there.
 */
import { PermanentError, type PermanentKind, RetryableError } from '../model/errors.js';

/** Codes of google.rpc.Code that are used here. */
export const GRPC_CODES = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export interface Failure {
  grpcCode: number;
  httpStatus: number;
  message: string;
  /** Set where the sender should try again: whole seconds, at least 1 (some exporters read 0 as "never"). */
  retryAfterS: number | undefined;
  /** True where the fault is ours and belongs in the log. */
  isUnexpected: boolean;
}

const PERMANENT: Record<PermanentKind, { grpcCode: number; httpStatus: number }> = {
  malformed: { grpcCode: GRPC_CODES.INVALID_ARGUMENT, httpStatus: 400 },
  too_large: { grpcCode: GRPC_CODES.RESOURCE_EXHAUSTED, httpStatus: 413 },
  unsupported: { grpcCode: GRPC_CODES.UNIMPLEMENTED, httpStatus: 415 },
  unauthenticated: { grpcCode: GRPC_CODES.UNAUTHENTICATED, httpStatus: 401 },
  not_found: { grpcCode: GRPC_CODES.NOT_FOUND, httpStatus: 404 },
  method_not_allowed: { grpcCode: GRPC_CODES.UNIMPLEMENTED, httpStatus: 405 },
};

export function describeFailure(error: unknown): Failure {
  if (error instanceof RetryableError) {
    return {
      grpcCode: GRPC_CODES.UNAVAILABLE,
      httpStatus: 503,
      message: error.message,
      retryAfterS: Math.max(1, Math.ceil(error.retryAfterMs / 1000)),
      isUnexpected: false,
    };
  }
  if (error instanceof PermanentError) {
    const codes = PERMANENT[error.kind];
    return { ...codes, message: error.message, retryAfterS: undefined, isUnexpected: false };
  }
  return {
    grpcCode: GRPC_CODES.INTERNAL,
    httpStatus: 500,
    message: 'an error of the server, see its log',
    retryAfterS: undefined,
    isUnexpected: true,
  };
}
