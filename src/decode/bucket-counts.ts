/**
 * Bucket counts of histogram points: bounds at infinity are dropped, and counts are added up to be held against the count of
 * the point. Enters: columns and where the point at hand begins in them. Part of the hot path: nothing is allocated per point.
 */
import type { Lanes } from '../model/point-batch.js';

/** High words of +Inf and −Inf; their low words are 0. */
const PLUS_INFINITY = 0x7ff00000;
const MINUS_INFINITY = 0xfff00000;
const WORD = 2 ** 32;
/** A double adds up so many words exactly. */
const EXACT_MAX = 2 ** 20;

/**
 * Drops a last bound of +Inf and a first bound of −Inf, which bound nothing: no value lies beyond them. The counts on both sides of
 * such a bound become one. Where there are only as many counts as bounds, +Inf has no bucket beyond it (the `le` labels of
 * Prometheus, taken as bounds), so that only the bound goes. Where counts do not fit the bounds nothing is changed.
 */
export function dropInfiniteBounds(
  bounds: Lanes,
  boundsFrom: number,
  counts: Lanes,
  countsFrom: number,
): void {
  if (isInfinite(bounds, bounds.length - 1, boundsFrom, PLUS_INFINITY)) {
    const missing = bounds.length - boundsFrom + 1 - (counts.length - countsFrom);
    if (missing !== 0 && missing !== 1) return;
    bounds.length--;
    if (missing === 0) {
      addInto(counts, counts.length - 2, counts.length - 1);
      counts.length--;
    }
  }
  if (isInfinite(bounds, boundsFrom, boundsFrom, MINUS_INFINITY)) {
    if (bounds.length - boundsFrom + 1 !== counts.length - countsFrom) return;
    removeAt(bounds, boundsFrom);
    addInto(counts, countsFrom + 1, countsFrom);
    removeAt(counts, countsFrom);
  }
}

function isInfinite(bounds: Lanes, index: number, from: number, high: number): boolean {
  if (index < from || index >= bounds.length) return false;
  return bounds.words[index * 2 + 1] === high && bounds.words[index * 2] === 0;
}

function addInto({ words }: Lanes, target: number, source: number): void {
  const lo = words[target * 2]! + words[source * 2]!;
  const hi = words[target * 2 + 1]! + words[source * 2 + 1]! + (lo >= WORD ? 1 : 0);
  // A sum beyond 64 bits counts nothing real; it stays the largest number, and does not turn into a small one.
  words[target * 2] = hi >= WORD ? WORD - 1 : lo;
  words[target * 2 + 1] = hi >= WORD ? WORD - 1 : hi;
}

function removeAt(lanes: Lanes, index: number): void {
  lanes.words.copyWithin(index * 2, index * 2 + 2, lanes.length * 2);
  lanes.length--;
}

/** The sum of the buckets of one point, an unsigned 64-bit integer as two words; beyond 64 bits it is the largest one. */
export class BucketSum {
  lo = 0;
  hi = 0;

  /** Starts from this number, whose words are given. */
  set(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }

  /** Adds every element from `from` on. */
  add({ words, length }: Lanes, from: number): void {
    let { lo, hi } = this;
    for (let begin = from * 2; begin < length * 2; begin += EXACT_MAX * 2) {
      const end = Math.min(length, begin / 2 + EXACT_MAX) * 2;
      for (let at = begin; at < end; at += 2) {
        lo += words[at]!;
        hi += words[at + 1]!;
      }
      const carry = Math.floor(lo / WORD);
      lo -= carry * WORD;
      hi += carry;
    }
    this.lo = hi >= WORD ? WORD - 1 : lo;
    this.hi = hi >= WORD ? WORD - 1 : hi;
  }

  get isZero(): boolean {
    return this.lo === 0 && this.hi === 0;
  }

  /** Negative where the sum is below this count, positive where it is above, 0 where they are equal. */
  compare(countLo: number, countHi: number): number {
    return this.hi === countHi ? this.lo - countLo : this.hi - countHi;
  }
}
