/** What is over before its message is: such a call holds no room, and its client is told what to do about it. */
import { randomBytes } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';
import { callRaw, EXPORT_PATH, openSession } from '../testkit/grpc-call.js';
import { type Fixture, startReceiver } from '../testkit/receiver-fixture.js';
import { waitUntil } from '../testkit/server.js';

const MIB = 1024 * 1024;
const BYTES_MAX = 64 * 1024;

let fixture: Fixture;
let inflight: InflightBytes;
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await fixture?.close();
});

async function start(requestBytesMax = BYTES_MAX, authorize?: () => 'token_missing'): Promise<void> {
  inflight = new InflightBytes(1e9);
  fixture = await startReceiver(createGrpcReceiver, undefined, { requestBytesMax }, { inflight, authorize });
}

async function open(): Promise<ClientHttp2Session> {
  const session = await openSession(`127.0.0.1:${fixture.port}`);
  sessions.push(session);
  return session;
}

const expectNothingHeld = () =>
  waitUntil(
    async () => inflight.bytes,
    (bytes) => bytes === 0,
    5_000,
  );

describe('a call that is answered before its message is there', () => {
  it('holds no room when the message says that it is too large', async () => {
    await start();
    const answer = await callRaw(await open(), Buffer.alloc(10), { length: BYTES_MAX + 1, isOpen: true });
    expect(answer.code).toBe(8);
    expect(answer.status).toEqual({
      code: 8,
      message: `the request is larger than ${BYTES_MAX} bytes; send smaller batches, or raise PLUMBLINE_REQUEST_BYTES_MAX`,
      details: {},
    });
    await expectNothingHeld();
    expect(fixture.received).toHaveLength(0);
  });

  it('holds no room when its token is wrong', async () => {
    await start(MIB, () => 'token_missing');
    const answer = await callRaw(await open(), Buffer.alloc(BYTES_MAX), { length: MIB, isOpen: true });
    expect(answer.code).toBe(16);
    await expectNothingHeld();
  });

  it('leaves the connection as it was for other calls', async () => {
    await start();
    const session = await open();
    for (let i = 0; i < 20; i++) {
      expect((await callRaw(session, Buffer.alloc(10), { length: BYTES_MAX + 1, isOpen: true })).code).toBe(
        8,
      );
      expect((await callRaw(session, Buffer.alloc(10))).code).toBe(0);
    }
    expect(fixture.received).toHaveLength(20);
  });
});

it('a call that is taken back while its message is decompressed leaves nothing behind', async () => {
  await start(32 * MIB);
  const wire = gzipSync(Buffer.concat([randomBytes(256 * 1024), Buffer.alloc(30 * MIB)]), { level: 1 });
  const session = await open();
  for (let i = 0; i < 3; i++) {
    const stream = session.request({
      ':method': 'POST',
      ':path': EXPORT_PATH,
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      te: 'trailers',
    });
    stream.on('error', () => {});
    const framing = Buffer.alloc(5);
    framing[0] = 1;
    framing.writeUInt32BE(wire.length, 1);
    stream.write(Buffer.concat([framing, wire]));
    // More than what came over the wire: it is being decompressed.
    while (inflight.bytes <= wire.length + 5) await new Promise((done) => setTimeout(done, 1));
    stream.close(8);
    await new Promise((done) => stream.once('close', done));
    await expectNothingHeld();
  }
  // Were it still going on, it would come after the call had ended.
  expect((await callRaw(session, gzipSync(Buffer.alloc(30 * MIB)), { encoding: 'gzip' })).code).toBe(0);
  await expectNothingHeld();
  expect(fixture.received).toHaveLength(1);
});

it.each(['zstd', 'snappy', 'br'])(
  'a message in %s is answered with what may be sent instead',
  async (encoding) => {
    await start();
    const answer = await callRaw(await open(), Buffer.alloc(10), { encoding });
    expect([answer.code, answer.status?.code]).toEqual([12, 12]);
    expect(answer.message).toBe(
      `grpc-encoding "${encoding}" is not supported; send gzip, deflate or no compression`,
    );
    expect(answer.headers['grpc-accept-encoding']).toBe('identity,deflate,gzip');
    expect(fixture.received).toHaveLength(0);
    await expectNothingHeld();
  },
);
