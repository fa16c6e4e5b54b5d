/** One SummaryDataPoint from wire bytes into the columns of SummaryPoints. */
import { checkQuantiles, FLAG_NO_RECORDED_VALUE } from './point-rules.js';
import type { ProtobufPass } from './protobuf-pass.js';
import { admitPoint, flagStart, hashAttribute, highWord, lowWord, readFlags } from './protobuf-point.js';

/** SummaryDataPoint: start = 2, time = 3, count = 4, sum = 5, quantile_values = 6, attributes = 7, flags = 8. */
export function decodeSummaryPoint(pass: ProtobufPass, end: number): void {
  const { reader, hash } = pass;
  const { summaries } = pass.batch;
  const from = reader.pos;
  const quantilesFrom = summaries.quantiles.length;
  let startAt = -1;
  let timeAt = -1;
  let countAt = -1;
  let sumAt = -1;
  let flags = 0;
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
        countAt = reader.takeFixed64(end);
        break;
      case 0x29:
        sumAt = reader.takeFixed64(end);
        break;
      case 0x32:
        decodeQuantile(pass, end);
        break;
      case 0x3a:
        hashAttribute(pass, end);
        break;
      case 0x40:
        flags = readFlags(reader, end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  if (flags & FLAG_NO_RECORDED_VALUE) {
    summaries.quantiles.length = quantilesFrom;
    summaries.quantileValues.length = quantilesFrom;
    countAt = sumAt = -1;
  }
  const { view } = reader;
  const timeLo = lowWord(view, timeAt);
  const timeHi = highWord(view, timeAt);
  const reason = checkQuantiles(summaries.quantiles, quantilesFrom);
  if (reason !== undefined) pass.reject(reason);
  if (reason !== undefined || !admitPoint(pass, 0x3a, from, end, timeLo, timeHi, startAt)) {
    summaries.quantiles.length = quantilesFrom;
    summaries.quantileValues.length = quantilesFrom;
    pass.checkRejected(from, end);
    return;
  }
  const { seriesIndex, startAt: knownStartAt } = pass;
  summaries.seriesId.push(pass.series.ids[seriesIndex * 2]!, pass.series.ids[seriesIndex * 2 + 1]!);
  summaries.time.push(timeLo, timeHi);
  summaries.startTime.push(lowWord(view, knownStartAt), highWord(view, knownStartAt));
  summaries.count.push(lowWord(view, countAt), highWord(view, countAt));
  summaries.sum.push(lowWord(view, sumAt), highWord(view, sumAt));
  summaries.quantilesEnd.push(summaries.quantiles.length, 0);
  summaries.quantileValuesEnd.push(summaries.quantileValues.length, 0);
  summaries.flags.push(flags);
  if (!pass.keepsPoint(from, end)) return;
  pass.accepted++;
  if (startAt !== knownStartAt) flagStart(pass);
}

/** ValueAtQuantile: quantile = 1, value = 2; proto3 leaves out zeros. */
function decodeQuantile(pass: ProtobufPass, outerEnd: number): void {
  const { reader } = pass;
  const { summaries } = pass.batch;
  const length = reader.readLength(outerEnd);
  const end = reader.pos + length;
  let quantileAt = -1;
  let valueAt = -1;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x09) quantileAt = reader.takeFixed64(end);
    else if (tag === 0x11) valueAt = reader.takeFixed64(end);
    else reader.skip(tag, end);
  }
  summaries.quantiles.push(lowWord(reader.view, quantileAt), highWord(reader.view, quantileAt));
  summaries.quantileValues.push(lowWord(reader.view, valueAt), highWord(reader.view, valueAt));
}
