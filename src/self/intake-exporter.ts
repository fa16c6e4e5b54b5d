/**
 * Where the SDK hands its measurements to: encoded as OTLP protobuf, they take the way of every request. Enters:
 * ResourceMetrics; leaves: bytes. While the spool is full it sends nothing: the next time brings the same counts and
 * more. A failure is told once and ends here.
 */
import type { HrTime } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, millisToHrTime } from '@opentelemetry/core';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { MetricData, PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { describeOutcome, type ExportMetrics } from '../model/export-outcome.js';
import type { FailureLog } from './failure-log.js';

export interface IntakeExporterOptions {
  exportMetrics: ExportMetrics;
  isFull: () => boolean;
  /** When counting began, milliseconds since the epoch. */
  startedMs: number;
  failures: FailureLog;
}

export class IntakeExporter implements PushMetricExporter {
  private readonly options: IntakeExporterOptions;
  private readonly startTime: HrTime;

  constructor(options: IntakeExporterOptions) {
    this.options = options;
    this.startTime = millisToHrTime(options.startedMs);
  }

  export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void {
    // The SDK would tell its global error handler of a failure, which is not ours.
    const finish = () => done({ code: ExportResultCode.SUCCESS });
    if (this.options.isFull()) finish();
    else void this.options.failures.watch(() => this.send(metrics)).then(finish);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  private async send(metrics: ResourceMetrics): Promise<void> {
    const bytes = ProtobufMetricsSerializer.serializeRequest(stampStart(metrics, this.startTime));
    if (bytes === undefined) return;
    const outcome = await this.options.exportMetrics(bytes, 'protobuf');
    if (outcome.rejected > 0) throw new Error(describeOutcome(outcome));
  }
}

/**
 * Everything counts from the start of the process. The SDK says that a count begins when it is first looked at, so that
 * what had been counted by then would add nothing.
 */
function stampStart(metrics: ResourceMetrics, startTime: HrTime): ResourceMetrics {
  const stamp = (metric: MetricData) =>
    ({
      ...metric,
      dataPoints: metric.dataPoints.map((point) => ({ ...point, startTime })),
    }) as MetricData;
  return {
    ...metrics,
    scopeMetrics: metrics.scopeMetrics.map((scope) => ({ ...scope, metrics: scope.metrics.map(stamp) })),
  };
}
