/**
 * JSON text into values without losing digits. Enters: UTF-8 bytes; leaves: what JSON.parse gives, but for whole numbers
 * too long for a double, which come as strings of their digits (OTLP/JSON writes 64-bit integers in either form).
 * Throws PermanentError('malformed'). Time and depth are bounded by the length of the text and JSON_DEPTH_MAX.
 */
import { PermanentError } from '../model/errors.js';

/** Levels of nesting: far more than the deepest attribute allowed needs. */
const JSON_DEPTH_MAX = 1_000;
/** Fewer digits always fit a double exactly. */
const DIGITS_MIN = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function parseJson(bytes: Uint8Array): unknown {
  const longIntegers = findLongIntegers(bytes);
  const quoted = longIntegers.length === 0 ? bytes : quote(bytes, longIntegers);
  try {
    return JSON.parse(utf8.decode(quoted));
  } catch (error) {
    throw malformedJson((error as Error).message);
  }
}

export function malformedJson(what: string): PermanentError {
  return new PermanentError('malformed', `request is not valid OTLP/JSON: ${what}`);
}

/** Start and end of each whole number of many digits that stands where a value may, and a check of the depth. */
function findLongIntegers(bytes: Uint8Array): [number, number][] {
  const found: [number, number][] = [];
  let depth = 0;
  for (let pos = 0; pos < bytes.length; pos++) {
    const byte = bytes[pos]!;
    if (byte === QUOTE) pos = skipString(bytes, pos);
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > JSON_DEPTH_MAX) throw malformedJson(`it is nested deeper than ${JSON_DEPTH_MAX} levels`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
    else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const end = skipNumber(bytes, pos);
      if (end - pos >= DIGITS_MIN && isWholeNumber(bytes, pos, end) && isValueEnd(bytes, end)) {
        found.push([pos, end]);
      }
      pos = end - 1;
    }
  }
  return found;
}

/** Position of the closing quote, or the end. */
function skipString(bytes: Uint8Array, from: number): number {
  let pos = from + 1;
  while (pos < bytes.length && bytes[pos] !== QUOTE) pos += bytes[pos] === BACKSLASH ? 2 : 1;
  return pos;
}

/** First position that no number can go on at. */
function skipNumber(bytes: Uint8Array, from: number): number {
  let pos = from + 1;
  for (; pos < bytes.length; pos++) {
    const byte = bytes[pos]!;
    const isPart =
      (byte >= ZERO && byte <= NINE) ||
      byte === 0x2e || // .
      byte === 0x2b || // +
      byte === MINUS ||
      (byte | 0x20) === 0x65; // e, E
    if (!isPart) break;
  }
  return pos;
}

function isWholeNumber(bytes: Uint8Array, from: number, end: number): boolean {
  const first = bytes[from] === MINUS ? from + 1 : from;
  if (bytes[first] === ZERO) return false;
  for (let pos = first; pos < end; pos++) if (bytes[pos]! < ZERO || bytes[pos]! > NINE) return false;
  return true;
}

/** Behind a value comes a comma or a closing bracket; a colon would make it a key, which no number may be. */
function isValueEnd(bytes: Uint8Array, from: number): boolean {
  let pos = from;
  while (bytes[pos] === 0x20 || bytes[pos] === 0x0a || bytes[pos] === 0x0d || bytes[pos] === 0x09) pos++;
  return bytes[pos] === 0x2c || bytes[pos] === 0x5d || bytes[pos] === 0x7d;
}

function quote(bytes: Uint8Array, spans: readonly [number, number][]): Uint8Array {
  const quoted = new Uint8Array(bytes.length + spans.length * 2);
  let read = 0;
  let write = 0;
  for (const [from, end] of spans) {
    quoted.set(bytes.subarray(read, from), write);
    write += from - read;
    quoted[write++] = QUOTE;
    quoted.set(bytes.subarray(from, end), write);
    write += end - from;
    quoted[write++] = QUOTE;
    read = end;
  }
  quoted.set(bytes.subarray(read), write);
  return quoted;
}
