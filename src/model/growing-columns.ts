/** Typed arrays that grow by doubling, one for each column of a batch: push at the end, or cut back by setting `length`. */

/** 64-bit lanes that grow by doubling. `words[2i]` is the low, `words[2i+1]` the high half of element i. */
export class Lanes {
  words: Uint32Array;
  length = 0;
  constructor(capacity = 256) {
    this.words = new Uint32Array(capacity * 2);
  }
  /** Make room for `count` more elements. */
  reserve(count: number): void {
    const needed = (this.length + count) * 2;
    if (needed <= this.words.length) return;
    const grown = new Uint32Array(Math.max(needed, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
  push(lo: number, hi: number): void {
    if (this.length * 2 === this.words.length) this.reserve(1);
    this.words[this.length * 2] = lo;
    this.words[this.length * 2 + 1] = hi;
    this.length++;
  }
  pushBigInt(value: bigint): void {
    this.push(Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }
  pushDouble(value: number): void {
    float64[0] = value;
    this.push(float64Words[0]!, float64Words[1]!);
  }
  /** Copy `count` little-endian 64-bit elements from wire bytes at `pos`. */
  pushBytes(bytes: Uint8Array, pos: number, count: number): void {
    this.reserve(count);
    new Uint8Array(this.words.buffer).set(bytes.subarray(pos, pos + count * 8), this.length * 8);
    this.length += count;
  }
  doubleAt(index: number): number {
    float64Words[0] = this.words[index * 2]!;
    float64Words[1] = this.words[index * 2 + 1]!;
    return float64[0]!;
  }
  bigUintAt(index: number): bigint {
    return (BigInt(this.words[index * 2 + 1]!) << 32n) | BigInt(this.words[index * 2]!);
  }
  bigIntAt(index: number): bigint {
    return BigInt.asIntN(64, this.bigUintAt(index));
  }
  bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, this.length * 8);
  }
}
const float64 = new Float64Array(1);
const float64Words = new Uint32Array(float64.buffer);

/** One byte per element: flags of presence, small enums, raw bytes. */
export class Bytes {
  data: Uint8Array;
  length = 0;
  constructor(capacity = 256) {
    this.data = new Uint8Array(capacity);
  }
  reserve(count: number): void {
    if (this.length + count <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.data.length * 2));
    grown.set(this.data);
    this.data = grown;
  }
  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }
  pushBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }
  bytes(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}

/** 32-bit elements. Signed columns store the two's complement. */
export class Words {
  data: Uint32Array;
  length = 0;
  constructor(capacity = 256) {
    this.data = new Uint32Array(capacity);
  }
  push(value: number): void {
    if (this.length === this.data.length) {
      const grown = new Uint32Array(this.data.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length++] = value;
  }
  bytes(): Uint8Array {
    return new Uint8Array(this.data.buffer, 0, this.length * 4);
  }
}
