/**
 * Answers as bytes, in protobuf or JSON: ExportMetricsServiceResponse for a success, google.rpc.Status for a failure.
 * Enters: an ExportOutcome or a Failure; leaves: a body well under the 4 MiB that clients accept.
 */
import { describeOutcome, type ExportOutcome, hasMessage } from '../model/export-outcome.js';
import { type Failure, GRPC_CODES } from './status-codes.js';

export type Encoding = 'protobuf' | 'json';

/** Longest message in an answer, characters. */
const MESSAGE_CHARS_MAX = 4096;
const TYPE_URL = 'type.googleapis.com/google.rpc.';

/**
 * A full success is the empty message; a partial one names what was rejected and why; flagged points and warnings alone are
 * a partial success with 0 rejected (OTLP specification, "Partial Success").
 */
export function encodeOutcome(outcome: ExportOutcome, encoding: Encoding): Buffer {
  const { rejected } = outcome;
  if (!hasMessage(outcome)) {
    return encoding === 'json' ? Buffer.from('{}') : Buffer.alloc(0);
  }
  const errorMessage = describeOutcome(outcome, MESSAGE_CHARS_MAX);
  if (encoding === 'json') {
    const partialSuccess = { rejectedDataPoints: String(rejected), errorMessage };
    return Buffer.from(JSON.stringify({ partialSuccess }));
  }
  return bytesField(1, Buffer.concat([varintField(1, rejected), textField(2, errorMessage)]));
}

/**
 * google.rpc.Status: code = 1, message = 2, details = 3 (Any: type_url = 1, value = 2). Details are RetryInfo where
 * the sender should try again and BadRequest where its data is wrong.
 */
export function encodeStatus(failure: Failure, encoding: Encoding): Buffer {
  const { grpcCode, retryAfterS } = failure;
  const message = failure.message.slice(0, MESSAGE_CHARS_MAX);
  const isBadRequest = grpcCode === GRPC_CODES.INVALID_ARGUMENT;
  if (encoding === 'json') {
    const details: Record<string, unknown>[] = [];
    if (retryAfterS !== undefined)
      details.push({ '@type': `${TYPE_URL}RetryInfo`, retryDelay: `${retryAfterS}s` });
    if (isBadRequest) {
      details.push({ '@type': `${TYPE_URL}BadRequest`, fieldViolations: [{ description: message }] });
    }
    return Buffer.from(JSON.stringify({ code: grpcCode, message, ...(details.length > 0 && { details }) }));
  }
  const parts = [varintField(1, grpcCode), textField(2, message)];
  // RetryInfo: retry_delay = 1 (Duration: seconds = 1).
  if (retryAfterS !== undefined) parts.push(detail('RetryInfo', bytesField(1, varintField(1, retryAfterS))));
  // BadRequest: field_violations = 1 (FieldViolation: field = 1, description = 2).
  if (isBadRequest) parts.push(detail('BadRequest', bytesField(1, textField(2, message))));
  return Buffer.concat(parts);
}

function detail(type: string, value: Buffer): Buffer {
  return bytesField(3, Buffer.concat([textField(1, TYPE_URL + type), bytesField(2, value)]));
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function bytesField(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

/** A zero is not written: it is the default. */
function varintField(field: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** A whole number from 0 to 2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
