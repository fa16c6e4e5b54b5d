/**
 * One MeterProvider per program of the shop, each with a periodic reader and an exporter of its own. Enters how to make
 * an exporter and how often to export; leaves meters, and a way to flush and shut all of them down.
 */
import type { Meter } from '@opentelemetry/api';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import type { MetricDefinition, Program } from './metric-definition.js';
import { METRIC_TABLE } from './metric-table.js';
import { describeResource, PROGRAMS, SHOP_VERSION } from './program-resource.js';

/** An export may take this long, unless the interval is shorter. */
const EXPORT_TIMEOUT_MAX_MS = 10_000;

export interface Programs {
  readonly storefront: MeterProvider;
  findMeter(metric: MetricDefinition): Meter;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface ProgramsOptions {
  instanceId: string;
  exportIntervalMs: number;
  createExporter(program: Program, timeoutMs: number): PushMetricExporter;
}

export function createPrograms(options: ProgramsOptions): Programs {
  const providers = new Map<Program, MeterProvider>();
  for (const program of PROGRAMS) providers.set(program, createProvider(program, options));
  const all = [...providers.values()];
  return {
    storefront: providers.get('storefront')!,
    findMeter: (metric) => providers.get(metric.program)!.getMeter(metric.component, SHOP_VERSION),
    flush: async () => void (await Promise.allSettled(all.map((provider) => provider.forceFlush()))),
    shutdown: async () => void (await Promise.allSettled(all.map((provider) => provider.shutdown()))),
  };
}

function createProvider(program: Program, options: ProgramsOptions): MeterProvider {
  const timeoutMs = Math.min(options.exportIntervalMs, EXPORT_TIMEOUT_MAX_MS);
  const reader = new PeriodicExportingMetricReader({
    exporter: options.createExporter(program, timeoutMs),
    exportIntervalMillis: options.exportIntervalMs,
    exportTimeoutMillis: timeoutMs,
  });
  return new MeterProvider({
    resource: describeResource(program, options.instanceId),
    readers: [reader],
    views: listExponentialViews(),
  });
}

function listExponentialViews(): ViewOptions[] {
  return METRIC_TABLE.filter((metric) => metric.instrument === 'exponential_histogram').map((metric) => ({
    instrumentName: metric.name,
    aggregation: {
      type: AggregationType.EXPONENTIAL_HISTOGRAM,
      options: { maxSize: 160, recordMinMax: true },
    },
  }));
}
