/**
 * Budgets of active series: per metric, per service, in all. Enters: series that take a place or give it back; leaves:
 * whether there is room for another. Counts only; which series are active is the series table's to know.
 */
import type { ActiveSeries } from '../model/series.js';

/** Active series at most; 0 = unlimited. */
export interface BudgetLimits {
  perMetric: number;
  perService: number;
  total: number;
}

/** Which budget had no room. */
export type Budget = 'metric' | 'service' | 'total';

export const UNLIMITED: BudgetLimits = { perMetric: 0, perService: 0, total: 0 };

export class SeriesBudget {
  private readonly metrics = new NamedCounts();
  private readonly services = new NamedCounts();
  /** Numbers of the metric and the service of each series index. */
  private metricOf = new Uint32Array(1024);
  private serviceOf = new Uint32Array(1024);
  private total = 0;

  constructor(readonly limits: BudgetLimits) {}

  /** Series that hold a place. */
  get active(): number {
    return this.total;
  }

  /** The first budget that has no room for one more series of this metric and service. */
  findFull(metricName: string, service: string): Budget | undefined {
    const { perMetric, perService, total } = this.limits;
    if (perMetric > 0 && this.metrics.countOf(metricName) >= perMetric) return 'metric';
    if (perService > 0 && this.services.countOf(service) >= perService) return 'service';
    if (total > 0 && this.total >= total) return 'total';
    return undefined;
  }

  /** Series `index` takes a place. */
  take(index: number, metricName: string, service: string): void {
    if (index >= this.metricOf.length) {
      const capacity = Math.max(index + 1, this.metricOf.length * 2);
      this.metricOf = grow(this.metricOf, capacity);
      this.serviceOf = grow(this.serviceOf, capacity);
    }
    this.metricOf[index] = this.metrics.add(metricName);
    this.serviceOf[index] = this.services.add(service);
    this.total++;
  }

  /** Series `index` is `indexes[index]` from now on; where that is negative it gives its place back. */
  renumber(indexes: Int32Array, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      const moved = indexes[index]!;
      if (moved >= 0) {
        // Series only ever move down, so nothing is overwritten that is still to be read.
        this.metricOf[moved] = this.metricOf[index]!;
        this.serviceOf[moved] = this.serviceOf[index]!;
      } else {
        this.metrics.remove(this.metricOf[index]!);
        this.services.remove(this.serviceOf[index]!);
        this.total--;
      }
    }
  }

  /** Series `from` to `to`, which hold a place each, by metric and service. `ids`: two words for each index. */
  listHolders(ids: Uint32Array, from: number, to: number): ActiveSeries[] {
    const indexesOf = new Map<number, number[]>();
    for (let index = from; index < to; index++) {
      const key = this.metricOf[index]! * 0x1_0000_0000 + this.serviceOf[index]!;
      const known = indexesOf.get(key);
      if (known) known.push(index);
      else indexesOf.set(key, [index]);
    }
    return [...indexesOf.values()].map((indexes) => ({
      metricName: this.metrics.nameOf(this.metricOf[indexes[0]!]!),
      service: this.services.nameOf(this.serviceOf[indexes[0]!]!),
      ids: Uint32Array.from(indexes.flatMap((index) => [ids[index * 2]!, ids[index * 2 + 1]!])),
    }));
  }

  clear(): void {
    this.metrics.clear();
    this.services.clear();
    this.total = 0;
  }
}

/** Names numbered from 0, and how often each was added; a number is free again when its count is back at 0. */
class NamedCounts {
  private readonly numbers = new Map<string, number>();
  private names: string[] = [];
  private counts: number[] = [];
  private free: number[] = [];

  nameOf(number: number): string {
    return this.names[number]!;
  }

  countOf(name: string): number {
    const number = this.numbers.get(name);
    return number === undefined ? 0 : this.counts[number]!;
  }

  add(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) {
      this.counts[known]!++;
      return known;
    }
    const number = this.free.pop() ?? this.names.length;
    this.names[number] = name;
    this.counts[number] = 1;
    this.numbers.set(name, number);
    return number;
  }

  remove(number: number): void {
    if (--this.counts[number]! > 0) return;
    this.numbers.delete(this.names[number]!);
    this.names[number] = '';
    this.free.push(number);
  }

  clear(): void {
    this.numbers.clear();
    this.names = [];
    this.counts = [];
    this.free = [];
  }
}

function grow(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(capacity);
  grown.set(from);
  return grown;
}
