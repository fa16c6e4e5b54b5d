/** Compressed bodies over HTTP: taken in every encoding, exact to the limit, and stopped there however far they would expand. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { CONTENT_TYPES, type RawAnswer, sendRaw, statusOf } from '../testkit/http-sender.js';
import { lz4Bomb, lz4Frame, snappyBlock, snappyBomb, snappyFrames } from '../testkit/lz-bodies.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { numberPoint, request, toJson, toProtobuf } from '../testkit/otlp-message.js';
import { type Encoding, type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { encodeFields } from '../testkit/wire-writer.js';
import { rawBlock, rleBlock, skippableFrame, zstdBomb, zstdFrame } from '../testkit/zstd-bodies.js';
import { line } from './line.js';

const MIB = 1024 * 1024;
/** More than what is decompressed on the spot, so that both ways are taken. */
const BYTES_MAX = 8 * MIB;
const ENCODINGS = ['protobuf', 'json'] as const;
/** Memory may grow by a few requests of the largest size, never by what bombs would become. */
const GROWTH_BYTES_MAX = 12 * BYTES_MAX;

let receiver: RunningPipeline;
let zstd: Zstd;
beforeAll(async () => {
  zstd = await Zstd.load();
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_REQUEST_BYTES_MAX: String(BYTES_MAX) });
});
afterAll(() => receiver.stop());

type Compress = (bytes: Uint8Array) => Uint8Array;
/** Content-Encoding → how its bytes are made; the word after a colon only tells variants apart. */
const CODINGS: Record<string, Compress> = {
  '': (bytes) => bytes,
  none: (bytes) => bytes,
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  GZIP: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  'deflate: raw': (bytes) => deflateRawSync(bytes),
  zstd: (bytes) => zstd.compress(bytes),
  'zstd: level 19': (bytes) => zstd.compress(bytes, 19),
  zlib: (bytes) => deflateSync(bytes),
  snappy: snappyBlock,
  'snappy: framed': snappyFrames,
  'x-snappy-framed': snappyFrames,
  lz4: lz4Frame,
};
const COMPRESSING = ['gzip', 'deflate', 'deflate: raw', 'zstd', 'zlib'];

const metric = (name: string) => request({ name, gauge: { dataPoints: [numberPoint()] } });
const encode = (name: string, encoding: Encoding) =>
  encoding === 'json' ? toJson(metric(name)) : toProtobuf(metric(name));

/** A valid request of exactly `length` bytes: the rest is space in JSON, an unknown field in protobuf. */
function encodeOfLength(name: string, encoding: Encoding, length: number): Buffer {
  const bytes = encode(name, encoding);
  if (encoding === 'json') return Buffer.concat([bytes, Buffer.alloc(length - bytes.length, ' ')]);
  const lengthBytes = 5;
  const padding = Buffer.alloc(length - bytes.length - 2 - lengthBytes, 'padding ');
  return Buffer.concat([bytes, encodeFields([{ number: 1000, bytes: padding, lengthBytes }])]);
}

function send(
  body: Uint8Array | readonly Uint8Array[],
  coding: string,
  encoding: Encoding,
): Promise<RawAnswer> {
  const name = coding.split(':')[0]!;
  const headers = {
    'Content-Type': CONTENT_TYPES[encoding],
    ...(name !== '' && { 'Content-Encoding': name }),
  };
  return sendRaw(receiver.http, { headers, pieces: body instanceof Uint8Array ? [body] : body });
}

async function expectTaken(answer: Promise<RawAnswer>): Promise<void> {
  const { status, bytes } = await answer;
  expect([status, status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
}

async function expectTooLarge(answer: Promise<RawAnswer>): Promise<void> {
  const refused = await answer;
  expect(refused.status).toBe(413);
  expect(statusOf(refused)).toMatchObject({ code: 8, message: expect.stringContaining('decompressed') });
}

async function expectMalformed(body: Uint8Array, coding: string): Promise<void> {
  const answer = await send(body, coding, 'protobuf');
  expect(answer.status).toBe(400);
  expect(statusOf(answer)).toMatchObject({ code: 3, message: expect.stringContaining(coding) });
}

async function namesOf(prefix: string): Promise<string[]> {
  const rows = await receiver.stored<{ metric_name: string }>(
    `SELECT metric_name FROM number_points FINAL INNER JOIN series FINAL USING (series_id)
     WHERE startsWith(metric_name, '${prefix}') ORDER BY metric_name`,
  );
  return rows.map((row) => row.metric_name);
}

describe('compressed bodies', () => {
  line('compression.encodings', async () => {
    const sent: string[] = [];
    for (const encoding of ENCODINGS) {
      for (const [coding, compress] of Object.entries(CODINGS)) {
        const name = `taken/${encoding}/${coding}`;
        await expectTaken(send(compress(encode(name, encoding)), coding, encoding));
        sent.push(name);
      }
    }
    expect(await namesOf('taken/')).toEqual(sent.sort());
  });

  line('compression.encodings', 'several MiB, away from the event loop', async () => {
    for (const coding of Object.keys(CODINGS)) {
      const body = encodeOfLength('large', 'protobuf', 7 * MIB);
      await expectTaken(send(CODINGS[coding]!(body), coding, 'protobuf'));
    }
  });

  line('compression.multi-member', async () => {
    const body = encode('members', 'protobuf');
    const parts = [0, 1, 2].map((i) => body.subarray(i * 10, i === 2 ? undefined : i * 10 + 10));
    await expectTaken(send(Buffer.concat(parts.map((part) => gzipSync(part))), 'gzip', 'protobuf'));
    await expectTaken(send(Buffer.concat([gzipSync(body), gzipSync('')]), 'gzip', 'protobuf'));
    const frames = [skippableFrame(Buffer.from('aside')), ...parts.map((part) => zstd.compress(part))];
    await expectTaken(send(Buffer.concat([...frames, skippableFrame(Buffer.alloc(0))]), 'zstd', 'protobuf'));
    // Each of several MiB.
    const large = encodeOfLength('members/large', 'protobuf', 7 * MIB);
    const halves = [large.subarray(0, 4.5 * MIB), large.subarray(4.5 * MIB)];
    await expectTaken(send(Buffer.concat(halves.map((half) => gzipSync(half))), 'gzip', 'protobuf'));
    await expectTaken(send(Buffer.concat(halves.map((half) => zstd.compress(half))), 'zstd', 'protobuf'));
    // No member, but something.
    await expectMalformed(Buffer.concat([gzipSync(body), Buffer.from('more')]), 'gzip');
    await expectMalformed(Buffer.concat([zstd.compress(body), Buffer.from('more')]), 'zstd');
    await expectMalformed(Buffer.concat([deflateSync(body), Buffer.from('more')]), 'deflate');
    expect(await namesOf('members')).toEqual(['members', 'members/large']);
  });

  line('compression.bounded', 'to the byte', async () => {
    for (const encoding of ENCODINGS) {
      const fits = encodeOfLength('bounded', encoding, BYTES_MAX);
      const over = encodeOfLength('bounded/over', encoding, BYTES_MAX + 1);
      for (const coding of COMPRESSING) {
        await expectTaken(send(CODINGS[coding]!(fits), coding, encoding));
        await expectTooLarge(send(CODINGS[coding]!(over), coding, encoding));
      }
    }
    expect(await namesOf('bounded/over')).toEqual([]);
  });

  line('compression.bounded', 'memory does not grow with what bombs would become', async () => {
    const gibibyte = 1024 * MIB;
    const member = gzipSync(Buffer.alloc(64 * MIB));
    const bombs: [string, Uint8Array][] = [
      ['gzip', Buffer.concat(Array.from({ length: 8 }, () => member))],
      ['deflate', deflateSync(Buffer.alloc(64 * MIB))],
      ['deflate: raw', deflateRawSync(Buffer.alloc(64 * MIB))],
      ['zstd', zstdBomb(gibibyte)],
      ['snappy', snappyBomb(64 * MIB)],
      ['lz4', lz4Bomb(gibibyte)],
    ];
    for (const [coding, bomb] of bombs) {
      await expectTooLarge(send(bomb, coding, 'protobuf'));
      const before = process.memoryUsage().rss;
      let highest = before;
      const watch = setInterval(() => {
        highest = Math.max(highest, process.memoryUsage().rss);
      }, 5);
      for (let i = 0; i < 8; i++) await expectTooLarge(send(bomb, coding, 'protobuf'));
      clearInterval(watch);
      expect(highest - before).toBeLessThan(GROWTH_BYTES_MAX);
    }
  });

  line('compression.bounded', 'others are served while bombs go off', async () => {
    const bombs: [string, Uint8Array][] = [
      ['gzip', gzipSync(Buffer.alloc(64 * MIB))],
      ['deflate', deflateSync(Buffer.alloc(64 * MIB))],
      ['zstd', zstdBomb(256 * MIB)],
      ['zstd', zstd.compress(Buffer.alloc(64 * MIB, 'bomb'))],
      ['snappy', snappyBomb(64 * MIB)],
      ['lz4', lz4Bomb(256 * MIB)],
    ];
    const answers = Array.from({ length: 5 }).flatMap(() =>
      bombs.map(async ([coding, bomb]) => {
        const { status } = await send(bomb, coding, 'protobuf');
        expect(status).toBe(413);
      }),
    );
    await expectTaken(send(encode('between', 'protobuf'), '', 'protobuf'));
    await Promise.all(answers);
    expect(await namesOf('between')).toEqual(['between']);
  });

  line('compression.zstd-bomb', async () => {
    const bomb = zstdBomb(50 * MIB);
    expect(bomb.length).toBeLessThan(1700);
    await expectTooLarge(send(bomb, 'zstd', 'protobuf'));
    await expectTooLarge(send(bomb, 'zstd', 'json'));
    // Says how large it is, truly; and in frames of which each would fit.
    await expectTooLarge(send(zstdBomb(50 * MIB, { contentSize: BigInt(50 * MIB) }), 'zstd', 'protobuf'));
    const frames = Array.from({ length: 10 }, () => zstdBomb(4 * MIB));
    await expectTooLarge(send(Buffer.concat(frames), 'zstd', 'protobuf'));
    // One compressed block of which every byte counts 128 KiB, as a compressor writes it.
    await expectTooLarge(send(zstd.compress(Buffer.alloc(50 * MIB)), 'zstd', 'protobuf'));
  });

  line('compression.zstd-bomb', 'headers that lie', async () => {
    const body = encode('zstd/raw', 'protobuf');
    const last = rawBlock(body, true);
    const before = process.memoryUsage().rss;
    for (const contentSize of [
      0n,
      1n,
      BigInt(body.length - 1),
      BigInt(body.length + 1),
      1n << 40n,
      (1n << 64n) - 1n,
    ]) {
      const answer = await send(zstdFrame({ contentSize }, [last]), 'zstd', 'protobuf');
      expect([400, 413]).toContain(answer.status);
    }
    // The largest window that can be said is 3.75 TiB; no memory is given to it.
    const { status } = await send(zstdFrame({ windowByte: 0xff }, [last]), 'zstd', 'protobuf');
    expect([200, 400, 413]).toContain(status);
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
    await expectTaken(send(zstdFrame({ contentSize: BigInt(body.length) }, [last]), 'zstd', 'protobuf'));
    expect(await namesOf('zstd/raw')).toEqual(['zstd/raw']);
  });

  line('compression.zstd-bomb', 'damaged frames', async () => {
    const body = encode('zstd/damaged', 'protobuf');
    const good = Buffer.from(zstd.compress(body));
    for (let length = 0; length < good.length; length++)
      await expectMalformed(good.subarray(0, length), 'zstd');
    const reserved = Buffer.from([7, 0, 0]);
    await expectMalformed(zstdFrame({}, [reserved]), 'zstd');
    await expectMalformed(zstdFrame({}, [rleBlock(0, 1000, false)]), 'zstd');
    await expectMalformed(zstdFrame({ hasChecksum: true }, [rawBlock(body, true), Buffer.alloc(4)]), 'zstd');
    const needsDictionary = zstdFrame({}, [rawBlock(body, true)]);
    needsDictionary[4]! |= 3;
    await expectMalformed(needsDictionary, 'zstd');
    // Blocks that do not end, in a body of the largest size.
    const empty = Buffer.alloc(4 * MIB);
    await expectMalformed(zstdFrame({}, [empty]), 'zstd');
    expect(await namesOf('zstd/damaged')).toEqual([]);
  });

  line('compression.chunked', async () => {
    const sent: string[] = [];
    for (const coding of COMPRESSING) {
      const name = `chunked/${coding}`;
      const body = CODINGS[coding]!(encode(name, 'protobuf'));
      const pieces = [body.subarray(0, 1), body.subarray(1, 9), body.subarray(9)];
      await expectTaken(send(pieces, coding, 'protobuf'));
      sent.push(name);
    }
    const plain = encode('chunked/plain', 'json');
    await expectTaken(send([plain.subarray(0, 20), plain.subarray(20)], '', 'json'));
    expect(await namesOf('chunked/')).toEqual([...sent, 'chunked/plain'].sort());
  });
});
