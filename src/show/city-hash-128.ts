/**
 * CityHash128 as ClickHouse uses it: version 1.0.2 of CityHash (https://github.com/google/cityhash), whose values later
 * versions do not give. It is the checksum of ClickHouse's compressed blocks and good for nothing else. Enters: bytes;
 * leaves: 16 bytes. Whole numbers of 64 bits are BigInts, which the compiler of Node keeps in registers (about 100 MB/s).
 */

type Pair = readonly [first: bigint, second: bigint];

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const K_MUL = 0x9ddfea08eb382d69n;
/** Bytes of one round over long input. */
const ROUND_BYTES = 128;

/** The hash in the order in which ClickHouse writes it: two little-endian halves, the first one first. */
export function cityHash128(bytes: Uint8Array): Buffer {
  const [first, second] = hash(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  const result = Buffer.allocUnsafe(16);
  result.writeBigUInt64LE(first, 0);
  result.writeBigUInt64LE(second, 8);
  return result;
}

function hash(view: DataView): Pair {
  const length = view.byteLength;
  if (length >= 16) {
    const rest = new DataView(view.buffer, view.byteOffset + 16, length - 16);
    return hashWithSeed(rest, [read64(view, 0) ^ K3, read64(view, 8)]);
  }
  if (length < 8) return hashWithSeed(view, [K0, K1]);
  const none = new DataView(view.buffer, view.byteOffset, 0);
  return hashWithSeed(none, [read64(view, 0) ^ low64(BigInt(length) * K0), read64(view, length - 8) ^ K1]);
}

function hashWithSeed(view: DataView, seed: Pair): Pair {
  const length = view.byteLength;
  if (length < ROUND_BYTES) return hashShort(view, seed);
  let [x, y] = seed;
  let z = low64(BigInt(length) * K1);
  let v0 = low64(rotate(y ^ K1, 49n) * K1 + read64(view, 0));
  let v1 = low64(rotate(v0, 42n) * K1 + read64(view, 8));
  let w0 = low64(rotate(low64(y + z), 35n) * K1 + x);
  let w1 = low64(rotate(low64(x + read64(view, 88)), 53n) * K1);
  let at = 0;
  for (const roundsEnd = length - (length % ROUND_BYTES); at < roundsEnd; at += 64) {
    x = low64(rotate(low64(x + y + v0 + read64(view, at + 16)), 37n) * K1) ^ w1;
    y = low64(rotate(low64(y + v1 + read64(view, at + 48)), 42n) * K1) ^ v0;
    z = rotate(z ^ w0, 33n);
    [v0, v1] = hash32(view, at, low64(v1 * K1), low64(x + w0));
    [w0, w1] = hash32(view, at + 32, low64(z + w1), y);
    [x, z] = [z, x];
  }
  y = low64(y + rotate(w0, 37n) * K0 + z);
  x = low64(x + rotate(low64(v0 + z), 49n) * K0);
  // The rest from its end; the last piece reaches back into what the rounds have read.
  for (let done = 0; done < length - at; ) {
    done += 32;
    const piece = length - done;
    y = low64(rotate(low64(y - x), 42n) * K0 + v1);
    w0 = low64(w0 + read64(view, piece + 16));
    x = low64(rotate(x, 49n) * K0 + w0);
    w0 = low64(w0 + v0);
    [v0, v1] = hash32(view, piece, v0, v1);
  }
  x = mix(x, v0);
  y = mix(y, w0);
  return [low64(mix(low64(x + v1), w1) + y), mix(low64(x + w1), low64(y + v1))];
}

/** Below 128 bytes. */
function hashShort(view: DataView, [seed0, seed1]: Pair): Pair {
  const length = view.byteLength;
  let a = seed0;
  let b = seed1;
  let c: bigint;
  let d: bigint;
  if (length <= 16) {
    a = low64(shiftMix(low64(a * K1)) * K1);
    c = low64(b * K1 + hashUpTo16(view));
    d = shiftMix(low64(a + (length >= 8 ? read64(view, 0) : c)));
  } else {
    c = mix(low64(read64(view, length - 8) + K1), a);
    d = mix(low64(b + BigInt(length)), low64(c + read64(view, length - 16)));
    a = low64(a + d);
    for (let at = 0; at < length - 16; at += 16) {
      a = low64((a ^ low64(shiftMix(low64(read64(view, at) * K1)) * K1)) * K1);
      b ^= a;
      c = low64((c ^ low64(shiftMix(low64(read64(view, at + 8) * K1)) * K1)) * K1);
      d ^= c;
    }
  }
  a = mix(a, c);
  b = mix(d, b);
  return [a ^ b, mix(b, a)];
}

function hashUpTo16(view: DataView): bigint {
  const length = view.byteLength;
  const size = BigInt(length);
  if (length > 8) {
    const a = read64(view, 0);
    const b = read64(view, length - 8);
    return mix(a, rotate(low64(b + size), size)) ^ b;
  }
  if (length >= 4) {
    const first = BigInt(view.getUint32(0, true));
    return mix(size + (first << 3n), BigInt(view.getUint32(length - 4, true)));
  }
  if (length === 0) return K2;
  const y = BigInt(view.getUint8(0) + (view.getUint8(length >> 1) << 8));
  const z = size + BigInt(view.getUint8(length - 1) << 2);
  return low64(shiftMix(low64(y * K2) ^ low64(z * K3)) * K2);
}

/** 32 bytes and two seeds. */
function hash32(view: DataView, at: number, seed0: bigint, seed1: bigint): Pair {
  const last = read64(view, at + 24);
  const first = low64(seed0 + read64(view, at));
  const a = low64(first + read64(view, at + 8) + read64(view, at + 16));
  const b = low64(rotate(low64(seed1 + first + last), 21n) + rotate(a, 44n));
  return [low64(a + last), low64(b + first)];
}

function mix(u: bigint, v: bigint): bigint {
  const a = shiftMix(low64((u ^ v) * K_MUL));
  return low64(shiftMix(low64((v ^ a) * K_MUL)) * K_MUL);
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return low64((value >> bits) | (value << (64n - bits)));
}

function low64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function read64(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}
