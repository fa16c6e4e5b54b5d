/**
 * The body of one HTTP request. Enters: its stream and Content-Encoding; leaves: the decompressed bytes, both sizes
 * bounded by the same limit and counted as in flight. Throws PermanentError 'too_large', 'unsupported' or 'malformed',
 * RetryableError where there is no room or the body comes too slowly.
 */
import type { IncomingMessage } from 'node:http';
import { PermanentError } from '../model/errors.js';
import { type ArrivalLimits, ArrivalTimer } from './arrival-timer.js';
import { type Coding, decompress, tooLarge } from './decompress.js';
import type { InflightShare } from './inflight-bytes.js';

export interface BodyLimits extends ArrivalLimits {
  /** Largest request, on the wire and decompressed, bytes. */
  requestBytesMax: number;
}

/** Content-Encoding → what is to be done; `none` is what some exporters say for identity. */
const CODINGS: Readonly<Record<string, Coding | 'identity'>> = {
  '': 'identity',
  identity: 'identity',
  none: 'identity',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  // What the OpenTelemetry Collector calls the format that HTTP calls deflate.
  zlib: 'deflate',
  zstd: 'zstd',
  snappy: 'snappy',
  'x-snappy-framed': 'x-snappy-framed',
  lz4: 'lz4',
};

export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  share: InflightShare,
): Promise<Buffer> {
  const name = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (coding === undefined) {
    throw new PermanentError(
      'unsupported',
      `Content-Encoding "${name}" is not supported; send gzip, zstd, deflate, zlib, snappy, x-snappy-framed, lz4 or no compression`,
    );
  }
  const wire = await readWire(request, limits, share);
  return coding === 'identity' ? wire : decompress(wire, coding, limits.requestBytesMax, share);
}

function readWire(request: IncomingMessage, limits: BodyLimits, share: InflightShare): Promise<Buffer> {
  const { requestBytesMax } = limits;
  const chunks: Buffer[] = [];
  let length = 0;
  let isOver = false;
  return new Promise((resolve, reject) => {
    const timer = new ArrivalTimer(limits, refuse);
    /** What still comes is thrown away unread. */
    function refuse(error: Error): void {
      isOver = true;
      timer.stop();
      request.removeListener('data', take);
      request.resume();
      reject(error);
    }
    function take(chunk: Buffer): void {
      length += chunk.length;
      try {
        if (length > requestBytesMax) throw tooLarge('', requestBytesMax);
        share.add(chunk.length);
        chunks.push(chunk);
        timer.touch();
      } catch (error) {
        refuse(error as Error);
      }
    }
    if (Number(request.headers['content-length'] ?? 0) > requestBytesMax) {
      return refuse(tooLarge('', requestBytesMax));
    }
    request.on('data', take);
    request.once('end', () => {
      if (isOver) return;
      isOver = true;
      timer.stop();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
    });
    request.once('error', (cause) => isOver || refuse(cutShort(cause)));
    request.once('close', () => isOver || refuse(cutShort(undefined)));
  });
}

function cutShort(cause: Error | undefined): PermanentError {
  return new PermanentError('malformed', 'the request ended before its body was complete', { cause });
}
