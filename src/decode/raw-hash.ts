/**
 * A keyed 64-bit hash over wire bytes, as two 32-bit lanes, four bytes a step. Enters: bytes and the hash so far;
 * leaves: `lo` and `hi`. For look-ups inside one process only; never stored.
 */
export class RawHash {
  lo = 0;
  hi = 0;

  set(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }

  /** Mix in one number (a length, an enum, a field number). */
  addNumber(value: number): void {
    this.lo = step(this.lo, value | 0, 0x9e3779b1 | 0);
    this.hi = step(this.hi, value | 0, 0x85ebca77 | 0);
  }

  /** Mix in bytes and their number, so that neighbouring fields cannot trade bytes. */
  addBytes(view: DataView, pos: number, length: number): void {
    let a = step(this.lo, length, 0x9e3779b1 | 0);
    let b = step(this.hi, length, 0x85ebca77 | 0);
    const whole = pos + (length & ~3);
    for (; pos < whole; pos += 4) {
      const word = view.getInt32(pos, true);
      a = Math.imul(a ^ word, 0x9e3779b1 | 0);
      a = (a << 15) | (a >>> 17);
      b = Math.imul(b + word, 0x85ebca77 | 0);
      b ^= b >>> 13;
    }
    for (let rest = length & 3; rest > 0; rest--) {
      const byte = view.getUint8(pos++);
      a = step(a, byte, 0x9e3779b1 | 0);
      b = step(b, byte, 0x85ebca77 | 0);
    }
    this.lo = a;
    this.hi = b;
  }

  /** Spread the last bits and make both lanes unsigned. */
  finish(): void {
    this.lo = avalanche(this.lo ^ (this.hi << 7));
    this.hi = avalanche(this.hi ^ this.lo);
  }
}

function step(state: number, word: number, factor: number): number {
  const mixed = Math.imul(state ^ word, factor);
  return (mixed << 13) | (mixed >>> 19);
}

function avalanche(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
