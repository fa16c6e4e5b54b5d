/** One NumberDataPoint from wire bytes into the columns of NumberPoints. Hot path: nothing is allocated per point. */
import { VALUE_DOUBLE, VALUE_INT, VALUE_NONE } from '../model/point-batch.js';
import { FLAG_NO_RECORDED_VALUE } from './point-rules.js';
import { decodeExemplars } from './protobuf-exemplars.js';
import type { ProtobufPass } from './protobuf-pass.js';
import { admitPoint, flagStart, hashAttribute, readFlags } from './protobuf-point.js';

/** NumberDataPoint: start = 2, time = 3, as_double = 4, exemplars = 5, as_int = 6, attributes = 7, flags = 8. */
export function decodeNumberPoint(pass: ProtobufPass, end: number): void {
  const { reader, hash } = pass;
  const { view } = reader;
  const from = reader.pos;
  let startAt = -1;
  let timeAt = -1;
  let valueAt = -1;
  let valueType = VALUE_NONE;
  let flags = 0;
  let exemplars = 0;
  hash.set(pass.metricLo, pass.metricHi);
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    switch (tag) {
      case 0x11:
        startAt = reader.takeFixed64(end);
        break;
      case 0x19:
        timeAt = reader.takeFixed64(end);
        break;
      case 0x21:
        valueAt = reader.takeFixed64(end);
        valueType = VALUE_DOUBLE;
        break;
      case 0x31:
        valueAt = reader.takeFixed64(end);
        valueType = VALUE_INT;
        break;
      case 0x3a:
        hashAttribute(pass, end);
        break;
      case 0x40:
        flags = readFlags(reader, end);
        break;
      case 0x2a:
        exemplars++;
        reader.skipLength(end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  const timeLo = timeAt < 0 ? 0 : view.getUint32(timeAt, true);
  const timeHi = timeAt < 0 ? 0 : view.getUint32(timeAt + 4, true);
  if (flags & FLAG_NO_RECORDED_VALUE) valueType = VALUE_NONE;
  else if (valueType === VALUE_NONE) {
    pass.reject('value_missing');
    pass.checkRejected(from, end);
    return;
  }
  if (!admitPoint(pass, 0x3a, from, end, timeLo, timeHi, startAt)) {
    pass.checkRejected(from, end);
    return;
  }
  const { numbers } = pass.batch;
  const { seriesIndex, startAt: knownStartAt } = pass;
  numbers.seriesId.push(pass.series.ids[seriesIndex * 2]!, pass.series.ids[seriesIndex * 2 + 1]!);
  numbers.time.push(timeLo, timeHi);
  if (knownStartAt < 0) numbers.startTime.push(0, 0);
  else numbers.startTime.push(view.getUint32(knownStartAt, true), view.getUint32(knownStartAt + 4, true));
  numbers.kind.push(pass.kind);
  numbers.valueType.push(valueType);
  if (valueType === VALUE_INT)
    numbers.valueInt.push(view.getUint32(valueAt, true), view.getUint32(valueAt + 4, true));
  else numbers.valueInt.push(0, 0);
  if (valueType === VALUE_DOUBLE) {
    numbers.valueDouble.push(view.getUint32(valueAt, true), view.getUint32(valueAt + 4, true));
  } else numbers.valueDouble.push(0, 0);
  numbers.flags.push(flags);
  if (!pass.keepsPoint(from, end)) return;
  pass.accepted++;
  if (startAt !== knownStartAt) flagStart(pass);
  if (exemplars > 0) decodeExemplars(pass, 0x2a, from, end, timeAt);
}
