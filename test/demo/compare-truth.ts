/** Holds what arrived against what the demo says it did: one line for every difference, none where they agree. */
import { describeSeries, type MetricTruth } from '../../src/demo/ground-truth.js';
import type { MetricDefinition } from '../../src/demo/metric-definition.js';
import { METRIC_TABLE } from '../../src/demo/metric-table.js';
import type { PointType, SinkPoint } from './otlp-sink.js';

/** A sum's total or a gauge's newest value; a histogram's count and sum. */
export interface Totals {
  value: number;
  count: number;
  sum: number;
}

const TYPE_OF: Readonly<Record<string, PointType>> = {
  counter: 'sum',
  updowncounter: 'sum',
  gauge: 'gauge',
  observable_gauge: 'gauge',
  histogram: 'histogram',
  exponential_histogram: 'exponentialHistogram',
};

/** Differences between the series of the truth and those that arrived (by describeSeries), of every kind of metric. */
export function listDifferences(
  arrived: ReadonlyMap<string, Totals>,
  truth: Readonly<Record<string, MetricTruth>>,
): string[] {
  const differences: string[] = [];
  for (const [name, metric] of Object.entries(truth)) {
    for (const series of metric.series) {
      const key = describeSeries(name, series.attributes);
      const found = arrived.get(key);
      const type = TYPE_OF[metric.instrument]!;
      const told = type === 'gauge' ? series.last : metric.instrument === 'counter' ? series.sum : undefined;
      if (found === undefined) differences.push(`${key} never arrived`);
      else if (type === 'sum' && told !== undefined && !isClose(found.value, told))
        differences.push(`${key}: ${told} added, ${found.value} arrived`);
      else if (type === 'gauge' && !isClose(found.value, series.last))
        differences.push(`${key}: last was ${series.last}, ${found.value} arrived`);
      else if (type.endsWith('istogram') && (found.count !== series.count || !isClose(found.sum, series.sum)))
        differences.push(
          `${key}: ${series.count} / ${series.sum} recorded, ${found.count} / ${found.sum} arrived`,
        );
    }
  }
  return differences;
}

/** Series whose slots are not in order, or do not add up to what they recorded. */
export function listSlotProblems(truth: Readonly<Record<string, MetricTruth>>): string[] {
  return Object.entries(truth).flatMap(([name, { instrument, series }]) =>
    instrument === 'updowncounter'
      ? []
      : series
          .filter(({ slots, count, sum, last }) => {
            const total = (at: 1 | 2): number => slots.reduce((added, slot) => added + slot[at], 0);
            const inBuckets = slots.flatMap(([, , , , buckets = []]) => buckets);
            const isRising = slots.every(([startS], i) => startS > (slots[i - 1]?.[0] ?? 0));
            if (!isRising || slots.at(-1)?.[3] !== last) return true;
            if (instrument.endsWith('gauge')) return false;
            return (
              total(1) !== count ||
              !isClose(total(2), sum) ||
              (instrument === 'histogram' && inBuckets.reduce((a, b) => a + b, 0) !== count)
            );
          })
          .map(({ attributes }) => describeSeries(name, attributes)),
  );
}

/** What is wrong with the points of the metrics of the table: absent, other unit, type, service, scope or attributes. */
export function listTableProblems(points: readonly SinkPoint[]): string[] {
  const arrived = new Set(points.map((point) => point.name));
  const absent = METRIC_TABLE.filter(({ name }) => !arrived.has(name)).map(
    ({ name }) => `${name} never arrived`,
  );
  return [...absent, ...new Set(points.flatMap(listPointProblems))];
}

const BY_NAME = new Map<string, MetricDefinition>(METRIC_TABLE.map((metric) => [metric.name, metric]));

function listPointProblems(point: SinkPoint): string[] {
  const metric = BY_NAME.get(point.name);
  if (metric === undefined) return [];
  const isNumber = point.type === 'sum' || point.type === 'gauge';
  const keys = Object.keys(point.attributes);
  const checks: [string, boolean][] = [
    ['unit', point.unit === metric.unit],
    ['type', point.type === TYPE_OF[metric.instrument]],
    ['scope', point.scope === metric.component],
    ['service', point.service === `shop-${metric.program}`],
    ['monotonic', point.isMonotonic === (metric.instrument === 'counter')],
    ['integer', !isNumber || point.isInteger === metric.isInteger],
    [
      'attributes',
      keys.length === metric.attributes.length && metric.attributes.every((key) => keys.includes(key)),
    ],
  ];
  return checks
    .filter(([, isRight]) => !isRight)
    .map(([what]) => `${point.series}: ${what} is not as in the table`);
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}
