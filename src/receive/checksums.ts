/**
 * The checksums of compressed frames: CRC-32C (RFC 3720, appendix B.4), which snappy's framing masks, and xxHash32
 * (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), which lz4 uses. Node has neither.
 */

const CRC32C_TABLE = makeTable(0x82f63b78);

function makeTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    return rest;
  });
}

export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = (crc >>> 8) ^ CRC32C_TABLE[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca77 | 0;
const PRIME_3 = 0xc2b2ae3d | 0;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;
/** Bytes of one round. */
const STRIPE_BYTES = 16;

/** xxHash32 with seed 0, of bytes that are given in turn. */
export class Xxh32 {
  #a = (PRIME_1 + PRIME_2) | 0;
  #b = PRIME_2;
  #c = 0;
  #d = -PRIME_1 | 0;
  #length = 0;

  /** Takes a multiple of 16 bytes. */
  update(bytes: Uint8Array, from: number, to: number): void {
    for (let i = from; i < to; i += STRIPE_BYTES) {
      this.#a = round(this.#a, read32(bytes, i));
      this.#b = round(this.#b, read32(bytes, i + 4));
      this.#c = round(this.#c, read32(bytes, i + 8));
      this.#d = round(this.#d, read32(bytes, i + 12));
    }
    this.#length += to - from;
  }

  /** Takes the last bytes, any number of them. */
  digest(bytes: Uint8Array, from: number, to: number): number {
    const whole = to - ((to - from) % STRIPE_BYTES);
    this.update(bytes, from, whole);
    let hash =
      this.#length >= STRIPE_BYTES
        ? rotate(this.#a, 1) + rotate(this.#b, 7) + rotate(this.#c, 12) + rotate(this.#d, 18)
        : PRIME_5;
    hash = (hash + this.#length + (to - whole)) | 0;
    let i = whole;
    for (; i + 4 <= to; i += 4) {
      hash = Math.imul(rotate((hash + Math.imul(read32(bytes, i), PRIME_3)) | 0, 17), PRIME_4);
    }
    for (; i < to; i++) hash = Math.imul(rotate((hash + Math.imul(bytes[i]!, PRIME_5)) | 0, 11), PRIME_1);
    hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
    hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

export function xxh32(bytes: Uint8Array, from: number, to: number): number {
  return new Xxh32().digest(bytes, from, to);
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
