/**
 * Exemplars of one point, in a second look at its bytes (they may stand before the attributes that say which series
 * they belong to). Enters: the point's span; leaves: rows in batch.exemplars.
 */
import { VALUE_DOUBLE, VALUE_INT, VALUE_NONE } from '../model/point-batch.js';
import type { KeyValue } from './any-value.js';
import { appendExemplarAttributes } from './exemplar-attributes.js';
import { isTooDeep, readKeyValue } from './protobuf-attributes.js';
import type { ProtobufPass } from './protobuf-pass.js';
import { highWord, lowWord } from './protobuf-point.js';
import { EXEMPLAR_WORK } from './work.js';

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** IDs that are absent. */
const NO_TRACE = new Uint8Array(TRACE_ID_BYTES);
const NO_SPAN = new Uint8Array(SPAN_ID_BYTES);
const NO_ATTRIBUTES: KeyValue[] = [];

/**
 * Reads every field `exemplarTag` between `from` and `end`; `pass.seriesIndex` is the series of the point, its time stands
 * at `timeAt`.
 */
export function decodeExemplars(
  pass: ProtobufPass,
  exemplarTag: number,
  from: number,
  end: number,
  timeAt: number,
): void {
  const { reader } = pass;
  reader.pos = from;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === exemplarTag) {
      const length = reader.readLength(end);
      decodeExemplar(pass, reader.pos + length);
      pass.work.spent += EXEMPLAR_WORK;
      const { exemplars } = pass.batch;
      exemplars.pointTime.push(lowWord(reader.view, timeAt), highWord(reader.view, timeAt));
    } else reader.skip(tag, end);
  }
}

/** Exemplar: time = 2, as_double = 3, span_id = 4, trace_id = 5, as_int = 6, filtered_attributes = 7. */
function decodeExemplar(pass: ProtobufPass, end: number): void {
  const { reader } = pass;
  const { view } = reader;
  let timeAt = -1;
  let valueAt = -1;
  let valueType = VALUE_NONE;
  let traceId = NO_TRACE;
  let spanId = NO_SPAN;
  let attributes: KeyValue[] | undefined;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    switch (tag) {
      case 0x11:
        timeAt = reader.takeFixed64(end);
        break;
      case 0x19:
        valueAt = reader.takeFixed64(end);
        valueType = VALUE_DOUBLE;
        break;
      case 0x31:
        valueAt = reader.takeFixed64(end);
        valueType = VALUE_INT;
        break;
      case 0x22:
        spanId = takeId(pass, end, NO_SPAN);
        break;
      case 0x2a:
        traceId = takeId(pass, end, NO_TRACE);
        break;
      case 0x3a:
        attributes ??= [];
        readAttribute(pass, end, attributes);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  const { exemplars } = pass.batch;
  const lo = lowWord(view, valueAt);
  const hi = highWord(view, valueAt);
  exemplars.seriesId.push(pass.series.ids[pass.seriesIndex * 2]!, pass.series.ids[pass.seriesIndex * 2 + 1]!);
  exemplars.time.push(lowWord(view, timeAt), highWord(view, timeAt));
  exemplars.valueType.push(valueType);
  exemplars.valueInt.push(valueType === VALUE_INT ? lo : 0, valueType === VALUE_INT ? hi : 0);
  exemplars.valueDouble.push(valueType === VALUE_DOUBLE ? lo : 0, valueType === VALUE_DOUBLE ? hi : 0);
  exemplars.traceId.pushBytes(traceId);
  exemplars.spanId.pushBytes(spanId);
  appendExemplarAttributes(exemplars, attributes ?? NO_ATTRIBUTES);
}

/** An ID of the right length; any other length is no ID. */
function takeId(pass: ProtobufPass, end: number, absent: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { reader } = pass;
  const length = reader.readLength(end);
  const at = reader.pos;
  reader.pos += length;
  return length === absent.length ? reader.bytes.slice(at, at + length) : absent;
}

/** An attribute nested too deep is left out: an exemplar is no reason to lose its point. */
function readAttribute(pass: ProtobufPass, end: number, into: KeyValue[]): void {
  const { reader } = pass;
  const length = reader.readLength(end);
  const attribute = readKeyValue(reader, reader.pos + length, pass.context.limits.attributeDepthMax);
  if (!isTooDeep(attribute)) into.push(attribute);
}
