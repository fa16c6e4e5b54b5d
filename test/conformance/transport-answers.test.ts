/** The table of answers over HTTP: what is sent to a running receiver, and the status, headers and body that come back. */
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { RetryableError } from '../../src/model/errors.js';
import { describeFailure, httpStatusOf } from '../../src/receive/status-codes.js';
import { SETTINGS } from '../../src/settings.js';
import {
  CONTENT_TYPES,
  type OpenRequest,
  openRaw,
  type RawAnswer,
  type RawRequest,
  sendRaw,
  statusOf,
} from '../testkit/http-sender.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint, request, stringAttribute, toJson, toProtobuf } from '../testkit/otlp-message.js';
import { readResponse } from '../testkit/receiver-fixture.js';
import {
  type Encoding,
  type HttpAnswer,
  type RunningPipeline,
  startPipeline,
} from '../testkit/running-pipeline.js';
import { zstdBomb } from '../testkit/zstd-bodies.js';
import { line } from './line.js';

const MIB = 1024 * 1024;
const BYTES_MAX = 8 * MIB;
const SERIES_MAX = 20;
const ENCODINGS = ['protobuf', 'json'] as const;
const RETRYABLE = [429, 502, 503, 504];

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, {
    PLUMBLINE_REQUEST_BYTES_MAX: String(BYTES_MAX),
    PLUMBLINE_INFLIGHT_BYTES_MAX: String(BYTES_MAX),
    PLUMBLINE_SERIES_PER_METRIC_MAX: String(SERIES_MAX),
  });
});
afterAll(() => receiver.stop());

/** Without ClickHouse everything that is taken stays in the spool. */
const AWAY = { CLICKHOUSE_URL: 'http://127.0.0.1:1' };

const gaugeOf = (name: string, dataPoints: OtlpMessage[]): OtlpMessage => ({ name, gauge: { dataPoints } });
const point = (i: number, fields: OtlpMessage = {}) =>
  numberPoint({ attributes: [stringAttribute('i', String(i))], ...fields });
const encode = (message: OtlpMessage, encoding: Encoding) =>
  encoding === 'json' ? toJson(message) : toProtobuf(message);
const post = (message: OtlpMessage, encoding: Encoding) => receiver.post(encode(message, encoding), encoding);
const bodyOf = ({ json, bytes }: HttpAnswer) =>
  (json ?? readResponse(bytes)) as {
    partialSuccess?: { rejectedDataPoints?: string; errorMessage?: string };
  };

/** A request without a good thing in it, by its headers, path and body. */
function send(encoding: Encoding, body: Uint8Array, rest: RawRequest = {}): Promise<RawAnswer> {
  const headers = { 'Content-Type': CONTENT_TYPES[encoding], ...rest.headers };
  return sendRaw(receiver.http, { ...rest, headers, pieces: rest.pieces ?? [body] });
}

function expectStatus(answer: RawAnswer, encoding: Encoding, httpStatus: number, code: number) {
  expect(answer.status).toBe(httpStatus);
  expect(answer.headers['content-type']).toBe(CONTENT_TYPES[encoding]);
  const status = statusOf(answer);
  expect(status.code).toBe(code);
  expect(status.message).not.toBe('');
  return status;
}

describe('answers that are not errors', () => {
  line('http.success', async () => {
    for (const encoding of ENCODINGS) {
      const answer = await post(request(gaugeOf('success', [point(1)])), encoding);
      expect(answer.status).toBe(200);
      expect(answer.bytes.toString()).toBe(encoding === 'json' ? '{}' : '');
      expect(answer.headers.get('content-type')).toBe(CONTENT_TYPES[encoding]);
    }
  });

  line('http.partial', async () => {
    for (const encoding of ENCODINGS) {
      const points = [point(1), point(2, { timeUnixNano: 0n }), point(3, { timeUnixNano: 0n })];
      const answer = await post(request(gaugeOf(`partial.${encoding}`, points)), encoding);
      expect(answer.status).toBe(200);
      const { rejectedDataPoints, errorMessage } = bodyOf(answer).partialSuccess!;
      expect(rejectedDataPoints).toBe('2');
      expect(errorMessage).toContain(`2 points of "partial.${encoding}"`);
      expect(errorMessage).toContain('time_zero');
      expect(answer.headers.get('content-type')).toBe(CONTENT_TYPES[encoding]);
    }
  });

  line('http.warning', async () => {
    for (const encoding of ENCODINGS) {
      const points = Array.from({ length: SERIES_MAX + 5 }, (_, i) => point(i));
      const answer = await post(request(gaugeOf(`warning.${encoding}`, points)), encoding);
      expect(answer.status).toBe(200);
      const { rejectedDataPoints, errorMessage } = bodyOf(answer).partialSuccess!;
      // A zero is not written in protobuf.
      expect(rejectedDataPoints ?? '0').toBe('0');
      expect(errorMessage).toContain(`warning.${encoding}`);
    }
  });

  line('http.empty', async () => {
    const envelopes: OtlpMessage[] = [
      {},
      { resourceMetrics: [] },
      { resourceMetrics: [{}] },
      { resourceMetrics: [{ scopeMetrics: [] }] },
      { resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: { name: 'x' }, metrics: [] }] }] },
      request({ name: 'empty', gauge: { dataPoints: [] } }),
      request({ name: 'empty' }),
    ];
    for (const encoding of ENCODINGS) {
      for (const envelope of envelopes) {
        const answer = await post(envelope, encoding);
        expect([answer.status, answer.bytes.toString()]).toEqual([200, encoding === 'json' ? '{}' : '']);
      }
    }
    expect((await send('protobuf', Buffer.alloc(0))).status).toBe(200);
    expect((await send('protobuf', gzipSync(''), { headers: { 'Content-Encoding': 'gzip' } })).status).toBe(
      200,
    );
  });

  line('http.content-type', async () => {
    const types: Record<Encoding, string[]> = {
      json: [
        'application/json; charset=utf-8',
        'APPLICATION/JSON',
        'Application/Json;Charset="UTF-8"',
        ' application/json ',
      ],
      protobuf: ['application/x-protobuf; a=b', 'APPLICATION/X-PROTOBUF', 'application/X-protobuf;'],
    };
    for (const encoding of ENCODINGS) {
      const good = encode(request(gaugeOf('type', [point(1)])), encoding);
      for (const type of types[encoding]) {
        const taken = await send(encoding, good, { headers: { 'Content-Type': type } });
        expect([taken.status, taken.headers['content-type']]).toEqual([200, CONTENT_TYPES[encoding]]);
        const broken = await send(encoding, Buffer.from('{"\xff'), { headers: { 'Content-Type': type } });
        expectStatus(broken, encoding, 400, 3);
      }
    }
  });

  line('http.answer-size', async () => {
    const bad = numberPoint({ timeUnixNano: 0n });
    const longNames = Array.from({ length: 6 }, (_, i) => gaugeOf(`${i}`.repeat(MIB), [bad]));
    const manyNames = Array.from({ length: 20_000 }, (_, i) => gaugeOf(`many.${i}`, [bad]));
    for (const encoding of ENCODINGS) {
      for (const metrics of [longNames, manyNames]) {
        const answer = await post(request(...metrics), encoding);
        expect(answer.status).toBe(200);
        expect(answer.bytes.length).toBeLessThan(4 * MIB);
        expect(bodyOf(answer).partialSuccess!.rejectedDataPoints).toBe(String(metrics.length));
        expect(bodyOf(answer).partialSuccess!.errorMessage).toContain('time_zero');
      }
    }
    // The same holds for a Status: the content type that was not understood is quoted.
    const answer = await send('json', Buffer.alloc(0), { headers: { 'Content-Type': 'x'.repeat(10_000) } });
    expect(answer.bytes.length).toBeLessThan(16 * 1024);
  });
});

describe('answers that are errors', () => {
  line('http.malformed', async () => {
    const good = request(gaugeOf('malformed', [point(1)]));
    for (const encoding of ENCODINGS) {
      const bytes = encode(good, encoding);
      const cases: [Buffer, string?][] = [
        [bytes.subarray(0, -1)],
        [Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])],
        [bytes, 'gzip'],
        [bytes, 'zstd'],
        [bytes, 'deflate'],
        [gzipSync(bytes).subarray(0, -1), 'gzip'],
        [Buffer.concat([gzipSync(bytes), Buffer.from('x')]), 'gzip'],
        [deflateSync(bytes).subarray(0, -1), 'deflate'],
        [Buffer.concat([deflateSync(bytes), Buffer.from('x')]), 'deflate'],
        [gzipSync(bytes), 'deflate'],
        [deflateSync(bytes), 'gzip'],
        [gzipSync(bytes), 'zstd'],
        [zstdBomb(MIB).subarray(0, -1), 'zstd'],
      ];
      for (const [body, coding] of cases) {
        const headers = coding === undefined ? {} : { 'Content-Encoding': coding };
        const status = expectStatus(await send(encoding, body, { headers }), encoding, 400, 3);
        expect(status.details.BadRequest).toEqual({ fieldViolations: [{ description: status.message }] });
      }
    }
  });

  line('http.too-large', async () => {
    expect(SETTINGS.requestBytesMax.default).toBe(64 * MIB);
    const wire = Buffer.alloc(BYTES_MAX + 1);
    for (const encoding of ENCODINGS) {
      const answers = [
        await send(encoding, wire),
        await send(encoding, wire, { pieces: [wire.subarray(1), wire.subarray(0, 1)] }),
        await send(encoding, gzipSync(wire), { headers: { 'Content-Encoding': 'gzip' } }),
        await send(encoding, deflateSync(wire), { headers: { 'Content-Encoding': 'deflate' } }),
        await send(encoding, zstdBomb(wire.length), { headers: { 'Content-Encoding': 'zstd' } }),
      ];
      for (const answer of answers) {
        const status = expectStatus(answer, encoding, 413, 8);
        expect(status.message).toContain('PLUMBLINE_REQUEST_BYTES_MAX');
        expect(status.details.RetryInfo).toBeUndefined();
        expect(answer.headers['retry-after']).toBeUndefined();
      }
    }
  });

  line('http.overload', 'bodies that are still being read', async () => {
    // Fills what may be in flight but for ten bytes, and is never finished.
    const held = await holdInflight(BYTES_MAX - 10);
    for (const encoding of ENCODINGS) {
      const answer = await send(encoding, encode(request(gaugeOf('overload', [point(1)])), encoding));
      const status = expectStatus(answer, encoding, 503, 14);
      expect(status.message).toContain('PLUMBLINE_INFLIGHT_BYTES_MAX');
      expect(status.details.RetryInfo).toBeDefined();
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    held.abort();
    await untilTaken(() => post(request(gaugeOf('overload', [point(1)])), 'json'));
  });

  line('http.overload', 'storage away for longer than the spool lasts', async () => {
    await withPipeline({ ...AWAY, PLUMBLINE_SPOOL_BYTES_MAX: String(MIB) }, async (away) => {
      for (const encoding of ENCODINGS) {
        const answer = await fillSpool(away, encoding);
        expect(answer.status).toBe(503);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        const { code, details, message } = statusOf(answer);
        expect(code).toBe(14);
        expect(message).toContain('PLUMBLINE_SPOOL_BYTES_MAX');
        expect(details.RetryInfo).toBeDefined();
      }
    });
  });

  line('http.wrong-request', async () => {
    const body = Buffer.from('{}');
    for (const type of ['text/plain', 'application/xml', 'application/jsonp', '']) {
      expectStatus(await send('json', body, { headers: { 'Content-Type': type } }), 'json', 415, 12);
    }
    for (const encoding of ENCODINGS) {
      for (const coding of ['br', 'compress', 'gzip, gzip']) {
        expectStatus(
          await send(encoding, body, { headers: { 'Content-Encoding': coding } }),
          encoding,
          415,
          12,
        );
      }
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        const answer = await send(encoding, body, { method, pieces: [] });
        expectStatus(answer, encoding, 405, 12);
        expect(answer.headers.allow).toContain('POST');
      }
      for (const path of ['/', '/v1/traces', '/v1/metrics/x', '/v1/metric', '/v1/metrics/v1/traces']) {
        expectStatus(await send(encoding, body, { path }), encoding, 404, 5);
      }
    }
  });

  line('http.unauthenticated', async () => {
    await withPipeline({ ...AWAY, PLUMBLINE_AUTH_TOKENS: 'right,also-right' }, async (guarded) => {
      for (const encoding of ENCODINGS) {
        const good = encode(request(gaugeOf('auth', [point(1)])), encoding);
        const headers = { 'Content-Type': CONTENT_TYPES[encoding] };
        for (const shown of [
          undefined,
          'wrong',
          'Bearer wrong',
          'Bearer ',
          'Bearer right2',
          'Basic right',
          'right',
        ]) {
          const authorization = shown === undefined ? {} : { Authorization: shown };
          const answer = await sendRaw(guarded.http, {
            headers: { ...headers, ...authorization },
            pieces: [good],
          });
          expectStatus(answer, encoding, 401, 16);
          expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
        }
        const answer = await guarded.post(good, encoding, { Authorization: 'Bearer also-right' });
        expect(answer.status).toBe(200);
      }
    });
  });

  line('http.status-encoding', async () => {
    const body = Buffer.from('[');
    const cases: RawRequest[] = [
      { pieces: [body] },
      { pieces: [Buffer.alloc(BYTES_MAX + 1)] },
      { pieces: [body], headers: { 'Content-Encoding': 'br' } },
      { pieces: [body], path: '/nothing' },
      { method: 'GET' },
    ];
    const statuses: number[] = [];
    for (const encoding of ENCODINGS) {
      for (const each of cases) {
        const answer = await send(encoding, body, each);
        statuses.push(answer.status);
        expect(answer.headers['content-type']).toBe(CONTENT_TYPES[encoding]);
        expect(statusOf(answer).message).not.toBe('');
      }
    }
    expect(statuses).toEqual([400, 413, 415, 404, 405, 400, 413, 415, 404, 405]);
  });

  line('http.retryable', async () => {
    for (const [code, retryable] of Object.entries({
      1: true,
      3: false,
      4: true,
      5: false,
      7: false,
      10: true,
      11: true,
      12: false,
      13: false,
      14: true,
      15: true,
      16: false,
    })) {
      expect([code, RETRYABLE.includes(httpStatusOf(Number(code)))]).toEqual([code, retryable]);
    }
    await withPipeline({ ...AWAY, PLUMBLINE_SPOOL_BYTES_MAX: String(MIB) }, async (away) => {
      const statuses = new Set<number>();
      const body = toProtobuf(largeRequest());
      for (let i = 0; i < 200; i++) statuses.add((await away.post(body, 'protobuf')).status);
      expect([...statuses]).toEqual([200, 503]);
    });
  });

  line('http.code-table', () => {
    const table = {
      1: 503,
      2: 500,
      3: 400,
      4: 503,
      6: 500,
      7: 403,
      8: 429,
      9: 500,
      10: 503,
      11: 503,
      12: 404,
      13: 500,
      14: 503,
      15: 503,
      16: 401,
    };
    for (const [code, status] of Object.entries(table)) {
      expect([code, httpStatusOf(Number(code))]).toEqual([code, status]);
    }
    // What is nobody's fault but ours.
    expect(describeFailure(new TypeError('inner'))).toMatchObject({ grpcCode: 13, httpStatus: 500 });
  });

  line('http.retry-after', () => {
    for (const ms of [-5, 0, 1, 999, 1000]) {
      expect(describeFailure(new RetryableError('busy', ms))).toMatchObject({ retryAfterS: 1 });
    }
    expect(describeFailure(new RetryableError('busy', 1001))).toMatchObject({ retryAfterS: 2 });
  });
});

const largeRequest = () =>
  request(
    gaugeOf(
      'large',
      Array.from({ length: 2_000 }, (_, i) => point(i % SERIES_MAX)),
    ),
  );

async function fillSpool(away: RunningPipeline, encoding: Encoding): Promise<HttpAnswer> {
  const body = encode(largeRequest(), encoding);
  for (let i = 0; i < 500; i++) {
    const response = await fetch(`http://${away.http}/v1/metrics`, {
      method: 'POST',
      headers: { 'Content-Type': CONTENT_TYPES[encoding] },
      body: body as Uint8Array<ArrayBuffer>,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200)
      return { status: response.status, headers: response.headers, bytes, json: undefined };
  }
  throw new Error('the spool never was full');
}

async function withPipeline(
  extra: Record<string, string>,
  use: (pipeline: RunningPipeline) => Promise<void>,
) {
  const pipeline = await startPipeline(() => NOW_UNIX_MS, extra);
  try {
    await use(pipeline);
  } finally {
    await pipeline.stop();
  }
}

/**
 * A request of which `bytes` have arrived: others are refused then. While they arrive one of those others may be in
 * flight and this one is refused instead; it begins anew.
 */
async function holdInflight(bytes: number): Promise<OpenRequest> {
  const tiny = toProtobuf(request(gaugeOf('tiny', [point(1)])));
  const headers = { 'Content-Type': CONTENT_TYPES.protobuf, 'Content-Length': String(BYTES_MAX) };
  for (let i = 0; i < 10; i++) {
    const held = openRaw(receiver.http, { headers, pieces: [Buffer.alloc(bytes)] }, false);
    let isRefused = false;
    const refuse = () => {
      isRefused = true;
    };
    held.answer.then(refuse, refuse);
    while (!isRefused) {
      await new Promise((done) => setTimeout(done, 50));
      if ((await receiver.post(tiny, 'protobuf')).status === 503) return held;
    }
  }
  throw new Error('nothing is refused');
}

async function untilTaken(sendAgain: () => Promise<HttpAnswer>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await sendAgain()).status === 200) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('refused for ever');
}
