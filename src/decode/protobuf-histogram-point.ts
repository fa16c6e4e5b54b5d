/** One HistogramDataPoint from wire bytes into the columns of HistogramPoints. */
import { dropInfiniteBounds } from './bucket-counts.js';
import { checkBuckets, FLAG_NO_RECORDED_VALUE } from './point-rules.js';
import { decodeExemplars } from './protobuf-exemplars.js';
import type { ProtobufPass } from './protobuf-pass.js';
import {
  admitPoint,
  flagStart,
  hashAttribute,
  highWord,
  lowWord,
  pushCount,
  pushOptional,
  pushPacked,
  readFlags,
} from './protobuf-point.js';

/**
 * HistogramDataPoint: start = 2, time = 3, count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7, exemplars = 8,
 * attributes = 9, flags = 10, min = 11, max = 12.
 */
export function decodeHistogramPoint(pass: ProtobufPass, end: number): void {
  const { reader, hash } = pass;
  const { histograms } = pass.batch;
  const from = reader.pos;
  const countsFrom = histograms.bucketCounts.length;
  const boundsFrom = histograms.explicitBounds.length;
  let startAt = -1;
  let timeAt = -1;
  let countAt = -1;
  let sumAt = -1;
  let minAt = -1;
  let maxAt = -1;
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
        countAt = reader.takeFixed64(end);
        break;
      case 0x29:
        sumAt = reader.takeFixed64(end);
        break;
      case 0x31:
        histograms.bucketCounts.pushBytes(reader.bytes, reader.takeFixed64(end), 1);
        break;
      case 0x32:
        pushPacked(reader, end, histograms.bucketCounts);
        break;
      case 0x39:
        histograms.explicitBounds.pushBytes(reader.bytes, reader.takeFixed64(end), 1);
        break;
      case 0x3a:
        pushPacked(reader, end, histograms.explicitBounds);
        break;
      case 0x42:
        exemplars++;
        reader.skipLength(end);
        break;
      case 0x4a:
        hashAttribute(pass, end);
        break;
      case 0x50:
        flags = readFlags(reader, end);
        break;
      case 0x59:
        minAt = reader.takeFixed64(end);
        break;
      case 0x61:
        maxAt = reader.takeFixed64(end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  const noValue = (flags & FLAG_NO_RECORDED_VALUE) !== 0;
  if (noValue) {
    histograms.bucketCounts.length = countsFrom;
    histograms.explicitBounds.length = boundsFrom;
    countAt = sumAt = minAt = maxAt = -1;
  } else dropInfiniteBounds(histograms.explicitBounds, boundsFrom, histograms.bucketCounts, countsFrom);
  const { view } = reader;
  const timeLo = lowWord(view, timeAt);
  const timeHi = highWord(view, timeAt);
  const reason = checkBuckets(
    histograms.explicitBounds,
    boundsFrom,
    histograms.bucketCounts.length - countsFrom,
  );
  if (reason !== undefined) pass.reject(reason);
  if (reason !== undefined || !admitPoint(pass, 0x4a, from, end, timeLo, timeHi, startAt)) {
    histograms.bucketCounts.length = countsFrom;
    histograms.explicitBounds.length = boundsFrom;
    pass.checkRejected(from, end);
    return;
  }
  const { seriesIndex, startAt: knownStartAt, bucketSum } = pass;
  histograms.seriesId.push(pass.series.ids[seriesIndex * 2]!, pass.series.ids[seriesIndex * 2 + 1]!);
  histograms.time.push(timeLo, timeHi);
  histograms.startTime.push(lowWord(view, knownStartAt), highWord(view, knownStartAt));
  histograms.temporality.push(pass.temporalityCode);
  bucketSum.set(0, 0);
  bucketSum.add(histograms.bucketCounts, countsFrom);
  const hasBuckets = histograms.bucketCounts.length > countsFrom;
  const wrongCount = pushCount(pass, histograms.count, countAt, hasBuckets);
  pushOptional(histograms.sum, view, sumAt);
  pushOptional(histograms.min, view, minAt);
  pushOptional(histograms.max, view, maxAt);
  histograms.bucketCountsEnd.push(histograms.bucketCounts.length, 0);
  histograms.explicitBoundsEnd.push(histograms.explicitBounds.length, 0);
  histograms.flags.push(flags);
  if (!pass.keepsPoint(from, end)) return;
  pass.accepted++;
  if (startAt !== knownStartAt) flagStart(pass);
  if (wrongCount !== undefined) pass.flag(wrongCount);
  if (exemplars > 0) decodeExemplars(pass, 0x42, from, end, timeAt);
}
