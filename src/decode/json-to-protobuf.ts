/**
 * OTLP/JSON values into the protobuf bytes of the same request, by the table in json-messages.ts. Rules of the OTLP
 * JSON mapping: 64-bit integers as strings or numbers, enums by number or name, IDs in hex, null is absent, unknown
 * fields are passed over. Throws PermanentError('malformed') with the path of what is wrong.
 */
import { Enumeration, type Field, Message, type ScalarType } from './json-messages.js';
import { malformedJson } from './json-text.js';
import { WireWriter } from './wire-writer.js';

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

/** `sizeHint`: bytes that the result will probably have; only saves copying. */
export function transcodeJson(value: unknown, message: Message, sizeHint: number): Buffer {
  const writer = new WireWriter(sizeHint);
  new Transcoder(writer).writeFields(value, message);
  return writer.finish();
}

class Transcoder {
  /** Names and indexes from the top to the value at hand. */
  private readonly path: (string | number)[] = [];

  constructor(private readonly writer: WireWriter) {}

  writeFields(value: unknown, message: Message): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrong('must be an object');
    }
    const object = value as Record<string, unknown>;
    for (const name in object) {
      const inner = object[name];
      const field = message.fields.get(name);
      if (field === undefined || inner === null) continue;
      this.path.push(name);
      if (field.isRepeated) this.writeRepeated(inner, field);
      else this.writeField(inner, field);
      this.path.pop();
    }
  }

  /** A null inside a list is absent too: SDKs write NaN as null, and one value is no reason to lose a request. */
  private writeRepeated(value: unknown, field: Field): void {
    if (!Array.isArray(value)) throw this.wrong('must be an array');
    const isPacked = typeof field.type === 'string';
    const from = isPacked ? this.beginDelimited(field.number) : 0;
    for (let i = 0; i < value.length; i++) {
      if (value[i] === null) continue;
      this.path.push(i);
      if (isPacked) this.writeScalar(value[i], field.type as ScalarType);
      else this.writeField(value[i], field);
      this.path.pop();
    }
    if (isPacked) this.writer.end(from);
  }

  private writeField(value: unknown, { number, type }: Field): void {
    const { writer } = this;
    if (type instanceof Message) {
      const from = this.beginDelimited(number);
      this.writeFields(value, type);
      writer.end(from);
    } else if (type instanceof Enumeration) {
      writer.tag(number, VARINT);
      writer.varint(this.readEnum(value, type));
    } else {
      writer.tag(number, WIRE_TYPES[type]);
      this.writeScalar(value, type);
    }
  }

  private writeScalar(value: unknown, type: ScalarType): void {
    const { writer } = this;
    switch (type) {
      case 'string':
        writer.text(this.readString(value));
        break;
      case 'bytes':
        writer.raw(this.readBase64(value));
        break;
      case 'id':
        writer.raw(this.readId(value));
        break;
      case 'bool':
        if (typeof value !== 'boolean') throw this.wrong('must be true or false');
        writer.varint(value ? 1 : 0);
        break;
      case 'double':
        writer.double(this.readDouble(value));
        break;
      case 'fixed64':
        writer.fixed64(this.readInteger(value, 0n, UINT64_MAX));
        break;
      case 'sfixed64':
        writer.fixed64(this.readInteger(value, INT64_MIN, INT64_MAX));
        break;
      case 'int64':
        writer.varint64(this.readInteger(value, INT64_MIN, INT64_MAX));
        break;
      case 'uint64':
        writer.varint64(this.readInteger(value, 0n, UINT64_MAX));
        break;
      case 'uint32':
        writer.varint(Number(this.readInteger(value, 0n, UINT32_MAX)));
        break;
      case 'sint32': {
        const number = Number(this.readInteger(value, INT32_MIN, INT32_MAX));
        writer.varint(((number << 1) ^ (number >> 31)) >>> 0);
        break;
      }
    }
  }

  private beginDelimited(number: number): number {
    this.writer.tag(number, DELIMITED);
    return this.writer.begin();
  }

  private readString(value: unknown): string {
    if (typeof value !== 'string') throw this.wrong('must be a string');
    return value;
  }

  private readInteger(value: unknown, min: bigint, max: bigint): bigint {
    let integer: bigint;
    if (typeof value === 'string' && INTEGER.test(value)) integer = BigInt(value);
    else if (typeof value === 'number' && Number.isInteger(value)) integer = BigInt(value);
    else throw this.wrong('must be a whole number, as a number or a string');
    if (integer < min || integer > max) throw this.wrong(`must be from ${min} to ${max}`);
    return integer;
  }

  private readDouble(value: unknown): number {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value === 'string') {
      const named = NAMED_DOUBLES.get(value);
      if (named !== undefined) return named;
      const number = DECIMAL.test(value) ? Number(value) : Number.NaN;
      if (Number.isFinite(number)) return number;
    }
    throw this.wrong('must be a number, a string of one, "NaN", "Infinity" or "-Infinity"');
  }

  private readEnum(value: unknown, { numbers }: Enumeration): number {
    const named = typeof value === 'string' ? numbers.get(value) : undefined;
    if (named !== undefined) return named;
    // A number that this version does not know is kept: the rules decide what becomes of its points.
    const number = typeof value === 'number' || typeof value === 'string' ? value : undefined;
    if (number === undefined || (typeof number === 'string' && !INTEGER.test(number))) {
      throw this.wrong(`must be a number or one of ${[...numbers.keys()].join(', ')}`);
    }
    return Number(this.readInteger(number, 0n, UINT32_MAX));
  }

  private readBase64(value: unknown): Buffer {
    const text = this.readString(value);
    if (!BASE64.test(text)) throw this.wrong('must be base64');
    return Buffer.from(text, 'base64');
  }

  /** What is no hex is no ID, like bytes of the wrong number: an exemplar is no reason to lose its point. */
  private readId(value: unknown): Buffer {
    const text = this.readString(value);
    return Buffer.from(HEX.test(text) ? text : '', 'hex');
  }

  private wrong(what: string): Error {
    const path = this.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
    return malformedJson(`${path.replace(/^\./, '') || 'the request'}: ${what}`);
  }
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** At most 20 digits: longer ones fit nothing, and would only cost time. */
const INTEGER = /^-?\d{1,20}$/;
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const NAMED_DOUBLES = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

const WIRE_TYPES: Record<ScalarType, number> = {
  string: DELIMITED,
  bytes: DELIMITED,
  id: DELIMITED,
  bool: VARINT,
  double: FIXED64,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  int64: VARINT,
  uint64: VARINT,
  uint32: VARINT,
  sint32: VARINT,
};
