/**
 * The last bytes of a streamed answer, kept to find the error that ClickHouse appends when a query fails after its
 * answer has begun. The server announces a tag in a header; only text between two marks with that tag is an error, so
 * data that merely looks like one is never mistaken for it.
 */
import type { ClickHouseError } from '../model/clickhouse.js';
import { parseClickHouseError } from './clickhouse-errors.js';

/** ClickHouse cuts its message at 16 KiB; the marks need little more. */
const TAIL_BYTES_MAX = 64 * 1024;

export interface ExceptionTail {
  push(chunk: Uint8Array): void;
  findError(): ClickHouseError | undefined;
}

export function createExceptionTail(tag: string | string[] | undefined): ExceptionTail {
  let tail = Buffer.alloc(0);
  return {
    push(chunk) {
      if (tag === undefined) return;
      const kept = tail.subarray(Math.max(0, tail.length + chunk.length - TAIL_BYTES_MAX));
      tail = Buffer.concat([kept, chunk.subarray(-TAIL_BYTES_MAX)]);
    },
    findError() {
      const text = tail.toString('utf8');
      const start = text.lastIndexOf(`__exception__\r\n${tag}\r\n`);
      if (start === -1) return undefined;
      const message = text.slice(start).split('\r\n').slice(2).join('\r\n');
      return parseClickHouseError(message.replace(/\n\d+ .*$/s, ''));
    },
  };
}
