/** The HTTP rows of the OTLP checklist, over a real socket: statuses, encodings of errors, sizes, compression. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../src/model/errors.js';
import type { ExportOutcome } from '../../src/model/export-outcome.js';
import {
  createHttpPort,
  type Fixture,
  readResponse,
  readStatus,
  startReceiver,
} from '../testkit/receiver-fixture.js';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const BYTES_MAX = 64 * 1024;

let fixture: Fixture;
afterEach(() => fixture?.close());

async function start(...args: [Parameters<typeof startReceiver>[1]?, number?]): Promise<void> {
  const [exportMetrics, requestBytesMax = BYTES_MAX] = args;
  fixture = await startReceiver(createHttpPort, exportMetrics, { requestBytesMax });
}

interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
}

async function send(
  body: Buffer | string | undefined,
  headers: Record<string, string> = { 'Content-Type': PROTOBUF },
  path = '/v1/metrics',
  method = 'POST',
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${fixture.port}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

const someBytes = Buffer.from([1, 2, 3]);

describe('success', () => {
  it('answers a full success in protobuf with 200 and zero bytes', async () => {
    await start();
    const answer = await send(someBytes);
    expect(answer.status).toBe(200);
    expect(answer.bytes).toHaveLength(0);
    expect(answer.headers.get('content-type')).toBe(PROTOBUF);
    expect(fixture.received).toEqual([{ bytes: someBytes, encoding: 'protobuf' }]);
  });

  it('answers a full success in JSON with 200 and {}', async () => {
    await start();
    const answer = await send('{"resourceMetrics":[]}', { 'Content-Type': JSON_TYPE });
    expect([answer.status, answer.bytes.toString()]).toEqual([200, '{}']);
    expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
    expect(fixture.received[0]!.encoding).toBe('json');
  });

  const partial: ExportOutcome = {
    accepted: 5,
    rejected: 300,
    rejections: [{ reason: 'time_zero', metricName: 'cpu', count: 300, detail: 'time is 0' }],
  };

  it('answers a partial success in protobuf with the count and what was wrong', async () => {
    await start(async () => partial);
    const answer = await send(someBytes);
    expect(answer.status).toBe(200);
    const { partialSuccess } = readResponse(answer.bytes) as { partialSuccess: Record<string, string> };
    expect(partialSuccess.rejectedDataPoints).toBe('300');
    expect(partialSuccess.errorMessage).toMatch(/300 points of "cpu" rejected \(time_zero\): time is 0/);
  });

  it('answers a partial success in JSON with the count as a string', async () => {
    await start(async () => partial);
    const answer = await send('{}', { 'Content-Type': JSON_TYPE });
    const { partialSuccess } = JSON.parse(answer.bytes.toString());
    expect(partialSuccess.rejectedDataPoints).toBe('300');
    expect(partialSuccess.errorMessage).toContain('time_zero');
  });

  const warned: ExportOutcome = {
    accepted: 5,
    rejected: 0,
    rejections: [],
    warnings: ['3 new series of "cpu" were folded', 'send fewer'],
  };

  it('answers warnings alone with 200, 0 rejected and the warnings as the message', async () => {
    await start(async () => warned);
    const answer = await send(someBytes);
    expect(answer.status).toBe(200);
    const errorMessage = '3 new series of "cpu" were folded; send fewer';
    // A zero is not written in protobuf.
    expect(readResponse(answer.bytes)).toEqual({ partialSuccess: { errorMessage } });
    const json = await send('{}', { 'Content-Type': JSON_TYPE });
    expect(JSON.parse(json.bytes.toString())).toEqual({
      partialSuccess: { rejectedDataPoints: '0', errorMessage },
    });
  });

  it('answers an empty list of warnings as a full success', async () => {
    await start(async () => ({ ...warned, warnings: [] }));
    expect((await send(someBytes)).bytes).toHaveLength(0);
  });

  it('says what was rejected before what is only a warning', async () => {
    await start(async () => ({ ...warned, rejected: 300, rejections: partial.rejections }));
    const { partialSuccess } = readResponse((await send(someBytes)).bytes) as {
      partialSuccess: Record<string, string>;
    };
    expect(partialSuccess.errorMessage).toMatch(
      /^300 points .*time is 0; 3 new series .* folded; send fewer$/,
    );
  });

  it('keeps the answer short however many metrics were rejected', async () => {
    const rejections = Array.from({ length: 50_000 }, (_, i) => ({
      reason: 'time_zero' as const,
      metricName: `metric_${i}`,
      count: 1,
      detail: 'time is 0',
    }));
    await start(async () => ({ accepted: 0, rejected: rejections.length, rejections }));
    const answer = await send(someBytes);
    expect(answer.bytes.length).toBeLessThan(64 * 1024);
    const { partialSuccess } = readResponse(answer.bytes) as { partialSuccess: Record<string, string> };
    expect(partialSuccess.rejectedDataPoints).toBe('50000');
  });

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'Application/Json;charset=UTF-8'])(
    'takes %s for JSON and answers with the bare type',
    async (type) => {
      await start();
      const answer = await send('{}', { 'Content-Type': type });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
    },
  );

  it('takes a body without Content-Length, in chunks', async () => {
    await start();
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 5; i++) controller.enqueue(new Uint8Array([i]));
        controller.close();
      },
    });
    const init = {
      method: 'POST',
      body,
      headers: { 'Content-Type': PROTOBUF },
      duplex: 'half',
    } as RequestInit;
    const response = await fetch(`http://127.0.0.1:${fixture.port}/v1/metrics`, init);
    expect(response.status).toBe(200);
    expect([...fixture.received[0]!.bytes]).toEqual([0, 1, 2, 3, 4]);
  });

  it('hands an empty body on as zero bytes', async () => {
    await start();
    const answer = await send(undefined);
    expect(answer.status).toBe(200);
    expect(fixture.received[0]!.bytes).toHaveLength(0);
  });
});

describe('compression', () => {
  const plain = Buffer.from('some bytes that are not random, some bytes that are not random');

  it.each(['gzip', 'GZIP', ' gzip '])('decompresses Content-Encoding "%s"', async (name) => {
    await start();
    const answer = await send(gzipSync(plain), { 'Content-Type': PROTOBUF, 'Content-Encoding': name });
    expect(answer.status).toBe(200);
    expect(fixture.received[0]!.bytes).toEqual(plain);
  });

  it('takes Content-Encoding identity', async () => {
    await start();
    await send(plain, { 'Content-Type': PROTOBUF, 'Content-Encoding': 'identity' });
    expect(fixture.received[0]!.bytes).toEqual(plain);
  });

  it('decompresses a gzip body of several members as one', async () => {
    await start();
    const members = Buffer.concat([gzipSync(plain), gzipSync(plain)]);
    await send(members, { 'Content-Type': PROTOBUF, 'Content-Encoding': 'gzip' });
    expect(fixture.received[0]!.bytes).toEqual(Buffer.concat([plain, plain]));
  });

  it('decompresses a body too large to be decompressed inline', async () => {
    await start(undefined, 8 * 1024 * 1024);
    const large = Buffer.alloc(1_000_000, 'abc');
    const wire = gzipSync(large, { level: 0 });
    expect(wire.length).toBeGreaterThan(128 * 1024);
    await send(wire, { 'Content-Type': PROTOBUF, 'Content-Encoding': 'gzip' });
    expect(fixture.received[0]!.bytes.equals(large)).toBe(true);
  });

  it.each([
    ['a damaged', Buffer.concat([gzipSync(plain).subarray(0, 20), Buffer.alloc(30, 7)])],
    ['a truncated', gzipSync(plain).subarray(0, -9)],
    ['an empty', Buffer.alloc(0)],
    ['a not gzipped', plain],
    ['a deflated', deflateSync(plain)],
  ])('answers %s gzip body with 400', async (_name, body) => {
    await start();
    const answer = await send(body, { 'Content-Type': PROTOBUF, 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(400);
    expect(readStatus(answer.bytes)).toMatchObject({ code: 3, message: expect.stringContaining('gzip') });
    expect(fixture.received).toHaveLength(0);
  });

  it('answers an unknown Content-Encoding with 415', async () => {
    await start();
    const answer = await send(plain, { 'Content-Type': PROTOBUF, 'Content-Encoding': 'br' });
    expect(answer.status).toBe(415);
    expect(readStatus(answer.bytes).message).toContain('"br"');
  });
});

describe('limits', () => {
  it('takes a body of exactly the limit', async () => {
    await start();
    expect((await send(Buffer.alloc(BYTES_MAX))).status).toBe(200);
    expect(fixture.received[0]!.bytes).toHaveLength(BYTES_MAX);
  });

  it('answers a body of one byte more with 413 and names the setting', async () => {
    await start();
    const answer = await send(Buffer.alloc(BYTES_MAX + 1));
    expect(answer.status).toBe(413);
    expect(readStatus(answer.bytes)).toMatchObject({
      code: 8,
      message: expect.stringContaining('PLUMBLINE_REQUEST_BYTES_MAX'),
    });
    expect(fixture.received).toHaveLength(0);
  });

  it('answers a chunked body above the limit with 413 although its length was not announced', async () => {
    await start();
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'Content-Type': PROTOBUF, 'Transfer-Encoding': 'chunked' };
      const sent = request(
        { port: fixture.port, host: '127.0.0.1', method: 'POST', path: '/v1/metrics', headers },
        (response) => resolve(response.statusCode!),
      );
      sent.on('error', reject);
      sent.write(Buffer.alloc(BYTES_MAX));
      sent.end(Buffer.alloc(1));
    });
    expect(status).toBe(413);
  });

  it('answers a small gzip body that expands beyond the limit with 413, without expanding it', async () => {
    await start();
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(BYTES_MAX);
    const before = process.memoryUsage().rss;
    const answer = await send(bomb, { 'Content-Type': JSON_TYPE, 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.bytes.toString())).toMatchObject({
      code: 8,
      message: expect.stringContaining('decompressed'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('goes on serving the same client after a refused body', async () => {
    await start();
    for (let i = 0; i < 5; i++) {
      expect((await send(Buffer.alloc(BYTES_MAX * 4))).status).toBe(413);
      expect((await send(someBytes)).status).toBe(200);
    }
  });
});

describe('errors', () => {
  it('answers undecodable bytes with 400 and a Status with BadRequest in protobuf', async () => {
    await start(async () => {
      throw new PermanentError('malformed', 'field 3 is cut short');
    });
    const answer = await send(someBytes);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe(PROTOBUF);
    const status = readStatus(answer.bytes);
    expect(status).toMatchObject({ code: 3, message: 'field 3 is cut short' });
    expect(status.details.BadRequest).toMatchObject({
      fieldViolations: [{ description: 'field 3 is cut short' }],
    });
  });

  it('answers undecodable JSON with 400 and a Status in JSON', async () => {
    await start(async () => {
      throw new PermanentError('malformed', 'not JSON');
    });
    const answer = await send('{', { 'Content-Type': JSON_TYPE });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe(JSON_TYPE);
    const status = JSON.parse(answer.bytes.toString());
    expect(status).toMatchObject({ code: 3, message: 'not JSON' });
    expect(status.details[0]['@type']).toBe('type.googleapis.com/google.rpc.BadRequest');
  });

  it.each([
    [10, '1'],
    [1_000, '1'],
    [4_100, '5'],
  ])('answers "no room, %i ms" with 503 and Retry-After %s', async (ms, seconds) => {
    await start(async () => {
      throw new RetryableError('the spool is full', ms);
    });
    const answer = await send(someBytes);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe(seconds);
    const status = readStatus(answer.bytes);
    expect(status).toMatchObject({ code: 14, message: 'the spool is full' });
    expect(status.details.RetryInfo).toEqual({ retryDelay: { seconds } });
  });

  it('says retryDelay in JSON too', async () => {
    await start(async () => {
      throw new RetryableError('the spool is full', 3_000);
    });
    const answer = await send('{}', { 'Content-Type': JSON_TYPE });
    expect(JSON.parse(answer.bytes.toString()).details).toEqual([
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' },
    ]);
  });

  it('answers an unexpected error with 500, tells the log, and keeps its text from the sender', async () => {
    await start(async () => {
      throw new TypeError('secret inner text');
    });
    const answer = await send(someBytes);
    expect(answer.status).toBe(500);
    expect(readStatus(answer.bytes)).toMatchObject({ code: 13 });
    expect(answer.bytes.toString()).not.toContain('secret');
    expect(fixture.errors.map((e) => e.message)).toEqual(['secret inner text']);
  });

  it.each(['text/plain', 'application/xml', 'application/x-protobuf2', ''])(
    'answers Content-Type "%s" with 415 and a Status',
    async (type) => {
      await start();
      const answer = await send(someBytes, { 'Content-Type': type });
      expect(answer.status).toBe(415);
      expect(JSON.parse(answer.bytes.toString()).message).toContain('application/x-protobuf');
      expect(fixture.received).toHaveLength(0);
    },
  );

  it.each(['GET', 'PUT', 'DELETE', 'PATCH'])('answers %s with 405, Allow and a Status', async (method) => {
    await start();
    const answer = await send(undefined, { 'Content-Type': PROTOBUF }, '/v1/metrics', method);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(readStatus(answer.bytes).message).toContain(method);
  });

  it.each([
    '/v1/metrics/',
    '//v1/metrics',
    '/v1/metrics/v1/metrics',
    '/v1/metrics//v1/metrics/',
    '/v1/metrics?x=1',
  ])('takes metrics at %s, as exporters write the path from their endpoint', async (path) => {
    await start();
    expect((await send(someBytes, { 'Content-Type': PROTOBUF }, path)).status).toBe(200);
    expect(fixture.received).toHaveLength(1);
  });

  it.each([
    '/',
    '/v1/traces',
    '/v1/metrics/v1/traces',
    '/v1/metrics/v1',
    '/v1metrics',
    '/x/v1/metrics',
    '/v2/metrics',
  ])('answers %s with 404 and a Status', async (path) => {
    await start();
    const answer = await send(someBytes, { 'Content-Type': PROTOBUF }, path);
    expect(answer.status).toBe(404);
    expect(readStatus(answer.bytes)).toMatchObject({
      code: 5,
      message: expect.stringContaining('/v1/metrics'),
    });
  });
});

describe('clients that go away', () => {
  it('does not export half a body, and serves the next client', async () => {
    await start();
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((done) => {
        const socket = connect(fixture.port, '127.0.0.1', () => {
          const head = `POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 100\r\n\r\n`;
          socket.write(`${head}half`, () => {
            socket.destroy();
            done();
          });
        });
      });
    }
    expect((await send(someBytes)).status).toBe(200);
    expect(fixture.received).toHaveLength(1);
    expect(fixture.errors).toEqual([]);
  });

  it('finishes a request under way when shut down, and takes no more', async () => {
    let finish = () => {};
    const started = new Promise<void>((onStarted) => {
      void start(async () => {
        onStarted();
        await new Promise<void>((done) => {
          finish = done;
        });
        return { accepted: 1, rejected: 0, rejections: [] };
      });
    });
    await new Promise((done) => setTimeout(done, 50));
    const sent = send(someBytes);
    await started;
    const closed = fixture.close();
    finish();
    expect((await sent).status).toBe(200);
    await closed;
    await expect(send(someBytes)).rejects.toThrow();
  });
});
