import { describe, expect, it } from 'vitest';
import { WireReader } from '../../src/decode/wire-reader.js';
import { PermanentError } from '../../src/model/errors.js';
import { encodeFields, encodeVarint, type WireField } from '../testkit/wire-writer.js';

function readerOf(...bytes: number[]): WireReader {
  return new WireReader(Uint8Array.from(bytes));
}

function readVarint(bytes: Uint8Array): bigint {
  const reader = new WireReader(bytes);
  reader.readVarint64(bytes.length);
  expect(reader.pos).toBe(bytes.length);
  return (BigInt(reader.hi) << 32n) | BigInt(reader.lo);
}

/** Skips all fields; the position reached. */
function skipAll(bytes: Uint8Array): number {
  const reader = new WireReader(bytes);
  while (reader.pos < bytes.length) reader.skip(reader.readTag(bytes.length), bytes.length);
  return reader.pos;
}

const CONTINUED = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];

describe('varints', () => {
  it('of every length from 1 to 10 bytes give their 64 bits', () => {
    for (let bits = 0n; bits < 64n; bits++) {
      for (const value of [1n << bits, (1n << bits) - 1n, (1n << 64n) - 1n - (1n << bits)]) {
        expect(readVarint(encodeVarint(value))).toBe(value);
        expect(readVarint(encodeVarint(value, 10))).toBe(value);
      }
    }
  });

  it('of more than 64 bits or 10 bytes are malformed', () => {
    expect(() => readVarint(Buffer.from([...CONTINUED, 0x02]))).toThrow(PermanentError);
    expect(() => readVarint(Buffer.from([...CONTINUED, 0x80, 0x00]))).toThrow(PermanentError);
    expect(readVarint(Buffer.from([...CONTINUED, 0x01]))).toBe(1n << 63n);
  });

  it('that run past the end of their message are malformed even where bytes follow', () => {
    const reader = readerOf(0x80, 0x01, 0x01);
    expect(() => reader.readVarint64(1)).toThrow(/runs past the end/);
  });
});

describe('tags', () => {
  it('give field number and wire type, also in up to five padded bytes', () => {
    expect(readerOf(0x0a).readTag(1)).toBe(0x0a);
    expect(readerOf(0x8a, 0x80, 0x80, 0x80, 0x00).readTag(5)).toBe(0x0a);
    expect(readerOf(0xfa, 0xff, 0xff, 0xff, 0x0f).readTag(5)).toBe((2 ** 29 - 1) * 8 + 2);
  });

  it('of field 0, of a number beyond 2^29 - 1 or of more than five bytes are malformed', () => {
    for (const bytes of [
      [0x02],
      [0x82, 0x00],
      [0xfa, 0xff, 0xff, 0xff, 0x1f],
      [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00],
    ]) {
      expect(() => readerOf(...bytes).readTag(bytes.length)).toThrow(/field number is out of range/);
    }
  });
});

describe('lengths', () => {
  it('reach to the end of the message and no further', () => {
    expect(readerOf(2, 7, 7).readLength(3)).toBe(2);
    expect(() => readerOf(3, 7, 7).readLength(3)).toThrow(/longer than its message/);
    expect(() => readerOf(2, 7, 7).readLength(2)).toThrow(/longer than its message/);
    expect(() => readerOf(2).readLength(0)).toThrow(PermanentError);
  });

  it('beyond 32 bits or of more than five bytes are malformed', () => {
    expect(() => readerOf(0xff, 0xff, 0xff, 0xff, 0xff, 0x01).readLength(6)).toThrow(
      /longer than its message/,
    );
    expect(readerOf(0x80, 0x80, 0x80, 0x80, 0x00).readLength(5)).toBe(0);
    expect(() => readerOf(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).readLength(6)).toThrow(
      /longer than its message/,
    );
  });
});

describe('skipping', () => {
  const group = (levels: number): WireField => ({ number: 5, group: levels > 1 ? [group(levels - 1)] : [] });

  it('passes over fields of every wire type', () => {
    const bytes = encodeFields([
      { number: 1, varint: 2n ** 64n - 1n },
      { number: 2, fixed64: 1n },
      { number: 3, bytes: Buffer.from('abc') },
      { number: 4, group: [{ number: 9, fixed32: 1 }, group(3), { number: 1, bytes: Buffer.alloc(200) }] },
      { number: 5, fixed32: 7 },
    ]);
    expect(skipAll(bytes)).toBe(bytes.length);
  });

  it('refuses values cut short, wire types 6 and 7, and groups that end without beginning or never end', () => {
    const wrong: Record<string, number[]> = {
      'varint cut short': [0x08, 0x80],
      '64 bits cut short': [0x09, 1, 2, 3, 4, 5, 6, 7],
      '32 bits cut short': [0x0d, 1, 2, 3],
      'bytes cut short': [0x0a, 2, 1],
      'wire type 6': [0x0e, 0],
      'wire type 7': [0x0f, 0],
      'end of no group': [0x0c],
      'end of another group': [0x0b, 0x14],
      'group without end': [0x0b, 0x08, 0x01],
      'inner group without end': [0x0b, 0x13, 0x0c],
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      expect(() => skipAll(Uint8Array.from(bytes)), name).toThrow(PermanentError);
    }
  });

  it('takes 64 groups in each other and no more, however many there are', () => {
    expect(skipAll(encodeFields([group(64)]))).toBeGreaterThan(0);
    expect(() => skipAll(encodeFields([group(65)]))).toThrow(/nested too deep/);
    expect(() => skipAll(Buffer.alloc(1_000_000, 0x0b))).toThrow(/nested too deep/);
  });
});
