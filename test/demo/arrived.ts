/**
 * Sums up what a sink received, the way a backend would. Enters points; leaves, per series, the total of a counter or
 * the count and sum of a histogram: the newest point where it is cumulative, all points together where it is delta.
 */
import type { Totals } from './compare-truth.js';
import type { SinkPoint } from './otlp-sink.js';

export interface ArrivedSeries extends Totals {
  points: SinkPoint[];
}

export function sumUp(points: readonly SinkPoint[]): Map<string, ArrivedSeries> {
  const all = new Map<string, SinkPoint[]>();
  for (const point of points) {
    const own = all.get(point.series) ?? [];
    all.set(point.series, own);
    own.push(point);
  }
  return new Map([...all].map(([series, own]) => [series, sumUpOne(own)]));
}

function sumUpOne(unsorted: readonly SinkPoint[]): ArrivedSeries {
  const points = unsorted.toSorted((a, b) => a.timeMs - b.timeMs);
  const last = points.at(-1)!;
  if (!last.isDelta) return { points, value: last.value, count: last.count, sum: last.sum };
  const total = (field: 'value' | 'count' | 'sum'): number =>
    points.reduce((sum, point) => sum + point[field], 0);
  return { points, value: total('value'), count: total('count'), sum: total('sum') };
}
