/**
 * PointBatch: decoded points as a struct of growable typed arrays, one group per shape, in the very layout that
 * ClickHouse Native wants, so that encoding is copying. 64-bit columns are Uint32Array lanes (low word, high word):
 * the decoder moves fixed64 fields without ever making a BigInt. Never an object per point.
 */
import { Bytes, Lanes, Words } from './growing-columns.js';
import type { SeriesRow } from './series.js';

export { Bytes, Lanes, Words };

/** value_type of number points and exemplars. */
export const VALUE_NONE = 0;
export const VALUE_INT = 1;
export const VALUE_DOUBLE = 2;

/** kind of number points: what the value means over time; machine counters: docs/increase.md, rule 5. */
export const KIND_GAUGE = 1;
export const KIND_DELTA_COUNTER = 2;
export const KIND_CUMULATIVE_COUNTER = 3;
export const KIND_DELTA_UPDOWN = 4;
export const KIND_CUMULATIVE_UPDOWN = 5;
export const KIND_MACHINE_COUNTER = 6;

/** temporality of histogram points. */
export const TEMPORALITY_DELTA = 1;
export const TEMPORALITY_CUMULATIVE = 2;

/** Anything that `mark` and `rollback` can cut back. */
type Cuttable = Lanes | Bytes | Words;

/** Columns of one point table. Each column has one element per row unless it is the flat data of an array. */
abstract class Group {
  /** Every column, in an order of its own; `mark` and `rollback` walk it. */
  protected abstract columns(): Cuttable[];
  get capacityBytes(): number {
    const arrays = this.columns().map((column) => ('words' in column ? column.words : column.data));
    return arrays.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  }
  mark(): number[] {
    return this.columns().map((c) => c.length);
  }
  rollback(mark: readonly number[]): void {
    this.columns().forEach((column, i) => {
      column.length = mark[i]!;
    });
  }
}

/** Gauge and sum points. */
export class NumberPoints extends Group {
  readonly seriesId = new Lanes();
  readonly time = new Lanes();
  readonly startTime = new Lanes();
  /** KIND_*: repeated on every row so that increases need no join. */
  readonly kind = new Bytes();
  /** VALUE_NONE | VALUE_INT | VALUE_DOUBLE; the column of the other case is 0. */
  readonly valueType = new Bytes();
  readonly valueInt = new Lanes();
  readonly valueDouble = new Lanes();
  readonly flags = new Words();
  get length(): number {
    return this.seriesId.length;
  }
  protected columns(): Cuttable[] {
    return [
      this.seriesId,
      this.time,
      this.startTime,
      this.kind,
      this.valueType,
      this.valueInt,
      this.valueDouble,
      this.flags,
    ];
  }
}

/** Optional double: `isNull` 1 means unset (the double is then 0). */
export class OptionalDoubles {
  readonly isNull = new Bytes();
  readonly value = new Lanes();
}

export class HistogramPoints extends Group {
  readonly seriesId = new Lanes();
  readonly time = new Lanes();
  readonly startTime = new Lanes();
  /** TEMPORALITY_*. */
  readonly temporality = new Bytes();
  readonly count = new Lanes();
  readonly sum = new OptionalDoubles();
  readonly min = new OptionalDoubles();
  readonly max = new OptionalDoubles();
  /** Array columns: end offset of each row in the flat data. */
  readonly explicitBoundsEnd = new Lanes();
  readonly explicitBounds = new Lanes();
  readonly bucketCountsEnd = new Lanes();
  readonly bucketCounts = new Lanes();
  readonly flags = new Words();
  get length(): number {
    return this.seriesId.length;
  }
  protected columns(): Cuttable[] {
    return [
      this.seriesId,
      this.time,
      this.startTime,
      this.temporality,
      this.count,
      ...optionalColumns(this.sum, this.min, this.max),
      this.explicitBoundsEnd,
      this.explicitBounds,
      this.bucketCountsEnd,
      this.bucketCounts,
      this.flags,
    ];
  }
}

export class ExponentialHistogramPoints extends Group {
  readonly seriesId = new Lanes();
  readonly time = new Lanes();
  readonly startTime = new Lanes();
  /** TEMPORALITY_*. */
  readonly temporality = new Bytes();
  readonly count = new Lanes();
  readonly sum = new OptionalDoubles();
  readonly min = new OptionalDoubles();
  readonly max = new OptionalDoubles();
  readonly scale = new Words();
  readonly zeroCount = new Lanes();
  readonly zeroThreshold = new Lanes();
  readonly positiveOffset = new Words();
  readonly positiveCountsEnd = new Lanes();
  readonly positiveCounts = new Lanes();
  readonly negativeOffset = new Words();
  readonly negativeCountsEnd = new Lanes();
  readonly negativeCounts = new Lanes();
  readonly flags = new Words();
  get length(): number {
    return this.seriesId.length;
  }
  protected columns(): Cuttable[] {
    return [
      this.seriesId,
      this.time,
      this.startTime,
      this.temporality,
      this.count,
      ...optionalColumns(this.sum, this.min, this.max),
      this.scale,
      this.zeroCount,
      this.zeroThreshold,
      this.positiveOffset,
      this.positiveCountsEnd,
      this.positiveCounts,
      this.negativeOffset,
      this.negativeCountsEnd,
      this.negativeCounts,
      this.flags,
    ];
  }
}

export class SummaryPoints extends Group {
  readonly seriesId = new Lanes();
  readonly time = new Lanes();
  readonly startTime = new Lanes();
  readonly count = new Lanes();
  readonly sum = new Lanes();
  readonly quantilesEnd = new Lanes();
  readonly quantiles = new Lanes();
  readonly quantileValuesEnd = new Lanes();
  readonly quantileValues = new Lanes();
  readonly flags = new Words();
  get length(): number {
    return this.seriesId.length;
  }
  protected columns(): Cuttable[] {
    return [
      this.seriesId,
      this.time,
      this.startTime,
      this.count,
      this.sum,
      this.quantilesEnd,
      this.quantiles,
      this.quantileValuesEnd,
      this.quantileValues,
      this.flags,
    ];
  }
}

/** Exemplars of any point; `pointTime` is that of the point that carried it. */
export class ExemplarPoints extends Group {
  readonly seriesId = new Lanes();
  readonly pointTime = new Lanes();
  readonly time = new Lanes();
  readonly valueType = new Bytes();
  readonly valueInt = new Lanes();
  readonly valueDouble = new Lanes();
  /** 16 and 8 bytes a row; all zero where absent. */
  readonly traceId = new Bytes();
  readonly spanId = new Bytes();
  /** Map column: keys and values as varint-length-prefixed UTF-8; types as in AttributeType's order. */
  readonly attributesEnd = new Lanes();
  readonly attributeKeys = new Bytes();
  readonly attributeValues = new Bytes();
  readonly attributeTypes = new Bytes();
  get length(): number {
    return this.seriesId.length;
  }
  /** Only the first `rows` stay, whose attributes are the first `elements` with so many bytes of keys and values. */
  truncate(rows: number, elements: number, keyBytes: number, valueBytes: number): void {
    const { seriesId, pointTime, time, valueType, valueInt, valueDouble, attributesEnd } = this;
    for (const column of [seriesId, pointTime, time, valueType, valueInt, valueDouble, attributesEnd])
      column.length = rows;
    this.traceId.length = rows * 16;
    this.spanId.length = rows * 8;
    this.attributeTypes.length = elements;
    this.attributeKeys.length = keyBytes;
    this.attributeValues.length = valueBytes;
  }
  protected columns(): Cuttable[] {
    return [
      this.seriesId,
      this.pointTime,
      this.time,
      this.valueType,
      this.valueInt,
      this.valueDouble,
      this.traceId,
      this.spanId,
      this.attributesEnd,
      this.attributeKeys,
      this.attributeValues,
      this.attributeTypes,
    ];
  }
}

/** Series beyond a budget, and the overflow series that each is shown under. */
export class FoldedSeries extends Group {
  readonly seriesId = new Lanes();
  readonly overflowSeriesId = new Lanes();
  get length(): number {
    return this.seriesId.length;
  }
  push(lo: number, hi: number, overflowLo: number, overflowHi: number): void {
    this.seriesId.push(lo, hi);
    this.overflowSeriesId.push(overflowLo, overflowHi);
  }
  protected columns(): Cuttable[] {
    return [this.seriesId, this.overflowSeriesId];
  }
}

function optionalColumns(...columns: OptionalDoubles[]): Cuttable[] {
  return columns.flatMap((c) => [c.isNull, c.value]);
}

/** A place in a batch to go back to when a request turns out to be malformed. */
export interface BatchMark {
  groups: number[][];
  seriesRows: number;
}

export class PointBatch {
  readonly numbers = new NumberPoints();
  readonly histograms = new HistogramPoints();
  readonly exponentialHistograms = new ExponentialHistogramPoints();
  readonly summaries = new SummaryPoints();
  readonly exemplars = new ExemplarPoints();
  readonly foldedSeries = new FoldedSeries();
  /** Rows of series that this receiver has not yet written. */
  readonly seriesRows: SeriesRow[] = [];

  private groups(): Group[] {
    const { numbers, histograms, exponentialHistograms, summaries, exemplars, foldedSeries } = this;
    return [numbers, histograms, exponentialHistograms, summaries, exemplars, foldedSeries];
  }
  /** Data points (exemplars and series rows are not points). */
  get points(): number {
    return (
      this.numbers.length + this.histograms.length + this.exponentialHistograms.length + this.summaries.length
    );
  }
  get isEmpty(): boolean {
    return this.points === 0 && this.seriesRows.length === 0;
  }
  /** Memory that the columns hold, used or not; without rows of series, which are let go by `clear`. */
  get capacityBytes(): number {
    return this.groups().reduce((bytes, group) => bytes + group.capacityBytes, 0);
  }
  mark(): BatchMark {
    return { groups: this.groups().map((g) => g.mark()), seriesRows: this.seriesRows.length };
  }
  rollback(mark: BatchMark): void {
    this.groups().forEach((group, i) => {
      group.rollback(mark.groups[i]!);
    });
    this.seriesRows.length = mark.seriesRows;
  }
  clear(): void {
    for (const group of this.groups()) group.rollback(new Array(64).fill(0));
    this.seriesRows.length = 0;
  }
}
