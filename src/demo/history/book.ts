/**
 * Every series of the history, by metric. Enters requests for series of a metric; leaves the points of the steps so far
 * as ResourceMetrics of the SDK, ready for an exporter, and the ground truth of all of them.
 */
import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { type MetricTruth, readMetric } from '../ground-truth.js';
import type { MetricDefinition, Program } from '../metric-definition.js';
import { describeResource, PROGRAMS, SHOP_VERSION } from '../program-resource.js';
import {
  createCounterSeries,
  createGaugeSeries,
  createHistogramSeries,
  encodeExplicit,
  encodeExponential,
  type GaugeSeries,
  type HistogramSeries,
  type NumberSeries,
  type Series,
} from './series.js';

/** What history needs to know of a metric: a row of the table, or a metric of an instrumentation package. */
export type HistoryMetric = Omit<MetricDefinition, 'category' | 'attributes' | 'recordedHow'> & {
  componentVersion?: string;
};

export interface HistoryBook {
  counter(metric: HistoryMetric, attributes: Attributes): NumberSeries;
  gauge(metric: HistoryMetric, attributes: Attributes): GaugeSeries;
  histogram(metric: HistoryMetric, attributes: Attributes): HistogramSeries;
  seriesCount(): number;
  /** Ends a step: one point of every series. */
  closeStep(startUnixMs: number, endUnixMs: number): void;
  /** The points of the steps since the last call, one element per program. */
  takePoints(): ResourceMetrics[];
  readTruth(): Record<string, MetricTruth>;
}

/** Exponential buckets of scale 3, from 8 ms to a minute: a factor of 1.09 from one to the next. */
const SCALE = 3;
const INDEX_MIN = 24;
const INDEX_MAX = 127;
export const EXPONENTIAL_BOUNDS: readonly number[] = Array.from(
  { length: INDEX_MAX - INDEX_MIN + 1 },
  (_, i) => 2 ** ((INDEX_MIN + i) / 2 ** SCALE),
);

interface Page {
  metric: HistoryMetric;
  series: Series<never>[];
}

export function createHistoryBook(instanceId: string, isDelta: boolean): HistoryBook {
  const pages = new Map<string, Page>();
  const enter = <S>(metric: HistoryMetric, series: S & { notes: unknown }): S => {
    const page = pages.get(metric.name) ?? { metric, series: [] };
    pages.set(metric.name, page);
    page.series.push(series as unknown as Series<never>);
    return series;
  };
  const all = (): Series<never>[] => [...pages.values()].flatMap((page) => page.series);
  return {
    counter: (metric, attributes) => enter(metric, createCounterSeries(metric, attributes, isDelta)),
    gauge: (metric, attributes) => enter(metric, createGaugeSeries(metric, attributes)),
    histogram(metric, attributes) {
      if (metric.instrument === 'exponential_histogram') {
        const encode = encodeExponential(SCALE, INDEX_MIN);
        return enter(
          metric,
          createHistogramSeries(metric, attributes, EXPONENTIAL_BOUNDS.length + 1, isDelta, encode),
        );
      }
      const bounds = [...metric.bounds!];
      return enter(
        metric,
        createHistogramSeries(metric, attributes, bounds.length + 1, isDelta, encodeExplicit(bounds)),
      );
    },
    seriesCount: () => all().length,
    closeStep(startUnixMs, endUnixMs) {
      const startTime = toHrTime(startUnixMs);
      const endTime = toHrTime(endUnixMs);
      for (const series of all()) series.closeStep(startTime, endTime);
    },
    takePoints: () =>
      PROGRAMS.map((program) => takeProgram(program, instanceId, [...pages.values()], isDelta)),
    readTruth: () =>
      Object.fromEntries(
        [...pages].map(([name, { metric, series }]) => [
          name,
          readMetric(
            metric,
            series.map(({ notes }) => notes),
          ),
        ]),
      ),
  };
}

function takeProgram(
  program: Program,
  instanceId: string,
  pages: readonly Page[],
  isDelta: boolean,
): ResourceMetrics {
  const scopes = new Map<string, ResourceMetrics['scopeMetrics'][number]>();
  for (const page of pages) {
    if (page.metric.program !== program) continue;
    const { component, componentVersion = SHOP_VERSION } = page.metric;
    const scope = scopes.get(component) ?? {
      scope: { name: component, version: componentVersion },
      metrics: [],
    };
    scopes.set(component, scope);
    scope.metrics.push(takeMetric(page, isDelta));
  }
  return { resource: describeResource(program, instanceId), scopeMetrics: [...scopes.values()] };
}

function takeMetric({ metric, series }: Page, isDelta: boolean): MetricData {
  const isUpDown = metric.instrument === 'updowncounter';
  const common = {
    descriptor: {
      name: metric.name,
      description: metric.description,
      unit: metric.unit,
      valueType: metric.isInteger ? ValueType.INT : ValueType.DOUBLE,
    },
    aggregationTemporality:
      isDelta && !isUpDown ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    dataPoints: series.flatMap((one) => one.points.splice(0)),
  };
  switch (metric.instrument) {
    case 'counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true };
    case 'updowncounter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: false };
    case 'histogram':
      return { ...common, dataPointType: DataPointType.HISTOGRAM };
    case 'exponential_histogram':
      return { ...common, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM };
    default:
      return { ...common, dataPointType: DataPointType.GAUGE };
  }
}

function toHrTime(unixMs: number): HrTime {
  return [Math.floor(unixMs / 1000), (unixMs % 1000) * 1_000_000];
}
