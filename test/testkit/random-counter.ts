/**
 * Random streams of a sum: true events, cut into points by a random exporter (either temporality, restarts, losses,
 * missing starts, ends without a value). Enters: a Random; leaves: points, and what they must add up to, worked out from
 * the events themselves. Times are microseconds since a base time of the caller.
 */
import type { Random } from '../../src/demo/random.js';

export interface CounterPoint {
  startUs: number | undefined;
  timeUs: number;
  /** undefined: NO_RECORDED_VALUE. */
  value: bigint | undefined;
  isDouble: boolean;
  /** The life of a process it came from. */
  life: number;
}

/** losing: the start is known for the first points only, or for the last; moving: each point starts at the time of the one before. */
export type CounterKind = 'delta' | 'cumulative' | 'unknown_start' | 'no_start' | 'losing' | 'moving';

export interface CounterStream {
  kind: CounterKind;
  points: CounterPoint[];
  /** Times of the events of each life, sorted. */
  events: Map<number, number[]>;
}

export interface Contribution {
  timeUs: number;
  amount: number;
}

const KINDS: readonly CounterKind[] = [
  'delta',
  'cumulative',
  'cumulative',
  'unknown_start',
  'no_start',
  'losing',
  'moving',
];
/** Kinds whose instances cannot be told apart by their starts. */
const SINGLE: readonly CounterKind[] = ['no_start', 'losing', 'moving'];

/** One stream over `spanUs`, sometimes of two instances at once (as far as their starts tell them apart). */
export function makeCounterStream(random: Random, spanUs: number): CounterStream {
  const kind = random.pick(KINDS);
  const stream: CounterStream = { kind, points: [], events: new Map() };
  const instances = !SINGLE.includes(kind) && random.chance(0.2) ? 2 : 1;
  for (let i = 0; i < instances; i++) addInstance(stream, random, spanUs, i * 1_000);
  return stream;
}

function addInstance(stream: CounterStream, random: Random, spanUs: number, firstLife: number): void {
  const intervalUs = random.pick([20e6, 60e6, 300e6, 1_800e6, 7_200e6]);
  const eventEveryUs = intervalUs / random.pick([0.3, 2, 10]);
  const keepsStart = random.pick([(n: number) => n < pointsMax / 2, (n: number) => n > pointsMax / 2]);
  // A restart while the start is lost cannot be told from a counter that goes on.
  const restartShare = stream.kind === 'losing' ? 0 : random.pick([0, 0.05, 0.3]);
  const lossShare = random.pick([0, 0.1, 0.6]);
  const pointsMax = 5 + Math.floor(random.uniform() * 60);
  const doubleFrom = random.pick([0, pointsMax / 2, Number.POSITIVE_INFINITY]);
  let life = firstLife;
  let atUs = Math.floor(random.uniform() * spanUs * 0.7);
  let made = 0;
  while (made < pointsMax && atUs < spanUs) {
    const base =
      stream.kind === 'unknown_start'
        ? BigInt(Math.floor(random.uniform() * 1000)) << random.pick([0n, 45n])
        : 0n;
    const events: number[] = [];
    stream.events.set(life, events);
    const bornUs = atUs;
    let fromUs = bornUs;
    let startUs: number | undefined = stream.kind === 'no_start' ? undefined : bornUs;
    let isFirst = true;
    do {
      const toUs = fromUs + 1 + Math.floor(random.exponential(intervalUs));
      for (
        let e = fromUs + random.exponential(eventEveryUs);
        e <= toUs;
        e += random.exponential(eventEveryUs)
      ) {
        if (Math.floor(e) > fromUs) events.push(Math.floor(e));
      }
      if (isFirst && stream.kind === 'unknown_start') startUs = toUs;
      const isDouble = made >= doubleFrom;
      const count = stream.kind === 'delta' ? countEvents(events, fromUs, toUs) : events.length;
      const isLost = random.chance(lossShare) && !(isFirst && stream.kind === 'unknown_start');
      if (!isLost) {
        // Deltas whose start equals their time occur in real data.
        const deltaStart = random.chance(0.2) ? toUs : fromUs;
        stream.points.push({
          startUs:
            stream.kind === 'delta'
              ? deltaStart
              : stream.kind === 'losing' && !keepsStart(made)
                ? undefined
                : startUs,
          timeUs: toUs,
          value: base + BigInt(count),
          isDouble: isDouble && base < 1n << 40n,
          life,
        });
      }
      if (random.chance(0.05)) {
        const end = { startUs, timeUs: toUs + 1, value: undefined, isDouble: false, life };
        stream.points.push(stream.kind === 'delta' ? { ...end, startUs: toUs } : end);
      }
      fromUs = toUs;
      if (stream.kind === 'moving') startUs = toUs;
      isFirst = false;
      made++;
    } while (made < pointsMax && fromUs < spanUs && !random.chance(restartShare));
    atUs = fromUs + 10 + Math.floor(random.exponential(intervalUs / 2));
    life++;
  }
}

/** What `points` (those that arrived, in any order, some of them twice) say about the events of their stream. */
export function findContributions(stream: CounterStream, points: readonly CounterPoint[]): Contribution[] {
  const distinct = new Map(points.map((p) => [`${p.timeUs} ${p.startUs}`, p]));
  const sorted = [...distinct.values()]
    .filter((p) => p.value !== undefined)
    .sort((a, b) => a.timeUs - b.timeUs);
  if (stream.kind === 'delta') return sorted.map((p) => ({ timeUs: p.timeUs, amount: Number(p.value) }));
  if (stream.kind === 'no_start') return stepsOf(sorted, undefined);
  if (stream.kind === 'losing' || stream.kind === 'moving') return followedSteps(sorted);
  const byLife = new Map<number, CounterPoint[]>();
  for (const p of sorted) byLife.set(p.life, [...(byLife.get(p.life) ?? []), p]);
  return [...byLife].flatMap(([life, own]) =>
    stream.kind === 'cumulative'
      ? coveredEvents(stream.events.get(life)!, own)
      : stepsOf(own, own[0]!.startUs),
  );
}

/** A true start: each point covers the events since the one before, the first one those since the start. */
function coveredEvents(events: readonly number[], points: readonly CounterPoint[]): Contribution[] {
  return points.map((p, i) => ({
    timeUs: p.timeUs,
    amount: countEvents(events, i === 0 ? Number.NEGATIVE_INFINITY : points[i - 1]!.timeUs, p.timeUs),
  }));
}

/** Nothing is known of the time before the first point, unless that point says when it started; drops are resets. */
function stepsOf(points: readonly CounterPoint[], startUs: number | undefined): Contribution[] {
  return points.map((p, i) => {
    const value = p.value!;
    if (i === 0)
      return { timeUs: p.timeUs, amount: startUs !== undefined && startUs < p.timeUs ? Number(value) : 0 };
    const before = points[i - 1]!.value!;
    return { timeUs: p.timeUs, amount: Number(value >= before ? value - before : value) };
  });
}

/** The rules of docs/increase.md for starts that are lost or move, point by point. */
function followedSteps(points: readonly CounterPoint[]): Contribution[] {
  return points.map((p, i) => {
    const earlier = points.slice(0, i);
    const same = earlier.findLast((e) => p.startUs !== undefined && e.startUs === p.startUs);
    const latest = earlier.at(-1);
    const amountFrom = (e: CounterPoint) => Number(p.value! >= e.value! ? p.value! - e.value! : p.value!);
    const at = (amount: number) => ({ timeUs: p.timeUs, amount });
    if (latest === undefined) return at(p.startUs === undefined ? 0 : Number(p.value));
    const isNotBelow = p.value! >= latest.value!;
    if (p.startUs === undefined) return at(amountFrom(latest));
    if (latest.startUs === undefined && (same !== undefined || (p.startUs <= latest.timeUs && isNotBelow)))
      return at(amountFrom(latest));
    if (same !== undefined) return at(amountFrom(same));
    return at(p.startUs === latest.timeUs && isNotBelow ? amountFrom(latest) : Number(p.value));
  });
}

/** Events in (fromUs, toUs]. */
function countEvents(events: readonly number[], fromUs: number, toUs: number): number {
  return events.reduce((n, e) => n + (e > fromUs && e <= toUs ? 1 : 0), 0);
}
