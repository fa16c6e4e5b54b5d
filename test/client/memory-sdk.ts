/** A real SDK without a network: what was recorded so far, one entry per series, as the SDK would export it. */
import type { Attributes } from '@opentelemetry/api';
import {
  type DataPoint,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from '@opentelemetry/sdk-metrics';

export interface RecordedSeries {
  name: string;
  attributes: Attributes;
  /** Of a counter its total, of a gauge its last value, of a histogram its sum. */
  value: number;
  /** Values in a histogram. */
  count?: number;
}

export interface MemorySdk {
  meterProvider: MeterProvider;
  read(): Promise<RecordedSeries[]>;
  /** Names and values only. */
  readValues(): Promise<[string, number][]>;
  readMetrics(): Promise<MetricData[]>;
}

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export function createMemorySdk(): MemorySdk {
  const reader = new ManualReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  async function readMetrics(): Promise<MetricData[]> {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  }
  async function read(): Promise<RecordedSeries[]> {
    return (await readMetrics()).flatMap((metric) =>
      (metric.dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
        name: metric.descriptor.name,
        attributes,
        ...(typeof value === 'number' ? { value } : { value: value.sum!, count: value.count }),
      })),
    );
  }
  return {
    meterProvider,
    readMetrics,
    read,
    readValues: async () => (await read()).map(({ name, value }) => [name, value]),
  };
}
