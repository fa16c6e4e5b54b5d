/** Seeded draws of a fuzz run: the same seed gives the same requests for ever. */
import { type Random, seededRandom } from '../testkit/otlp-encoding.js';

export class Chance {
  private readonly random: Random;

  /** `stream` tells apart draws of one seed: every request has its own, so that it can be made again alone. */
  constructor(seed: number, stream = 0) {
    this.random = seededRandom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35));
  }

  /** 0 ≤ n < below. */
  below(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** Small mostly, up to `max` now and then. */
  size(max: number): number {
    return 1 + Math.floor(max * this.random() ** 6);
  }

  happens(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  fraction(): number {
    return this.random();
  }
}
