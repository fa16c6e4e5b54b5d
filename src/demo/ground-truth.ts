/**
 * What the demo really did, to be compared with what a backend answers. Enters every value as it is recorded; leaves
 * totals per metric and per set of attributes as plain JSON. Never reads anything back from the exporters.
 */
import type { Attributes } from '@opentelemetry/api';

export interface SeriesTruth {
  attributes: Attributes;
  /** Values recorded. */
  count: number;
  /** Their sum: the total of a counter, the sum of a histogram. */
  sum: number;
  min: number;
  max: number;
  /** The newest value: what a gauge shows. */
  last: number;
}

export interface MetricTruth {
  unit: string;
  instrument: string;
  count: number;
  sum: number;
  series: SeriesTruth[];
}

export interface GroundTruth {
  note(
    metric: { name: string; unit: string; instrument: string },
    value: number,
    attributes: Attributes,
  ): void;
  read(): Record<string, MetricTruth>;
}

export function createGroundTruth(): GroundTruth {
  const metrics = new Map<string, MetricTruth>();
  const series = new Map<string, SeriesTruth>();
  return {
    note(metric, value, attributes) {
      let total = metrics.get(metric.name);
      if (total === undefined) {
        total = { unit: metric.unit, instrument: metric.instrument, count: 0, sum: 0, series: [] };
        metrics.set(metric.name, total);
      }
      const key = describeSeries(metric.name, attributes);
      let one = series.get(key);
      if (one === undefined) {
        one = { attributes, count: 0, sum: 0, min: value, max: value, last: value };
        series.set(key, one);
        total.series.push(one);
      }
      total.count++;
      total.sum += value;
      one.count++;
      one.sum += value;
      one.min = Math.min(one.min, value);
      one.max = Math.max(one.max, value);
      one.last = value;
    },
    read: () => structuredClone(Object.fromEntries(metrics)),
  };
}

/** A key that does not depend on the order of the attributes. */
export function describeSeries(name: string, attributes: Attributes): string {
  const pairs = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `${name} ${JSON.stringify(pairs)}`;
}
