/**
 * Points that one request has sent so far, by series, start time and time: a second one with another value is found when it
 * comes (two writers that share a series). Enters: columns whose last row is new; leaves: whether that row stays. As long as no
 * series comes twice there is nothing to look up; then the rows of the request go into a table of row numbers with open
 * addressing. Keys stay in the columns: no object per point.
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

const SLOTS_MIN = 64;

class SentRows {
  /** Row + 1; 0 = free. The number of slots is a power of two, and at least twice that of rows. */
  private slots: Int32Array;
  private size = 0;

  /** Holds the rows from `from` on, but for the last. */
  constructor(
    private readonly keys: KeyColumns,
    /** One element per row each, the keys' among them. */
    private readonly columns: readonly Column[],
    private readonly lists: readonly ListColumn[],
    private readonly seed: number,
    from: number,
    rowsMax: number,
  ) {
    const rows = Math.max(keys.seriesId.length - from, rowsMax / 2);
    this.slots = new Int32Array(Math.max(SLOTS_MIN, 2 ** Math.ceil(Math.log2(4 * rows))));
    for (let row = from; row < keys.seriesId.length - 1; row++) this.find(row);
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

/** What one request has sent, by shape. A table is made when a series comes again. */
export class SentPoints {
  private readonly tables: Partial<Record<MetricType, SentRows>> = {};
  /** How many rows the batch had before this request. */
  private readonly before: Readonly<Record<MetricType, number>>;
  /** Whether any series came again. */
  hasTables = false;

  constructor(
    private readonly batch: PointBatch,
    private readonly seed: number,
    /** Rows that this request can have, so that a large table need not grow; 0 = not known. */
    private readonly rowsMax = 0,
  ) {
    const { numbers, histograms, exponentialHistograms, summaries } = batch;
    this.before = {
      gauge: numbers.length,
      sum: numbers.length,
      histogram: histograms.length,
      exponential_histogram: exponentialHistograms.length,
      summary: summaries.length,
    };
  }

  /**
   * To be called for each row that was added and is of this type, unless its series came for the first time and there are no tables.
   * False where an earlier row of the request has its series, start time and time, and another value: the last row is then
   * removed from its columns. `isRepeated`: whether the request may have had its series before.
   */
  keepLast(type: MetricType, isRepeated: boolean): boolean {
    const shape = type === 'sum' ? 'gauge' : type;
    let table = this.tables[shape];
    if (table === undefined) {
      if (!isRepeated) return true;
      table = MAKERS[shape](this.batch, this.seed, this.before[shape], this.rowsMax);
      this.tables[shape] = table;
      this.hasTables = true;
    }
    return table.keepLast();
  }
}

function ofNumbers({ numbers: p }: PointBatch, seed: number, from: number, rowsMax: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.kind, p.valueType, p.valueInt, p.valueDouble, p.flags];
  return new SentRows(p, columns, [], seed, from, rowsMax);
}

function ofHistograms({ histograms: p }: PointBatch, seed: number, from: number, rowsMax: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.temporality, p.count, p.flags, ...presence(p)];
  const lists = [
    { end: p.explicitBoundsEnd, values: p.explicitBounds },
    { end: p.bucketCountsEnd, values: p.bucketCounts },
  ];
  return new SentRows(p, columns, lists, seed, from, rowsMax);
}

function ofExponentialHistograms(
  { exponentialHistograms: p }: PointBatch,
  seed: number,
  from: number,
  rowsMax: number,
): SentRows {
  const columns = [
    ...[p.seriesId, p.time, p.startTime, p.temporality, p.count, p.flags, ...presence(p)],
    ...[p.scale, p.zeroCount, p.zeroThreshold, p.positiveOffset, p.negativeOffset],
  ];
  const lists = [
    { end: p.positiveCountsEnd, values: p.positiveCounts },
    { end: p.negativeCountsEnd, values: p.negativeCounts },
  ];
  return new SentRows(p, columns, lists, seed, from, rowsMax);
}

function ofSummaries({ summaries: p }: PointBatch, seed: number, from: number, rowsMax: number): SentRows {
  const columns = [p.seriesId, p.time, p.startTime, p.count, p.sum, p.flags];
  const lists = [
    { end: p.quantilesEnd, values: p.quantiles },
    { end: p.quantileValuesEnd, values: p.quantileValues },
  ];
  return new SentRows(p, columns, lists, seed, from, rowsMax);
}

function presence(p: Pick<PointBatch['histograms'], 'sum' | 'min' | 'max'>): Column[] {
  return [p.sum, p.min, p.max].flatMap(({ isNull, value }) => [isNull, value]);
}

/** Sums are stored with gauges. */
const MAKERS = {
  gauge: ofNumbers,
  histogram: ofHistograms,
  exponential_histogram: ofExponentialHistograms,
  summary: ofSummaries,
};
