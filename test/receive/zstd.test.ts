/** zstd bodies of a real compressor: every level, whole or streamed, several frames; damaged anywhere. */
import { Zstd } from '@hpcc-js/wasm-zstd';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';
import { decodeZstd } from '../../src/receive/zstd-decode.js';
import { measureZstd } from '../../src/receive/zstd-frames.js';
import { skippableFrame, zstdBomb } from '../testkit/zstd-bodies.js';

const MIB = 1024 * 1024;
let zstd: Zstd;
beforeAll(async () => {
  zstd = await Zstd.load();
});

const decode = (wire: Buffer, bytesMax = 16 * MIB) =>
  decodeZstd(wire, bytesMax, new InflightBytes(1e9).open());

/** Without a content size in its header, as a client writes it that compresses while it sends. */
function compressAsStream(pieces: readonly Uint8Array[]): Buffer {
  zstd.reset();
  const parts = pieces.map((piece) => Buffer.from(zstd.compressChunk(piece)));
  return Buffer.concat([...parts, zstd.compressEnd()]);
}

/** Text with repetitions, so that every kind of block occurs. */
const content = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(400), fc.uint8Array({ maxLength: 50 }))
  .map(([bytes, times, rest]) => Buffer.concat([...Array<Uint8Array>(times).fill(bytes), rest]));

describe('zstd', () => {
  it('every body becomes what was compressed, and no more than was measured', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 19 }),
        fc.boolean(),
        async (pieces, level, isStream) => {
          const frames = isStream
            ? [compressAsStream(pieces)]
            : pieces.flatMap((piece) => [Buffer.from(zstd.compress(piece, level)), skippableFrame(piece)]);
          const wire = Buffer.concat(frames);
          const plain = Buffer.concat(pieces);
          expect(measureZstd(wire).plainBytesMax).toBeGreaterThanOrEqual(plain.length);
          expect((await decode(wire)).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a damaged body is refused, or becomes something within the limit', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.nat(), fc.nat(255), fc.nat(), async (plain, at, byte, cut) => {
        const wire = Buffer.from(zstd.compress(plain, 3));
        wire[at % wire.length] = byte;
        const damaged = wire.subarray(0, wire.length - (cut % 3 === 0 ? cut % wire.length : 0));
        const result = await decode(damaged, MIB).catch((error: unknown) => error);
        if (result instanceof Buffer) expect(result.length).toBeLessThanOrEqual(MIB);
        else expect(result).toBeInstanceOf(PermanentError);
      }),
      { numRuns: 500 },
    );
  });

  it('goes on after bodies that were damaged, and after bombs', async () => {
    const large = Buffer.alloc(6 * MIB, 'some text, repeated ');
    const wire = Buffer.from(zstd.compress(large));
    const damaged = Buffer.from(wire);
    damaged.fill(0xff, damaged.length >> 1);
    const answers = await Promise.allSettled([
      decode(damaged),
      decode(zstdBomb(50 * MIB)),
      decode(wire),
      decode(zstdBomb(8 * MIB)),
      decode(wire),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect((answers[4] as PromiseFulfilledResult<Buffer>).value.equals(large)).toBe(true);
  });

  it('a body of millions of empty blocks is refused before they are all looked at', () => {
    const empty = Buffer.alloc(3 * 2_000_000);
    const frame = Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), empty]);
    expect(() => measureZstd(frame)).toThrow('more than 1000000 blocks');
  });
});
