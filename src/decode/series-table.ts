/**
 * Series table: from stream identity to series_id, once per series. Two look-ups: by a 64-bit hash of raw wire bytes
 * (every point; open addressing in typed arrays, no objects) and by canonical identity (first sight of those bytes).
 * Knows which series are active, and folds new ones beyond a budget: those keep their series_id and get a row in
 * folded_series instead of series (docs/decisions/0011-cardinality.md). A cache and nothing more: it may be emptied at
 * any moment, series are then written again and collapse in storage.
 */
import type { PointBatch } from '../model/point-batch.js';
import type { ActiveSeries, Classify, Series, SeriesRow } from '../model/series.js';
import { FoldedCache, OverflowSeries } from './folded-series.js';
import { HashIndex } from './hash-index.js';
import { type Budget, type BudgetLimits, SeriesBudget, UNLIMITED } from './series-budget.js';
import { SeriesIdentity } from './series-identity.js';
import { makeSeriesRow, serviceOf } from './series-row.js';

export interface SeriesTableOptions {
  classify: Classify;
  /** Whether counters of this metric count for the whole machine; none do where left out. */
  isMachineCounter?: (metricName: string) => boolean;
  /** Keys the hash of raw bytes, so that senders cannot aim for collisions. */
  seed: number;
  /** Entries of either table before the cache is emptied. */
  entriesMax?: number;
  /** Active series at most; unlimited where left out. */
  budgets?: BudgetLimits;
}

/** The index of whichever folded series was found last: those have no index of their own. */
const FOLDED = 0;
const FIRST = 1;

export class SeriesTable {
  /** series_id of each index: low word at 2i, high word at 2i + 1. */
  ids: Uint32Array = new Uint32Array(2048);
  readonly seed: number;
  readonly isMachineCounter: (metricName: string) => boolean;
  /** The budget that had no room for the series that was folded last; none where it is an overflow series itself. */
  foldedBy: Budget | undefined;
  /**
   * Hash of what describes a series without being its identity, as its row was last written; 0 where the row is yet to
   * be written. A change writes the row again, the latest wins.
   */
  private described: Uint32Array = new Uint32Array(1024);
  /** The last request with a point of each series, by `beginRequest`. Of no meaning once another request has begun. */
  private sentBy: Uint32Array = new Uint32Array(1024);
  private request = 0;
  private count = FIRST;
  /** Series below this index were known before the last refresh. */
  private settled = FIRST;
  private readonly byRawHash = new HashIndex();
  private readonly bySeriesId = new HashIndex();
  private readonly envelopes = new HashIndex();
  private readonly identity = new SeriesIdentity();
  private readonly overflows = new OverflowSeries(this.identity);
  private readonly folded = new FoldedCache();
  private readonly budget: SeriesBudget;
  private readonly classify: Classify;
  private readonly entriesMax: number;

  constructor(options: SeriesTableOptions) {
    this.classify = options.classify;
    this.isMachineCounter = options.isMachineCounter ?? (() => false);
    this.seed = options.seed;
    this.entriesMax = options.entriesMax ?? 4_000_000;
    this.budget = new SeriesBudget(options.budgets ?? UNLIMITED);
  }

  /** Series that hold a place: active ones, as far as this receiver knows. Folded ones hold none. */
  get size(): number {
    return this.budget.active;
  }

  get budgets(): BudgetLimits {
    return this.budget.limits;
  }

  /**
   * Index of the series whose raw bytes have this hash, or -1 where it must be interned: never seen, its row not
   * written, or written since with another description.
   */
  find(hashLo: number, hashHi: number): number {
    const { byRawHash } = this;
    const index = byRawHash.find(hashLo, hashHi);
    return index >= 0 && this.described[index] === byRawHash.foundNote ? index : -1;
  }

  /** As `find`, of series that were folded; sets `foldedBy`. The index is good for one point, until the next call. */
  findFolded(hashLo: number, hashHi: number): number {
    const { folded } = this;
    if (!folded.find(hashLo, hashHi)) return -1;
    this.foldedBy = folded.foundBudget;
    return this.showFolded(folded.foundLo, folded.foundHi);
  }

  /**
   * What was noted of an envelope (resource, scope, metric header) that was read and found well-formed before; -1 where it
   * was not.
   */
  findEnvelope(hashLo: number, hashHi: number): number {
    return this.envelopes.find(hashLo, hashHi);
  }

  rememberEnvelope(hashLo: number, hashHi: number, note: number): void {
    this.envelopes.insert(hashLo, hashHi, note);
  }

  /**
   * Index of a series by identity; new ones are classified and their row is added to `batch`. One that finds no place
   * is folded: `isFolded(index)`, and `foldedBy` says why. Raw bytes with the hash given mean this series from now on.
   */
  intern(series: Series, batch: PointBatch, seenAtUnixNano: bigint, hashLo?: number, hashHi = 0): number {
    const { lo, hi, described } = this.identity.read(series);
    let index = this.bySeriesId.find(lo, hi);
    if (index < 0) {
      const service = serviceOf(series);
      const full = this.budget.findFull(series.metricName, service);
      if (full !== undefined) return this.fold(series, lo, hi, full, batch, seenAtUnixNano, hashLo, hashHi);
      index = this.add(lo, hi, series.metricName, service);
    }
    if (this.described[index] !== described) {
      batch.seriesRows.push(makeSeriesRow(idOf(lo, hi), series, this.classify(series), seenAtUnixNano));
      this.described[index] = described;
    }
    if (hashLo !== undefined) this.byRawHash.insert(hashLo, hashHi, index, described);
    return index;
  }

  /** The number of a request, to ask `isSentAgain` with. */
  beginRequest(): number {
    this.request = (this.request + 1) >>> 0;
    return this.request;
  }

  /** Whether the request has asked this of the series before. Folded series share an index: of those it says only that it may have. */
  isSentAgain(index: number, request: number): boolean {
    if (this.sentBy[index] === request) return true;
    this.sentBy[index] = request;
    return false;
  }

  isFolded(index: number): boolean {
    return index === FOLDED;
  }

  /** These rows never reached the spool (their request was malformed, or the write failed): write them next time. */
  forgetWritten(rows: readonly SeriesRow[]): void {
    for (const { seriesId } of rows) {
      const index = this.bySeriesId.find(Number(seriesId & 0xffffffffn), Number(seriesId >> 32n));
      if (index >= 0) this.described[index] = 0;
    }
    this.forgetFolded();
  }

  /** Rows that reached the spool may be lost: each series is written again with its next point. */
  forgetAllWritten(): void {
    this.described.fill(0);
    this.forgetFolded();
  }

  /** Start from nothing, as after a restart. */
  forgetAll(): void {
    this.count = this.settled = FIRST;
    this.described.fill(0);
    this.byRawHash.clear();
    this.bySeriesId.clear();
    this.envelopes.clear();
    this.budget.clear();
    this.forgetFolded();
  }

  /** To be called between requests only: indexes of the request at hand stay valid until it is done. */
  trim(): void {
    if (this.count - FIRST > this.entriesMax) this.forgetAll();
    if (this.byRawHash.size > this.entriesMax) this.byRawHash.clear();
    if (this.envelopes.size > this.entriesMax) this.envelopes.clear();
  }

  /**
   * Between requests: `active` is what storage knows of. Those of them that are new here hold a place as well; what is
   * neither among them nor new since the last refresh gives its place back. Folded series get another chance.
   */
  refresh(active: readonly ActiveSeries[]): void {
    const indexes = new Int32Array(this.count).fill(-1);
    const known = this.count;
    for (const { metricName, service, ids } of active) {
      for (let i = 0; i < ids.length; i += 2) {
        const index = this.bySeriesId.find(ids[i]!, ids[i + 1]!);
        if (index < 0) this.add(ids[i]!, ids[i + 1]!, metricName, service);
        else if (index < known) indexes[index] = index;
      }
    }
    for (let index = this.settled; index < known; index++) indexes[index] = index;
    this.drop(indexes);
    this.settled = this.count;
    this.forgetFolded();
  }

  /** The series that hold a place, by metric and service. */
  listActive(): ActiveSeries[] {
    return this.budget.listHolders(this.ids, FIRST, this.count);
  }

  /** Series of which `kept` has no index go, the others move up; what came after those that `kept` covers stays. */
  private drop(kept: Int32Array): void {
    const indexes = new Int32Array(this.count);
    let next = FIRST;
    for (let index = FIRST; index < this.count; index++) {
      const stays = index >= kept.length || kept[index]! >= 0;
      indexes[index] = stays ? next++ : -1;
      if (!stays) continue;
      this.ids[indexes[index]! * 2] = this.ids[index * 2]!;
      this.ids[indexes[index]! * 2 + 1] = this.ids[index * 2 + 1]!;
      this.described[indexes[index]!] = this.described[index]!;
    }
    if (next === this.count) return;
    this.described.fill(0, next, this.count);
    this.budget.renumber(indexes, FIRST, this.count);
    this.byRawHash.renumber(indexes);
    this.bySeriesId.renumber(indexes);
    this.count = next;
  }

  private add(lo: number, hi: number, metricName: string, service: string): number {
    this.makeRoom();
    const index = this.count++;
    this.ids[index * 2] = lo;
    this.ids[index * 2 + 1] = hi;
    this.bySeriesId.insert(lo, hi, index);
    this.budget.take(index, metricName, service);
    return index;
  }

  private fold(
    series: Series,
    lo: number,
    hi: number,
    full: Budget,
    batch: PointBatch,
    seenAtUnixNano: bigint,
    hashLo: number | undefined,
    hashHi: number,
  ): number {
    const overflow = this.overflows.find(series);
    if (this.overflows.isUndescribed(overflow)) {
      const classification = this.classify(overflow.series);
      const seriesId = idOf(overflow.lo, overflow.hi);
      batch.seriesRows.push(makeSeriesRow(seriesId, overflow.series, classification, seenAtUnixNano));
    }
    const isItself = overflow.lo === lo && overflow.hi === hi;
    if (!isItself) batch.foldedSeries.push(lo, hi, overflow.lo, overflow.hi);
    this.foldedBy = isItself ? undefined : full;
    if (hashLo !== undefined) this.folded.insert(hashLo, hashHi, lo, hi, this.foldedBy);
    return this.showFolded(lo, hi);
  }

  private showFolded(lo: number, hi: number): number {
    this.ids[FOLDED * 2] = lo;
    this.ids[FOLDED * 2 + 1] = hi;
    return FOLDED;
  }

  private forgetFolded(): void {
    this.folded.clear();
    this.overflows.clear();
  }

  private makeRoom(): void {
    if (this.count < this.described.length) return;
    const capacity = this.described.length * 2;
    this.ids = grow(this.ids, capacity * 2);
    this.described = grow(this.described, capacity);
    this.sentBy = grow(this.sentBy, capacity);
  }
}

function idOf(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}

function grow(from: Uint32Array, capacity: number): Uint32Array {
  const grown = new Uint32Array(capacity);
  grown.set(from);
  return grown;
}
