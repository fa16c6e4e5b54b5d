/**
 * KeyValue and AnyValue messages from wire bytes into small trees. Runs once per series, resource, scope or exemplar,
 * never per point. Follows protobuf's merging rules: the last oneof case wins, repeated messages merge.
 */
import type { AnyValue, KeyValue } from './any-value.js';
import { ANY_VALUE, checkMessage } from './protobuf-check.js';
import type { WireReader } from './wire-reader.js';

/**
 * Bytes that are not UTF-8 become U+FFFD. Protobuf would have the whole request refused, but SDKs do send such texts
 * (JavaScript's, where a limit cut an emoji in two), and one text must not cost a process all of its metrics.
 */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Of any Uint8Array, Buffer or not. */
const latin1Slice = (Buffer.prototype as unknown as { latin1Slice(from: number, to: number): string })
  .latin1Slice as (this: Uint8Array, from: number, to: number) => string;

/** Stands for a value nested deeper than allowed: its bytes were checked and left out. */
const TOO_DEEP: AnyValue = { type: 'empty' };

export function readText(reader: WireReader, pos: number, length: number): string {
  const { bytes } = reader;
  const end = pos + length;
  let at = pos;
  while (at < end && bytes[at]! < 0x80) at++;
  // ASCII, nearly all there is, needs no decoder and no view of its own: a third of the cost.
  return at === end ? latin1Slice.call(bytes, pos, end) : utf8.decode(bytes.subarray(pos, end));
}

/** Was anything in this attribute left out because it is nested too deep? */
export function isTooDeep({ value }: KeyValue): boolean {
  return holdsTooDeep(value);
}

function holdsTooDeep(value: AnyValue): boolean {
  if (value.type === 'array') return value.value.some(holdsTooDeep);
  if (value.type === 'kvlist') return value.value.some(isTooDeep);
  return value === TOO_DEEP;
}

/** The KeyValue message from `reader.pos` to `end`; `depthMax` is how many levels of lists its value may have. */
export function readKeyValue(reader: WireReader, end: number, depthMax: number): KeyValue {
  let key = '';
  let value: AnyValue = { type: 'empty' };
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) {
      const length = reader.readLength(end);
      key = readText(reader, reader.pos, length);
      reader.pos += length;
    } else if (tag === 0x12) {
      const length = reader.readLength(end);
      value = readAnyValue(reader, reader.pos + length, depthMax, value);
    } else reader.skip(tag, end);
  }
  return { key, value };
}

/** An AnyValue message, merged into `known` as protobuf merges a message field that occurs twice. */
function readAnyValue(reader: WireReader, end: number, depthMax: number, known: AnyValue): AnyValue {
  if (depthMax < 0) {
    checkMessage(reader, ANY_VALUE, reader.pos, end);
    return TOO_DEEP;
  }
  let value = known;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    switch (tag) {
      case 0x0a: {
        const length = reader.readLength(end);
        value = { type: 'string', value: readText(reader, reader.pos, length) };
        reader.pos += length;
        break;
      }
      case 0x10:
        reader.readVarint64(end);
        value = { type: 'bool', value: reader.lo !== 0 || reader.hi !== 0 };
        break;
      case 0x18:
        reader.readVarint64(end);
        value = { type: 'int', value: BigInt.asIntN(64, (BigInt(reader.hi) << 32n) | BigInt(reader.lo)) };
        break;
      case 0x21:
        value = { type: 'double', value: reader.view.getFloat64(reader.takeFixed64(end), true) };
        break;
      case 0x2a: {
        const length = reader.readLength(end);
        const items = value.type === 'array' ? value.value : [];
        readArray(reader, reader.pos + length, depthMax, items);
        value = { type: 'array', value: items };
        break;
      }
      case 0x32: {
        const length = reader.readLength(end);
        const items = value.type === 'kvlist' ? value.value : [];
        readKeyValueList(reader, reader.pos + length, depthMax, items);
        value = { type: 'kvlist', value: items };
        break;
      }
      case 0x3a: {
        const length = reader.readLength(end);
        value = { type: 'bytes', value: reader.bytes.subarray(reader.pos, reader.pos + length) };
        reader.pos += length;
        break;
      }
      case 0x40:
        // string_value_strindex points into a table that only profiles have: elsewhere it counts as no value.
        reader.readVarint64(end);
        value = { type: 'empty' };
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return value;
}

function readArray(reader: WireReader, end: number, depthMax: number, items: AnyValue[]): void {
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) {
      const length = reader.readLength(end);
      items.push(readAnyValue(reader, reader.pos + length, depthMax - 1, { type: 'empty' }));
    } else reader.skip(tag, end);
  }
}

function readKeyValueList(reader: WireReader, end: number, depthMax: number, items: KeyValue[]): void {
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) {
      const length = reader.readLength(end);
      items.push(readKeyValue(reader, reader.pos + length, depthMax - 1));
    } else reader.skip(tag, end);
  }
}

/** Every KeyValue in field `attributeTag` of the message between `from` and `to`, appended to `list`. */
export function collectKeyValues(
  reader: WireReader,
  from: number,
  to: number,
  attributeTag: number,
  depthMax: number,
  list: KeyValue[],
): KeyValue[] {
  reader.pos = from;
  while (reader.pos < to) {
    const tag = reader.readTag(to);
    if (tag === attributeTag) {
      const length = reader.readLength(to);
      list.push(readKeyValue(reader, reader.pos + length, depthMax));
    } else reader.skip(tag, to);
  }
  return list;
}
