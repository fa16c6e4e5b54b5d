/**
 * State of one pass over a protobuf request: where the current resource, scope and metric stand in the bytes, the hash
 * of those bytes, and what was accepted so far. Turns bytes into a Series only when their hash was never seen.
 */

import type { FlagReason, RejectionReason } from '../model/export-outcome.js';
import {
  KIND_CUMULATIVE_COUNTER,
  KIND_GAUGE,
  KIND_MACHINE_COUNTER,
  type PointBatch,
} from '../model/point-batch.js';
import type { MetricType, Temporality } from '../model/series.js';
import { canonicalAttributes, type KeyValue } from './any-value.js';
import { BucketSum } from './bucket-counts.js';
import type { DecodeContext } from './decode-context.js';
import { FoldLog } from './fold-log.js';
import { PointCounts } from './point-counts.js';
import { FLAG_DETAILS, PointLog, REJECTION_DETAILS } from './point-rules.js';
import { collectKeyValues, isTooDeep, readKeyValue, readText } from './protobuf-attributes.js';
import { checkMessage, KEY_VALUE, POINT_SHAPES, RESOURCE, SCOPE, type Shape } from './protobuf-check.js';
import { readDroppedAttributes, readEntityRefs } from './protobuf-envelope.js';
import { RawHash } from './raw-hash.js';
import { SentPoints } from './sent-points.js';
import type { Budget } from './series-budget.js';
import { type MetricParts, makeSeries, type ResourceParts, type ScopeParts } from './series-parts.js';
import { serviceOf } from './series-row.js';
import type { SeriesTable } from './series-table.js';
import { collectSpans, countBytes, Span, type Spans } from './span.js';
import { METRIC_TYPE_CODES, numberKind, TEMPORALITY_CODES } from './stream-kind.js';
import { WireReader } from './wire-reader.js';
import { ENVELOPE_WORK, FIELD_WORK, NEW_SERIES_WORK, type Work } from './work.js';

/** What is noted of an envelope by its hash: bits. */
const NOTE_TOO_DEEP = 1;
const NOTE_MACHINE_COUNTER = 2;
/** The request of a pass in slices, which asks the table of series nothing about itself. */
const NONE = -1;

export class ProtobufPass {
  readonly reader: WireReader;
  readonly batch: PointBatch;
  readonly series: SeriesTable;
  readonly context: DecodeContext;
  readonly rejections = new PointLog<RejectionReason>(REJECTION_DETAILS);
  readonly flags = new PointLog<FlagReason>(FLAG_DETAILS);
  readonly folds = new FoldLog();
  accepted = 0;

  /** Occurrences of the resource and scope messages; more than one merges. */
  readonly resource: Spans = [];
  readonly scope: Spans = [];
  resourceSchemaUrl = Span.none;
  scopeSchemaUrl = Span.none;

  name = Span.none;
  description = Span.none;
  unit = Span.none;
  readonly metadata: Spans = [];
  type: MetricType = 'gauge';
  temporality: Temporality = 'unspecified';
  isMonotonic = false;
  /** KIND_* of the metric's number points. */
  kind = KIND_GAUGE;
  /** TEMPORALITY_* of the metric's histogram points (0 where unspecified: those are rejected). */
  temporalityCode = 0;

  /** Hash of a point's attributes while it is read; starts from `metricLo`, `metricHi`. */
  readonly hash = new RawHash();
  metricLo = 0;
  metricHi = 0;
  private resourceLo = 0;
  private resourceHi = 0;
  private scopeLo = 0;
  private scopeHi = 0;
  /** Attributes of resource, scope or metric nested too deep: every point below is rejected. */
  private resourceTooDeep = false;
  private scopeTooDeep = false;
  private metricTooDeep = false;
  /** Resource and scope as read for the first new series below them. */
  private resourceParts: ResourceParts | undefined;
  private scopeParts: ScopeParts | undefined;
  private metricParts: MetricParts | undefined;
  /** Points of the metric at hand: rejected, flagged, and folded by the budget that was full. */
  private readonly rejected = new PointCounts<RejectionReason>();
  private readonly flagged = new PointCounts<FlagReason>();
  private readonly folded = new PointCounts<Budget>();
  /** Index of the series of the point at hand. */
  seriesIndex = 0;
  /** Where the start time of the point at hand stands; -1 where it is unknown. */
  startAt = -1;
  /** Buckets of the point at hand. */
  readonly bucketSum = new BucketSum();
  private readonly sent: SentPoints;
  /** Number of the request. */
  private readonly request: number;

  constructor(
    bytes: Uint8Array,
    context: DecodeContext,
    readonly work: Work,
  ) {
    this.reader = new WireReader(bytes);
    this.batch = context.batch;
    this.series = context.series;
    this.context = context;
    this.sent = new SentPoints(context.batch, context.series.seed, context.sliced?.messages);
    this.request = context.sliced === undefined ? context.series.beginRequest() : NONE;
  }

  enterResource(): void {
    this.hash.set(this.series.seed, ~this.series.seed);
    this.addSpans(1, this.resource);
    this.addSpans(2, [this.resourceSchemaUrl]);
    this.resourceLo = this.hash.lo;
    this.resourceHi = this.hash.hi;
    this.resourceParts = undefined;
    const note = this.admitEnvelope(() => {
      this.check(this.resource, RESOURCE);
      if (this.isTooLarge(this.resource)) return 0;
      return this.readResourceAttributes().some(isTooDeep) ? NOTE_TOO_DEEP : 0;
    });
    this.resourceTooDeep = note === NOTE_TOO_DEEP;
  }

  enterScope(): void {
    this.hash.set(this.resourceLo, this.resourceHi);
    this.addSpans(3, this.scope);
    this.addSpans(4, [this.scopeSchemaUrl]);
    this.scopeLo = this.hash.lo;
    this.scopeHi = this.hash.hi;
    this.scopeParts = undefined;
    const note = this.admitEnvelope(() => {
      this.check(this.scope, SCOPE);
      if (this.isTooLarge(this.scope)) return 0;
      return this.readScopeAttributes().some(isTooDeep) ? NOTE_TOO_DEEP : 0;
    });
    this.scopeTooDeep = note === NOTE_TOO_DEEP;
  }

  enterMetric(): void {
    this.hash.set(this.scopeLo, this.scopeHi);
    this.addSpans(5, [this.name, this.description, this.unit]);
    this.addSpans(6, this.metadata);
    this.kind = numberKind(this.type, this.temporality, this.isMonotonic);
    this.temporalityCode = TEMPORALITY_CODES[this.temporality];
    this.hash.addNumber(
      METRIC_TYPE_CODES[this.type] * 8 + this.temporalityCode * 2 + (this.isMonotonic ? 1 : 0),
    );
    this.metricLo = this.hash.lo;
    this.metricHi = this.hash.hi;
    this.metricParts = undefined;
    const note = this.admitEnvelope(() => {
      this.check(this.metadata, KEY_VALUE);
      const isDeep = !this.isTooLarge(this.metadata) && this.readMetadata().some(isTooDeep);
      return (isDeep ? NOTE_TOO_DEEP : 0) | (this.isMachineCounter() ? NOTE_MACHINE_COUNTER : 0);
    });
    this.metricTooDeep = (note & NOTE_TOO_DEEP) !== 0;
    if (note & NOTE_MACHINE_COUNTER) this.kind = KIND_MACHINE_COUNTER;
  }

  get isEnvelopeTooDeep(): boolean {
    return this.resourceTooDeep || this.scopeTooDeep || this.metricTooDeep;
  }

  reject(reason: RejectionReason): void {
    this.rejected.add(reason);
  }

  /** Notes that the point at hand, which is accepted, has something wrong in it. */
  flag(reason: FlagReason): void {
    this.flagged.add(reason);
  }

  /**
   * After all columns of a point were written: false where it contradicts an earlier one of the request. It is then rejected,
   * and its columns are as before.
   */
  keepsPoint(from: number, end: number): boolean {
    const { sent, series, type } = this;
    // Other requests come between two slices: what the table of series notes of this one is lost then.
    const isRepeated = this.request === NONE || series.isSentAgain(this.seriesIndex, this.request);
    // Nearly always: a function this small becomes part of its callers.
    if (!isRepeated && !sent.hasTables) return true;
    return sent.keepLast(type, isRepeated) || this.rejectConflict(from, end);
  }

  private rejectConflict(from: number, end: number): false {
    this.reject('conflicting_point');
    this.checkRejected(from, end);
    return false;
  }

  /** A rejected point is dropped with all it holds, but must be well-formed all the same. */
  checkRejected(from: number, end: number): void {
    if (this.context.sliced === undefined) checkMessage(this.reader, POINT_SHAPES[this.type], from, end);
  }

  /**
   * Index of the series that `hash` and the attributes between `from` and `to` mean, or -1 where they are too large or
   * nested too deep (the point is then rejected).
   */
  findSeries(attributeTag: number, from: number, to: number): number {
    const { hash } = this;
    hash.finish();
    const { lo, hi } = hash;
    const known = this.series.find(lo, hi);
    if (known >= 0) return known;
    let index = this.series.findFolded(lo, hi);
    if (index < 0) index = this.internSeries(attributeTag, from, to, lo, hi);
    if (this.series.isFolded(index) && this.series.foldedBy !== undefined) {
      this.folded.add(this.series.foldedBy);
    }
    return index;
  }

  /** After the last point of a metric: what was rejected, flagged or folded is put down under its name. */
  leaveMetric(): void {
    this.rejected.take((reason, count) => this.rejections.add(reason, this.text(this.name), count));
    this.flagged.take((reason, count) => this.flags.add(reason, this.text(this.name), count));
    this.folded.take((budget, count) => this.folds.add(budget, this.nameOfBudget(budget), count));
  }

  private nameOfBudget(budget: Budget): string {
    if (budget === 'total') return '';
    return budget === 'metric' ? this.text(this.name) : serviceOf(this.getResource());
  }

  /** A series whose raw bytes are new; they hash to `lo`, `hi`. */
  private internSeries(attributeTag: number, from: number, to: number, lo: number, hi: number): number {
    const { limits, nowUnixMs } = this.context;
    const attributes = collectSpans(this.reader, from, to, attributeTag);
    if (countBytes(attributes) + this.countHeaderBytes() > limits.attributesBytesMax) {
      this.reject('attributes_too_large');
      return -1;
    }
    const list: KeyValue[] = [];
    for (const span of attributes) {
      this.reader.pos = span.from;
      list.push(readKeyValue(this.reader, span.to, limits.attributeDepthMax));
    }
    if (list.some(isTooDeep)) {
      this.reject('attribute_depth_exceeded');
      return -1;
    }
    this.scopeParts ??= this.readScope();
    this.metricParts ??= this.readMetricHeader();
    const series = makeSeries(
      this.getResource(),
      this.scopeParts,
      this.metricParts,
      canonicalAttributes(list),
    );
    this.work.spent += NEW_SERIES_WORK;
    const batch = this.context.sliced?.seriesBatch ?? this.batch;
    return this.series.intern(series, batch, BigInt(nowUnixMs) * 1_000_000n, lo, hi);
  }

  private countHeaderBytes(): number {
    const { resource, scope, metadata, name, unit, description } = this;
    return (
      countBytes(resource) + countBytes(scope) + countBytes(metadata) + countBytes([name, unit, description])
    );
  }

  private getResource(): ResourceParts {
    this.resourceParts ??= this.readResource();
    return this.resourceParts;
  }

  private readMetricHeader(): MetricParts {
    return {
      metricName: this.text(this.name),
      description: this.text(this.description),
      unit: this.text(this.unit),
      type: this.type,
      temporality: this.temporality,
      isMonotonic: this.isMonotonic,
      metadata: canonicalAttributes(this.readMetadata()),
    };
  }

  private readResource(): ResourceParts {
    return {
      resource: canonicalAttributes(this.readResourceAttributes()),
      resourceSchemaUrl: this.text(this.resourceSchemaUrl),
      resourceDroppedAttributes: readDroppedAttributes(this.reader, this.resource, 0x10),
      resourceEntityRefs: readEntityRefs(this.reader, this.resource),
    };
  }

  /** Resource.attributes = 1. */
  private readResourceAttributes(): KeyValue[] {
    const list: KeyValue[] = [];
    for (const { from, to } of this.resource) {
      collectKeyValues(this.reader, from, to, 0x0a, this.context.limits.attributeDepthMax, list);
    }
    return list;
  }

  /** InstrumentationScope: name = 1, version = 2. */
  private readScope(): ScopeParts {
    const { reader } = this;
    let scopeName = '';
    let scopeVersion = '';
    for (const { from, to } of this.scope) {
      reader.pos = from;
      while (reader.pos < to) {
        const tag = reader.readTag(to);
        if (tag !== 0x0a && tag !== 0x12) {
          reader.skip(tag, to);
          continue;
        }
        const length = reader.readLength(to);
        const text = readText(reader, reader.pos, length);
        reader.pos += length;
        if (tag === 0x0a) scopeName = text;
        else scopeVersion = text;
      }
    }
    return {
      scopeName,
      scopeVersion,
      scopeAttributes: canonicalAttributes(this.readScopeAttributes()),
      scopeSchemaUrl: this.text(this.scopeSchemaUrl),
      scopeDroppedAttributes: readDroppedAttributes(this.reader, this.scope, 0x20),
    };
  }

  /** InstrumentationScope.attributes = 3. */
  private readScopeAttributes(): KeyValue[] {
    const list: KeyValue[] = [];
    for (const { from, to } of this.scope) {
      collectKeyValues(this.reader, from, to, 0x1a, this.context.limits.attributeDepthMax, list);
    }
    return list;
  }

  private readMetadata(): KeyValue[] {
    return this.metadata.map(({ from, to }) => {
      this.reader.pos = from;
      return readKeyValue(this.reader, to, this.context.limits.attributeDepthMax);
    });
  }

  private isMachineCounter(): boolean {
    return this.kind === KIND_CUMULATIVE_COUNTER && this.series.isMachineCounter(this.text(this.name));
  }

  /**
   * NOTE_* of an envelope whose hash is complete. Its bytes are read once when first seen, so that a malformed one is found
   * even without points: `read` throws where they are malformed.
   */
  private admitEnvelope(read: () => number): number {
    const { hash, series } = this;
    hash.finish();
    const { lo, hi } = hash;
    const known = series.findEnvelope(lo, hi);
    if (known >= 0) return known;
    this.work.spent += ENVELOPE_WORK;
    const note = read();
    series.rememberEnvelope(lo, hi, note);
    return note;
  }

  /** The number of spans goes in first, so that no other fields can give the same sequence. */
  private addSpans(field: number, spans: Spans): void {
    this.hash.addNumber(field);
    this.hash.addNumber(spans.length);
    for (const { from, to } of spans) {
      this.hash.addBytes(this.reader.view, from, to - from);
      this.work.spent += FIELD_WORK + ((to - from) >>> 2);
    }
  }

  /** Throws where a message is malformed. A pass in slices has seen to that before it began. */
  private check(spans: Spans, shape: Shape): void {
    if (this.context.sliced !== undefined) return;
    for (const { from, to } of spans) checkMessage(this.reader, shape, from, to);
  }

  /** Points below are rejected for their size, so that how deep attributes are nested does not matter. */
  private isTooLarge(spans: Spans): boolean {
    return countBytes(spans) > this.context.limits.attributesBytesMax;
  }

  private text(span: Span): string {
    return readText(this.reader, span.from, span.to - span.from);
  }
}
