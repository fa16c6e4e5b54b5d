/**
 * Sends export requests over HTTP: gzipped protobuf, several under way at once. Enters request bytes; leaves when the
 * backend took them. A backend that asks for patience (429, 502, 503, 504) is given the time it asks for; anything else
 * it refuses ends the run with a UserError. Never drops a request silently.
 */
import http from 'node:http';
import https from 'node:https';
import { setTimeout as waitMs } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { UserError } from '../../model/errors.js';
import type { Clock } from '../clock.js';
import type { Random } from '../random.js';

export interface HistorySender {
  readonly tally: { requests: number; retries: number; rejectedPoints: number };
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

export interface SenderOptions {
  /** The full address, with `/v1/metrics`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  clock: Clock;
  random: Random;
}

interface Answer {
  /** 0 where no answer came. */
  statusCode: number;
  retryAfter: string | undefined;
  body: Buffer;
  /** Why no answer came. */
  reason?: string;
}

const ATTEMPTS_MAX = 12;
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 10_000;
const RETRY_AFTER_MAX_MS = 120_000;
const ANSWER_MAX_MS = 60_000;
const RETRYABLE = new Set([0, 429, 502, 503, 504]);

const compress = promisify(gzip);

export function createHistorySender(options: SenderOptions): HistorySender {
  const { protocol } = new URL(options.url);
  const agent = new (protocol === 'https:' ? https : http).Agent({ keepAlive: true });
  const tally = { requests: 0, retries: 0, rejectedPoints: 0 };
  return {
    tally,
    async send(bytes) {
      const body = await compress(bytes, { level: constants.Z_BEST_SPEED });
      for (let attempt = 1; ; attempt++) {
        const answer = await post(options, agent, body);
        if (answer.statusCode === 200) {
          tally.requests++;
          tally.rejectedPoints += readRejectedPoints(answer.body);
          return;
        }
        if (!RETRYABLE.has(answer.statusCode) || attempt === ATTEMPTS_MAX)
          throw refuse(options.url, answer, attempt);
        tally.retries++;
        await waitMs(chooseWaitMs(answer.retryAfter, attempt, options.clock.unixMs(), options.random));
      }
    },
    close: () => agent.destroy(),
  };
}

function post({ url, headers }: SenderOptions, agent: http.Agent, body: Buffer): Promise<Answer> {
  const request = (url.startsWith('https:') ? https : http).request;
  return new Promise((resolve) => {
    const fail = (reason: string): void =>
      resolve({ statusCode: 0, retryAfter: undefined, body: Buffer.alloc(0), reason });
    const call = request(url, {
      ...{ method: 'POST', agent, timeout: ANSWER_MAX_MS },
      headers: {
        ...headers,
        ...{
          'content-type': 'application/x-protobuf',
          'content-encoding': 'gzip',
          'content-length': body.length,
        },
      },
    });
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        const { statusCode = 0 } = response;
        resolve({ statusCode, retryAfter: response.headers['retry-after'], body: Buffer.concat(chunks) });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MAX_MS / 1000} s`)));
    call.on('error', (error) => fail(error.message));
    call.end(body);
  });
}

/** What the backend asks for (seconds or a date); otherwise longer from attempt to attempt, with some chance in it. */
export function chooseWaitMs(
  retryAfter: string | undefined,
  attempt: number,
  nowUnixMs: number,
  random: Random,
): number {
  const asked = readRetryAfterMs(retryAfter, nowUnixMs);
  if (asked !== undefined) return Math.min(RETRY_AFTER_MAX_MS, asked);
  return Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (attempt - 1)) * (0.8 + 0.4 * random.uniform());
}

function readRetryAfterMs(retryAfter: string | undefined, nowUnixMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const waited = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - nowUnixMs;
  return Number.isFinite(waited) ? Math.max(0, waited) : undefined;
}

function readRejectedPoints(body: Buffer): number {
  if (body.length === 0) return 0;
  try {
    return Number(
      ProtobufMetricsSerializer.deserializeResponse(body).partialSuccess?.rejectedDataPoints ?? 0,
    );
  } catch {
    return 0;
  }
}

function refuse(url: string, answer: Answer, attempts: number): UserError {
  const said = answer.reason ?? `${answer.statusCode} ${readText(answer.body)}`.trim();
  if (!RETRYABLE.has(answer.statusCode)) {
    return new UserError(`${url} refused the history: ${said}; check --endpoint and the credentials`);
  }
  return new UserError(
    `${url} did not take the history after ${attempts} attempts: ${said}; what was sent stays, start again when it is well`,
  );
}

/** The printable part of an answer, whatever its encoding. */
function readText(body: Buffer): string {
  return body
    .toString('utf8')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 300);
}
