/** Requests that come too slowly, too many at one time, or on too many connections: over both protocols. */

import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';
import { callRaw, openSession } from '../testkit/grpc-call.js';
import { CONTENT_TYPES, openRaw, sendRaw } from '../testkit/http-sender.js';
import {
  ALL_ACCEPTED,
  createHttpPort,
  type Fixture,
  readStatus,
  startReceiver,
} from '../testkit/receiver-fixture.js';
import { waitUntil } from '../testkit/server.js';

const MIB = 1024 * 1024;
const QUICK = { requestTimeoutMs: 30_000, bodyIdleMs: 100 };
const PROTOBUF = { 'Content-Type': CONTENT_TYPES.protobuf };

let fixture: Fixture;
afterEach(() => fixture?.close());
const address = () => `127.0.0.1:${fixture.port}`;

/** A receiver whose requests stay under way until `finish`. */
async function startWaiting(create: typeof createHttpPort, inflightBytesMax: number) {
  const inflight = new InflightBytes(inflightBytesMax);
  let finish = () => {};
  const finished = new Promise<void>((done) => {
    finish = done;
  });
  const exportMetrics = () => finished.then(() => ALL_ACCEPTED);
  fixture = await startReceiver(create, exportMetrics, { requestBytesMax: 4 * MIB }, { inflight });
  return { inflight, finish };
}

describe('over HTTP', () => {
  it.each([
    ['pauses', { bodyIdleMs: 100 }, 'PLUMBLINE_BODY_IDLE_MS'],
    ['takes too long as a whole', { requestTimeoutMs: 100 }, 'PLUMBLINE_REQUEST_TIMEOUT_MS'],
  ])(
    'a body that %s is answered with 503, Retry-After and a Status that names the setting',
    async (_, limits, setting) => {
      fixture = await startReceiver(createHttpPort, undefined, limits);
      const { answer } = openRaw(address(), { headers: PROTOBUF, pieces: [Buffer.alloc(10)] }, false);
      const { status, headers, bytes } = await answer;
      expect([status, headers['retry-after']]).toEqual([503, '1']);
      expect(readStatus(bytes)).toMatchObject({ code: 14, message: expect.stringContaining(setting) });
      expect(fixture.received).toHaveLength(0);
    },
  );

  it('bytes of unfinished bodies count, others are refused, and a sender that goes away gives them back', async () => {
    const inflight = new InflightBytes(MIB);
    fixture = await startReceiver(createHttpPort, undefined, { requestBytesMax: 4 * MIB }, { inflight });
    const first = openRaw(address(), { headers: PROTOBUF, pieces: [Buffer.alloc(900_000)] }, false);
    first.answer.catch(() => {});
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes === 900_000,
      5_000,
    );
    const refused = await sendRaw(address(), { headers: PROTOBUF, pieces: [Buffer.alloc(200_000)] });
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    first.abort();
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes === 0,
      5_000,
    );
    expect((await sendRaw(address(), { headers: PROTOBUF, pieces: [Buffer.alloc(200_000)] })).status).toBe(
      200,
    );
    expect(inflight.refused).toBe(1);
  });

  it('what a body becomes counts too', async () => {
    const { finish, inflight } = await startWaiting(createHttpPort, 2 * MIB);
    const wire = gzipSync(Buffer.alloc(1.5 * MIB));
    const headers = { ...PROTOBUF, 'Content-Encoding': 'gzip' };
    const first = sendRaw(address(), { headers, pieces: [wire] });
    await waitUntil(
      async () => fixture.received.length,
      (count) => count === 1,
      5_000,
    );
    expect((await sendRaw(address(), { headers, pieces: [wire] })).status).toBe(503);
    finish();
    expect((await first).status).toBe(200);
    expect(inflight.bytes).toBe(0);
  });

  it('connections beyond the limit are closed, and taken again when there is room', async () => {
    fixture = await startReceiver(createHttpPort, undefined, { connectionsMax: 2 });
    await expectTwoConnections();
  });

  it('a head that does not end is hung up on', async () => {
    fixture = await startReceiver(createHttpPort, undefined, { headersTimeoutMs: 100 });
    const socket = connect(fixture.port, '127.0.0.1');
    socket.write('POST /v1/metrics HTTP/1.1\r\nHost: x\r\n');
    let said = '';
    socket.on('data', (data) => {
      said += data.toString();
    });
    await new Promise((done) => socket.once('close', done));
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('over gRPC', () => {
  it('a message that pauses is answered with UNAVAILABLE and RetryInfo', async () => {
    fixture = await startReceiver(createGrpcReceiver, undefined, QUICK);
    const session = await openSession(address());
    const answer = await callRaw(session, Buffer.alloc(10), { length: 100, isOpen: true });
    expect(answer.code).toBe(14);
    expect(answer.status).toMatchObject({
      message: expect.stringContaining('PLUMBLINE_BODY_IDLE_MS'),
      details: { RetryInfo: { retryDelay: { seconds: '1' } } },
    });
    session.destroy();
  });

  it('messages that are still arriving count: another is refused, and taken once there is room', async () => {
    const inflight = new InflightBytes(MIB);
    fixture = await startReceiver(createGrpcReceiver, undefined, { requestBytesMax: 4 * MIB }, { inflight });
    const session = await openSession(address());
    callRaw(session, Buffer.alloc(900_000), { length: 1_000_000, isOpen: true }).catch(() => {});
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes >= 900_000,
      5_000,
    );
    const other = await openSession(address());
    const refused = await callRaw(other, Buffer.alloc(200_000));
    expect([refused.code, refused.status?.details.RetryInfo]).toEqual([14, { retryDelay: { seconds: '1' } }]);
    session.destroy();
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes === 0,
      5_000,
    );
    expect((await callRaw(other, Buffer.alloc(200_000))).code).toBe(0);
    other.destroy();
  });

  it('what a message becomes counts too', async () => {
    const { finish, inflight } = await startWaiting(createGrpcReceiver, 2 * MIB);
    const session = await openSession(address());
    const wire = gzipSync(Buffer.alloc(1.5 * MIB));
    const first = callRaw(session, wire, { encoding: 'gzip' });
    await waitUntil(
      async () => fixture.received.length,
      (count) => count === 1,
      5_000,
    );
    expect((await callRaw(session, wire, { encoding: 'gzip' })).code).toBe(14);
    finish();
    expect((await first).code).toBe(0);
    session.destroy();
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes === 0,
      5_000,
    );
  });

  it('a message counts for as long as it is worked on, also when its sender has gone', async () => {
    const { finish, inflight } = await startWaiting(createGrpcReceiver, 2 * MIB);
    const session = await openSession(address());
    let cancel = () => {};
    const cancelAfter = new Promise<void>((done) => {
      cancel = done;
    });
    const cancelled = callRaw(session, Buffer.alloc(1.5 * MIB), { cancelAfter });
    await waitUntil(
      async () => fixture.received.length,
      (count) => count === 1,
      5_000,
    );
    cancel();
    await expect(cancelled).rejects.toThrow('no status');
    // On the same connection, so that the server knows that the first one is cancelled.
    expect((await callRaw(session, Buffer.alloc(1.5 * MIB))).code).toBe(14);
    expect(inflight.bytes).toBeGreaterThanOrEqual(1.5 * MIB);
    finish();
    await waitUntil(
      async () => inflight.bytes,
      (bytes) => bytes === 0,
      5_000,
    );
    expect((await callRaw(session, Buffer.alloc(1.5 * MIB))).code).toBe(0);
    session.destroy();
  });

  it('connections beyond the limit are closed, and taken again when there is room', async () => {
    fixture = await startReceiver(createGrpcReceiver, undefined, { connectionsMax: 2 });
    await expectTwoConnections();
  });

  it.each([
    ['idle', { connectionIdleMs: 100 }],
    ['age', { connectionAgeMs: 100 }],
  ])('a connection ends at its max_connection_%s, and the next call has another', async (_, more) => {
    fixture = await startReceiver(createGrpcReceiver, undefined, {}, more);
    const session = connectHttp2(`http://${address()}`);
    session.on('error', () => {});
    expect((await callRaw(session, Buffer.alloc(3))).code).toBe(0);
    await new Promise((done) => session.once('goaway', done));
    session.destroy();
    const client = new Client(address(), credentials.createInsecure());
    await new Promise<void>((done, fail) =>
      client.waitForReady(Date.now() + 5_000, (error) => (error ? fail(error) : done())),
    );
    client.close();
  });
});

/** Two stay, the third is closed by the port; when one of the two ends another may come. */
async function expectTwoConnections(): Promise<void> {
  const open = (): Promise<Socket> =>
    new Promise((done) => {
      const socket = connect(fixture.port, '127.0.0.1', () => done(socket));
    });
  const [first, second] = [await open(), await open()];
  const third = await open();
  await new Promise((done) => third.resume().once('close', done));
  expect([first.destroyed, second.destroyed]).toEqual([false, false]);
  first.destroy();
  await waitUntil(
    async () => {
      const next = await open();
      const isClosed = await Promise.race([
        new Promise<boolean>((done) => next.resume().once('close', () => done(true))),
        new Promise<boolean>((done) => setTimeout(done, 200, false)),
      ]);
      next.destroy();
      return isClosed;
    },
    (isClosed) => !isClosed,
    5_000,
  );
  second.destroy();
}
