/**
 * Series beyond a budget: the overflow series that each is shown under, and a cache of fixed size from raw bytes to
 * those seen last. Enters: series that found no place; leaves: their overflow series. However many sources run away,
 * memory stays the same: what falls out of the cache is worked out again.
 */
import type { Attribute, Series } from '../model/series.js';
import type { Budget } from './series-budget.js';
import { isSameMetric, type SeriesIdentity } from './series-identity.js';

/** Attributes of an overflow series, as SDKs name theirs (OTel metrics SDK, "Overflow attribute"). */
export const OVERFLOW_ATTRIBUTES: readonly Attribute[] = [
  { key: 'otel.metric.overflow', value: 'true', type: 'bool' },
];

/** Series beyond a budget whose raw bytes are remembered: 5 MiB. */
const FOLDED_SLOTS = 1 << 18;

/** Overflow series with their whole resource; more than these keep only service.name of it. */
const WHOLE_RESOURCES_MAX = 10_000;
const OVERFLOW_SERIES_CACHED_MAX = 2 * WHOLE_RESOURCES_MAX;

const BUDGETS: readonly (Budget | undefined)[] = [undefined, 'metric', 'service', 'total'];

/** A direct-mapped cache: a newer entry takes the slot of an older one. */
export class FoldedCache {
  /** series_id and full budget of what `find` found last; no budget where it is an overflow series itself. */
  foundLo = 0;
  foundHi = 0;
  foundBudget: Budget | undefined;
  /** Five words a slot: key low, key high, id low, id high, 1 + index in BUDGETS (0 = free). */
  private slots = new Uint32Array(0);

  find(lo: number, hi: number): boolean {
    const { slots } = this;
    if (slots.length === 0) return false;
    const at = (lo & (FOLDED_SLOTS - 1)) * 5;
    if (slots[at] !== lo || slots[at + 1] !== hi || slots[at + 4] === 0) return false;
    this.foundLo = slots[at + 2]!;
    this.foundHi = slots[at + 3]!;
    this.foundBudget = BUDGETS[slots[at + 4]! - 1];
    return true;
  }

  insert(lo: number, hi: number, idLo: number, idHi: number, budget: Budget | undefined): void {
    if (this.slots.length === 0) this.slots = new Uint32Array(FOLDED_SLOTS * 5);
    const at = (lo & (FOLDED_SLOTS - 1)) * 5;
    this.slots[at] = lo;
    this.slots[at + 1] = hi;
    this.slots[at + 2] = idLo;
    this.slots[at + 3] = idHi;
    this.slots[at + 4] = 1 + BUDGETS.indexOf(budget);
  }

  clear(): void {
    this.slots = new Uint32Array(0);
  }
}

/** An overflow series and the words of its id. */
export interface Overflow {
  series: Series;
  lo: number;
  hi: number;
  /** Hash of what describes it. */
  described: number;
}

/** Which overflow series there are, and what their rows last said. */
export class OverflowSeries {
  /** series_id as text → hash of the description as last written. */
  private readonly described = new Map<string, number>();
  private last: { source: Series; overflow: Overflow } | undefined;

  constructor(private readonly identity: SeriesIdentity) {}

  /** The overflow series of `source`: the same stream, with the overflow attribute in place of its own. */
  find(source: Series): Overflow {
    if (this.last === undefined || !isSameMetric(this.last.source, source)) {
      let overflow = this.identify({ ...source, attributes: OVERFLOW_ATTRIBUTES });
      if (this.described.size >= WHOLE_RESOURCES_MAX && !this.described.has(keyOf(overflow))) {
        // Resources run away as attributes do: of theirs only the service is kept.
        const resource = source.resource.filter((a) => a.key === 'service.name');
        overflow = this.identify({ ...overflow.series, resource, scopeAttributes: [] });
      }
      this.last = { source, overflow };
    }
    return this.last.overflow;
  }

  /** Is the row of this overflow series to be written? If so it counts as written from now on. */
  isUndescribed(overflow: Overflow): boolean {
    const key = keyOf(overflow);
    if (this.described.get(key) === overflow.described) return false;
    if (this.described.size >= OVERFLOW_SERIES_CACHED_MAX) this.described.clear();
    this.described.set(key, overflow.described);
    return true;
  }

  clear(): void {
    this.described.clear();
    this.last = undefined;
  }

  private identify(series: Series): Overflow {
    const { lo, hi, described } = this.identity.read(series);
    return { series, lo, hi, described };
  }
}

function keyOf({ lo, hi }: Overflow): string {
  return `${hi} ${lo}`;
}
