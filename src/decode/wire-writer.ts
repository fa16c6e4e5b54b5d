/**
 * Protobuf wire bytes, written front to back. A message inside a message gets its length afterwards, in a varint of
 * fixed width: readers take a varint of any width.
 */
const LENGTH_BYTES = 5;

export class WireWriter {
  private bytes: Buffer;
  private pos = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(capacity, 64));
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Begin a length-delimited value; `end` wants what this returns. */
  begin(): number {
    this.reserve(LENGTH_BYTES);
    this.pos += LENGTH_BYTES;
    return this.pos;
  }

  end(from: number): void {
    let length = this.pos - from;
    for (let i = LENGTH_BYTES; i > 0; i--) {
      this.bytes[from - i] = (length & 0x7f) | (i > 1 ? 0x80 : 0);
      length >>>= 7;
    }
  }

  /** A whole number from 0 to 2^32 − 1. */
  varint(value: number): void {
    this.reserve(5);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.bytes[this.pos++] = (rest % 128) | 0x80;
    this.bytes[this.pos++] = rest;
  }

  varint64(value: bigint): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) this.bytes[this.pos++] = Number(rest & 0x7fn) | 0x80;
    this.bytes[this.pos++] = Number(rest);
  }

  fixed64(value: bigint): void {
    this.reserve(8);
    this.pos = this.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.pos);
  }

  double(value: number): void {
    this.reserve(8);
    this.pos = this.bytes.writeDoubleLE(value, this.pos);
  }

  text(value: string): void {
    this.reserve(value.length * 3 + LENGTH_BYTES);
    const from = this.begin();
    this.pos += this.bytes.write(value, this.pos, 'utf8');
    this.end(from);
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length + LENGTH_BYTES);
    const from = this.begin();
    this.bytes.set(value, this.pos);
    this.pos += value.length;
    this.end(from);
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.pos);
  }

  private reserve(count: number): void {
    if (this.pos + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.pos + count, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.pos);
    this.bytes = grown;
  }
}
