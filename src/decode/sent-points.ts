/**
 * Points that one request has sent so far, by series, start time and time: a second one with another value
 * is found when it comes (two writers that share a series). Enters: columns whose last row is new; leaves: whether that row
 * stays. Open addressing over row numbers in a typed array, keys stay in the columns: no object per point.
 */
import type { Bytes, Lanes, PointBatch, Words } from '../model/point-batch.js';
import type { MetricType } from '../model/series.js';

interface KeyColumns {
  seriesId: Lanes;
  time: Lanes;
  startTime: Lanes;
}
type Column = Lanes | Bytes | Words;
/** An array column: the end of each row in its flat data. */
interface ListColumn {
  end: Lanes;
  values: Lanes;
}

/** Bytes on the wire of a small point: how many points a request may have, before it is read. */
const POINT_BYTES = 64;
const SLOTS_MIN = 64;
const SLOTS_FIRST_MAX = 16_384;

class SentRows {
  /** Row + 1; 0 = free. The number of slots is a power of two, and at least twice that of points. */
  private slots: Int32Array;
  private size = 0;

  constructor(
    private readonly keys: KeyColumns,
    /** One element per row each, the keys' among them. */
    private readonly columns: readonly Column[],
    private readonly lists: readonly ListColumn[],
    private readonly seed: number,
    requestBytes: number,
  ) {
    const points = Math.min(requestBytes / POINT_BYTES, SLOTS_FIRST_MAX / 2);
    this.slots = new Int32Array(Math.max(SLOTS_MIN, 2 ** Math.ceil(Math.log2(2 * points + 1))));
  }

  /**
   * Notes the last row. False where an earlier row of this request has its series, start time and time, and another value: the
   * last row is then removed from its columns. Repeats of the same value stay, storage makes them one.
   */
  keepLast(): boolean {
    const row = this.keys.seriesId.length - 1;
    const earlier = this.find(row);
    if (earlier < 0 || this.areEqual(earlier, row)) return true;
    for (const { end, values } of this.lists) values.length = startOf(end, row);
    for (const { end } of this.lists) end.length--;
    for (const column of this.columns) column.length--;
    return false;
  }

  /** The earlier row with the key of `row`, or -1 after `row` was noted under it. */
  private find(row: number): number {
    if (this.size * 2 >= this.slots.length) this.grow();
    const { slots } = this;
    const mask = slots.length - 1;
    for (let slot = this.hash(row) & mask; ; slot = (slot + 1) & mask) {
      const earlier = slots[slot]! - 1;
      if (earlier < 0) {
        slots[slot] = row + 1;
        this.size++;
        return -1;
      }
      if (this.haveSameKey(earlier, row)) return earlier;
    }
  }

  private haveSameKey(a: number, b: number): boolean {
    const { seriesId, time, startTime } = this.keys;
    return isSame(time.words, a, b, 2) && isSame(seriesId.words, a, b, 2) && isSame(startTime.words, a, b, 2);
  }

  private areEqual(a: number, b: number): boolean {
    return (
      this.columns.every((column) =>
        'words' in column ? isSame(column.words, a, b, 2) : isSame(column.data, a, b, 1),
      ) && this.lists.every((list) => areListsEqual(list, a, b))
    );
  }

  /** Keyed, so that senders cannot aim for one slot. */
  private hash(row: number): number {
    const { seriesId, time, startTime } = this.keys;
    let h = Math.imul(this.seed ^ seriesId.words[row * 2]!, 0x9e3779b1 | 0);
    h = Math.imul((h ^ (h >>> 15)) + time.words[row * 2]!, 0x85ebca77 | 0);
    h = Math.imul((h ^ (h >>> 13)) + time.words[row * 2 + 1]!, 0x7feb352d);
    h = Math.imul((h ^ (h >>> 15)) + startTime.words[row * 2]!, 0x846ca68b | 0);
    h = Math.imul((h ^ (h >>> 14)) + startTime.words[row * 2 + 1]!, 0x9e3779b1 | 0);
    return (h ^ (h >>> 16)) >>> 0;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2);
    const mask = this.slots.length - 1;
    for (const stored of old) {
      if (stored === 0) continue;
      let slot = this.hash(stored - 1) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = stored;
    }
  }
}

/** `width` words each. */
function isSame(words: Uint32Array | Uint8Array, a: number, b: number, width: 1 | 2): boolean {
  if (width === 1) return words[a] === words[b];
  return words[a * 2] === words[b * 2] && words[a * 2 + 1] === words[b * 2 + 1];
}

function startOf(end: Lanes, row: number): number {
  return row === 0 ? 0 : end.words[(row - 1) * 2]!;
}

function areListsEqual({ end, values }: ListColumn, a: number, b: number): boolean {
  const fromA = startOf(end, a);
  const fromB = startOf(end, b);
  const length = end.words[a * 2]! - fromA;
  if (length !== end.words[b * 2]! - fromB) return false;
  for (let i = 0; i < length; i++) {
    const at = (fromA + i) * 2;
    const other = (fromB + i) * 2;
    if (values.words[at] !== values.words[other] || values.words[at + 1] !== values.words[other + 1]) {
      return false;
    }
  }
  return true;
}

/** What one request has sent, by shape. A table is made with the first point of its shape. */
export class SentPoints {
  private readonly tables: Partial<Record<MetricType, SentRows>> = {};

  constructor(
    private readonly batch: PointBatch,
    private readonly seed: number,
    private readonly requestBytes: number,
  ) {}

  /**
   * Notes the last row of the points of this type. False where an earlier row of the request has its series, start time and time,
   * and another value: the last row is then removed from its columns.
   */
  keepLast(type: MetricType): boolean {
    let table = this.tables[type];
    if (table === undefined) {
      table = MAKERS[type](this.batch, this.seed, this.requestBytes);
      this.tables[type] = table;
    }
    return table.keepLast();
  }
}

function ofNumbers({ numbers: p }: PointBatch, seed: number, requestBytes: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.kind, p.valueType, p.valueInt, p.valueDouble, p.flags];
  return new SentRows(p, columns, [], seed, requestBytes);
}

function ofHistograms({ histograms: p }: PointBatch, seed: number, requestBytes: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.temporality, p.count, p.flags, ...presence(p)];
  const lists = [
    { end: p.explicitBoundsEnd, values: p.explicitBounds },
    { end: p.bucketCountsEnd, values: p.bucketCounts },
  ];
  return new SentRows(p, columns, lists, seed, requestBytes);
}

function ofExponentialHistograms(
  { exponentialHistograms: p }: PointBatch,
  seed: number,
  requestBytes: number,
): SentRows {
  const columns = [
    ...[p.seriesId, p.time, p.startTime, p.temporality, p.count, p.flags, ...presence(p)],
    ...[p.scale, p.zeroCount, p.zeroThreshold, p.positiveOffset, p.negativeOffset],
  ];
  const lists = [
    { end: p.positiveCountsEnd, values: p.positiveCounts },
    { end: p.negativeCountsEnd, values: p.negativeCounts },
  ];
  return new SentRows(p, columns, lists, seed, requestBytes);
}

function ofSummaries({ summaries: p }: PointBatch, seed: number, requestBytes: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.count, p.sum, p.flags];
  const lists = [
    { end: p.quantilesEnd, values: p.quantiles },
    { end: p.quantileValuesEnd, values: p.quantileValues },
  ];
  return new SentRows(p, columns, lists, seed, requestBytes);
}

function presence(p: Pick<PointBatch['histograms'], 'sum' | 'min' | 'max'>): Column[] {
  return [p.sum, p.min, p.max].flatMap(({ isNull, value }) => [isNull, value]);
}

/** A series has one type, so that gauges and sums need not share a table. */
const MAKERS = {
  gauge: ofNumbers,
  sum: ofNumbers,
  histogram: ofHistograms,
  exponential_histogram: ofExponentialHistograms,
  summary: ofSummaries,
};
