/**
 * KeyValue and AnyValue messages from wire bytes into small trees. Runs once per series, resource, scope or exemplar,
 * never per point. Follows protobuf's merging rules: the last oneof case wins, repeated messages merge.
 */
import type { AnyValue, KeyValue } from './any-value.js';
import { malformed, type WireReader } from './wire-reader.js';

const utf8 = new TextDecoder();

/** Thrown inside this stage only; becomes the rejection `attribute_depth_exceeded`. */
export class DepthExceeded extends Error {}

export function readText(reader: WireReader, pos: number, length: number): string {
  return utf8.decode(reader.bytes.subarray(pos, pos + length));
}

/** The KeyValue message from `reader.pos` to `end`. */
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
  if (depthMax < 0) throw new DepthExceeded();
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
        value = { type: 'bytes', value: reader.bytes.slice(reader.pos, reader.pos + length) };
        reader.pos += length;
        break;
      }
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

/** Every KeyValue in field `tag` of the message between `from` and `to`, appended to `list`. */
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
      const end = reader.pos + length;
      list.push(readKeyValue(reader, end, depthMax));
      if (reader.pos !== end) throw malformed('an attribute is longer than it says', end);
    } else reader.skip(tag, to);
  }
  return list;
}
