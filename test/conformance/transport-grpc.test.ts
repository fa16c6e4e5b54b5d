/** MetricsService/Export at a running receiver: frames as they should not be, limits, pings, and very many small calls. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { Client, type ClientOptions, connectivityState, credentials, type ServiceError } from '@grpc/grpc-js';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { SETTINGS } from '../../src/settings.js';
import { countPings } from '../testkit/counted-pings.js';
import { callRaw, EXPORT_PATH, type GrpcAnswer, openSession } from '../testkit/grpc-call.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import {
  NOW_UNIX_NANO,
  numberPoint,
  request,
  stringAttribute,
  toJson,
  toProtobuf,
} from '../testkit/otlp-message.js';
import { readStatus } from '../testkit/receiver-fixture.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { waitUntil } from '../testkit/server.js';
import { encodeFields } from '../testkit/wire-writer.js';
import { line } from './line.js';

const MIB = 1024 * 1024;
/** More than grpc-js takes when nobody tells it, and than what is decompressed on the spot. */
const BYTES_MAX = 8 * MIB;
const GZIP = { 'grpc.default_compression_algorithm': 2 };
/** Without ClickHouse everything that is taken stays in the spool. */
const AWAY = { CLICKHOUSE_URL: 'http://127.0.0.1:1' };

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, {
    PLUMBLINE_REQUEST_BYTES_MAX: String(BYTES_MAX),
    PLUMBLINE_INFLIGHT_BYTES_MAX: String(BYTES_MAX),
  });
});
afterAll(() => receiver.stop());

const sessions: ClientHttp2Session[] = [];
const clients: Client[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const client of clients.splice(0)) client.close();
});

async function open(address = receiver.grpc): Promise<ClientHttp2Session> {
  const session = await openSession(address);
  sessions.push(session);
  return session;
}

/** A real client with a connection of its own. */
function createClient(address = receiver.grpc, options: ClientOptions = {}): Client {
  const own = { 'grpc.use_local_subchannel_pool': 1, ...options };
  const client = new Client(address, credentials.createInsecure(), own);
  clients.push(client);
  return client;
}

const asIs = (bytes: Buffer) => bytes;
const exportBy = (client: Client, message: Buffer): Promise<'OK' | ServiceError> =>
  new Promise((done) =>
    client.makeUnaryRequest(EXPORT_PATH, asIs, asIs, message, (error) => done(error ?? 'OK')),
  );

const metric = (name: string) =>
  toProtobuf(request({ name, gauge: { dataPoints: [numberPoint({ asInt: 7n })] } }));

/** A valid request of exactly `length` bytes: the rest is a field that nobody knows. */
function metricOfLength(name: string, length: number): Buffer {
  const bytes = metric(name);
  const lengthBytes = 5;
  const padding = Buffer.alloc(length - bytes.length - 2 - lengthBytes, 'padding ');
  return Buffer.concat([bytes, encodeFields([{ number: 1000, bytes: padding, lengthBytes }])]);
}

const detailsOf = (error: ServiceError) =>
  readStatus(error.metadata.get('grpc-status-details-bin')[0] as Buffer);

function expectMalformed({ code, message, status }: GrpcAnswer): void {
  expect([code, message]).toEqual([3, status?.message]);
  expect(message).not.toBe('');
  expect(status).toEqual({
    code: 3,
    message,
    details: { BadRequest: { fieldViolations: [{ description: message }] } },
  });
}

/** Calls with `sent`, and with good ones between them on the same connection; all good ones must be stored. */
async function sendBetweenGood(
  name: string,
  sent: readonly (readonly [Uint8Array, string?])[],
): Promise<GrpcAnswer[]> {
  const session = await open();
  const goodNames: string[] = [];
  const answers = sent.flatMap(([bytes, encoding], i) => {
    const goodName = `${name}/${String(i).padStart(4, '0')}`;
    goodNames.push(goodName);
    const answer = callRaw(session, bytes, encoding === undefined ? {} : { encoding });
    return [answer, callRaw(session, metric(goodName))];
  });
  const all = await Promise.all(answers);
  const good = all.filter((_, i) => i % 2 === 1);
  expect(good.map(({ code, response }) => [code, response.length])).toEqual(good.map(() => [0, 0]));
  expect(session.closed || session.destroyed).toBe(false);
  expect(await namesOf(name)).toEqual(goodNames);
  return all.filter((_, i) => i % 2 === 0);
}

/** Not FINAL: a point that was stored twice is here twice. */
async function namesOf(prefix: string): Promise<string[]> {
  const rows = await receiver.stored<{ metric_name: string }>(
    `SELECT metric_name FROM number_points INNER JOIN (SELECT series_id, metric_name FROM series FINAL) AS s USING (series_id)
     WHERE startsWith(metric_name, '${prefix}') AND value_int = 7 ORDER BY metric_name`,
  );
  return rows.map((row) => row.metric_name);
}

async function withPipeline(
  extra: Record<string, string>,
  use: (pipeline: RunningPipeline) => Promise<void>,
): Promise<void> {
  const pipeline = await startPipeline(() => NOW_UNIX_MS, extra);
  try {
    await use(pipeline);
  } finally {
    await pipeline.stop();
  }
}

function flip(bytes: Buffer, position: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[position]! ^= 0x55;
  return copy;
}

describe('damaged messages', () => {
  line('grpc.corrupt-gzip', async () => {
    const plain = metric('damaged');
    const gzip = gzipSync(plain);
    const deflate = deflateSync(plain);
    const headBytes = 10;
    const sent: [Buffer, string][] = [
      [plain, 'gzip'],
      [plain, 'deflate'],
      [deflate, 'gzip'],
      [gzip, 'deflate'],
      [Buffer.alloc(0), 'gzip'],
      [Buffer.concat([gzip, Buffer.from('x')]), 'gzip'],
      [Buffer.concat([deflate, Buffer.from('x')]), 'deflate'],
    ];
    for (let length = 1; length < gzip.length; length++) sent.push([gzip.subarray(0, length), 'gzip']);
    for (let i = headBytes; i < gzip.length; i++) sent.push([flip(gzip, i), 'gzip']);
    const answers = await sendBetweenGood('neighbour', sent);
    for (const [i, answer] of answers.entries()) {
      expectMalformed(answer);
      expect(answer.message).toContain(sent[i]![1]);
    }
    expect(await namesOf('damaged')).toEqual([]);
  });

  line('grpc.corrupt-gzip', 'large ones, and clients that go away within one', async () => {
    const large = gzipSync(randomBytes(MIB));
    for (const bytes of [large.subarray(0, -9), flip(large, large.length - 6), flip(large, MIB / 2)]) {
      expectMalformed(await callRaw(await open(), bytes, { encoding: 'gzip' }));
    }
    for (const length of [1, 100, MIB / 2]) {
      const session = await open();
      const answer = callRaw(session, large.subarray(0, length), {
        encoding: 'gzip',
        length: large.length,
        isOpen: true,
      });
      session.destroy();
      await expect(answer).rejects.toThrow('no status');
    }
    const client = createClient(receiver.grpc, GZIP);
    expect(await exportBy(client, metric('after/damage'))).toBe('OK');
    expect(await namesOf('after/damage')).toEqual(['after/damage']);
  });

  line('grpc.corrupt-gzip', 'with a library that survives it', () => {
    const { version } = JSON.parse(readFileSync('node_modules/@grpc/grpc-js/package.json', 'utf8')) as {
      version: string;
    };
    const [major, minor, patch] = version.split('.').map(Number) as [number, number, number];
    expect((major * 1000 + minor) * 1000 + patch).toBeGreaterThanOrEqual(1_014_004);
  });

  line('grpc.bad-data', async () => {
    const good = metric('bad');
    const sent: [Buffer, string?][] = [
      ...Array.from({ length: good.length - 1 }, (_, i): [Buffer] => [good.subarray(0, i + 1)]),
      [Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])],
      [toJson(request({ name: 'bad', gauge: { dataPoints: [numberPoint()] } }))],
      // A whole resource, and then something that is none.
      [Buffer.concat([good, Buffer.from([0x0a, 0x7f])])],
      [Buffer.concat([good, Buffer.from([0x0c])])],
      [gzipSync(Buffer.concat([good, Buffer.from([0x0a, 0x7f])])), 'gzip'],
    ];
    const answers = await sendBetweenGood('beside', sent);
    for (const answer of answers) expectMalformed(answer);
    const client = createClient();
    const error = (await exportBy(client, good.subarray(0, -1))) as ServiceError;
    expect([error.code, Object.keys(detailsOf(error).details)]).toEqual([3, ['BadRequest']]);
    expect(await namesOf('bad')).toEqual([]);
  });

  line('grpc.zstd', async () => {
    const zstd = await Zstd.load();
    const sent = ['a', 'b', 'c'].map(
      (name) => [zstd.compress(metric(`zstd/${name}`)), 'zstd'] as [Uint8Array, string],
    );
    for (const { code, message, status, headers } of await sendBetweenGood('not-zstd', sent)) {
      expect([code, status?.code]).toEqual([12, 12]);
      expect(message).toBe('grpc-encoding "zstd" is not supported; send gzip, deflate or no compression');
      expect(headers['grpc-accept-encoding']).toBe('identity,deflate,gzip');
    }
    expect(await namesOf('zstd/')).toEqual([]);
    for (const document of ['README.md', 'docs/decisions/0007-receivers.md']) {
      expect(readFileSync(document, 'utf8')).toMatch(/zstd[^.]*UNIMPLEMENTED/);
    }
  });
});

describe('limits', () => {
  line('grpc.message-limit', async () => {
    expect(SETTINGS.requestBytesMax.default).toBe(64 * MIB);
    for (const [name, options] of Object.entries({ plain: {}, gzip: GZIP })) {
      const client = createClient(receiver.grpc, options);
      expect(await exportBy(client, metricOfLength(`limit/${name}`, BYTES_MAX))).toBe('OK');
      const error = (await exportBy(
        client,
        metricOfLength(`limit/${name}/above`, BYTES_MAX + 1),
      )) as ServiceError;
      expectTooLarge({ ...error, status: detailsOf(error), message: error.details });
      expect(await exportBy(client, metric(`limit/${name}/after`))).toBe('OK');
    }
    expect(await namesOf('limit/')).toEqual([
      'limit/gzip',
      'limit/gzip/after',
      'limit/plain',
      'limit/plain/after',
    ]);
  });

  line('grpc.message-limit', 'at once, whatever the message says its length to be', async () => {
    const session = await open();
    for (const length of [BYTES_MAX + 1, 2 ** 31, 2 ** 32 - 1]) {
      expectTooLarge(await callRaw(session, metric('said'), { length, isOpen: true }));
      expectTooLarge(await callRaw(session, metric('said'), { length, encoding: 'gzip', isOpen: true }));
    }
    // 64 MiB of nothing in 64 KiB.
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    for (let i = 0; i < 3; i++) expectTooLarge(await callRaw(session, bomb, { encoding: 'gzip' }));
    expect((await callRaw(session, metric('limit-after'))).code).toBe(0);
    expect(await namesOf('said')).toEqual([]);
    expect(await namesOf('limit-after')).toEqual(['limit-after']);
  });

  line('grpc.overload', 'messages that are still being read', async () => {
    const client = createClient();
    const { session, refused } = await holdInflight(client);
    expectNoRoom(refused, 'PLUMBLINE_INFLIGHT_BYTES_MAX');
    session.destroy();
    await waitUntil(
      () => exportBy(client, metric('overload')),
      (answer) => answer === 'OK',
      10_000,
    );
    expect([...new Set(await namesOf('overload'))]).toEqual(['overload']);
  });

  line('grpc.overload', 'storage away for longer than the spool lasts', async () => {
    await withPipeline({ ...AWAY, PLUMBLINE_SPOOL_BYTES_MAX: String(MIB) }, async (away) => {
      const client = createClient(away.grpc);
      const dataPoints = Array.from({ length: 2_000 }, (_, i) =>
        numberPoint({ attributes: [stringAttribute('i', String(i % 20))] }),
      );
      const large = toProtobuf(request({ name: 'large', gauge: { dataPoints } }));
      let answer: 'OK' | ServiceError = 'OK';
      for (let i = 0; i < 500 && answer === 'OK'; i++) answer = await exportBy(client, large);
      expectNoRoom(answer, 'PLUMBLINE_SPOOL_BYTES_MAX');
    });
  });

  line('grpc.overload', 'senders that are refused leave room for others', async () => {
    await withPipeline(
      {
        ...AWAY,
        PLUMBLINE_AUTH_TOKENS: 'right',
        PLUMBLINE_REQUEST_BYTES_MAX: String(MIB),
        PLUMBLINE_INFLIGHT_BYTES_MAX: String(MIB),
      },
      async (guarded) => {
        const right = { headers: { authorization: 'Bearer right' } };
        const most = Buffer.alloc(MIB - 10);
        const refused = await open(guarded.grpc);
        expect((await callRaw(refused, most, { length: MIB, isOpen: true })).code).toBe(16);
        expect((await callRaw(refused, most, { ...right, length: 2 * MIB, isOpen: true })).code).toBe(8);
        expect((await callRaw(await open(guarded.grpc), metric('room'), right)).code).toBe(0);
      },
    );
  });
});

function expectTooLarge({ code, message, status }: Pick<GrpcAnswer, 'code' | 'message' | 'status'>): void {
  expect(code).toBe(8);
  expect(message).toContain('PLUMBLINE_REQUEST_BYTES_MAX');
  expect(status).toEqual({ code: 8, message, details: {} });
}

function expectNoRoom(answer: 'OK' | ServiceError, setting: string): void {
  const error = answer as ServiceError;
  expect([error.code, error.details]).toEqual([14, expect.stringContaining(setting)]);
  const { code, details } = detailsOf(error);
  expect(code).toBe(14);
  const { retryDelay } = details.RetryInfo as { retryDelay: { seconds: string } };
  expect(Number(retryDelay.seconds)).toBeGreaterThanOrEqual(1);
}

/**
 * A call of which almost everything has arrived that may be in flight: others are refused then. While it arrives one of
 * those others may be in flight and this one is refused instead; it begins anew.
 */
async function holdInflight(client: Client): Promise<{ session: ClientHttp2Session; refused: ServiceError }> {
  for (let i = 0; i < 10; i++) {
    const session = await open();
    let isRefused = false;
    const refuse = () => {
      isRefused = true;
    };
    callRaw(session, Buffer.alloc(BYTES_MAX - 20), { length: BYTES_MAX, isOpen: true }).then(refuse, refuse);
    while (!isRefused) {
      const answer = await exportBy(client, metric('overload'));
      if (answer !== 'OK') return { session, refused: answer };
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  throw new Error('nothing is refused');
}

describe('connections', () => {
  line('grpc.keepalive', 'pings in a row, without data and within a call', async () => {
    const session = await open();
    const goodbyes: number[] = [];
    session.on('goaway', (code) => goodbyes.push(code));
    const ping = () =>
      new Promise<void>((done, fail) => session.ping((error) => (error ? fail(error) : done())));
    // As many as a client that pings every 10 s sends in an hour.
    for (let i = 0; i < 360; i++) await ping();
    let finish = () => {};
    const endAfter = new Promise<void>((done) => {
      finish = done;
    });
    const answer = callRaw(session, metric('pinged'), { endAfter });
    for (let i = 0; i < 360; i++) await ping();
    finish();
    expect((await answer).code).toBe(0);
    expect([session.closed, goodbyes]).toEqual([false, []]);
    expect(await namesOf('pinged')).toEqual(['pinged']);
  });

  line('grpc.keepalive', 'a client that pings without calls keeps its connection', async () => {
    const proxy = await countPings(receiver.grpc);
    const client = createClient(proxy.address, {
      'grpc.keepalive_time_ms': 10,
      'grpc.keepalive_permit_without_calls': 1,
    });
    expect(await exportBy(client, metric('kept/before'))).toBe('OK');
    await waitUntil(
      async () => proxy.answeredPings(),
      (pings) => pings >= 30,
      20_000,
    );
    expect(client.getChannel().getConnectivityState(false)).toBe(connectivityState.READY);
    expect(await exportBy(client, metric('kept/later'))).toBe('OK');
    expect(proxy.connections()).toBe(1);
    client.close();
    await proxy.close();
    expect(await namesOf('kept/')).toEqual(['kept/before', 'kept/later']);
  });

  line('grpc.keepalive', 'PLUMBLINE_GRPC_CONNECTION_IDLE_MS ends connections without calls', async () => {
    await withPipeline({ ...AWAY, PLUMBLINE_GRPC_CONNECTION_IDLE_MS: '100' }, async ({ grpc }) => {
      const session = await open(grpc);
      const ended = new Promise<number>((done) => session.once('goaway', done));
      // A call keeps it, however long it takes: several times the setting.
      const endAfter = new Promise((done) => setTimeout(done, 400));
      expect((await callRaw(session, metric('idle'), { endAfter })).code).toBe(0);
      expect(await ended).toBe(0);
      const client = createClient(grpc);
      for (let i = 0; i < 3; i++) {
        expect(await exportBy(client, metric('idle'))).toBe('OK');
        await waitUntil(
          async () => client.getChannel().getConnectivityState(false),
          (state) => state !== connectivityState.READY,
          10_000,
        );
      }
    });
  });

  line('grpc.keepalive', 'PLUMBLINE_GRPC_CONNECTION_AGE_MS ends old ones, and loses no call', async () => {
    await withPipeline({ ...AWAY, PLUMBLINE_GRPC_CONNECTION_AGE_MS: '100' }, async (aging) => {
      const session = await open(aging.grpc);
      const ended = new Promise<number>((done) => session.once('goaway', done));
      // The call that is under way is answered after the goodbye.
      const answer = callRaw(session, metric('age'), { endAfter: ended });
      expect(await ended).toBe(0);
      expect((await answer).code).toBe(0);
      const proxy = await countPings(aging.grpc);
      const client = createClient(proxy.address);
      let calls = 0;
      while (proxy.connections() < 4) {
        calls++;
        expect(await exportBy(client, metric('age'))).toBe('OK');
      }
      expect((await aging.pipeline.readStatus()).points.accepted).toBe(1 + calls);
      client.close();
      await proxy.close();
    });
  });

  line('grpc.keepalive', 'by default connections live for ever', () => {
    expect([SETTINGS.grpcConnectionIdleMs.default, SETTINGS.grpcConnectionAgeMs.default]).toEqual([0, 0]);
  });
});

describe('small requests', () => {
  const CONNECTIONS = 3;
  /** More than one connection may have under way at one time. */
  const CALLS_EACH = 1_200;
  const SERIES = 50;

  line('grpc.small-requests', async () => {
    expect(SETTINGS.grpcStreamsMax.default).toBeLessThan(CALLS_EACH);
    const before = (await receiver.pipeline.readStatus()).points;
    const answers: Promise<'OK' | ServiceError>[] = [];
    let sum = 0;
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const client = createClient();
      for (let i = 0; i < CALLS_EACH; i++) {
        const number = connection * CALLS_EACH + i;
        const timeUnixNano = NOW_UNIX_NANO + BigInt(number);
        const attributes = [stringAttribute('i', String(number % SERIES))];
        const point = numberPoint({ timeUnixNano, asInt: BigInt(number), attributes });
        answers.push(
          exportBy(client, toProtobuf(request({ name: 'small', gauge: { dataPoints: [point] } }))),
        );
        sum += number;
      }
    }
    const calls = CONNECTIONS * CALLS_EACH;
    expect((await Promise.all(answers)).filter((answer) => answer !== 'OK')).toEqual([]);
    const [stored] = await receiver.sql(
      `SELECT toUInt32(count()) AS points, toUInt32(uniqExact(series_id, time)) AS different,
         toUInt32(uniqExact(series_id)) AS series, toUInt32(sum(value_int)) AS sum,
         toUInt32(countIf(toString(value_int % ${SERIES}) = attribute)) AS fitting
       FROM number_points INNER JOIN
         (SELECT series_id, attributes['i'] AS attribute FROM series FINAL WHERE metric_name = 'small') AS s USING (series_id)`,
    );
    expect(stored).toEqual({ points: calls, different: calls, series: SERIES, sum, fitting: calls });
    const [rolledUp] = await receiver.sql(
      `SELECT toUInt32(sum(points)) AS points, toUInt32(sum(sum)) AS sum FROM number_1m FINAL
       WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = 'small')`,
    );
    expect(rolledUp).toEqual({ points: calls, sum });
    const after = (await receiver.pipeline.readStatus()).points;
    expect([after.accepted - before.accepted, after.stored - before.stored]).toEqual([calls, calls]);
  });
});
