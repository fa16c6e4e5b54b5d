/**
 * Data points from wire bytes into the PointBatch's columns: the hot path. Each function reads one point from
 * `reader.pos` to `end`, hashes its attribute bytes on the way, and appends one row or counts one rejection.
 * Nothing is allocated per point.
 */
import { type ExponentialHistogramPoints, type OptionalDoubles, VALUE_DOUBLE, VALUE_INT, VALUE_NONE } from '../model/point-batch.js';
import {
  checkBucketRange,
  checkBuckets,
  checkQuantiles,
  checkScale,
  checkTime,
  FLAG_NO_RECORDED_VALUE,
} from './point-rules.js';
import { decodeExemplars } from './protobuf-exemplars.js';
import type { ProtobufPass } from './protobuf-pass.js';
import { malformed, type WireReader } from './wire-reader.js';

/** Hash one KeyValue, whose length is next, into the identity of the point at hand. */
function hashAttribute(pass: ProtobufPass, end: number): void {
  const { reader } = pass;
  const length = reader.readLength(end);
  pass.hash.addBytes(reader.view, reader.pos, length);
  reader.pos += length;
}

function readFlags(reader: WireReader, end: number): number {
  reader.readVarint64(end);
  return reader.lo;
}

/** Checks that every kind of point shares; false where the point was rejected. Sets `pass.seriesIndex`. */
function admitPoint(pass: ProtobufPass, attributeTag: number, from: number, end: number, lo: number, hi: number): boolean {
  const { context } = pass;
  if (pass.name.from === pass.name.to) pass.reject('metric_without_name');
  else if (pass.type !== 'gauge' && pass.type !== 'summary' && pass.temporality === 'unspecified') {
    pass.reject('temporality_unspecified');
  } else {
    const reason = checkTime(lo, hi, context.limits, context.nowUnixMs);
    if (reason === undefined) {
      pass.seriesIndex = pass.findSeries(attributeTag, from, end);
      return pass.seriesIndex >= 0;
    }
    pass.reject(reason);
  }
  return false;
}

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
    if (exemplars > 0) checkExemplars(pass, 0x2a, from, end);
    return pass.reject('value_missing');
  }
  if (!admitPoint(pass, 0x3a, from, end, timeLo, timeHi)) {
    if (exemplars > 0) checkExemplars(pass, 0x2a, from, end);
    return;
  }
  const { numbers } = pass.batch;
  const { seriesIndex } = pass;
  numbers.seriesId.push(pass.series.idLo[seriesIndex]!, pass.series.idHi[seriesIndex]!);
  numbers.time.push(timeLo, timeHi);
  if (startAt < 0) numbers.startTime.push(0, 0);
  else numbers.startTime.push(view.getUint32(startAt, true), view.getUint32(startAt + 4, true));
  numbers.kind.push(pass.kind);
  numbers.valueType.push(valueType);
  if (valueType === VALUE_INT) numbers.valueInt.push(view.getUint32(valueAt, true), view.getUint32(valueAt + 4, true));
  else numbers.valueInt.push(0, 0);
  if (valueType === VALUE_DOUBLE) {
    numbers.valueDouble.push(view.getUint32(valueAt, true), view.getUint32(valueAt + 4, true));
  } else numbers.valueDouble.push(0, 0);
  numbers.flags.push(flags);
  pass.accepted++;
  if (exemplars > 0) decodeExemplars(pass, 0x2a, from, end, timeLo, timeHi);
}

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
  }
  const { view } = reader;
  const timeLo = lowWord(view, timeAt);
  const timeHi = highWord(view, timeAt);
  const reason = checkBuckets(histograms.explicitBounds, boundsFrom, histograms.bucketCounts.length - countsFrom);
  if (reason !== undefined) pass.reject(reason);
  if (reason !== undefined || !admitPoint(pass, 0x4a, from, end, timeLo, timeHi)) {
    histograms.bucketCounts.length = countsFrom;
    histograms.explicitBounds.length = boundsFrom;
    if (exemplars > 0) checkExemplars(pass, 0x42, from, end);
    return;
  }
  const { seriesIndex } = pass;
  histograms.seriesId.push(pass.series.idLo[seriesIndex]!, pass.series.idHi[seriesIndex]!);
  histograms.time.push(timeLo, timeHi);
  histograms.startTime.push(lowWord(view, startAt), highWord(view, startAt));
  histograms.temporality.push(pass.temporalityCode);
  histograms.count.push(lowWord(view, countAt), highWord(view, countAt));
  pushOptional(histograms.sum, view, sumAt);
  pushOptional(histograms.min, view, minAt);
  pushOptional(histograms.max, view, maxAt);
  histograms.bucketCountsEnd.push(histograms.bucketCounts.length, 0);
  histograms.explicitBoundsEnd.push(histograms.explicitBounds.length, 0);
  histograms.flags.push(flags);
  pass.accepted++;
  if (exemplars > 0) decodeExemplars(pass, 0x42, from, end, timeLo, timeHi);
}

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
  if (reason !== undefined || !admitPoint(pass, 0x0a, from, end, timeLo, timeHi)) {
    rows.positiveCounts.length = positiveFrom;
    rows.negativeCounts.length = negativeFrom;
    if (exemplars > 0) checkExemplars(pass, 0x5a, from, end);
    return;
  }
  const { seriesIndex } = pass;
  rows.seriesId.push(pass.series.idLo[seriesIndex]!, pass.series.idHi[seriesIndex]!);
  rows.time.push(timeLo, timeHi);
  rows.startTime.push(lowWord(view, startAt), highWord(view, startAt));
  rows.temporality.push(pass.temporalityCode);
  rows.count.push(lowWord(view, countAt), highWord(view, countAt));
  pushOptional(rows.sum, view, sumAt);
  pushOptional(rows.min, view, minAt);
  pushOptional(rows.max, view, maxAt);
  rows.scale.push(scale);
  rows.zeroCount.push(lowWord(view, zeroCountAt), highWord(view, zeroCountAt));
  rows.zeroThreshold.push(lowWord(view, zeroThresholdAt), highWord(view, zeroThresholdAt));
  pushBucketEnds(rows, positiveOffset, negativeOffset);
  rows.flags.push(flags);
  pass.accepted++;
  if (exemplars > 0) decodeExemplars(pass, 0x5a, from, end, timeLo, timeHi);
}

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
  if (reason !== undefined || !admitPoint(pass, 0x3a, from, end, timeLo, timeHi)) {
    summaries.quantiles.length = quantilesFrom;
    summaries.quantileValues.length = quantilesFrom;
    return;
  }
  const { seriesIndex } = pass;
  summaries.seriesId.push(pass.series.idLo[seriesIndex]!, pass.series.idHi[seriesIndex]!);
  summaries.time.push(timeLo, timeHi);
  summaries.startTime.push(lowWord(view, startAt), highWord(view, startAt));
  summaries.count.push(lowWord(view, countAt), highWord(view, countAt));
  summaries.sum.push(lowWord(view, sumAt), highWord(view, sumAt));
  summaries.quantilesEnd.push(summaries.quantiles.length, 0);
  summaries.quantileValuesEnd.push(summaries.quantileValues.length, 0);
  summaries.flags.push(flags);
  pass.accepted++;
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

/** Buckets: offset = 1 (sint32), bucket_counts = 2 (uint64 varints, packed or not). Returns the offset. */
function decodeBuckets(
  reader: WireReader,
  outerEnd: number,
  counts: ExponentialHistogramPoints['positiveCounts'],
  knownOffset: number,
): number {
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

function pushBucketEnds(rows: ExponentialHistogramPoints, positiveOffset: number, negativeOffset: number): void {
  rows.positiveOffset.push(positiveOffset);
  rows.positiveCountsEnd.push(rows.positiveCounts.length, 0);
  rows.negativeOffset.push(negativeOffset);
  rows.negativeCountsEnd.push(rows.negativeCounts.length, 0);
}

/** A packed run of 64-bit elements, copied as it is. */
function pushPacked(reader: WireReader, end: number, into: ExponentialHistogramPoints['positiveCounts']): void {
  const length = reader.readLength(end);
  if (length % 8 !== 0) throw malformed('a packed 64-bit list is not a multiple of 8 bytes long', reader.pos);
  into.pushBytes(reader.bytes, reader.pos, length / 8);
  reader.pos += length;
}

function pushOptional(column: OptionalDoubles, view: DataView, at: number): void {
  column.isNull.push(at < 0 ? 1 : 0);
  column.value.push(lowWord(view, at), highWord(view, at));
}

function lowWord(view: DataView, at: number): number {
  return at < 0 ? 0 : view.getUint32(at, true);
}

function highWord(view: DataView, at: number): number {
  return at < 0 ? 0 : view.getUint32(at + 4, true);
}

function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** Exemplars of a rejected point are dropped with it, but must be well-formed all the same. */
function checkExemplars(pass: ProtobufPass, tag: number, from: number, end: number): void {
  pass.checkWellFormed(() => decodeExemplars(pass, tag, from, end, 0, 0));
}
