/**
 * The real OTLP exporters, and a count of what became of their exports. Enters a protocol, an address and a
 * temporality; leaves an exporter. Never retries beyond what the exporters do themselves.
 */

import { hrTimeToMilliseconds, millisToHrTime } from '@opentelemetry/core';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as HttpJsonExporter,
  OTLPMetricExporterBase,
  type OTLPMetricExporterOptions,
} from '@opentelemetry/exporter-metrics-otlp-http';
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http';
import { MetricsExporterMetricsHelper, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationTemporality,
  type MetricData,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { type DemoTemporality, joinMetricsPath, type Protocol } from './demo-options.js';
import { addExemplars } from './exemplars.js';
import { createRandom } from './random.js';

export interface ExportTarget {
  protocol: Protocol;
  /** Base address, without `/v1/metrics`. */
  endpoint: string;
  temporality: DemoTemporality;
}

export interface ExportTally {
  succeeded: number;
  failed: number;
  /** Data points in the exports that succeeded. */
  points: number;
  /** Points that the backend says it rejected (partial success). */
  rejectedPoints: number;
}

/** Of a point of a histogram, that it brings an exemplar. Which ones do is of no importance. */
const EXEMPLAR_CHANCE = 0.02;
const EXEMPLAR_SEED = 1;

export function createExporter(target: ExportTarget & { timeoutMs: number }): PushMetricExporter {
  const options = {
    url: target.protocol === 'grpc' ? target.endpoint : joinMetricsPath(target.endpoint),
    timeoutMillis: target.timeoutMs,
    temporalityPreference:
      target.temporality === 'delta'
        ? AggregationTemporalityPreference.DELTA
        : AggregationTemporalityPreference.CUMULATIVE,
  };
  if (target.protocol === 'grpc') return new GrpcExporter(options);
  if (target.protocol === 'http/json') return new HttpJsonExporter(options);
  return createProtobufExporter(options);
}

/** The SDK's exporter of OTLP over HTTP, with exemplars put into the requests that it writes. */
function createProtobufExporter(options: OTLPMetricExporterOptions & { url: string }): PushMetricExporter {
  const random = createRandom(EXEMPLAR_SEED);
  const serializer = {
    ...ProtobufMetricsSerializer,
    serializeRequest: (metrics: ResourceMetrics) => {
      const bytes = ProtobufMetricsSerializer.serializeRequest(metrics);
      return bytes === undefined ? undefined : addExemplars(bytes, random, EXEMPLAR_CHANCE);
    },
  };
  const http = convertLegacyHttpOptions(options, 'METRICS', 'v1/metrics', {
    'Content-Type': 'application/x-protobuf',
  });
  const delegate = createOtlpHttpExportDelegate(
    http,
    serializer,
    'otlp_http_metric_exporter',
    MetricsExporterMetricsHelper,
    undefined,
  );
  return new OTLPMetricExporterBase(delegate, options);
}

/**
 * The same exporter, with each outcome counted. `onExport` hears the time of the points before they leave, `onFailure` why
 * an export was lost.
 */
export function countExports(
  exporter: PushMetricExporter,
  tally: ExportTally,
  { onExport, onFailure }: { onExport(unixMs: number): void; onFailure(reason: string): void },
): PushMetricExporter {
  return {
    export(metrics, done) {
      const time = metrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.endTime;
      if (time !== undefined) onExport(hrTimeToMilliseconds(time));
      exporter.export(metrics, (result) => {
        if (result.error === undefined) {
          tally.succeeded++;
          tally.points += countPoints(metrics);
        } else {
          tally.failed++;
          onFailure(result.error.message || 'no reason given');
        }
        done(result);
      });
    },
    ...passOn(exporter),
  };
}

/**
 * The same exporter; everything cumulative counts from the start of the program. The SDK says that a set of attributes
 * counts from its first value. Where that falls into the millisecond of its export, start and time are equal, which in OTLP
 * says that the start is unknown, and the first value would add nothing anywhere.
 */
export function countFromStart(exporter: PushMetricExporter, startUnixMs: number): PushMetricExporter {
  const startTime = millisToHrTime(startUnixMs);
  const stamp = (metric: MetricData) =>
    metric.aggregationTemporality === AggregationTemporality.DELTA
      ? metric
      : ({
          ...metric,
          dataPoints: metric.dataPoints.map((point) => ({ ...point, startTime })),
        } as MetricData);
  return {
    export(metrics, done) {
      const scopeMetrics = metrics.scopeMetrics.map((scope) => ({
        ...scope,
        metrics: scope.metrics.map(stamp),
      }));
      exporter.export({ ...metrics, scopeMetrics }, done);
    },
    ...passOn(exporter),
  };
}

/** All that a wrapper leaves as it is. */
function passOn(exporter: PushMetricExporter): Omit<PushMetricExporter, 'export'> {
  return {
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregation: (type) => exporter.selectAggregation!(type),
    selectAggregationTemporality: (type) => exporter.selectAggregationTemporality!(type),
  };
}

function countPoints(metrics: ResourceMetrics): number {
  let points = 0;
  for (const scope of metrics.scopeMetrics)
    for (const metric of scope.metrics) points += metric.dataPoints.length;
  return points;
}
