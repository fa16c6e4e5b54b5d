/**
 * Windows of the demo's truth, by plain arithmetic: which series there are, what they did between two times, and which slots
 * of the window they were measured in. Enters reports of runs that follow one another; leaves numbers. Uses nothing of what
 * it is to check.
 */
import type { Attributes } from '@opentelemetry/api';
import { describeSeries, type MetricTruth } from '../../src/demo/ground-truth.js';
import type { TruthSlot } from '../../src/demo/truth-slots.js';

/** Seconds since the epoch, the end not included. `slotS`: what is told apart within. */
export interface TruthWindow {
  startS: number;
  endS: number;
  slotS: number;
}

export interface TruthSeries {
  attributes: Attributes;
  bounds: readonly number[];
  slots: TruthSlot[];
}

type Truth = Readonly<Record<string, MetricTruth>>;

/** The series of a metric with these attributes; what several runs did with the same attributes is one series. */
export function findSeries(runs: readonly Truth[], name: string, where: Attributes = {}): TruthSeries[] {
  const found = new Map<string, TruthSeries>();
  for (const metric of runs.flatMap((run) => run[name] ?? [])) {
    for (const { attributes, slots } of metric.series) {
      if (Object.entries(where).some(([key, value]) => attributes[key] !== value)) continue;
      const key = describeSeries(name, attributes);
      const known = found.get(key) ?? { attributes, bounds: metric.bounds ?? [], slots: [] };
      found.set(key, known);
      known.slots.push(...slots);
    }
  }
  return [...found.values()];
}

function slotsIn(series: readonly TruthSeries[], { startS, endS }: TruthWindow): TruthSlot[] {
  return series.flatMap(({ slots }) => slots.filter(([atS]) => atS >= startS && atS < endS));
}

/** Values that were recorded; of gauges the points. */
export function countIn(series: readonly TruthSeries[], window: TruthWindow): number {
  return slotsIn(series, window).reduce((total, [, count]) => total + count, 0);
}

export function sumIn(series: readonly TruthSeries[], window: TruthWindow): number {
  return slotsIn(series, window).reduce((total, [, , sum]) => total + sum, 0);
}

/** The newest value of each series that has one in the window. */
export function lastValuesIn(series: readonly TruthSeries[], window: TruthWindow): number[] {
  return series.flatMap((one) => {
    const newest = slotsIn([one], window)
      .toSorted((a, b) => a[0] - b[0])
      .at(-1);
    return newest === undefined ? [] : [newest[3]];
  });
}

/** Share of the window's slots in which any of the series had a point. */
export function completenessIn(series: readonly TruthSeries[], window: TruthWindow): number {
  const { startS, endS, slotS } = window;
  const measured = new Set(slotsIn(series, window).map(([atS]) => Math.floor((atS - startS) / slotS)));
  return measured.size / Math.ceil((endS - startS) / slotS);
}

/** Start of the minute (hour, further back) of the newest point. */
export function newestIn(series: readonly TruthSeries[], window: TruthWindow): number {
  return Math.max(...slotsIn(series, window).map(([atS]) => atS));
}

/** The bucket that holds the value of rank ⌈q·n⌉: all that a histogram can know of a quantile. */
export function quantileBucketIn(
  series: readonly TruthSeries[],
  window: TruthWindow,
  quantile: number,
): { low: number; high: number } {
  const bounds = series[0]!.bounds;
  const counts = new Array<number>(bounds.length + 1).fill(0);
  for (const [, , , , buckets = []] of slotsIn(series, window))
    for (const [i, count] of buckets.entries()) counts[i]! += count;
  let left = Math.ceil(quantile * counts.reduce((total, count) => total + count, 0));
  const place = counts.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
  return { low: bounds[place - 1] ?? 0, high: bounds[place] ?? Number.POSITIVE_INFINITY };
}
