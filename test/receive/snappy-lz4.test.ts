/** snappy and lz4: what real compressors write is read exactly, what is damaged or lies is refused, and nothing is too large. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { crc32c, xxh32 } from '../../src/receive/checksums.js';
import { type Coding, decompress } from '../../src/receive/decompress.js';
import { InflightBytes } from '../../src/receive/inflight-bytes.js';
import {
  lz4Bomb,
  lz4Frame,
  lz4FrameOf,
  snappyBlock,
  snappyBomb,
  snappyFrames,
  varint,
} from '../testkit/lz-bodies.js';

const MIB = 1024 * 1024;

/** Written by the reference tools: lz4 1.9.4, and the crates of snappy and lz4 (cramjam 2). */
const written = JSON.parse(
  readFileSync(new URL('../testkit/cases/compressed-bodies.json', import.meta.url), 'utf8'),
) as Record<string, string>;
const CONTENT = Buffer.from(
  Array.from({ length: 7000 }, (_, i) => `metric.${i % 7}.${(i * i) % 41}\n`).join(''),
);
const codingOf = (name: string) => name.split(':')[0] as Coding;
const bodies = Object.entries(written).map(
  ([name, text]) => [name, codingOf(name), Buffer.from(text, 'base64')] as const,
);

function decode(body: Buffer, coding: Coding, bytesMax = 64 * MIB, inflight = new InflightBytes(1e9)) {
  return decompress(body, coding, bytesMax, inflight.open());
}

async function refusalOf(decoding: Promise<Buffer>): Promise<PermanentError> {
  const error = await decoding.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PermanentError);
  return error as PermanentError;
}

describe('checksums', () => {
  it('are those of their specifications', () => {
    const digits = Buffer.from('123456789');
    expect(crc32c(digits, 0, 9)).toBe(0xe3069283);
    expect(xxh32(digits, 0, 0)).toBe(0x02cc5d05);
    expect(xxh32(Buffer.from('abc'), 0, 3)).toBe(0x32d153ff);
  });
});

describe('bodies of real compressors', () => {
  it.each(bodies)('%s is read exactly', async (_, coding, body) => {
    expect((await decode(body, coding)).equals(CONTENT)).toBe(true);
  });

  it('frames are read under the name snappy too, as older Collectors send them', async () => {
    const framed = Buffer.from(written['x-snappy-framed']!, 'base64');
    expect((await decode(framed, 'snappy')).equals(CONTENT)).toBe(true);
  });

  it.each(bodies)('%s that is cut short is malformed, wherever it is cut', async (_, coding, body) => {
    for (let length = 0; length < body.length; length += 1 + (length % 7)) {
      const cut = body.subarray(0, length);
      const decoding = decode(cut, coding).then((plain) => {
        // A framed body has no end: what is left after whole chunks is whole.
        if (coding === 'x-snappy-framed' && CONTENT.subarray(0, plain.length).equals(plain)) {
          throw new PermanentError('malformed', 'snappy');
        }
        return plain;
      });
      expect((await refusalOf(decoding)).kind).toBe('malformed');
    }
  });

  it('one wrong bit is found where there are checksums, and never gives more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bodies),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        async ([name, coding, body], place, bit) => {
          const damaged = Buffer.from(body);
          damaged[place % body.length]! ^= 1 << bit;
          const plain = await decode(damaged, coding, 100_000).catch((error: unknown) => {
            expect(error).toBeInstanceOf(PermanentError);
            return undefined;
          });
          if (plain === undefined) return;
          expect(plain.length).toBeLessThanOrEqual(100_000);
          if (!['snappy', 'lz4: no checksum'].includes(name)) {
            expect(CONTENT.subarray(0, plain.length).equals(plain)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('bounds', () => {
  const MAKERS: [Coding, (bytes: Buffer) => Buffer][] = [
    ['snappy', snappyBlock],
    ['x-snappy-framed', snappyFrames],
    ['lz4', lz4Frame],
  ];

  it.each(MAKERS)('%s is taken to the byte, and no further', async (coding, make) => {
    const plain = Buffer.alloc(3 * MIB, 'plain');
    expect((await decode(make(plain), coding, plain.length)).equals(plain)).toBe(true);
    expect((await refusalOf(decode(make(plain), coding, plain.length - 1))).kind).toBe('too_large');
    expect((await decode(make(Buffer.alloc(0)), coding)).length).toBe(0);
  });

  it.each([
    ['snappy', snappyBomb(32 * MIB)],
    ['lz4', lz4Bomb(32 * MIB)],
  ] as const)(
    'a bomb of %s is stopped at the limit, and takes no more memory than that',
    async (coding, bomb) => {
      const inflight = new InflightBytes(1e9);
      const share = inflight.open();
      expect((await refusalOf(decompress(bomb, coding, 8 * MIB, share))).kind).toBe('too_large');
      expect(inflight.bytes).toBeLessThanOrEqual(8 * MIB);
      const zeros = await decode(bomb, coding, 32 * MIB);
      expect(zeros.equals(Buffer.alloc(32 * MIB))).toBe(true);
    },
  );

  it.each([
    ['snappy', snappyBomb(32 * MIB)],
    ['x-snappy-framed', snappyFrames(Buffer.alloc(32 * MIB))],
    ['lz4', lz4Bomb(32 * MIB)],
  ] as const)('a large body of %s leaves the event loop to others in between', async (coding, body) => {
    let turns = 0;
    let next = setImmediate(function count() {
      turns++;
      next = setImmediate(count);
    });
    await decode(body, coding, 32 * MIB);
    clearImmediate(next);
    expect(turns).toBeGreaterThan(24);
  });

  it.each([
    ['a length that it cannot become', 'snappy', Buffer.concat([varint(32 * MIB), Buffer.alloc(100)])],
    ['no length', 'snappy', Buffer.alloc(0)],
    ['a length without end', 'snappy', Buffer.alloc(9, 0xff)],
    ['a copy from before its start', 'snappy', Buffer.from([5, 0, 0x61, 0x01, 0x02])],
    ['a copy of itself', 'snappy', Buffer.from([5, 0, 0x61, 0x01, 0x00])],
    ['more than it says', 'snappy', Buffer.from([1, 4, 0x61, 0x61])],
    ['less than it says', 'snappy', Buffer.from([3, 4, 0x61, 0x61])],
    ['no identifier', 'x-snappy-framed', snappyBlock(Buffer.from('abc'))],
    ['nothing', 'lz4', Buffer.alloc(0)],
    ['another magic number', 'lz4', Buffer.from('02214c1800000000', 'hex')],
    ['a copy from before its start', 'lz4', lz4FrameOf(Buffer.from([0x10, 0x61, 0x02, 0x00, 0x00]))],
    ['a block without its last literals', 'lz4', lz4FrameOf(Buffer.from([0x10, 0x61, 0x01, 0x00]))],
    ['bytes after its end', 'lz4', Buffer.concat([lz4Frame(Buffer.from('abc')), Buffer.from('more')])],
  ] as const)('a body that has %s is malformed: %s', async (_, coding, body) => {
    const inflight = new InflightBytes(1e9);
    const refusal = await refusalOf(decompress(body, coding, 64 * MIB, inflight.open()));
    expect([refusal.kind, refusal.message]).toEqual([
      'malformed',
      expect.stringContaining(coding.replace('x-', '').replace('-framed', '')),
    ]);
    expect(inflight.bytes).toBeLessThan(MIB);
  });

  it('frames of lz4 after each other are one body, with others skipped between', async () => {
    const skipped = Buffer.from('502a4d1803000000aabbcc', 'hex');
    const body = Buffer.concat([lz4Frame(Buffer.from('abc')), skipped, lz4Frame(Buffer.from('def'))]);
    expect((await decode(body, 'lz4')).toString()).toBe('abcdef');
  });
});
