/** One ExponentialHistogramDataPoint from wire bytes into the columns of ExponentialHistogramPoints. */
import type { ExponentialHistogramPoints, Lanes } from '../model/point-batch.js';
import { checkBucketRange, checkScale, FLAG_NO_RECORDED_VALUE } from './point-rules.js';
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
  readFlags,
  zigzag,
} from './protobuf-point.js';
import type { WireReader } from './wire-reader.js';

/**
 * ExponentialHistogramDataPoint: attributes = 1, start = 2, time = 3, count = 4, sum = 5, scale = 6, zero_count = 7,
 * positive = 8, negative = 9, flags = 10, exemplars = 11, min = 12, max = 13, zero_threshold = 14.
 */
export function decodeExponentialHistogramPoint(pass: ProtobufPass, end: number): void {
  const { reader, hash } = pass;
  const rows = pass.batch.exponentialHistograms;
  const from = reader.pos;
  const positiveFrom = rows.positiveCounts.length;
  const negativeFrom = rows.negativeCounts.length;
  let startAt = -1;
  let timeAt = -1;
  let countAt = -1;
  let sumAt = -1;
  let zeroCountAt = -1;
  let zeroThresholdAt = -1;
  let minAt = -1;
  let maxAt = -1;
  let scale = 0;
  let positiveOffset = 0;
  let negativeOffset = 0;
  let flags = 0;
  let exemplars = 0;
  hash.set(pass.metricLo, pass.metricHi);
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    switch (tag) {
      case 0x0a:
        hashAttribute(pass, end);
        break;
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
      case 0x30:
        reader.readVarint64(end);
        scale = zigzag(reader.lo);
        break;
      case 0x39:
        zeroCountAt = reader.takeFixed64(end);
        break;
      case 0x42:
        positiveOffset = decodeBuckets(reader, end, rows.positiveCounts, positiveOffset);
        break;
      case 0x4a:
        negativeOffset = decodeBuckets(reader, end, rows.negativeCounts, negativeOffset);
        break;
      case 0x50:
        flags = readFlags(reader, end);
        break;
      case 0x5a:
        exemplars++;
        reader.skipLength(end);
        break;
      case 0x61:
        minAt = reader.takeFixed64(end);
        break;
      case 0x69:
        maxAt = reader.takeFixed64(end);
        break;
      case 0x71:
        zeroThresholdAt = reader.takeFixed64(end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  if (flags & FLAG_NO_RECORDED_VALUE) {
    rows.positiveCounts.length = positiveFrom;
    rows.negativeCounts.length = negativeFrom;
    scale = positiveOffset = negativeOffset = 0;
    countAt = sumAt = minAt = maxAt = zeroCountAt = zeroThresholdAt = -1;
  }
  const { view } = reader;
  const timeLo = lowWord(view, timeAt);
  const timeHi = highWord(view, timeAt);
  const reason =
    checkScale(scale) ??
    checkBucketRange(scale, positiveOffset, rows.positiveCounts.length - positiveFrom) ??
    checkBucketRange(scale, negativeOffset, rows.negativeCounts.length - negativeFrom);
  if (reason !== undefined) pass.reject(reason);
  if (reason !== undefined || !admitPoint(pass, 0x0a, from, end, timeLo, timeHi, startAt)) {
    rows.positiveCounts.length = positiveFrom;
    rows.negativeCounts.length = negativeFrom;
    pass.checkRejected(from, end);
    return;
  }
  const { seriesIndex, startAt: knownStartAt, bucketSum } = pass;
  rows.seriesId.push(pass.series.ids[seriesIndex * 2]!, pass.series.ids[seriesIndex * 2 + 1]!);
  rows.time.push(timeLo, timeHi);
  rows.startTime.push(lowWord(view, knownStartAt), highWord(view, knownStartAt));
  rows.temporality.push(pass.temporalityCode);
  bucketSum.set(lowWord(view, zeroCountAt), highWord(view, zeroCountAt));
  bucketSum.add(rows.positiveCounts, positiveFrom);
  bucketSum.add(rows.negativeCounts, negativeFrom);
  const hasBuckets =
    !bucketSum.isZero ||
    rows.positiveCounts.length > positiveFrom ||
    rows.negativeCounts.length > negativeFrom;
  const wrongCount = pushCount(pass, rows.count, countAt, hasBuckets);
  pushOptional(rows.sum, view, sumAt);
  pushOptional(rows.min, view, minAt);
  pushOptional(rows.max, view, maxAt);
  rows.scale.push(scale);
  rows.zeroCount.push(lowWord(view, zeroCountAt), highWord(view, zeroCountAt));
  rows.zeroThreshold.push(lowWord(view, zeroThresholdAt), highWord(view, zeroThresholdAt));
  pushBucketEnds(rows, positiveOffset, negativeOffset);
  rows.flags.push(flags);
  if (!pass.keepsPoint(from, end)) return;
  pass.accepted++;
  if (startAt !== knownStartAt) flagStart(pass);
  if (wrongCount !== undefined) pass.flag(wrongCount);
  if (exemplars > 0) decodeExemplars(pass, 0x5a, from, end, timeAt);
}

/** Buckets: offset = 1 (sint32), bucket_counts = 2 (uint64 varints, packed or not). Returns the offset. */
function decodeBuckets(reader: WireReader, outerEnd: number, counts: Lanes, knownOffset: number): number {
  const length = reader.readLength(outerEnd);
  const end = reader.pos + length;
  let offset = knownOffset;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x08) {
      reader.readVarint64(end);
      offset = zigzag(reader.lo);
    } else if (tag === 0x10) {
      reader.readVarint64(end);
      counts.push(reader.lo, reader.hi);
    } else if (tag === 0x12) {
      const packedLength = reader.readLength(end);
      const packedEnd = reader.pos + packedLength;
      while (reader.pos < packedEnd) {
        reader.readVarint64(packedEnd);
        counts.push(reader.lo, reader.hi);
      }
    } else reader.skip(tag, end);
  }
  return offset;
}

function pushBucketEnds(
  rows: ExponentialHistogramPoints,
  positiveOffset: number,
  negativeOffset: number,
): void {
  rows.positiveOffset.push(positiveOffset);
  rows.positiveCountsEnd.push(rows.positiveCounts.length, 0);
  rows.negativeOffset.push(negativeOffset);
  rows.negativeCountsEnd.push(rows.negativeCounts.length, 0);
}
