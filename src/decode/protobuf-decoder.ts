/**
 * ExportMetricsServiceRequest in protobuf → PointBatch, in one pass over the wire bytes: this file walks the
 * envelopes (resource, scope, metric), protobuf-*-point.ts the points. No object per data point: series are found by a
 * hash of their raw bytes, and only bytes never seen before are turned into strings.
 * Throws PermanentError('malformed'); the caller then rolls the batch back.
 */
import type { MetricType, Temporality } from '../model/series.js';
import type { DecodeContext, DecodeResult } from './decode-context.js';
import { checkMessage, dataShape } from './protobuf-check.js';
import { decodeExponentialHistogramPoint } from './protobuf-exponential-point.js';
import { decodeHistogramPoint } from './protobuf-histogram-point.js';
import { decodeNumberPoint } from './protobuf-number-point.js';
import { ProtobufPass } from './protobuf-pass.js';
import { decodeSummaryPoint } from './protobuf-summary-point.js';
import { Span, type Spans } from './span.js';

export function decodeProtobuf(bytes: Uint8Array, context: DecodeContext): DecodeResult {
  const pass = new ProtobufPass(bytes, context);
  const { reader } = pass;
  const end = bytes.length;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) {
      const length = reader.readLength(end);
      decodeResourceMetrics(pass, reader.pos, reader.pos + length);
      reader.pos = pass.resourceMetricsEnd;
    } else reader.skip(tag, end);
  }
  const { accepted, rejections, flags, folds } = pass;
  return { accepted, rejections: rejections.entries, flagged: flags.entries, folded: folds.folded };
}

/** resource = 1, scope_metrics = 2, schema_url = 3. Fields may come in any order: a first look finds them. */
function decodeResourceMetrics(pass: ProtobufPass, from: number, end: number): void {
  const { reader } = pass;
  const scopeMetrics: Spans = [];
  pass.resource.length = 0;
  pass.resourceSchemaUrl = Span.none;
  reader.pos = from;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) pass.resource.push(takeSpan(pass, end));
    else if (tag === 0x12) scopeMetrics.push(takeSpan(pass, end));
    else if (tag === 0x1a) pass.resourceSchemaUrl = takeSpan(pass, end);
    else reader.skip(tag, end);
  }
  pass.enterResource();
  for (const span of scopeMetrics) decodeScopeMetrics(pass, span.from, span.to);
  pass.resourceMetricsEnd = end;
}

/** scope = 1, metrics = 2, schema_url = 3. */
function decodeScopeMetrics(pass: ProtobufPass, from: number, end: number): void {
  const { reader } = pass;
  const metrics: Spans = [];
  pass.scope.length = 0;
  pass.scopeSchemaUrl = Span.none;
  reader.pos = from;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag === 0x0a) pass.scope.push(takeSpan(pass, end));
    else if (tag === 0x12) metrics.push(takeSpan(pass, end));
    else if (tag === 0x1a) pass.scopeSchemaUrl = takeSpan(pass, end);
    else reader.skip(tag, end);
  }
  pass.enterScope();
  for (const span of metrics) decodeMetric(pass, span.from, span.to);
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
function decodeMetric(pass: ProtobufPass, from: number, end: number): void {
  const { reader } = pass;
  let dataTag = 0;
  const data: Spans = [];
  pass.name = pass.description = pass.unit = Span.none;
  pass.metadata.length = 0;
  reader.pos = from;
  while (reader.pos < end) {
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
    } else reader.skip(tag, end);
  }
  pass.type = DATA_TYPES.get(dataTag) ?? 'gauge';
  readDataHeader(pass, data);
  pass.enterMetric();
  for (const span of data) decodePoints(pass, span.from, span.to);
  pass.leaveMetric();
}

/** A replaced case of the oneof must still be well-formed; nothing of it is kept. */
function checkReplaced(pass: ProtobufPass, dataTag: number, span: Span): void {
  const { pos } = pass.reader;
  checkMessage(pass.reader, dataShape(DATA_TYPES.get(dataTag)!), span.from, span.to);
  pass.reader.pos = pos;
}

const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative'];

/** aggregation_temporality = 2, is_monotonic = 3: needed before the points, which may stand before them. */
function readDataHeader(pass: ProtobufPass, data: Spans): void {
  const { reader } = pass;
  pass.temporality = 'unspecified';
  pass.isMonotonic = false;
  if (pass.type === 'gauge' || pass.type === 'summary') return;
  for (const { from, to } of data) {
    reader.pos = from;
    while (reader.pos < to) {
      const tag = reader.readTag(to);
      if (tag === 0x10) {
        reader.readVarint64(to);
        pass.temporality = TEMPORALITIES[reader.lo] ?? 'unspecified';
      } else if (tag === 0x18 && pass.type === 'sum') {
        reader.readVarint64(to);
        pass.isMonotonic = reader.lo !== 0 || reader.hi !== 0;
      } else reader.skip(tag, to);
    }
  }
}

/** data_points = 1 in every case of Metric.data. */
function decodePoints(pass: ProtobufPass, from: number, end: number): void {
  const { reader } = pass;
  reader.pos = from;
  while (reader.pos < end) {
    const tag = reader.readTag(end);
    if (tag !== 0x0a) {
      reader.skip(tag, end);
      continue;
    }
    const length = reader.readLength(end);
    const pointEnd = reader.pos + length;
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
    reader.pos = pointEnd;
  }
}

function takeSpan(pass: ProtobufPass, end: number): Span {
  const { reader } = pass;
  const length = reader.readLength(end);
  const span = new Span(reader.pos, reader.pos + length);
  reader.pos += length;
  return span;
}
