/**
 * Groups of series whose every value is known: numbers, explicit and exponential histograms of either temporality and
 * with mixed layouts, scales and zero thresholds, and summaries that report exact quantiles. Enters: a Random; leaves: a
 * PointBatch of all points, the values with the times at which a point brought them, and the documented error of each
 * group (docs/aggregates.md). Times are microseconds since BASE_US, a midnight.
 */
import type { Random } from '../../src/demo/random.js';
import { KIND_GAUGE, PointBatch, VALUE_DOUBLE, VALUE_INT } from '../../src/model/point-batch.js';
import { pushPoint } from './histogram-batch.js';
import type { HistogramPoint, HistogramStream } from './random-histogram.js';

export const BASE_US = Date.UTC(2026, 10, 17) * 1000;
export const LEVELS = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 };

const SPAN_US = 47 * 3_600e6;
const SERIES_PER_GROUP = 3;
const HISTOGRAMS_PER_SERIES = 40;
const NUMBERS_PER_SERIES = 300;
/** Points lie in few minutes, so that rolling them up is quick. */
const MINUTES = 90;
/** As many buckets of one sign a series may span before its scale shrinks. */
const BUCKETS_MAX = 1278;

export interface Sample {
  atUs: number;
  value: number;
}

export interface SampledGroup {
  kind: 'number' | 'explicit' | 'exponential' | 'summary';
  name: string;
  seriesIds: bigint[];
  samples: Sample[];
  explicit?: {
    /** Those that all series have. */
    bounds: number[];
    /** What is known of min and max: those of the values in the step, of all there ever were, nothing. */
    known: 'step' | [number, number] | undefined;
  };
  exponential?: { relativeError: number; zeroError: number };
}

export interface SummaryReport {
  seriesId: bigint;
  atUs: number;
  sorted: number[];
}

/** The smallest value that at least a share of `q` of all values does not exceed. */
export function exactQuantile(sorted: readonly number[], q: number): number {
  return sorted[Math.ceil(q * sorted.length) - 1]!;
}

type Draw = (random: Random) => number;

const DRAWS = {
  latencies: (random) => random.logNormal(20, 1.2),
  'around zero': (random) => random.normal() * 40,
  constant: () => 42,
  'mostly zero': (random) => random.pick([0, 0, random.exponential(5), -random.exponential(1)]),
  'far apart': (random) => random.pick([3, 3_000]) * (1 + random.uniform()),
  narrow: (random) => 50 + 100 * random.uniform(),
} satisfies Record<string, Draw>;
type DrawName = keyof typeof DRAWS;
const DRAW_NAMES = Object.keys(DRAWS) as DrawName[];

const LAYOUTS = [
  [-50, -5, 0, 5, 10, 25, 50, 100, 250, 1_000],
  [-50, 0, 5, 7, 50, 250],
  [0, 50, 1_000],
];

/** Values, scales, zero thresholds, most values of a point, and whether points are deltas. */
const SCALED: readonly [DrawName, number[], number[], number, boolean][] = [
  ['latencies', [0], [0], 8, true],
  ['latencies', [2, 3], [0], 8, false],
  ['latencies', [4], [0], 8, true],
  ['latencies', [5, 6], [0.5], 8, false],
  ['around zero', [1], [0], 8, false],
  ['around zero', [3], [0.5, 2], 8, true],
  ['around zero', [5], [0, 2], 8, false],
  ['mostly zero', [4], [0], 8, true],
  ['mostly zero', [2, 5], [0.01], 8, false],
  ['constant', [6], [0], 8, false],
  ['far apart', [3, 4], [0], 8, true],
  ['narrow', [7], [0], 8, false],
  ['narrow', [8, 9], [0], 8, true],
  // More buckets between the least and the greatest than are kept: the scale shrinks.
  ['latencies', [12], [0], 1, true],
  ['far apart', [14], [0], 1, true],
];

export class SampledGroups {
  readonly batch = new PointBatch();
  readonly groups: SampledGroup[] = [];
  /** In the order of their times. */
  readonly reports: SummaryReport[] = [];
  /** Series without a row of their own: they belong to the first of their group. */
  readonly folded = new Set<bigint>();
  readonly #random: Random;
  readonly #minutes: number[];
  #seriesIds = 0n;

  constructor(random: Random) {
    this.#random = random;
    this.#minutes = Array.from({ length: MINUTES }, () => Math.floor((random.uniform() * SPAN_US) / 60e6));
    for (const name of DRAW_NAMES) this.#addNumbers(name);
    for (const name of DRAW_NAMES) {
      for (const isDelta of [true, false]) {
        this.#addExplicit(name, isDelta, true, LAYOUTS.slice(0, 1));
        this.#addExplicit(name, isDelta, false, LAYOUTS.slice(0, 1));
        this.#addExplicit(name, isDelta, true, LAYOUTS);
      }
    }
    for (const scaled of SCALED) this.#addExponential(...scaled);
    this.#addSummaries();
  }

  #addGroup(kind: SampledGroup['kind'], name: string): SampledGroup {
    const seriesIds = Array.from({ length: SERIES_PER_GROUP }, () => ++this.#seriesIds);
    const group = { kind, name: `${kind} ${name}`, seriesIds, samples: [] };
    this.groups.push(group);
    return group;
  }

  #drawTimes(count: number): number[] {
    const random = this.#random;
    const times = Array.from(
      { length: count },
      () => random.pick(this.#minutes) * 60e6 + Math.floor(random.uniform() * 60e6),
    );
    return [...new Set(times)].sort((a, b) => a - b);
  }

  #addNumbers(name: DrawName): void {
    const { numbers } = this.batch;
    const group = this.#addGroup('number', name);
    if (name === 'latencies') for (const id of group.seriesIds.slice(1)) this.folded.add(id);
    for (const seriesId of group.seriesIds) {
      for (const atUs of this.#drawTimes(NUMBERS_PER_SERIES)) {
        const isInt = this.#random.chance(0.3);
        const drawn = DRAWS[name](this.#random);
        const value = isInt ? Math.round(drawn) : drawn;
        group.samples.push({ atUs, value });
        numbers.seriesId.pushBigInt(seriesId);
        numbers.time.pushBigInt(nanosOf(atUs));
        numbers.startTime.pushBigInt(0n);
        numbers.kind.push(KIND_GAUGE);
        numbers.valueType.push(isInt ? VALUE_INT : VALUE_DOUBLE);
        numbers.valueInt.pushBigInt(BigInt(isInt ? value : 0));
        numbers.valueDouble.pushDouble(isInt ? 0 : value);
        numbers.flags.push(0);
      }
    }
  }

  #addExplicit(name: DrawName, isDelta: boolean, hasExtremes: boolean, layouts: number[][]): void {
    const temporality = isDelta ? 'delta' : 'cumulative';
    const group = this.#addGroup(
      'explicit',
      `${name}, ${temporality}, ${layouts.length} layouts, ${hasExtremes ? 'min and max' : 'no min and max'}`,
    );
    group.seriesIds.forEach((seriesId, i) => {
      const bounds = layouts[i % layouts.length];
      this.#pushHistograms(group, seriesId, { isDelta, hasExtremes, isExponential: false }, name, 8, () => ({
        bounds,
        scale: 0,
        zeroThreshold: 0,
      }));
    });
    const all = group.samples.map((sample) => sample.value);
    const ever: [number, number] = [Math.min(...all), Math.max(...all)];
    group.explicit = {
      bounds: layouts[0]!.filter((bound) => layouts.every((layout) => layout.includes(bound))),
      known: hasExtremes ? (isDelta ? 'step' : ever) : undefined,
    };
  }

  #addExponential(
    name: DrawName,
    scales: number[],
    thresholds: number[],
    valuesMax: number,
    isDelta: boolean,
  ): void {
    const temporality = isDelta ? 'delta' : 'cumulative';
    const group = this.#addGroup(
      'exponential',
      `${name}, ${temporality}, scale ${scales}, zero threshold ${thresholds}`,
    );
    for (const seriesId of group.seriesIds) {
      const stream = { isDelta, hasExtremes: this.#random.chance(0.5), isExponential: true };
      this.#pushHistograms(group, seriesId, stream, name, valuesMax, () => ({
        bounds: undefined,
        scale: this.#random.pick(scales),
        zeroThreshold: this.#random.pick(thresholds),
      }));
    }
    const sizes = group.samples.map((s) => Math.abs(s.value)).filter((size) => size > 0);
    const octaves = Math.log2(Math.max(...sizes) / Math.min(...sizes));
    const relativeError = Math.max(...scales.map(baseOf), 2 ** ((octaves + 0.01) / (BUCKETS_MAX / 2))) - 1;
    // Both ends of the widest zero bucket, which reaches to the end of a bucket where thresholds differ.
    const zeroError = 2 * Math.max(...thresholds) * (1 + relativeError);
    group.exponential = { relativeError, zeroError };
  }

  #pushHistograms(
    group: SampledGroup,
    seriesId: bigint,
    { isDelta, ...options }: { isDelta: boolean; hasExtremes: boolean; isExponential: boolean },
    name: DrawName,
    valuesMax: number,
    makeLayout: () => Pick<HistogramPoint, 'bounds' | 'scale' | 'zeroThreshold'>,
  ): void {
    const stream: HistogramStream = {
      kind: isDelta ? 'delta' : 'cumulative',
      isUnsteady: false,
      hasSum: true,
      points: [],
      ...options,
    };
    const times = this.#drawTimes(HISTOGRAMS_PER_SERIES);
    let soFar: number[] = [];
    let startUs = times[0]! - 1e6;
    for (const timeUs of times) {
      const count = Math.ceil(this.#random.uniform() * valuesMax);
      const fresh = Array.from({ length: count }, () => DRAWS[name](this.#random));
      for (const value of fresh) group.samples.push({ atUs: timeUs, value });
      soFar = isDelta ? fresh : [...soFar, ...fresh];
      const point = { startUs, timeUs, life: 0, values: soFar, ...makeLayout() };
      pushPoint(this.batch, seriesId, stream, point, nanosOf);
      if (isDelta) startUs = timeUs;
    }
  }

  #addSummaries(): void {
    const random = this.#random;
    const { seriesIds } = this.#addGroup('summary', 'latencies');
    this.folded.add(seriesIds.at(-1)!);
    for (const seriesId of seriesIds) {
      for (const atUs of this.#drawTimes(HISTOGRAMS_PER_SERIES)) {
        const values = Array.from({ length: 1 + random.poisson(80) }, () => DRAWS.latencies(random));
        this.reports.push({ seriesId, atUs, sorted: values.sort((a, b) => a - b) });
      }
    }
    this.reports.sort((a, b) => a.atUs - b.atUs);
    for (const report of this.reports) this.#pushSummary(report);
  }

  #pushSummary({ seriesId, atUs, sorted }: SummaryReport): void {
    const { summaries } = this.batch;
    summaries.seriesId.pushBigInt(seriesId);
    summaries.time.pushBigInt(nanosOf(atUs));
    summaries.startTime.pushBigInt(0n);
    summaries.count.pushBigInt(BigInt(sorted.length));
    summaries.sum.pushDouble(sorted.reduce((a, b) => a + b, 0));
    for (const q of Object.values(LEVELS)) {
      summaries.quantiles.pushDouble(q);
      summaries.quantileValues.pushDouble(exactQuantile(sorted, q));
    }
    summaries.quantilesEnd.pushBigInt(BigInt(summaries.quantiles.length));
    summaries.quantileValuesEnd.pushBigInt(BigInt(summaries.quantileValues.length));
    summaries.flags.push(0);
  }
}

/** A bucket of this scale ends at so many times its beginning. */
function baseOf(scale: number): number {
  return 2 ** (2 ** -scale);
}

export function nanosOf(us: number): bigint {
  return BigInt(BASE_US + us) * 1000n;
}
