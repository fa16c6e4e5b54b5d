/**
 * An answer of the engine → the bytes of an HTTP response, chunk by chunk at the reader's pace, gzipped where the client
 * asks for it. An error after the first byte is appended the way ClickHouse ≥ 25.11 does (between marks with a tag that
 * a header announced), and the connection ends without the closing chunk, so that nobody takes half for all.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGzip, type Gzip } from 'node:zlib';
import type { SqlAnswer } from './sql-engine.js';
import { formatError, toSqlError } from './sql-errors.js';

export interface AnswerOptions {
  version: string;
  /** Tag of the error marks, 16 characters. */
  exceptionTag: string;
  /** Longest wait for a reader that takes nothing, milliseconds. */
  stallMsMax: number;
  /** Compress, with this level of effort (1–9). */
  gzipLevel: number | undefined;
  signal: AbortSignal;
}

export async function sendAnswer(
  response: ServerResponse,
  answer: SqlAnswer,
  options: AnswerOptions,
): Promise<void> {
  const first = await answer.next();
  if (first === undefined) {
    response.setHeader('Content-Length', 0);
    response.end();
    return;
  }
  const sink = options.gzipLevel === undefined ? response : openGzip(response, options.gzipLevel);
  response.setHeader('X-ClickHouse-Exception-Tag', options.exceptionTag);
  try {
    for (let chunk: Uint8Array | undefined = first; chunk; chunk = await answer.next()) {
      if (!sink.write(chunk)) await waitForReader(sink, options);
    }
    sink.end();
  } catch (error) {
    if (!options.signal.aborted) breakOff(response, sink, buildErrorTail(error, options));
    throw error;
  }
}

export function wantsGzip(request: IncomingMessage, settings: Record<string, string>): number | undefined {
  if (!['1', 'true'].includes(settings.enable_http_compression ?? '')) return undefined;
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return undefined;
  const level = Number(settings.http_zlib_compression_level ?? 3);
  return level >= 1 && level <= 9 ? level : 3;
}

function openGzip(response: ServerResponse, level: number): Gzip {
  response.setHeader('Content-Encoding', 'gzip');
  const gzip = createGzip({ level });
  gzip.on('data', (chunk) => {
    if (!response.write(chunk)) gzip.pause();
  });
  response.on('drain', () => gzip.resume());
  gzip.on('end', () => response.end());
  return gzip;
}

async function waitForReader(
  sink: ServerResponse | Gzip,
  { stallMsMax, signal }: AnswerOptions,
): Promise<void> {
  const stalled = AbortSignal.timeout(stallMsMax);
  await once(sink, 'drain', { signal: AbortSignal.any([signal, stalled]) });
}

/** Let what was written go out, then close the connection under the unfinished response. */
function breakOff(response: ServerResponse, sink: ServerResponse | Gzip, tail: string): void {
  const cut = () => response.socket?.destroySoon();
  if (sink === response) {
    response.write(tail, cut);
    return;
  }
  sink.removeAllListeners('end');
  sink.on('end', cut);
  sink.end(tail);
}

function buildErrorTail(error: unknown, { version, exceptionTag }: AnswerOptions): string {
  const message = formatError(toSqlError(error), version);
  const mark = '__exception__';
  return `\r\n${mark}\r\n${exceptionTag}\r\n${message}${Buffer.byteLength(message)} ${exceptionTag}\r\n${mark}\r\n`;
}
