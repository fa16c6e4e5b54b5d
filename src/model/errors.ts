/**
 * Broken requests and broken systems as exceptions; bad points are values (see export-outcome.ts).
 * RetryableError: the sender should try again later (refused). PermanentError: it never should (rejected).
 * One table (receive/status-codes.ts) turns these into HTTP and gRPC codes; nothing else does.
 */

/** No room or no storage right now: nothing of the request was kept, the sender retries. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  /** How long the sender should wait, milliseconds; protocols round it up to ≥ 1 s. */
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Why a whole request can never be accepted as it is. */
export type PermanentKind =
  | 'malformed' // bytes that are not the declared encoding (protobuf, JSON, gzip …)
  | 'too_large' // above requestBytesMax, on the wire or decompressed
  | 'unsupported' // content type or content encoding we do not speak
  | 'unauthenticated'
  | 'not_found'
  | 'method_not_allowed';

/** The request itself is wrong; sending it again cannot help. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  readonly kind: PermanentKind;
  constructor(kind: PermanentKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A mistake of the person who starts Plumbline: printed as one clear message, without a stack, exit code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
