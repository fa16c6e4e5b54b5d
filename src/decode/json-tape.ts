/**
 * JSON text → a tape: where each value and key begins and ends, in two typed arrays. Enters: UTF-8 bytes; leaves:
 * positions to read them by, so that numbers keep every digit and texts are not copied. Checks the whole grammar
 * (RFC 8259) in one pass, without recursion. Throws PermanentError('malformed') with the path of what is wrong.
 */
import { isUtf8 } from 'node:buffer';
import { PermanentError } from '../model/errors.js';
import { skipNumber } from './json-number.js';

/** Levels of nesting: more than the deepest attributes allowed (64 levels of 4) and all around them need. */
const JSON_DEPTH_MAX = 1_000;
/** Positions are 31 bits, the highest bit marks a text with escapes. */
const BYTES_MAX = 2 ** 31 - 1;
const ESCAPED = 0x8000_0000;
/** End of an array or object that is still open. */
const OPEN = 0xffff_ffff;
/** Longest error path, in parts and in characters a part. */
const PATH_PARTS_MAX = 32;
const PATH_NAME_CHARS_MAX = 60;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const NULL = 0x6e;

const LITERALS = new Map([
  [0x74, 'true'],
  [0x66, 'false'],
  [NULL, 'null'],
]);

export class JsonTape {
  readonly bytes: Buffer;
  /** Tokens: values and keys, in the order of the text. */
  length = 0;
  /** First byte of each token. */
  private starts: Uint32Array;
  /** Of an array or object: the token after all it holds. Of others: the byte after the last; of texts the last quote. */
  private ends: Uint32Array;

  constructor(bytes: Uint8Array) {
    if (bytes.length > BYTES_MAX) throw malformedJson('it is too long');
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const capacity = (bytes.length >>> 3) + 16;
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
    if (!isUtf8(bytes)) throw malformedJson('it is not UTF-8');
    this.readDocument();
  }

  /** First byte of a token: says what it is. */
  firstByte(token: number): number {
    return this.bytes[this.starts[token]!]!;
  }

  isText(token: number): boolean {
    return this.firstByte(token) === QUOTE;
  }

  isNull(token: number): boolean {
    return this.firstByte(token) === NULL;
  }

  isNumber(token: number): boolean {
    const first = this.firstByte(token);
    return first < COLON; // of all tokens only numbers and texts begin below it
  }

  isArray(token: number): boolean {
    return this.firstByte(token) === ARRAY;
  }

  isObject(token: number): boolean {
    return this.firstByte(token) === OBJECT;
  }

  /** The token after an array or object and all it holds; its first own token is `token + 1`. */
  endOfContent(token: number): number {
    return this.ends[token]!;
  }

  /** The token after a value of any kind. */
  next(token: number): number {
    const first = this.firstByte(token);
    return first === OBJECT || first === ARRAY ? this.ends[token]! : token + 1;
  }

  /** Where a number begins, or a text behind its quote. */
  from(token: number): number {
    const start = this.starts[token]!;
    return this.bytes[start] === QUOTE ? start + 1 : start;
  }

  /** Where a number ends, or a text before its quote. */
  to(token: number): number {
    return (this.ends[token]! & ~ESCAPED) >>> 0;
  }

  /** Does the text hold escapes, so that its bytes are not yet its characters? */
  isEscaped(token: number): boolean {
    return this.ends[token]! >= ESCAPED;
  }

  /** A text, its escapes resolved. */
  text(token: number): string {
    const from = this.from(token);
    const to = this.to(token);
    const raw = this.bytes.toString('utf8', from, to);
    return this.isEscaped(token) ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  /** The error for a token that is not what it should be. */
  wrong(token: number, what: string): PermanentError {
    return malformedJson(`${this.path(token)}: ${what}`);
  }

  /** One token after the other until the one value of the text is complete. */
  private readDocument(): void {
    const { bytes } = this;
    const open = new Uint32Array(JSON_DEPTH_MAX);
    let depth = 0;
    let pos = this.skipSpace(0);
    for (;;) {
      const byte = bytes[pos];
      const token = this.length;
      if (byte === OBJECT || byte === ARRAY) {
        if (depth === JSON_DEPTH_MAX) throw this.unexpected(pos, `deeper than ${JSON_DEPTH_MAX} levels`);
        this.push(pos, OPEN);
        open[depth++] = token;
        pos = this.skipSpace(pos + 1);
        if (bytes[pos] !== byte + 2) {
          if (byte === OBJECT) pos = this.readKey(pos);
          continue;
        }
      } else pos = this.skipSpace(this.readScalar(pos, byte));
      // A value is complete, and with it perhaps what it is in.
      for (;;) {
        if (depth === 0) {
          this.expectEnd(pos);
          return;
        }
        const outer = open[depth - 1]!;
        const isObject = this.isObject(outer);
        const after = bytes[pos];
        if (after === COMMA) {
          pos = this.skipSpace(pos + 1);
          if (isObject) pos = this.readKey(pos);
          break;
        }
        if (after !== (isObject ? OBJECT_END : ARRAY_END)) throw this.unexpected(pos, 'not , or the end');
        this.ends[outer] = this.length;
        depth--;
        pos = this.skipSpace(pos + 1);
      }
    }
  }

  private expectEnd(pos: number): void {
    if (pos < this.bytes.length) throw malformedJson(`something follows the request (at byte ${pos})`);
  }

  /** A key and its colon; returns where the value begins. */
  private readKey(from: number): number {
    if (this.bytes[from] !== QUOTE) throw this.unexpected(from, 'not a name in quotes');
    const pos = this.skipSpace(this.readText(from));
    if (this.bytes[pos] !== COLON) throw this.unexpected(pos, 'not a colon');
    return this.skipSpace(pos + 1);
  }

  /** A text, number, true, false or null; returns the position after it. */
  private readScalar(from: number, first: number | undefined): number {
    if (first === QUOTE) return this.readText(from);
    const { bytes } = this;
    const literal = first! > COLON ? LITERALS.get(first!) : undefined;
    let end = from;
    if (literal === undefined) end = skipNumber(bytes, from);
    else if (bytes.toString('latin1', from, from + literal.length) === literal) end = from + literal.length;
    if (end === from) throw this.unexpected(from, 'not a value');
    this.push(from, end);
    return end;
  }

  private readText(from: number): number {
    const { bytes } = this;
    let escaped = 0;
    let pos = from + 1;
    for (;;) {
      const byte = bytes[pos];
      if (byte === QUOTE) break;
      if (byte === undefined || byte < 0x20) throw this.unexpected(pos, 'not part of a text');
      if (byte === BACKSLASH) {
        escaped = ESCAPED;
        pos = this.skipEscape(pos);
      } else pos++;
    }
    this.push(from, (pos | escaped) >>> 0);
    return pos + 1;
  }

  private skipEscape(from: number): number {
    const letter = String.fromCharCode(this.bytes[from + 1] ?? 0);
    if ('"\\/bfnrt'.includes(letter)) return from + 2;
    if (letter === 'u' && HEX4.test(this.bytes.toString('latin1', from + 2, from + 6))) return from + 6;
    throw this.unexpected(from, 'not an escape');
  }

  private skipSpace(from: number): number {
    const { bytes } = this;
    let pos = from;
    for (;;) {
      const byte = bytes[pos]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return pos;
      pos++;
    }
  }

  private push(start: number, end: number): void {
    if (this.length === this.starts.length) {
      this.starts = grow(this.starts);
      this.ends = grow(this.ends);
    }
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  private unexpected(pos: number, what: string): PermanentError {
    const { bytes } = this;
    if (bytes.length === 0) return malformedJson('it is empty');
    if (pos >= bytes.length) return malformedJson('it is cut short');
    if (pos === 0 && bytes[0] === 0xef) return malformedJson('it begins with a byte order mark');
    return this.wrong(this.length, `${what} (at byte ${pos})`);
  }

  /** Names and indexes from the top to a token; to the place of the next one where it does not exist yet. */
  private path(token: number): string {
    let path = '';
    let at = 0;
    for (let parts = 0; at !== token && at < this.length; parts++) {
      if (parts === PATH_PARTS_MAX) return `${path}…`;
      const isObject = this.isObject(at);
      let inner = at + 1;
      let index = 0;
      const step = isObject ? 1 : 0;
      // The last value that begins at or before the token is, or holds, what we look for.
      while (inner < this.length) {
        const value = inner + step;
        if (value >= token || this.next(value) > token) break;
        inner = this.next(value);
        index++;
      }
      const value = inner + step;
      if (!isObject) path += `[${index}]`;
      else if (inner < this.length) path += `.${this.text(inner).slice(0, PATH_NAME_CHARS_MAX)}`;
      if (value >= token) break;
      at = value;
    }
    return path.replace(/^\./, '') || 'the request';
  }
}

const HEX4 = /^[0-9a-fA-F]{4}$/;

export function malformedJson(what: string): PermanentError {
  return new PermanentError('malformed', `request is not valid OTLP/JSON: ${what}`);
}

function grow(from: Uint32Array): Uint32Array {
  const grown = new Uint32Array(from.length * 2);
  grown.set(from);
  return grown;
}
