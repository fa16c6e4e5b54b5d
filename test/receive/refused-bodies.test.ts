/** Senders that write their whole body before they read: each gets the answer that says why it was refused. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RetryableError } from '../../src/model/errors.js';
import { createHttpPort, type Fixture, startReceiver } from '../testkit/receiver-fixture.js';

const MIB = 1024 * 1024;
/** More than the buffers of a socket hold, so that a sender notices when its connection is closed. */
const BYTES_MAX = 8 * MIB;
const LARGE = Buffer.alloc(3 * BYTES_MAX);
const PIECE = LARGE.subarray(0, MIB);

let fixture: Fixture;
afterEach(() => fixture?.close());

async function start(
  limits: Parameters<typeof startReceiver>[2] = {},
  more: Parameters<typeof startReceiver>[3] = {},
): Promise<void> {
  fixture = await startReceiver(createHttpPort, undefined, { requestBytesMax: BYTES_MAX, ...limits }, more);
}

function head(headers: Record<string, string>, path = '/v1/metrics'): string {
  const all = { Host: 'plumbline', 'Content-Type': 'application/x-protobuf', ...headers };
  const rows = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${rows.join('')}\r\n`;
}

function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((done, fail) => socket.write(bytes, (error) => (error ? fail(error) : done())));
}

/** Writes everything, and only then reads the first line of the answer. Rejects where the connection breaks before. */
async function writeThenRead(
  pieces: Iterable<string | Uint8Array>,
): Promise<{ line: string; socket: Socket }> {
  const socket = connect(fixture.port, '127.0.0.1');
  const broken = new Promise<never>((_, fail) => socket.once('error', fail));
  broken.catch(() => {});
  socket.pause();
  for (const piece of pieces) await Promise.race([write(socket, piece), broken]);
  const line = await Promise.race([readLine(socket), broken]);
  return { line, socket };
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((done, fail) => {
    let text = '';
    socket.once('close', () => fail(new Error('closed without an answer')));
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n');
      if (end >= 0) done(text.slice(0, end));
    });
    socket.resume();
  });
}

async function lineOf(pieces: Iterable<string | Uint8Array>): Promise<string> {
  const { line, socket } = await writeThenRead(pieces);
  socket.destroy();
  return line;
}

function* chunked(headers: Record<string, string>, mebibytes: number): Iterable<string | Uint8Array> {
  yield head({ ...headers, 'Transfer-Encoding': 'chunked' });
  for (let i = 0; i < mebibytes; i++) {
    yield `${MIB.toString(16)}\r\n`;
    yield PIECE;
    yield '\r\n';
  }
  yield '0\r\n\r\n';
}

const whole = (headers: Record<string, string>, path?: string) => [
  head({ ...headers, 'Content-Length': String(LARGE.length) }, path),
  LARGE,
];

describe('a body that is refused', () => {
  it('above the limit gets its 413 once it is written, and the connection takes the next request', async () => {
    await start();
    const { line, socket } = await writeThenRead(whole({}));
    expect(line).toContain('413');
    socket.removeAllListeners('data');
    await write(socket, `${head({ 'Content-Length': '3' })}abc`);
    expect(await readLine(socket)).toContain('200');
    socket.destroy();
    expect(fixture.received).toHaveLength(1);
  });

  it('above the limit gets its 413 where its length was not announced', async () => {
    await start();
    expect(await lineOf(chunked({}, 3 * (BYTES_MAX / MIB)))).toContain('413');
  });

  it.each([
    ['a path that does not exist', 404, {}, '/v1/traces'],
    ['a content type that is not spoken', 415, { 'Content-Type': 'text/plain' }, undefined],
    ['an encoding that is not spoken', 415, { 'Content-Encoding': 'br' }, undefined],
  ])('for %s gets its %i once it is written', async (_, status, headers, path) => {
    await start();
    expect(await lineOf(whole(headers as Record<string, string>, path))).toContain(String(status));
  });

  it('without a token gets its 401 once it is written', async () => {
    await start({}, { authorize: () => 'token_missing' });
    expect(await lineOf(whole({}))).toContain('401');
  });

  it('for which there is no room gets its 503 once it is written', async () => {
    const noRoom = {
      refused: 0,
      open: () => ({
        add() {
          throw new RetryableError('no room', 1_000);
        },
        release() {},
      }),
    };
    await start({ requestBytesMax: LARGE.length }, { inflight: noRoom as never });
    expect(await lineOf(whole({}))).toContain('503');
  });

  it('far above the limit is answered at once, and is not read to its end', async () => {
    await start();
    const socket = connect(fixture.port, '127.0.0.1');
    socket.on('error', () => {});
    await write(socket, head({ 'Content-Length': String(5 * BYTES_MAX) }));
    expect(await readLine(socket)).toContain('413');
    socket.destroy();
  });

  it('without end is given up', async () => {
    await start();
    const socket = connect(fixture.port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((done) => socket.once('close', done));
    let written = 0;
    socket.write(head({ 'Transfer-Encoding': 'chunked' }));
    socket.resume();
    for (; !socket.destroyed && written < 40 * BYTES_MAX; written += MIB) {
      await write(
        socket,
        Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), PIECE, Buffer.from('\r\n')]),
      ).catch(() => {});
    }
    await closed;
    expect(written).toBeLessThan(8 * BYTES_MAX);
  });

  it('whose sender stops is answered after the longest pause', async () => {
    await start({ bodyIdleMs: 100 });
    const socket = connect(fixture.port, '127.0.0.1');
    await write(socket, head({ 'Content-Length': String(2 * BYTES_MAX) }));
    expect(await readLine(socket)).toContain('413');
    socket.destroy();
  });
});
