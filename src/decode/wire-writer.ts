/**
 * Protobuf wire bytes, written front to back. Enters: values in order; leaves: the bytes of a message. A message inside
 * a message gets its length afterwards: one byte is kept free for it, and what follows moves where it needs more.
 */
const LENGTH_BYTES_MAX = 5;
/** Shorter runs are copied faster byte by byte. */
const COPY_LOOP_BYTES_MAX = 32;

export class WireWriter {
  private bytes: Buffer;
  private view: DataView;
  private pos = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(capacity, 64));
    this.view = viewOf(this.bytes);
  }

  /** Begin a length-delimited value; `end` wants what this returns. */
  begin(): number {
    this.reserve(1);
    return ++this.pos;
  }

  end(from: number): void {
    const length = this.pos - from;
    if (length >= 0x80) {
      const extra = varintBytes(length) - 1;
      this.reserve(LENGTH_BYTES_MAX);
      this.bytes.copyWithin(from + extra, from, this.pos);
      const end = this.pos + extra;
      this.pos = from - 1;
      this.varint(length);
      this.pos = end;
    } else this.bytes[from - 1] = length;
  }

  /** A whole number from 0 to 2^32 − 1. */
  varint(value: number): void {
    this.reserve(5);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.pos++] = (rest & 0x7f) | 0x80;
    this.bytes[this.pos++] = rest;
  }

  varint64(lo: number, hi: number): void {
    this.reserve(10);
    let low = lo;
    let high = hi;
    while (high !== 0 || low >= 0x80) {
      this.bytes[this.pos++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.pos++] = low;
  }

  fixed64(lo: number, hi: number): void {
    this.reserve(8);
    this.view.setUint32(this.pos, lo, true);
    this.view.setUint32(this.pos + 4, hi, true);
    this.pos += 8;
  }

  double(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }

  /** Bytes without a length. */
  copy(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.reserve(length);
    const { bytes, pos } = this;
    if (length > COPY_LOOP_BYTES_MAX) bytes.set(from.subarray(start, end), pos);
    else for (let i = 0; i < length; i++) bytes[pos + i] = from[start + i]!;
    this.pos = pos + length;
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.pos);
  }

  private reserve(count: number): void {
    if (this.pos + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.pos + count, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.pos);
    this.bytes = grown;
    this.view = viewOf(grown);
  }
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) count++;
  return count;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
