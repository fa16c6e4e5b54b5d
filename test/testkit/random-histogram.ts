/**
 * Random streams of a histogram: true values with times, cut into points by a random exporter (either temporality,
 * restarts with other bounds, losses, resets without a new start, changing scales and zero thresholds, ends without a
 * value). Enters: a Random; leaves: points, and which values each of those that arrived adds. Values are integers, so that
 * sums are exact. Times are microseconds since a base time of the caller.
 */
import type { Random } from '../../src/demo/random.js';

export interface HistogramPoint {
  startUs: number;
  timeUs: number;
  life: number;
  /** The values it counts; undefined: NO_RECORDED_VALUE. */
  values: number[] | undefined;
  /** Explicit buckets; undefined where both arrays are empty. */
  bounds: number[] | undefined;
  scale: number;
  zeroThreshold: number;
}

export type HistogramKind = 'delta' | 'cumulative' | 'resetting' | 'unknown_start';

export interface HistogramStream {
  kind: HistogramKind;
  isExponential: boolean;
  /** Bounds change in the middle of a life too. */
  isUnsteady: boolean;
  hasSum: boolean;
  hasExtremes: boolean;
  points: HistogramPoint[];
}

/** What one point adds: `plus` less `minus`, in the buckets of `bounds`. */
export interface Contribution {
  timeUs: number;
  bounds: number[];
  plus: readonly number[];
  minus: readonly number[];
}

const LAYOUTS: readonly (number[] | undefined)[] = [
  [0, 5, 10, 25],
  [-10, 0, 10],
  [0, 10, 20, 30, 40],
  [5],
  [],
  undefined,
];

export function makeHistogramStream(random: Random, spanUs: number): HistogramStream {
  const kind = random.pick<HistogramKind>([
    'delta',
    'delta',
    'cumulative',
    'cumulative',
    'resetting',
    'unknown_start',
  ]);
  const stream: HistogramStream = {
    kind,
    isExponential: random.chance(0.5),
    // What falls between two rows of rollups is seen in the buckets that both have: streams with resets keep theirs.
    isUnsteady: kind !== 'resetting' && random.chance(0.2),
    hasSum: random.chance(0.8),
    hasExtremes: random.chance(0.8),
    points: [],
  };
  const intervalUs = random.pick([5e6, 20e6, 60e6, 600e6, 7_200e6]);
  const pointsMax = 5 + Math.floor(random.uniform() * 40);
  const lossShare = random.pick([0, 0.1, 0.5]);
  const restartShare = random.pick([0, 0.05, 0.2]);
  const isSteady = kind === 'resetting';
  const scales = random.pick(isSteady ? [[3], [0], [5]] : [[3], [0, 1, 2, 3], [-2, 2], [5, 4]]);
  const thresholds = random.pick(isSteady ? [[0], [1.5]] : [[0], [0], [1.5], [0, 1.5, 4]]);
  let lastCount = 0;
  let atUs = Math.floor(random.uniform() * spanUs * 0.7);
  const firstStartUs = atUs;
  let bounds = random.pick(LAYOUTS);
  for (let life = 0; stream.points.length < pointsMax && atUs < spanUs; life++) {
    // One chain of points with resets in it keeps its bounds, unless it is unsteady.
    if (kind !== 'resetting') bounds = random.pick(LAYOUTS);
    let startUs = kind === 'resetting' ? firstStartUs : atUs;
    let fromUs = atUs;
    let soFar: number[] = [];
    let isFirst = true;
    do {
      const toUs = fromUs + 1 + Math.floor(random.exponential(intervalUs));
      // A restart may reach the old count before the next point: then only its buckets tell.
      const least = isSteady && isFirst && random.chance(0.5) ? lastCount : 0;
      const fresh = Array.from({ length: least + random.poisson(random.pick([0, 1, 4])) }, () =>
        drawValue(random),
      );
      soFar = kind === 'delta' ? fresh : [...soFar, ...fresh];
      if (stream.isUnsteady && random.chance(0.2)) bounds = random.pick(LAYOUTS);
      if (isFirst && kind === 'unknown_start') startUs = toUs;
      const point = { startUs: kind === 'delta' ? fromUs : startUs, timeUs: toUs, life, bounds };
      if (!random.chance(lossShare) || (isFirst && kind === 'unknown_start')) {
        const [scale, zeroThreshold] = [random.pick(scales), random.pick(thresholds)];
        stream.points.push({ ...point, values: soFar, scale, zeroThreshold });
      }
      if (random.chance(0.05)) {
        stream.points.push({
          ...point,
          timeUs: toUs + 1,
          values: undefined,
          bounds: undefined,
          scale: 0,
          zeroThreshold: 0,
        });
      }
      lastCount = soFar.length;
      fromUs = toUs + 1;
      isFirst = false;
    } while (stream.points.length < pointsMax && fromUs < spanUs && !random.chance(restartShare));
    atUs = fromUs + 10 + Math.floor(random.exponential(intervalUs / 2));
  }
  return stream;
}

function drawValue(random: Random): number {
  return random.pick([0, Math.floor(random.uniform() * 60) - 20, Math.floor(random.exponential(200))]);
}

/** What `points` (those that arrived, in any order, some of them twice) add, each at its own time. */
export function findContributions(
  stream: HistogramStream,
  points: readonly HistogramPoint[],
): Contribution[] {
  const distinct = new Map(points.map((p) => [`${p.timeUs} ${p.startUs}`, p]));
  const sorted = [...distinct.values()]
    .filter((p) => p.values !== undefined)
    .sort((a, b) => a.timeUs - b.timeUs);
  const previous = new Map<number, HistogramPoint>();
  return sorted.map((p) => {
    const values = p.values!;
    const before = stream.kind === 'delta' ? undefined : previous.get(p.startUs);
    previous.set(p.startUs, p);
    const contribution = { timeUs: p.timeUs, bounds: p.bounds ?? [], plus: values, minus: [] as number[] };
    if (before === undefined) return p.startUs < p.timeUs ? contribution : { ...contribution, plus: [] };
    // A drop in count or in a bucket is a reset, and the new one counts from zero.
    if (before.values!.length > values.length || hasBucketFallen(stream, before, p)) return contribution;
    if (before.life === p.life) return { ...contribution, plus: values.slice(before.values!.length) };
    return { ...contribution, minus: before.values! };
  });
}

/** Whether a bucket of `later` holds less than in `earlier`; of a stream that keeps its buckets. */
function hasBucketFallen(stream: HistogramStream, earlier: HistogramPoint, later: HistogramPoint): boolean {
  if (stream.kind !== 'resetting') return false;
  const bucketOf = (value: number) => {
    if (!stream.isExponential) return String(findBucket(value, later.bounds ?? []));
    if (Math.abs(value) <= later.zeroThreshold) return 'zero';
    return `${Math.sign(value)} ${findExponentialIndex(value, later.scale)}`;
  };
  const counts = new Map<string, number>();
  for (const value of earlier.values!) counts.set(bucketOf(value), (counts.get(bucketOf(value)) ?? 0) - 1);
  for (const value of later.values!) counts.set(bucketOf(value), (counts.get(bucketOf(value)) ?? 0) + 1);
  return [...counts.values()].some((count) => count < 0);
}

/** Index of the bucket of an explicit layout: bounds are upper ends, and belong to their bucket. */
export function findBucket(value: number, bounds: readonly number[]): number {
  const index = bounds.findIndex((bound) => value <= bound);
  return index === -1 ? bounds.length : index;
}

/** Index of the exponential bucket of |value| > 0: bucket i is (base^i, base^(i+1)], base = 2^(2^-scale). */
export function findExponentialIndex(value: number, scale: number): number {
  return Math.ceil(Math.log2(Math.abs(value)) * 2 ** scale) - 1;
}
