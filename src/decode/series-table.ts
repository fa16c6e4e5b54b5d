/**
 * Series table: from stream identity to series_id, once per series. Two look-ups: by a 64-bit hash of raw wire bytes
 * (every point; open addressing in typed arrays, no objects) and by canonical identity (first sight of those bytes).
 * A cache and nothing more: it may be emptied at any moment, series are then written again and collapse in storage.
 */
import { createHash } from 'node:crypto';
import type { PointBatch } from '../model/point-batch.js';
import type { Attribute, Classify, Series, SeriesRow } from '../model/series.js';

/** Bits of series_id that come from the metric name, so that the series of a metric are stored side by side. */
const METRIC_BITS = 12n;
const METRIC_NAMES_CACHED_MAX = 10_000;

export interface SeriesTableOptions {
  classify: Classify;
  /** Keys the hash of raw bytes, so that senders cannot aim for collisions. */
  seed: number;
  /** Entries of either table before the cache is emptied. */
  entriesMax?: number;
}

export class SeriesTable {
  /** series_id of each index: low word at 2i, high word at 2i + 1. */
  ids: Uint32Array = new Uint32Array(2048);
  readonly seed: number;
  /**
   * Hash of what describes a series without being its identity, as its row was last written; 0 where the row is yet to
   * be written. A change writes the row again, the latest wins.
   */
  private described: Uint32Array = new Uint32Array(1024);
  private count = 0;
  private readonly byRawHash = new HashIndex();
  private readonly bySeriesId = new HashIndex();
  private readonly envelopes = new HashIndex();
  private readonly metricPrefixes = new Map<string, bigint>();
  private readonly classify: Classify;
  private readonly entriesMax: number;

  constructor(options: SeriesTableOptions) {
    this.classify = options.classify;
    this.seed = options.seed;
    this.entriesMax = options.entriesMax ?? 4_000_000;
  }

  /** Series seen since the cache was last emptied. */
  get size(): number {
    return this.count;
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

  /** Remember that raw bytes with this hash mean series `index`, which was just interned from them. */
  remember(hashLo: number, hashHi: number, index: number): void {
    this.byRawHash.insert(hashLo, hashHi, index, this.described[index]!);
  }

  /**
   * What is known of an envelope (resource, scope, metric header) that was read and found well-formed before: whether
   * its attributes are nested too deep.
   */
  findEnvelope(hashLo: number, hashHi: number): boolean | undefined {
    const known = this.envelopes.find(hashLo, hashHi);
    return known < 0 ? undefined : known === 1;
  }

  rememberEnvelope(hashLo: number, hashHi: number, isTooDeep: boolean): void {
    this.envelopes.insert(hashLo, hashHi, isTooDeep ? 1 : 0);
  }

  /** Index of a series by identity; new ones are classified and their row is added to `batch`. */
  intern(series: Series, batch: PointBatch, seenAtUnixNano: bigint): number {
    const seriesId = this.seriesIdOf(series);
    const lo = Number(seriesId & 0xffffffffn);
    const hi = Number(seriesId >> 32n);
    let index = this.bySeriesId.find(lo, hi);
    if (index < 0) {
      this.makeRoom();
      index = this.count++;
      this.ids[index * 2] = lo;
      this.ids[index * 2 + 1] = hi;
      this.bySeriesId.insert(lo, hi, index);
    }
    const described = hash32(descriptionText(series));
    if (this.described[index] !== described) {
      batch.seriesRows.push(makeSeriesRow(seriesId, series, this.classify(series), seenAtUnixNano));
      this.described[index] = described;
    }
    return index;
  }

  /** These rows never reached the spool (their request was malformed, or the write failed): write them next time. */
  forgetWritten(rows: readonly SeriesRow[]): void {
    for (const { seriesId } of rows) {
      const index = this.bySeriesId.find(Number(seriesId & 0xffffffffn), Number(seriesId >> 32n));
      if (index >= 0) this.described[index] = 0;
    }
  }

  /** Start from nothing, as after a restart. */
  forgetAll(): void {
    this.count = 0;
    this.described.fill(0);
    this.byRawHash.clear();
    this.bySeriesId.clear();
    this.envelopes.clear();
  }

  /** To be called between requests only: indexes of the request at hand stay valid until it is done. */
  trim(): void {
    if (Math.max(this.count, this.byRawHash.size, this.envelopes.size) > this.entriesMax) this.forgetAll();
  }

  private seriesIdOf(series: Series): bigint {
    const identity = hash64(identityText(series));
    let prefix = this.metricPrefixes.get(series.metricName);
    if (prefix === undefined) {
      prefix = hash64(series.metricName) >> (64n - METRIC_BITS);
      if (this.metricPrefixes.size >= METRIC_NAMES_CACHED_MAX) this.metricPrefixes.clear();
      this.metricPrefixes.set(series.metricName, prefix);
    }
    return (prefix << (64n - METRIC_BITS)) | (identity >> METRIC_BITS);
  }

  private makeRoom(): void {
    if (this.count < this.described.length) return;
    const capacity = this.described.length * 2;
    this.ids = grow(this.ids, capacity * 2);
    this.described = grow(this.described, capacity);
  }
}

/** Unambiguous text of everything that makes a stream itself (metrics data model, "Identity"). */
function identityText(s: Series): string {
  return JSON.stringify([
    attributeTexts(s.resource),
    s.scopeName,
    s.scopeVersion,
    attributeTexts(s.scopeAttributes),
    s.metricName,
    s.type,
    s.unit,
    s.temporality,
    s.isMonotonic,
    attributeTexts(s.attributes),
  ]);
}

function descriptionText(s: Series): string {
  return JSON.stringify([
    s.description,
    s.resourceSchemaUrl,
    s.scopeSchemaUrl,
    ...attributeTexts(s.metadata),
  ]);
}

function attributeTexts(attributes: readonly Attribute[]): string[] {
  const texts: string[] = [];
  for (const a of attributes) texts.push(a.key, a.type, a.value);
  return texts;
}

/** Only tells whether a description changed: FNV-1a is enough. Never 0. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0 || 1;
}

function hash64(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigUInt64BE(0);
}

function makeSeriesRow(
  seriesId: bigint,
  series: Series,
  classification: ReturnType<Classify>,
  seenAtUnixNano: bigint,
): SeriesRow {
  const component = series.scopeName || findAttribute(series.resource, 'service.component') || '';
  return {
    seriesId,
    series,
    classification,
    sourceSystem: findAttribute(series.resource, 'service.name') || 'unknown_service',
    sourceComponent: component,
    seenAtUnixNano,
  };
}

function findAttribute(attributes: readonly Attribute[], key: string): string | undefined {
  return attributes.find((a) => a.key === key)?.value;
}

function grow(from: Uint32Array, capacity: number): Uint32Array {
  const grown = new Uint32Array(capacity);
  grown.set(from);
  return grown;
}

/** Open-addressing map from a 64-bit key (two words) to a non-negative integer. */
class HashIndex {
  size = 0;
  /** The note of what `find` found last. */
  foundNote = 0;
  /** Four words a slot, so that a look-up touches one cache line: key low, key high, value + 1 (0 = free), note. */
  private slots = new Uint32Array(4 * 2048);
  private mask = 2047;

  find(lo: number, hi: number): number {
    const { slots, mask } = this;
    for (let slot = (lo ^ (hi >>> 7)) & mask; ; slot = (slot + 1) & mask) {
      const at = slot << 2;
      const value = slots[at + 2]!;
      if (value === 0) return -1;
      if (slots[at] === lo && slots[at + 1] === hi) {
        this.foundNote = slots[at + 3]!;
        return value - 1;
      }
    }
  }

  /** Adds the key, or replaces its value and note. */
  insert(lo: number, hi: number, value: number, note = 0): void {
    if ((this.size + 1) * 8 > this.slots.length) this.rehash();
    if (this.place(lo, hi, value + 1, note)) this.size++;
  }

  clear(): void {
    this.slots.fill(0);
    this.size = 0;
  }

  private place(lo: number, hi: number, stored: number, note: number): boolean {
    const { slots, mask } = this;
    let at = ((lo ^ (hi >>> 7)) & mask) << 2;
    while (slots[at + 2] !== 0 && (slots[at] !== lo || slots[at + 1] !== hi))
      at = (((at >>> 2) + 1) & mask) << 2;
    const isNew = slots[at + 2] === 0;
    slots[at] = lo;
    slots[at + 1] = hi;
    slots[at + 2] = stored;
    slots[at + 3] = note;
    return isNew;
  }

  private rehash(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2);
    this.mask = this.slots.length / 4 - 1;
    for (let at = 0; at < old.length; at += 4) {
      const stored = old[at + 2]!;
      if (stored !== 0) this.place(old[at]!, old[at + 1]!, stored, old[at + 3]!);
    }
  }
}
