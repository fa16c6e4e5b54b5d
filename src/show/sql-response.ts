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
import type { SqlAnswer } from './sql-engine.js';
import { formatError, toSqlError } from './sql-errors.js';

export interface AnswerOptions {
  version: string;
  /** Tag of the error marks, 16 characters. */
  exceptionTag: string;
  /** Longest wait for a reader that takes nothing, milliseconds. */
  stallMsMax: number;
  /** Made for an answer that is not empty. */
  openPacking: () => Packing;
  signal: AbortSignal;
}

export async function sendAnswer(
  response: ServerResponse,
  answer: Pick<SqlAnswer, 'next'>,
  options: AnswerOptions,
): Promise<void> {
  const first = await answer.next();
  if (first === undefined) {
    response.setHeader('Content-Length', 0);
    response.end();
    return;
  }
  const { encoding, stages } = options.openPacking();
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding);
  response.setHeader('X-ClickHouse-Exception-Tag', options.exceptionTag);
  const sink = openSink(response, stages);
  try {
    for (let chunk: Uint8Array | undefined = first; chunk; chunk = await answer.next()) {
      if (!sink.entrance.write(chunk)) await waitForReader(sink.entrance, options);
    }
    sink.end();
  } catch (error) {
    if (!options.signal.aborted) sink.breakOff(buildErrorTail(error, options));
    throw error;
  }
}

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

async function waitForReader(entrance: Writable, { stallMsMax, signal }: AnswerOptions): Promise<void> {
  const stalled = AbortSignal.timeout(stallMsMax);
  await once(entrance, 'drain', { signal: AbortSignal.any([signal, stalled]) });
}

function buildErrorTail(error: unknown, { version, exceptionTag }: AnswerOptions): string {
  const message = formatError(toSqlError(error), version);
  const mark = '__exception__';
  return `\r\n${mark}\r\n${exceptionTag}\r\n${message}${Buffer.byteLength(message)} ${exceptionTag}\r\n${mark}\r\n`;
}
