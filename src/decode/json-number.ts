/**
 * JSON numbers from their digits. Enters: bytes and where the number stands in them; leaves: 64-bit integers as two
 * words with no digit lost, or a double rounded once. Never throws and never guesses: what is no such number is refused.
 */

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const TWO_32 = 2 ** 32;

/** Decimal places that one step of `readDigits` takes: a word × 10^6 still is a whole double. */
const STEP_DIGITS = 6;
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** Up to here digits are a whole double, and a power of ten is one up to 10^22: their quotient is rounded once. */
const EXACT_DIGITS_MAX = 15;
/** No 64-bit integer has more digits. */
const INTEGER_DIGITS_MAX = 20;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let pos = from;
  while (isDigit(bytes[pos])) pos++;
  return pos;
}

/** Position after the number that begins at `from`, by JSON's grammar; `from` where there is none. */
export function skipNumber(bytes: Uint8Array, from: number): number {
  const first = bytes[from] === MINUS ? from + 1 : from;
  let end = bytes[first] === ZERO ? first + 1 : skipDigits(bytes, first);
  if (end === first || isDigit(bytes[end])) return from;
  if (bytes[end] === DOT) {
    const fraction = end + 1;
    end = skipDigits(bytes, fraction);
    if (end === fraction) return from;
  }
  if ((bytes[end]! | 0x20) === 0x65) {
    const sign = bytes[end + 1];
    const exponent = sign === MINUS || sign === PLUS ? end + 2 : end + 1;
    end = skipDigits(bytes, exponent);
    if (end === exponent) return from;
  }
  return end;
}

/** Why a number is not the integer asked for. */
export type IntegerFault = 'not whole' | 'out of range';

/** Reads 64-bit integers; the result stays in `lo` and `hi` (two's complement) until the next. */
export class IntegerReader {
  lo = 0;
  hi = 0;

  /** The number from `from` to `to`, which JSON's grammar allows, as `bits` bits with or without a sign. */
  read(
    bytes: Uint8Array,
    from: number,
    to: number,
    isSigned: boolean,
    bits: 32 | 64,
  ): IntegerFault | undefined {
    const isNegative = bytes[from] === MINUS;
    const digits = isNegative ? from + 1 : from;
    const fault =
      skipDigits(bytes, digits) === to
        ? this.readDigits(bytes, digits, to)
        : this.readScaled(bytes, digits, to);
    if (fault !== undefined) return fault;
    return this.sign(isNegative, isSigned, bits);
  }

  private readDigits(bytes: Uint8Array, from: number, to: number): IntegerFault | undefined {
    let lo = 0;
    let hi = 0;
    for (let pos = from; pos < to; ) {
      const stop = Math.min(pos + STEP_DIGITS, to);
      const power = POWERS_OF_TEN[stop - pos]!;
      let part = 0;
      while (pos < stop) part = part * 10 + (bytes[pos++]! - ZERO);
      const low = lo * power + part;
      lo = low % TWO_32;
      hi = hi * power + (low - lo) / TWO_32;
      if (hi >= TWO_32) return 'out of range';
    }
    this.lo = lo;
    this.hi = hi;
    return undefined;
  }

  /** With a fraction or an exponent: still an integer where nothing is left behind the point. */
  private readScaled(bytes: Uint8Array, from: number, to: number): IntegerFault | undefined {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
    const [mantissa, exponent = '0'] = text.split(/[eE]/);
    const [whole, fraction = ''] = mantissa!.split('.');
    let digits = whole! + fraction;
    let end = digits.length;
    while (end > 0 && digits[end - 1] === '0') end--;
    let begin = 0;
    while (begin < end && digits[begin] === '0') begin++;
    /** Zeros to be put behind the digits that count. */
    const zeros = Number(exponent) - fraction.length + (digits.length - end);
    digits = digits.slice(begin, end);
    if (digits !== '' && zeros < 0) return 'not whole';
    if (digits !== '' && digits.length + zeros > INTEGER_DIGITS_MAX) return 'out of range';
    const plain = digits === '' ? '0' : digits + '0'.repeat(zeros);
    return this.readDigits(Buffer.from(plain), 0, plain.length);
  }

  /** Checks the range of a magnitude and gives it its sign. */
  private sign(isNegative: boolean, isSigned: boolean, bits: 32 | 64): IntegerFault | undefined {
    const { lo, hi } = this;
    if (bits === 32 && hi !== 0) return 'out of range';
    if (isSigned) {
      const top = bits === 64 ? hi : lo;
      const isLowest = isNegative && top === TWO_32 / 2 && (bits === 32 || lo === 0);
      if (top >= TWO_32 / 2 && !isLowest) return 'out of range';
    } else if (isNegative && (lo !== 0 || hi !== 0)) return 'out of range';
    if (isNegative) {
      this.lo = -lo >>> 0;
      this.hi = (~hi + (lo === 0 ? 1 : 0)) >>> 0;
    }
    return undefined;
  }
}

/** The double nearest to the number from `from` to `to`, which JSON's grammar allows; infinite where none is near. */
export function readDouble(bytes: Buffer, from: number, to: number): number {
  const isNegative = bytes[from] === MINUS;
  const digits = isNegative ? from + 1 : from;
  let mantissa = 0;
  let point = to;
  for (let pos = digits; pos < to; pos++) {
    const byte = bytes[pos]!;
    if (byte === DOT) point = pos;
    else if (byte >= ZERO && pos - digits <= EXACT_DIGITS_MAX && byte <= ZERO + 9) {
      mantissa = mantissa * 10 + (byte - ZERO);
    } else return Number(bytes.toString('latin1', from, to));
  }
  const places = point === to ? 0 : to - point - 1;
  if (to - digits - (point === to ? 0 : 1) > EXACT_DIGITS_MAX)
    return Number(bytes.toString('latin1', from, to));
  const value = mantissa / POWERS_OF_TEN[places]!;
  return isNegative ? -value : value;
}
