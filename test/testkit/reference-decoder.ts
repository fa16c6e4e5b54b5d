/**
 * The slow decoder that is right: protobufjs reads requests by the definitions in proto/ (reflection at run time), and
 * the rules of the data model stand here as plain code. Shares nothing with src/decode: where both agree on rows, series
 * and rejections, both understood the specification the same way.
 */
import protobuf from 'protobufjs';
import type { FlagReason, RejectionReason } from '../../src/model/export-outcome.js';
import { type BatchRows, type DoubleBits, type ExemplarRow, toDoubleBits } from './batch-rows.js';
import { bigint, type Envelope, type Message, ReferenceSeries } from './reference-series.js';

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`../../proto/${target}`, import.meta.url).pathname;
await root.load('opentelemetry/proto/collector/metrics/v1/metrics_service.proto');

export const EXPORT_REQUEST_TYPE = root.lookupType(
  'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest',
);

export interface ReferenceLimits {
  attributeDepthMax: number;
  pointFutureMaxMs: number;
  pointAgeMaxMs: number;
}

export interface ReferenceResult {
  rows: BatchRows<string>;
  accepted: number;
  rejections: { reason: RejectionReason; metricName: string; count: number }[];
  /** Only where there are some. */
  flagged?: { reason: FlagReason; metricName: string; count: number }[];
}

/** protobufjs' reader, with the places settled where it is laxer or stricter than what Plumbline promises. */
class PromisedReader extends protobuf.Reader {
  /**
   * Stricter in protobufjs, as in the specification of proto3: a text that is not UTF-8 makes the request malformed.
   * Plumbline puts U+FFFD in its place, because the JavaScript SDK sends such texts (a limit cuts an emoji in two) and
   * one attribute must not cost a process all of its metrics.
   */
  override stringVerify(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes());
  }

  /** Laxer in protobufjs: bits beyond 64 are dropped, and varints in unknown fields may be of any length. */
  private checkVarint(): void {
    const bytes = this.buf.subarray(this.pos, Math.min(this.len, this.pos + 10));
    const last = bytes.findIndex((byte) => byte < 0x80);
    if (last === -1) throw new RangeError('a varint does not end');
    if (last === 9 && bytes[9]! > 1) throw new RangeError('a varint has more than 64 bits');
  }
  override uint32(): number {
    this.checkVarint();
    return super.uint32();
  }
  override bool(): boolean {
    this.checkVarint();
    return super.bool();
  }
  override int64() {
    this.checkVarint();
    return super.int64();
  }
  override uint64() {
    this.checkVarint();
    return super.uint64();
  }
  override skip(length?: number): protobuf.Reader {
    if (length === undefined) this.checkVarint();
    return super.skip(length);
  }
}

/** The request as a message, or undefined where the bytes are no such message. */
export function readRequest(bytes: Uint8Array): Message | undefined {
  try {
    return EXPORT_REQUEST_TYPE.decode(new PromisedReader(bytes));
  } catch {
    return undefined;
  }
}

/** Rows, series and rejections of a request; undefined where it is malformed. `series` stands for the series table. */
export function decodeReference(
  bytes: Uint8Array,
  limits: ReferenceLimits,
  nowUnixMs: number,
  series = new ReferenceSeries(),
): ReferenceResult | undefined {
  const request = readRequest(bytes);
  if (request === undefined) return undefined;
  const decoder = new Decoder(limits, nowUnixMs, series);
  for (const resourceMetrics of request.resourceMetrics) {
    for (const scopeMetrics of resourceMetrics.scopeMetrics) {
      for (const metric of scopeMetrics.metrics) {
        decoder.decodeMetric({ resourceMetrics, scopeMetrics, metric });
      }
    }
  }
  return decoder.result;
}

const NO_RECORDED_VALUE = 1;
const TEMPORALITIES = ['unspecified', 'delta', 'cumulative'] as const;

class Decoder {
  readonly result: ReferenceResult = {
    rows: {
      numbers: [],
      histograms: [],
      exponentialHistograms: [],
      summaries: [],
      exemplars: [],
      series: [],
    },
    accepted: 0,
    rejections: [],
  };
  /** The row of each series, start time and time, as text. */
  private readonly rowTexts = new Map<string, string>();

  constructor(
    private readonly limits: ReferenceLimits,
    private readonly nowUnixMs: number,
    private readonly series: ReferenceSeries,
  ) {}

  decodeMetric(envelope: Envelope): void {
    const { metric } = envelope;
    const data = metric.data === undefined ? undefined : metric[metric.data];
    for (const sent of data?.dataPoints ?? []) {
      const point = metric.data === 'histogram' ? withFiniteBounds(sent) : sent;
      const reason =
        whatIsWrongInside(metric.data, point) ?? this.whatIsWrongAround(envelope, point) ?? undefined;
      if (reason === undefined) this.accept(envelope, point);
      else this.reject(reason, metric.name);
    }
  }

  /** What all kinds of points must keep, in the order in which it is reported. */
  private whatIsWrongAround(envelope: Envelope, point: Message): RejectionReason | undefined {
    const { metric } = envelope;
    const { limits, nowUnixMs } = this;
    if (metric.name === '') return 'metric_without_name';
    const hasTemporality = metric.data !== 'gauge' && metric.data !== 'summary';
    if (hasTemporality && temporalityOf(metric) === 'unspecified') return 'temporality_unspecified';
    const time = bigint(point.timeUnixNano);
    if (time === 0n) return 'time_zero';
    if (time > BigInt(nowUnixMs + limits.pointFutureMaxMs) * 1_000_000n) return 'time_in_future';
    if (time < BigInt(nowUnixMs - limits.pointAgeMaxMs) * 1_000_000n) return 'time_too_old';
    const attributes = [
      ...(envelope.resourceMetrics.resource?.attributes ?? []),
      ...(envelope.scopeMetrics.scope?.attributes ?? []),
      ...metric.metadata,
      ...point.attributes,
    ];
    if (attributes.some((a) => isTooDeep(a, limits.attributeDepthMax))) return 'attribute_depth_exceeded';
    return undefined;
  }

  private reject(reason: RejectionReason, metricName: string): void {
    countIn(this.result.rejections, reason, metricName);
  }

  /** Whether another point of the request has the same series, start time and time, and another value: it is then rejected. */
  private isConflict(row: { series: string; time: bigint; startTime: bigint }, metricName: string): boolean {
    const key = `${row.series} ${row.startTime} ${row.time}`;
    const text = JSON.stringify(row, (_key, value) => (typeof value === 'bigint' ? `${value}` : value));
    const known = this.rowTexts.get(key) ?? text;
    this.rowTexts.set(key, known);
    if (known !== text) this.reject('conflicting_point', metricName);
    return known !== text;
  }

  private accept(envelope: Envelope, point: Message): void {
    const { rows } = this.result;
    const { metric } = envelope;
    const { id, newRow } = this.series.find(envelope, point, BigInt(this.nowUnixMs) * 1_000_000n);
    if (newRow !== undefined) rows.series.push(newRow);
    const shared = {
      series: id,
      time: bigint(point.timeUnixNano),
      startTime: startOf(point),
      flags: point.flags,
    };
    const hasNoValue = (point.flags & NO_RECORDED_VALUE) !== 0;
    if (metric.data === 'gauge' || metric.data === 'sum') {
      const row = { ...shared, kind: kindOf(metric), ...exactValue(hasNoValue ? {} : point) };
      if (this.isConflict(row, metric.name)) return;
      rows.numbers.push(row);
    } else if (metric.data === 'histogram') {
      const row = {
        ...shared,
        ...distributionOf(metric, point, hasNoValue),
        explicitBounds: hasNoValue ? [] : point.explicitBounds.map(toDoubleBits),
        bucketCounts: hasNoValue ? [] : point.bucketCounts.map(bigint),
      };
      if (this.isConflict(row, metric.name)) return;
      rows.histograms.push(row);
    } else if (metric.data === 'exponentialHistogram') {
      const kept = hasNoValue ? {} : point;
      const row = {
        ...shared,
        ...distributionOf(metric, point, hasNoValue),
        scale: kept.scale ?? 0,
        zeroCount: bigint(kept.zeroCount),
        zeroThreshold: toDoubleBits(kept.zeroThreshold ?? 0),
        positiveOffset: kept.positive?.offset ?? 0,
        positiveCounts: (kept.positive?.bucketCounts ?? []).map(bigint),
        negativeOffset: kept.negative?.offset ?? 0,
        negativeCounts: (kept.negative?.bucketCounts ?? []).map(bigint),
      };
      if (this.isConflict(row, metric.name)) return;
      rows.exponentialHistograms.push(row);
    } else {
      const quantiles: Message[] = hasNoValue ? [] : point.quantileValues;
      const row = {
        ...shared,
        count: hasNoValue ? 0n : bigint(point.count),
        sum: hasNoValue ? 0n : toDoubleBits(point.sum),
        quantiles: quantiles.map((q) => toDoubleBits(q.quantile)),
        quantileValues: quantiles.map((q) => toDoubleBits(q.value)),
      };
      if (this.isConflict(row, metric.name)) return;
      rows.summaries.push(row);
    }
    for (const exemplar of point.exemplars ?? []) {
      this.acceptExemplar(exemplar, { series: id, pointTime: shared.time });
    }
    this.result.accepted++;
    const flagged: FlagReason[] = [];
    if (metric.data !== 'gauge' && startOf(point) !== bigint(point.startTimeUnixNano))
      flagged.push('start_after_time');
    const sum = hasNoValue ? undefined : sumOfBuckets(metric.data, point);
    if (sum !== undefined && bigint(point.count) < sum) flagged.push('count_below_buckets');
    if (sum !== undefined && bigint(point.count) > sum) flagged.push('count_above_buckets');
    if (flagged.length > 0) this.result.flagged ??= [];
    for (const reason of flagged) countIn(this.result.flagged!, reason, metric.name);
  }

  private acceptExemplar(exemplar: Message, place: Pick<ExemplarRow<string>, 'series' | 'pointTime'>): void {
    const depthMax = this.limits.attributeDepthMax;
    const attributes = exemplar.filteredAttributes.filter((a: Message) => !isTooDeep(a, depthMax));
    this.result.rows.exemplars.push({
      ...place,
      time: bigint(exemplar.timeUnixNano),
      ...exactValue(exemplar),
      traceId: idOf(exemplar.traceId, 16),
      spanId: idOf(exemplar.spanId, 8),
      attributes: ReferenceSeries.attributes(attributes).map((a) => [
        a.key,
        a.value,
        ReferenceSeries.TYPES.indexOf(a.type),
      ]),
    });
  }
}

function countIn<Reason>(
  entries: { reason: Reason; metricName: string; count: number }[],
  reason: Reason,
  metricName: string,
): void {
  const known = entries.find((r) => r.reason === reason && r.metricName === metricName);
  if (known) known.count++;
  else entries.push({ reason, metricName, count: 1 });
}

/** A start after the point's own time is unknown. */
function startOf(point: Message): bigint {
  const start = bigint(point.startTimeUnixNano);
  return start > bigint(point.timeUnixNano) ? 0n : start;
}

const UINT64_MAX = 2n ** 64n - 1n;

function add(counts: bigint[]): bigint {
  const sum = counts.reduce((a, b) => a + b, 0n);
  return sum > UINT64_MAX ? UINT64_MAX : sum;
}

/** Undefined where the point has no buckets that could be held against its count. */
function sumOfBuckets(data: string, point: Message): bigint | undefined {
  if (data === 'histogram') {
    const counts: bigint[] = point.bucketCounts.map(bigint);
    return counts.length === 0 ? undefined : add(counts);
  }
  if (data !== 'exponentialHistogram') return undefined;
  const buckets = [point.positive, point.negative].flatMap((b): bigint[] =>
    (b?.bucketCounts ?? []).map(bigint),
  );
  const zeroCount = bigint(point.zeroCount);
  return buckets.length === 0 && zeroCount === 0n ? undefined : add([zeroCount, ...buckets]);
}

/** The count that is stored: that of the buckets where it is larger. */
function countOf(data: string, point: Message): bigint {
  const count = bigint(point.count);
  const sum = sumOfBuckets(data, point) ?? 0n;
  return sum > count ? sum : count;
}

/** The point without a last bound of +Inf and a first one of −Inf, whose neighbouring buckets become one. */
function withFiniteBounds(point: Message): Message {
  let bounds: number[] = [...point.explicitBounds];
  let counts: bigint[] = point.bucketCounts.map(bigint);
  if (bounds.at(-1) === Infinity && counts.length === bounds.length) bounds = bounds.slice(0, -1);
  else if (bounds.at(-1) === Infinity && counts.length === bounds.length + 1) {
    bounds = bounds.slice(0, -1);
    counts = [...counts.slice(0, -2), add(counts.slice(-2))];
  }
  if (bounds[0] === -Infinity && counts.length === bounds.length + 1) {
    bounds = bounds.slice(1);
    counts = [add(counts.slice(0, 2)), ...counts.slice(2)];
  }
  const copy = Object.assign(Object.create(Object.getPrototypeOf(point)), point);
  return Object.assign(copy, { explicitBounds: bounds, bucketCounts: counts });
}

/** What is wrong with the value itself; a point that says it has no value has nothing that could be wrong. */
function whatIsWrongInside(data: string, point: Message): RejectionReason | undefined {
  if ((point.flags & NO_RECORDED_VALUE) !== 0) return undefined;
  if (data === 'gauge' || data === 'sum') return point.value === undefined ? 'value_missing' : undefined;
  if (data === 'histogram') {
    const { bucketCounts, explicitBounds } = point;
    const areBothEmpty = bucketCounts.length === 0 && explicitBounds.length === 0;
    if (!areBothEmpty && bucketCounts.length !== explicitBounds.length + 1) return 'bucket_counts_mismatch';
    return isIncreasing(explicitBounds) && explicitBounds.every(Number.isFinite)
      ? undefined
      : 'bounds_not_increasing';
  }
  if (data === 'exponentialHistogram') {
    if (point.scale < -10 || point.scale > 20) return 'scale_out_of_range';
    const areInside = [point.positive, point.negative].every((b) => areBucketsInRange(point.scale, b));
    return areInside ? undefined : 'bucket_index_out_of_range';
  }
  const quantiles: number[] = point.quantileValues.map((q: Message) => q.quantile);
  const areValid = quantiles.every((q) => q >= 0 && q <= 1) && isIncreasing(quantiles);
  return areValid ? undefined : 'quantiles_invalid';
}

/** Bucket i is (base^i, base^(i+1)] with base = 2^(2^−scale); doubles end at 2^−1074 and 2^1024. */
function areBucketsInRange(scale: number, buckets: Message | null): boolean {
  const count = buckets?.bucketCounts.length ?? 0;
  if (count === 0) return true;
  const width = 2 ** -scale; // of a bucket, in powers of two
  const lowest = buckets.offset * width;
  const highest = (buckets.offset + count - 1) * width;
  return lowest + width >= -1075 && highest <= 1024;
}

/** Each greater than the one before; NaN is not greater than anything. */
function isIncreasing(values: number[]): boolean {
  return values.every((value, i) => !Number.isNaN(value) && (i === 0 || value > values[i - 1]!));
}

/** Values of lists stand one level below them; a level below the last allowed is too deep, whatever stands there. */
function isTooDeep(keyValue: Message, levels: number): boolean {
  return keyValue.value !== null && isValueTooDeep(keyValue.value, levels);
}

function isValueTooDeep(value: Message, levels: number): boolean {
  if (levels < 0) return true;
  if (value.value === 'arrayValue') {
    return value.arrayValue.values.some((v: Message) => isValueTooDeep(v, levels - 1));
  }
  if (value.value === 'kvlistValue') {
    return value.kvlistValue.values.some((kv: Message) => isTooDeep(kv, levels - 1));
  }
  return false;
}

function temporalityOf(metric: Message): (typeof TEMPORALITIES)[number] {
  return TEMPORALITIES[metric[metric.data].aggregationTemporality] ?? 'unspecified';
}

/** Codes as src/model/point-batch.ts documents them. */
function kindOf(metric: Message): number {
  if (metric.data === 'gauge') return 1;
  const isDelta = temporalityOf(metric) === 'delta';
  if (metric.sum.isMonotonic) return isDelta ? 2 : 3;
  return isDelta ? 4 : 5;
}

function exactValue(holder: Message): { valueType: number; valueInt: bigint; valueDouble: DoubleBits } {
  if (holder.value === 'asInt') return { valueType: 1, valueInt: bigint(holder.asInt), valueDouble: 0n };
  if (holder.value === 'asDouble') {
    return { valueType: 2, valueInt: 0n, valueDouble: toDoubleBits(holder.asDouble) };
  }
  return { valueType: 0, valueInt: 0n, valueDouble: 0n };
}

function distributionOf(metric: Message, point: Message, hasNoValue: boolean) {
  const optional = (name: 'sum' | 'min' | 'max') =>
    !hasNoValue && Object.hasOwn(point, name) ? toDoubleBits(point[name]) : null;
  return {
    temporality: temporalityOf(metric) === 'delta' ? 1 : 2,
    count: hasNoValue ? 0n : countOf(metric.data, point),
    sum: optional('sum'),
    min: optional('min'),
    max: optional('max'),
  };
}

function idOf(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.length === length ? bytes : new Uint8Array(length)).toString('hex');
}
