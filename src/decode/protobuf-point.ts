/**
 * What the decoders of all kinds of points share: admission, the hash of attributes, small readers. Part of the hot
 * path: nothing here allocates per point.
 */
import type { FlagReason } from '../model/export-outcome.js';
import type { Lanes, OptionalDoubles } from '../model/point-batch.js';
import { checkTime, isStartPossible } from './point-rules.js';
import type { ProtobufPass } from './protobuf-pass.js';
import { malformed, type WireReader } from './wire-reader.js';

/** Hash one KeyValue, whose length is next, into the identity of the point at hand. */
export function hashAttribute(pass: ProtobufPass, end: number): void {
  const { reader } = pass;
  const length = reader.readLength(end);
  pass.hash.addBytes(reader.view, reader.pos, length);
  reader.pos += length;
}

export function readFlags(reader: WireReader, end: number): number {
  reader.readVarint64(end);
  return reader.lo;
}

/**
 * Checks that every kind of point shares; false where the point was rejected. `lo` and `hi` are the words of its time,
 * its start time stands at `startAt` (-1 where unset). Sets `pass.seriesIndex` and `pass.startAt`.
 */
export function admitPoint(
  pass: ProtobufPass,
  attributeTag: number,
  from: number,
  end: number,
  lo: number,
  hi: number,
  startAt: number,
): boolean {
  const { context, reader } = pass;
  if (pass.name.from === pass.name.to) pass.reject('metric_without_name');
  else if (pass.type !== 'gauge' && pass.type !== 'summary' && pass.temporality === 'unspecified') {
    pass.reject('temporality_unspecified');
  } else {
    const reason =
      checkTime(lo, hi, context.limits, context.nowUnixMs) ??
      (pass.isEnvelopeTooDeep ? 'attribute_depth_exceeded' : undefined);
    if (reason === undefined) {
      pass.startAt = isStartKnown(reader.view, startAt, lo, hi) ? startAt : -1;
      pass.seriesIndex = pass.findSeries(attributeTag, from, end);
      return pass.seriesIndex >= 0;
    }
    pass.reject(reason);
  }
  return false;
}

function isStartKnown(view: DataView, startAt: number, lo: number, hi: number): boolean {
  if (startAt < 0) return false;
  return isStartPossible(view.getUint32(startAt, true), view.getUint32(startAt + 4, true), lo, hi);
}

/**
 * Flags an accepted point whose start time is impossible and stored as unknown. That of a gauge means nothing, so nothing is wrong
 * with it.
 */
export function flagStart(pass: ProtobufPass): void {
  if (pass.type !== 'gauge') pass.flag('start_after_time');
}

/**
 * Pushes the count that stands at `countAt` (-1 where unset), or the sum of the buckets (`pass.bucketSum`) where that is larger.
 * Returns what is to be flagged once the point is accepted. Without any buckets there is nothing to compare.
 */
export function pushCount(
  pass: ProtobufPass,
  column: Lanes,
  countAt: number,
  hasBuckets: boolean,
): FlagReason | undefined {
  const { bucketSum, reader } = pass;
  const lo = lowWord(reader.view, countAt);
  const hi = highWord(reader.view, countAt);
  const order = hasBuckets ? bucketSum.compare(lo, hi) : 0;
  if (order > 0) column.push(bucketSum.lo, bucketSum.hi);
  else column.push(lo, hi);
  if (order === 0) return undefined;
  return order > 0 ? 'count_below_buckets' : 'count_above_buckets';
}

/** A packed run of 64-bit elements, copied as it is. */
export function pushPacked(reader: WireReader, end: number, into: Lanes): void {
  const length = reader.readLength(end);
  if (length % 8 !== 0) throw malformed('a packed 64-bit list is not a multiple of 8 bytes long', reader.pos);
  into.pushBytes(reader.bytes, reader.pos, length / 8);
  reader.pos += length;
}

export function pushOptional(column: OptionalDoubles, view: DataView, at: number): void {
  column.isNull.push(at < 0 ? 1 : 0);
  column.value.push(lowWord(view, at), highWord(view, at));
}

export function lowWord(view: DataView, at: number): number {
  return at < 0 ? 0 : view.getUint32(at, true);
}

export function highWord(view: DataView, at: number): number {
  return at < 0 ? 0 : view.getUint32(at + 4, true);
}

export function zigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
