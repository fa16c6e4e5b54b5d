/**
 * ExportMetricsServiceRequest in protobuf → PointBatch, in one pass over the wire bytes: this file walks the
 * envelopes (resource, scope, metric), protobuf-*-point.ts the points. No object per data point: series are found by a
 * hash of their raw bytes, and only bytes never seen before are turned into strings. The walk can pause between any two
 * points or fields of an envelope, so that a large request need not hold the event loop.
 * Throws PermanentError('malformed'); the caller then rolls the batch back.
 */
import type { MetricType, Temporality } from '../model/series.js';
import type { DecodeContext, DecodeResult } from './decode-context.js';
import { POINT_BYTES_MAX, POINT_FIELD_MAX, POINT_FIELDS_MAX, POINT_WIRE_BYTES_MAX } from './point-rules.js';
import { checkMessage, dataShape } from './protobuf-check.js';
import { decodeExponentialHistogramPoint } from './protobuf-exponential-point.js';
import { decodeHistogramPoint } from './protobuf-histogram-point.js';
import { decodeNumberPoint } from './protobuf-number-point.js';
import { ProtobufPass } from './protobuf-pass.js';
import { decodeSummaryPoint } from './protobuf-summary-point.js';
import { Span, type Spans } from './span.js';
import { FIELD_WORK, POINT_WORK, Work } from './work.js';

/** What runs until its next pause with each `next()`. */
export type Slices<Result = void> = Generator<void, Result, void>;

/** The whole request at once, however long it takes. */
export function decodeProtobuf(bytes: Uint8Array, context: DecodeContext): DecodeResult {
  return decodeProtobufWithin(Number.POSITIVE_INFINITY, bytes, context)!;
}

/** As `decodeProtobuf`, unless it takes more than `workMax`: undefined then, and the caller rolls the batch back. */
export function decodeProtobufWithin(
  workMax: number,
  bytes: Uint8Array,
  context: DecodeContext,
): DecodeResult | undefined {
  return decodeProtobufInSlices(bytes, context, new Work(workMax)).next().value ?? undefined;
}

/** As `decodeProtobuf`, with a pause whenever a slice of `work` is done. */
export function* decodeProtobufInSlices(
  bytes: Uint8Array,
  context: DecodeContext,
  work: Work,
): Slices<DecodeResult> {
  const pass = new ProtobufPass(bytes, context, work);
  const { reader } = pass;
  const end = bytes.length;
  while (reader.pos < end) {
    if (work.isSliceDone()) yield;
    const tag = reader.readTag(end);
    if (tag === 0x0a) {
      const span = takeSpan(pass, end);
      yield* decodeResourceMetrics(pass, span.from, span.to);
      reader.pos = span.to;
    } else skipField(pass, tag, end);
  }
  const { accepted, rejections, flags, folds } = pass;
  return { accepted, rejections: rejections.entries, flagged: flags.entries, folded: folds.folded };
}

/** resource = 1, scope_metrics = 2, schema_url = 3. Fields may come in any order: a first look finds them. */
function* decodeResourceMetrics(pass: ProtobufPass, from: number, end: number): Slices {
  const { reader, work } = pass;
  /** Where each begins and ends: there can be millions, too many for objects. */
  const scopeMetrics: number[] = [];
  pass.resource.length = 0;
  pass.resourceSchemaUrl = Span.none;
  reader.pos = from;
  while (reader.pos < end) {
    if (work.isSliceDone()) yield;
    const tag = reader.readTag(end);
    if (tag === 0x0a) pass.resource.push(takeSpan(pass, end));
    else if (tag === 0x12) takePositions(pass, end, scopeMetrics);
    else if (tag === 0x1a) pass.resourceSchemaUrl = takeSpan(pass, end);
    else skipField(pass, tag, end);
  }
  pass.enterResource();
  for (let i = 0; i < scopeMetrics.length; i += 2) {
    yield* decodeScopeMetrics(pass, scopeMetrics[i]!, scopeMetrics[i + 1]!);
  }
}

/** scope = 1, metrics = 2, schema_url = 3. */
function* decodeScopeMetrics(pass: ProtobufPass, from: number, end: number): Slices {
  const { reader, work } = pass;
  /** As in a resource. */
  const metrics: number[] = [];
  pass.scope.length = 0;
  pass.scopeSchemaUrl = Span.none;
  reader.pos = from;
  while (reader.pos < end) {
    if (work.isSliceDone()) yield;
    const tag = reader.readTag(end);
    if (tag === 0x0a) pass.scope.push(takeSpan(pass, end));
    else if (tag === 0x12) takePositions(pass, end, metrics);
    else if (tag === 0x1a) pass.scopeSchemaUrl = takeSpan(pass, end);
    else skipField(pass, tag, end);
  }
  pass.enterScope();
  for (let i = 0; i < metrics.length; i += 2) yield* decodeMetric(pass, metrics[i]!, metrics[i + 1]!);
}

/** Tag of each case of Metric.data. */
const DATA_TYPES = new Map<number, MetricType>([
  [0x2a, 'gauge'],
  [0x3a, 'sum'],
  [0x4a, 'histogram'],
  [0x52, 'exponential_histogram'],
  [0x5a, 'summary'],
]);

/** name = 1, description = 2, unit = 3, metadata = 12, data = 5 | 7 | 9 | 10 | 11 (the last case on the wire wins). */
function* decodeMetric(pass: ProtobufPass, from: number, end: number): Slices {
  const { reader, work } = pass;
  let dataTag = 0;
  const data: Spans = [];
  pass.name = pass.description = pass.unit = Span.none;
  pass.metadata.length = 0;
  reader.pos = from;
  while (reader.pos < end) {
    if (work.isSliceDone()) yield;
    const tag = reader.readTag(end);
    if (tag === 0x0a) pass.name = takeSpan(pass, end);
    else if (tag === 0x12) pass.description = takeSpan(pass, end);
    else if (tag === 0x1a) pass.unit = takeSpan(pass, end);
    else if (tag === 0x62) pass.metadata.push(takeSpan(pass, end));
    else if (DATA_TYPES.has(tag)) {
      // Another case of the oneof replaces what came before it; the same case again merges with it.
      if (tag !== dataTag) {
        for (const replaced of data) checkReplaced(pass, dataTag, replaced);
        data.length = 0;
      }
      dataTag = tag;
      data.push(takeSpan(pass, end));
    } else skipField(pass, tag, end);
  }
  pass.type = DATA_TYPES.get(dataTag) ?? 'gauge';
  yield* readDataHeader(pass, data);
  pass.enterMetric();
  for (const span of data) {
    reader.pos = span.from;
    while (reader.pos < span.to) {
      if (work.isSliceDone()) yield;
      const tag = reader.readTag(span.to);
      // data_points = 1 in every case of Metric.data.
      if (tag === 0x0a) decodePoint(pass, span.to);
      else skipField(pass, tag, span.to);
    }
  }
  pass.leaveMetric();
}

/** A replaced case of the oneof must still be well-formed; nothing of it is kept. */
function checkReplaced(pass: ProtobufPass, dataTag: number, span: Span): void {
  if (pass.context.sliced !== undefined) return;
  const { pos } = pass.reader;
  checkMessage(pass.reader, dataShape(DATA_TYPES.get(dataTag)!), span.from, span.to);
  pass.reader.pos = pos;
}

/** The wire type whose fields are passed over one by one. */
const GROUP = 3;
const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative'];

/** aggregation_temporality = 2, is_monotonic = 3: needed before the points, which may stand before them. */
function* readDataHeader(pass: ProtobufPass, data: Spans): Slices {
  const { reader, work } = pass;
  pass.temporality = 'unspecified';
  pass.isMonotonic = false;
  if (pass.type === 'gauge' || pass.type === 'summary') return;
  for (const { from, to } of data) {
    reader.pos = from;
    while (reader.pos < to) {
      if (work.isSliceDone()) yield;
      const tag = reader.readTag(to);
      if (tag === 0x10) {
        reader.readVarint64(to);
        pass.temporality = TEMPORALITIES[reader.lo] ?? 'unspecified';
      } else if (tag === 0x18 && pass.type === 'sum') {
        reader.readVarint64(to);
        pass.isMonotonic = reader.lo !== 0 || reader.hi !== 0;
      } else skipField(pass, tag, to);
    }
  }
}

/** The point whose length is next. */
function decodePoint(pass: ProtobufPass, end: number): void {
  const { reader, work } = pass;
  const length = reader.readLength(end);
  const from = reader.pos;
  const pointEnd = from + length;
  work.spent += POINT_WORK + (length >>> 3);
  if (length > POINT_BYTES_MAX && isTooLarge(pass, from, pointEnd)) {
    pass.reject('point_too_large');
    pass.checkRejected(from, pointEnd);
  } else {
    switch (pass.type) {
      case 'gauge':
      case 'sum':
        decodeNumberPoint(pass, pointEnd);
        break;
      case 'histogram':
        decodeHistogramPoint(pass, pointEnd);
        break;
      case 'exponential_histogram':
        decodeExponentialHistogramPoint(pass, pointEnd);
        break;
      case 'summary':
        decodeSummaryPoint(pass, pointEnd);
        break;
    }
  }
  reader.pos = pointEnd;
}

/** Whether the fields of a point that mean something are too large, or all of it is. */
function isTooLarge({ reader }: ProtobufPass, from: number, end: number): boolean {
  if (end - from > POINT_WIRE_BYTES_MAX) return true;
  let known = 0;
  let fields = 0;
  for (reader.pos = from; reader.pos < end; ) {
    if (++fields > POINT_FIELDS_MAX) return true;
    const fieldAt = reader.pos;
    const tag = reader.readTag(end);
    reader.skip(tag, end);
    if (tag >>> 3 <= POINT_FIELD_MAX) known += reader.pos - fieldAt;
  }
  reader.pos = from;
  return known > POINT_BYTES_MAX;
}

function takePositions({ reader, work }: ProtobufPass, end: number, into: number[]): void {
  work.spent += FIELD_WORK;
  const length = reader.readLength(end);
  into.push(reader.pos, reader.pos + length);
  reader.pos += length;
}

function takeSpan(pass: ProtobufPass, end: number): Span {
  const { reader } = pass;
  pass.work.spent += FIELD_WORK;
  const length = reader.readLength(end);
  const span = new Span(reader.pos, reader.pos + length);
  reader.pos += length;
  return span;
}

function skipField({ reader, work }: ProtobufPass, tag: number, end: number): void {
  const from = reader.pos;
  reader.skip(tag, end);
  work.spent += FIELD_WORK + ((tag & 7) === GROUP ? (reader.pos - from) >>> 1 : 0);
}
