/**
 * Which times each table is read for, where the grid and the buckets that wait are known: the same rule as that of
 * grid-buckets.ts, worked out beforehand. What is left is a few ranges that the engine need not work out, and tables that
 * have nothing to say are not read at all.
 */
import type { KnownGrid, WaitingBuckets } from '../../model/facts.js';
import { knownBuckets, RESOLUTIONS, type Resolution, SECONDS_OF } from './grid-buckets.js';

/** Seconds of the epoch, from included, to not; in order and none over another, though they may touch. */
type Range = readonly [from: number, to: number];

/** Tables in the order in which they are asked: what one cannot answer is left for the next. */
export type Table = Resolution | 'point';

/** With more, reading the marks in SQL is shorter. */
const RANGES_MAX = 24;
const HOLES_MAX = 100;
const STEPS_MAX = 1_000;

/**
 * Conditions on `time` for each table that has anything to say; together they take every moment before the end once.
 * `withPast`: also what lies before the grid, where chains begin. undefined: too many ranges to write down,
 * or none.
 */
export function knownTimes(
  { startS, endS, stepS }: KnownGrid,
  waiting: WaitingBuckets,
  withPast: boolean,
): ReadonlyMap<Table, string> | undefined {
  if ((endS - startS) / stepS > STEPS_MAX) return undefined;
  const times = new Map<Table, string>();
  let left: Range[] = [[withPast ? 0 : startS, endS]];
  for (const r of RESOLUTIONS) {
    const { taken, cut } = knownBuckets(startS, endS, stepS, r);
    const coarse = common(left, taken);
    const finer = [...waiting[r], ...cut]
      .filter((timeS) => coarse.some(([from, to]) => timeS >= from && timeS < to))
      .map((timeS): Range => [timeS, timeS + SECONDS_OF[r]]);
    if (finer.length > HOLES_MAX) return undefined;
    const whole = without(coarse, finer);
    if (whole.length > RANGES_MAX) return undefined;
    if (whole.length > 0) times.set(r, conditionOf(whole, String));
    left = without(left, whole);
  }
  if (left.length > RANGES_MAX) return undefined;
  // Bounds of nanoseconds: with others the engine leaves out points (docs/decisions/0018-time-bounds.md).
  if (left.length > 0)
    times.set(
      'point',
      conditionOf(left, (timeS) => `toDateTime64(${timeS}, 9, 'UTC')`),
    );
  return times;
}

function common(a: readonly Range[], b: readonly Range[]): Range[] {
  return a.flatMap(([from, to]) =>
    b.map(([f, t]): Range => [Math.max(from, f), Math.min(to, t)]).filter(([f, t]) => f < t),
  );
}

function without(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  return holes.reduce<Range[]>(
    (left, [from, to]) =>
      left.flatMap(([f, t]) =>
        to <= f || from >= t
          ? [[f, t] as Range]
          : (
              [
                [f, Math.min(from, t)],
                [Math.max(to, f), t],
              ] as Range[]
            ).filter(([a, b]) => a < b),
      ),
    [...ranges],
  );
}

/** `ranges` with those put together that touch. */
function joined(ranges: readonly Range[]): Range[] {
  const all: [from: number, to: number][] = [];
  for (const [from, to] of ranges) {
    const last = all.at(-1);
    if (last?.[1] === from) last[1] = to;
    else all.push([from, to]);
  }
  return all;
}

function conditionOf(ranges: readonly Range[], literal: (timeS: number) => string): string {
  const each = joined(ranges).map(([from, to]) =>
    from === 0 ? `time < ${literal(to)}` : `time >= ${literal(from)} AND time < ${literal(to)}`,
  );
  return each.length === 1 ? each[0]! : `(${each.join(' OR ')})`;
}
