/**
 * OTLP/JSON on a tape into the protobuf bytes of the same request, by the table in json-messages.ts. Rules of the OTLP
 * JSON mapping: 64-bit integers as texts or numbers, enums by number or name, IDs in hex, null is absent, unknown
 * fields are passed over. Throws PermanentError('malformed') with the path of what is wrong.
 */
import type { Enumeration, Field, Message, ScalarType } from './json-messages.js';
import { IntegerReader, readDouble, skipNumber } from './json-number.js';
import type { JsonTape } from './json-tape.js';
import { WireWriter } from './wire-writer.js';

const TRUE = 0x74;
const FALSE = 0x66;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const NAMED_DOUBLES = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** The bytes of `message`, whose JSON is all of `tape`. */
export function transcodeJson(tape: JsonTape, message: Message): Buffer {
  const writer = new WireWriter(tape.bytes.length);
  new Transcoder(tape, writer).writeFields(0, message);
  return writer.finish();
}

class Transcoder {
  private readonly integer = new IntegerReader();
  /** Known fields of the objects from the top to the one at hand, and the tokens of their values: a stack. */
  private readonly fields: Field[] = [];
  private readonly values: number[] = [];
  private top = 0;

  constructor(
    private readonly tape: JsonTape,
    private readonly writer: WireWriter,
  ) {}

  /** The object's fields in the order they came in; of one that came twice the last. */
  writeFields(object: number, message: Message): void {
    const { tape, fields, values } = this;
    if (!tape.isObject(object)) throw tape.wrong(object, 'must be an object');
    const from = this.top;
    let to = from;
    let seen = 0;
    let isTwice = false;
    const end = tape.endOfContent(object);
    for (let key = object + 1; key < end; key = tape.next(key + 1)) {
      const field = tape.isEscaped(key)
        ? message.find(tape.text(key))
        : message.findBytes(tape.bytes, tape.from(key), tape.to(key));
      if (field === undefined) continue;
      const bit = 1 << field.index;
      if ((seen & bit) !== 0) isTwice = true;
      seen |= bit;
      fields[to] = field;
      values[to++] = key + 1;
    }
    this.top = to;
    for (let i = from; i < to; i++) {
      const field = fields[i]!;
      const value = values[i]!;
      if (tape.isNull(value) || (isTwice && this.comesAgain(field, i + 1, to))) continue;
      if (field.isRepeated) this.writeRepeated(value, field);
      else this.writeField(value, field);
    }
    this.top = from;
  }

  private comesAgain(field: Field, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (this.fields[i] === field) return true;
    return false;
  }

  /** A null inside a list is absent too: SDKs write NaN as null, and one value is no reason to lose a request. */
  private writeRepeated(array: number, field: Field): void {
    const { tape, writer } = this;
    if (!tape.isArray(array)) throw tape.wrong(array, 'must be an array');
    if (field.isPacked) writer.varint(field.tag);
    const from = field.isPacked ? writer.begin() : 0;
    const end = tape.endOfContent(array);
    for (let value = array + 1; value < end; value = tape.next(value)) {
      if (tape.isNull(value)) continue;
      if (field.isPacked) this.writeScalar(value, field.type as ScalarType);
      else this.writeField(value, field);
    }
    if (field.isPacked) writer.end(from);
  }

  private writeField(value: number, field: Field): void {
    const { writer } = this;
    writer.varint(field.tag);
    if (field.type === 'message') {
      const from = writer.begin();
      this.writeFields(value, field.message!);
      writer.end(from);
    } else if (field.type === 'enum') this.writeEnum(value, field.enumeration!);
    else this.writeScalar(value, field.type);
  }

  private writeScalar(value: number, type: ScalarType): void {
    const { writer, integer } = this;
    switch (type) {
      case 'string':
        this.writeText(value);
        break;
      case 'bytes':
        this.writeBytes(this.readBase64(value));
        break;
      case 'id':
        this.writeBytes(this.readId(value));
        break;
      case 'bool':
        writer.varint(this.readBool(value) ? 1 : 0);
        break;
      case 'double':
        writer.double(this.readDouble(value));
        break;
      case 'fixed64':
      case 'sfixed64':
        this.readInteger(value, type === 'sfixed64', 64);
        writer.fixed64(integer.lo, integer.hi);
        break;
      case 'int64':
      case 'uint64':
        this.readInteger(value, type === 'int64', 64);
        writer.varint64(integer.lo, integer.hi);
        break;
      case 'uint32':
        this.readInteger(value, false, 32);
        writer.varint(integer.lo);
        break;
      case 'sint32':
        this.readInteger(value, true, 32);
        writer.varint(((integer.lo << 1) ^ (integer.lo >> 31)) >>> 0);
        break;
    }
  }

  private writeText(value: number): void {
    const { tape, writer } = this;
    if (!tape.isText(value)) throw tape.wrong(value, 'must be a text');
    if (tape.isEscaped(value)) this.writeBytes(Buffer.from(tape.text(value)));
    else {
      const from = writer.begin();
      writer.copy(tape.bytes, tape.from(value), tape.to(value));
      writer.end(from);
    }
  }

  private writeBytes(bytes: Uint8Array): void {
    const from = this.writer.begin();
    this.writer.copy(bytes, 0, bytes.length);
    this.writer.end(from);
  }

  private readBool(value: number): boolean {
    const first = this.tape.firstByte(value);
    if (first !== TRUE && first !== FALSE) throw this.tape.wrong(value, 'must be true or false');
    return first === TRUE;
  }

  /** Leaves the integer in `this.integer`. */
  private readInteger(value: number, isSigned: boolean, bits: 32 | 64): void {
    const { tape } = this;
    const from = tape.from(value);
    const to = tape.to(value);
    const fault = this.isNumber(value)
      ? this.integer.read(tape.bytes, from, to, isSigned, bits)
      : ('not whole' as const);
    if (fault === 'not whole') throw tape.wrong(value, 'must be a whole number, bare or in quotes');
    if (fault !== undefined) {
      throw tape.wrong(value, `must fit ${bits} bits ${isSigned ? 'with' : 'without'} a sign`);
    }
  }

  private readDouble(value: number): number {
    const { tape } = this;
    if (this.isNumber(value)) {
      const number = readDouble(tape.bytes, tape.from(value), tape.to(value));
      if (Number.isFinite(number)) return number;
      throw tape.wrong(value, 'must be in the range of a double');
    }
    const named = tape.isText(value) ? NAMED_DOUBLES.get(tape.text(value)) : undefined;
    if (named !== undefined) return named;
    throw tape.wrong(value, 'must be a number, bare or in quotes, or "NaN", "Infinity" or "-Infinity"');
  }

  /** A number by JSON's grammar, bare or as all of a text (in which escapes are no digits). */
  private isNumber(value: number): boolean {
    const { tape } = this;
    if (!tape.isText(value)) return tape.isNumber(value);
    const from = tape.from(value);
    const end = skipNumber(tape.bytes, from);
    return end > from && end === tape.to(value);
  }

  /** Numbers and names that this version does not know become or stay such: the rules decide about the points. */
  private writeEnum(value: number, { numbers }: Enumeration): void {
    const { tape, writer, integer } = this;
    if (this.isNumber(value)) {
      this.readInteger(value, true, 32);
      writer.varint64(integer.lo, integer.hi);
    } else if (tape.isText(value)) writer.varint(numbers.get(tape.text(value)) ?? 0);
    else throw tape.wrong(value, `must be a number or one of ${[...numbers.keys()].join(', ')}`);
  }

  private readBase64(value: number): Buffer {
    const { tape } = this;
    const text = tape.isText(value) ? tape.text(value) : undefined;
    if (text === undefined || !BASE64.test(text) || text.replace(/=/g, '').length % 4 === 1) {
      throw tape.wrong(value, 'must be a text in base64');
    }
    return Buffer.from(text, 'base64');
  }

  /** What is no hex is no ID, like bytes of the wrong number: an exemplar is no reason to lose its point. */
  private readId(value: number): Buffer {
    const { tape } = this;
    if (!tape.isText(value)) throw tape.wrong(value, 'must be a text in hex');
    const text = tape.text(value);
    return Buffer.from(HEX.test(text) ? text : '', 'hex');
  }
}
