/**
 * An answer of the engine → the bytes of an HTTP response, chunk by chunk at the reader's pace, packed as the client asks
 * for it. An error after the first byte is appended the way ClickHouse ≥ 25.11 does (between marks with a tag that a
 * header announced, packed like the rest), and the connection ends without the closing chunk, so that nobody takes half
 * for all.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Transform, Writable } from 'node:stream';
import type { Packing } from './sql-encodings.js';
import { formatError, toSqlError } from './sql-errors.js';

export interface AnswerOptions {
  version: string;
  /** Tag of the error marks, 16 characters. */
  exceptionTag: string;
  /** Longest wait for a reader that takes nothing, milliseconds. */
  stallMsMax: number;
  /** Made for an answer that is not empty. */
  openPacking: () => Packing;
  /** Ends the answer: the client went away, or the statement was killed. */
  signal: AbortSignal;
  /** The client went away. */
  gone: AbortSignal;
  /** What is known of the statement by now, as the value of X-ClickHouse-Summary. */
  summarize: () => string;
  /** Called before the last byte is sent: what the client does next must not find this statement in its way. */
  beforeEnd: () => void;
}

/** Chunks, and how many bytes they are where that is known. */
export interface SizedAnswer {
  next(): Promise<Uint8Array | undefined>;
  length: number | undefined;
}

export async function sendAnswer(
  response: ServerResponse,
  answer: SizedAnswer,
  options: AnswerOptions,
): Promise<void> {
  const { summarize, beforeEnd } = options;
  const first = await answer.next();
  response.setHeader('X-ClickHouse-Summary', summarize());
  if (first === undefined) {
    response.setHeader('Content-Length', 0);
    beforeEnd();
    response.end();
    return;
  }
  const { encoding, stages, spoilEnd } = options.openPacking();
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding);
  response.setHeader('X-ClickHouse-Exception-Tag', options.exceptionTag);
  const isSized = answer.length !== undefined && stages.length === 0;
  // Only a chunked answer has trailers, and HTTP 1.0 has none.
  const hasTrailer = answer.length === undefined && response.req.httpVersion === '1.1';
  if (isSized) response.setHeader('Content-Length', answer.length!);
  if (hasTrailer) response.setHeader('Trailer', SUMMARY);
  const sink = openSink(response, stages);
  try {
    for (let chunk: Uint8Array | undefined = first; chunk; chunk = await answer.next()) {
      if (!sink.entrance.write(chunk)) await waitForReader(response, sink.entrance, options);
    }
    beforeEnd();
    if (hasTrailer) response.addTrailers({ [SUMMARY]: summarize() });
    sink.end();
  } catch (error) {
    beforeEnd();
    if (!options.gone.aborted && !response.destroyed) {
      spoilEnd();
      sink.breakOff(buildErrorTail(error, options));
    }
    throw error;
  }
}
const SUMMARY = 'X-ClickHouse-Summary';

interface Sink {
  entrance: Writable;
  end(): void;
  /** Let what was written go out with this text behind it, then close the connection under the unfinished response. */
  breakOff(tail: string): void;
}

function openSink(response: ServerResponse, stages: readonly Transform[]): Sink {
  const cut = () => response.socket?.destroySoon();
  const [entrance] = stages;
  if (entrance === undefined) {
    return { entrance: response, end: () => response.end(), breakOff: (tail) => response.write(tail, cut) };
  }
  let isBroken = false;
  for (const stage of stages) stage.on('error', () => response.destroy());
  const last = stages.reduce((from, to) => from.pipe(to));
  last.on('end', () => (isBroken ? cut() : response.end()));
  last.pipe(response, { end: false });
  return {
    entrance,
    end: () => entrance.end(),
    breakOff(tail) {
      isBroken = true;
      entrance.end(tail);
    },
  };
}

/** @throws The reason of `signal`; the TimeoutError of a reader that took nothing for too long, whose connection is closed. */
async function waitForReader(
  response: ServerResponse,
  entrance: Writable,
  { stallMsMax, signal }: AnswerOptions,
): Promise<void> {
  const stalled = AbortSignal.timeout(stallMsMax);
  try {
    await once(entrance, 'drain', { signal: AbortSignal.any([signal, stalled]) });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // What waits to be sent would keep the connection for as long as the reader does.
    if (stalled.aborted) response.destroy();
    throw error;
  }
}

function buildErrorTail(error: unknown, { version, exceptionTag }: AnswerOptions): string {
  const message = formatError(toSqlError(error), version);
  const mark = '__exception__';
  return `\r\n${mark}\r\n${exceptionTag}\r\n${message}${Buffer.byteLength(message)} ${exceptionTag}\r\n${mark}\r\n`;
}
