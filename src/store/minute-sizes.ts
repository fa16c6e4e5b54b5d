/**
 * How many points a minute of each shape has, as far as this process has seen. Enters: points counted by minute; leaves:
 * the size of the largest minute. An estimate to choose between two right ways, never a fact about what is stored.
 */
import type { Shape } from './rollup-marks.js';

/** Minutes counted at one time; beyond it counting starts again, and the largest is kept. */
const MINUTES_MAX = 10_000;

export class MinuteSizes {
  private readonly counts = new Map<string, number>();
  private readonly largest = new Map<Shape, number>();

  /** Adds points of one minute; returns the size of the largest minute of that shape. */
  add(shape: Shape, minute: number, points: number): number {
    const key = `${shape} ${minute}`;
    const count = (this.counts.get(key) ?? 0) + points;
    if (this.counts.size >= MINUTES_MAX) this.counts.clear();
    this.counts.set(key, count);
    const largest = Math.max(this.largestOf(shape), count);
    this.largest.set(shape, largest);
    return largest;
  }

  /** Points of the largest minute seen; 0 where none was. */
  largestOf(shape: Shape): number {
    return this.largest.get(shape) ?? 0;
  }
}
