/**
 * What an SDK handed to its exporter, as an OTLP request: an exporter that notes everything and passes it on to a real
 * one. Reads the SDK's own data structures and uses nothing of the exporter's encoding.
 */
import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { OtlpMessage } from './otlp-arbitrary.js';

export interface RecordingExporter extends PushMetricExporter {
  /** Every export so far. */
  recorded(): OtlpMessage;
  /** Errors that the real exporter reported. */
  errors: unknown[];
}

export function recordExports(real: PushMetricExporter): RecordingExporter {
  const resourceMetrics: OtlpMessage[] = [];
  const errors: unknown[] = [];
  return {
    errors,
    recorded: () => ({ resourceMetrics }),
    export(metrics, done) {
      resourceMetrics.push(toResourceMetrics(metrics));
      real.export(metrics, (result) => {
        if (result.error !== undefined) errors.push(result.error);
        done(result);
      });
    },
    forceFlush: () => real.forceFlush(),
    shutdown: () => real.shutdown(),
    selectAggregation: (type) => real.selectAggregation!(type),
    selectAggregationTemporality: (type) => real.selectAggregationTemporality!(type),
  };
}

function toResourceMetrics({ resource, scopeMetrics }: ResourceMetrics): OtlpMessage {
  return {
    resource: { attributes: toAttributes(resource.attributes) },
    schemaUrl: resource.schemaUrl ?? '',
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
      scope: { name: scope.name, version: scope.version ?? '' },
      schemaUrl: scope.schemaUrl ?? '',
      metrics: metrics.map(toMetric),
    })),
  };
}

function toMetric(data: MetricData): OtlpMessage {
  const { name, description, unit } = data.descriptor;
  const aggregationTemporality = data.aggregationTemporality === AggregationTemporality.DELTA ? 1 : 2;
  const dataPoints = data.dataPoints.map((point) => ({
    startTimeUnixNano: toNano(point.startTime),
    timeUnixNano: toNano(point.endTime),
    attributes: toAttributes(point.attributes),
    ...toValue(data, point.value),
  }));
  const head = { name, description, unit };
  switch (data.dataPointType) {
    case DataPointType.GAUGE:
      return { ...head, gauge: { dataPoints } };
    case DataPointType.SUM:
      return { ...head, sum: { aggregationTemporality, isMonotonic: data.isMonotonic, dataPoints } };
    case DataPointType.HISTOGRAM:
      return { ...head, histogram: { aggregationTemporality, dataPoints } };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return { ...head, exponentialHistogram: { aggregationTemporality, dataPoints } };
  }
}

function toValue(data: MetricData, value: number | Histogram | ExponentialHistogram): OtlpMessage {
  if (typeof value === 'number') {
    return data.descriptor.valueType === ValueType.INT ? { asInt: BigInt(value) } : { asDouble: value };
  }
  const message: OtlpMessage = { count: BigInt(value.count) };
  for (const field of ['sum', 'min', 'max'] as const) {
    if (value[field] !== undefined) message[field] = value[field];
  }
  if ('buckets' in value) {
    const { boundaries, counts } = value.buckets;
    return { ...message, explicitBounds: boundaries, bucketCounts: counts.map(BigInt) };
  }
  const buckets = ({ offset, bucketCounts }: { offset: number; bucketCounts: number[] }) => ({
    offset,
    bucketCounts: bucketCounts.map(BigInt),
  });
  const { scale, zeroCount, positive, negative } = value;
  return {
    ...message,
    scale,
    zeroCount: BigInt(zeroCount),
    positive: buckets(positive),
    negative: buckets(negative),
  };
}

function toAttributes(attributes: object): OtlpMessage[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: toAnyValue(value) }));
}

function toAnyValue(value: unknown): OtlpMessage {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { intValue: BigInt(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } };
  return {};
}

function toNano([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}
