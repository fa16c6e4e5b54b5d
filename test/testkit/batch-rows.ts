/**
 * A PointBatch as plain rows that can be compared: every column of every table, 64-bit integers as bigint, doubles as
 * their bits (any NaN as 'NaN', because no library promises to keep a NaN's payload). Reads the columns and nothing else.
 */
import type {
  Bytes,
  ExemplarPoints,
  ExponentialHistogramPoints,
  HistogramPoints,
  Lanes,
  NumberPoints,
  OptionalDoubles,
  PointBatch,
  SummaryPoints,
} from '../../src/model/point-batch.js';
import type { SeriesRow } from '../../src/model/series.js';
import { doubleBits } from './wire-writer.js';

export type DoubleBits = bigint | 'NaN';

/** `series` is a series_id in rows of a batch, and a text of the identity where rows are compared with the reference. */
interface PointRow<Id> {
  series: Id;
  time: bigint;
  startTime: bigint;
  flags: number;
}
export interface NumberRow<Id> extends PointRow<Id> {
  kind: number;
  valueType: number;
  valueInt: bigint;
  valueDouble: DoubleBits;
}
interface Distribution {
  temporality: number;
  count: bigint;
  sum: DoubleBits | null;
  min: DoubleBits | null;
  max: DoubleBits | null;
}
export interface HistogramRow<Id> extends PointRow<Id>, Distribution {
  explicitBounds: DoubleBits[];
  bucketCounts: bigint[];
}
export interface ExponentialHistogramRow<Id> extends PointRow<Id>, Distribution {
  scale: number;
  zeroCount: bigint;
  zeroThreshold: DoubleBits;
  positiveOffset: number;
  positiveCounts: bigint[];
  negativeOffset: number;
  negativeCounts: bigint[];
}
export interface SummaryRow<Id> extends PointRow<Id> {
  count: bigint;
  sum: DoubleBits;
  quantiles: DoubleBits[];
  quantileValues: DoubleBits[];
}
export interface ExemplarRow<Id> {
  series: Id;
  pointTime: bigint;
  time: bigint;
  valueType: number;
  valueInt: bigint;
  valueDouble: DoubleBits;
  traceId: string;
  spanId: string;
  /** Key, value, type. */
  attributes: [string, string, number][];
}

export interface BatchRows<Id> {
  numbers: NumberRow<Id>[];
  histograms: HistogramRow<Id>[];
  exponentialHistograms: ExponentialHistogramRow<Id>[];
  summaries: SummaryRow<Id>[];
  exemplars: ExemplarRow<Id>[];
  series: (Omit<SeriesRow, 'seriesId'> & { series_id: Id })[];
}

export function readBatchRows(batch: PointBatch): BatchRows<bigint> {
  return {
    numbers: indexes(batch.numbers.length).map((i) => readNumber(batch.numbers, i)),
    histograms: indexes(batch.histograms.length).map((i) => readHistogram(batch.histograms, i)),
    exponentialHistograms: indexes(batch.exponentialHistograms.length).map((i) =>
      readExponentialHistogram(batch.exponentialHistograms, i),
    ),
    summaries: indexes(batch.summaries.length).map((i) => readSummary(batch.summaries, i)),
    exemplars: readExemplars(batch.exemplars),
    series: batch.seriesRows.map(({ seriesId, ...row }) => ({ ...row, series_id: seriesId })),
  };
}

/** The same rows with another name for each series. */
export function renameSeries<From, To>(rows: BatchRows<From>, rename: (id: From) => To): BatchRows<To> {
  const renamed = <Row extends { series: From }>(list: Row[]) =>
    list.map((row) => ({ ...row, series: rename(row.series) }));
  return {
    numbers: renamed(rows.numbers),
    histograms: renamed(rows.histograms),
    exponentialHistograms: renamed(rows.exponentialHistograms),
    summaries: renamed(rows.summaries),
    exemplars: renamed(rows.exemplars),
    series: rows.series.map((row) => ({ ...row, series_id: rename(row.series_id) })),
  };
}

export function toDoubleBits(value: number): DoubleBits {
  return Number.isNaN(value) ? 'NaN' : doubleBits(value);
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function readPoint(
  p: { seriesId: Lanes; time: Lanes; startTime: Lanes; flags: { data: Uint32Array } },
  i: number,
): PointRow<bigint> {
  return {
    series: p.seriesId.bigUintAt(i),
    time: p.time.bigUintAt(i),
    startTime: p.startTime.bigUintAt(i),
    flags: p.flags.data[i]!,
  };
}

function readNumber(p: NumberPoints, i: number): NumberRow<bigint> {
  return {
    ...readPoint(p, i),
    kind: p.kind.data[i]!,
    valueType: p.valueType.data[i]!,
    valueInt: p.valueInt.bigIntAt(i),
    valueDouble: doubleAt(p.valueDouble, i),
  };
}

function readDistribution(p: HistogramPoints | ExponentialHistogramPoints, i: number): Distribution {
  return {
    temporality: p.temporality.data[i]!,
    count: p.count.bigUintAt(i),
    sum: optionalAt(p.sum, i),
    min: optionalAt(p.min, i),
    max: optionalAt(p.max, i),
  };
}

function readHistogram(p: HistogramPoints, i: number): HistogramRow<bigint> {
  return {
    ...readPoint(p, i),
    ...readDistribution(p, i),
    explicitBounds: listAt(p.explicitBoundsEnd, i).map((k) => doubleAt(p.explicitBounds, k)),
    bucketCounts: listAt(p.bucketCountsEnd, i).map((k) => p.bucketCounts.bigUintAt(k)),
  };
}

function readExponentialHistogram(p: ExponentialHistogramPoints, i: number): ExponentialHistogramRow<bigint> {
  return {
    ...readPoint(p, i),
    ...readDistribution(p, i),
    scale: p.scale.data[i]! | 0,
    zeroCount: p.zeroCount.bigUintAt(i),
    zeroThreshold: doubleAt(p.zeroThreshold, i),
    positiveOffset: p.positiveOffset.data[i]! | 0,
    positiveCounts: listAt(p.positiveCountsEnd, i).map((k) => p.positiveCounts.bigUintAt(k)),
    negativeOffset: p.negativeOffset.data[i]! | 0,
    negativeCounts: listAt(p.negativeCountsEnd, i).map((k) => p.negativeCounts.bigUintAt(k)),
  };
}

function readSummary(p: SummaryPoints, i: number): SummaryRow<bigint> {
  return {
    ...readPoint(p, i),
    count: p.count.bigUintAt(i),
    sum: doubleAt(p.sum, i),
    quantiles: listAt(p.quantilesEnd, i).map((k) => doubleAt(p.quantiles, k)),
    quantileValues: listAt(p.quantileValuesEnd, i).map((k) => doubleAt(p.quantileValues, k)),
  };
}

function readExemplars(p: ExemplarPoints): ExemplarRow<bigint>[] {
  const keys = readTexts(p.attributeKeys);
  const values = readTexts(p.attributeValues);
  return indexes(p.length).map((i) => ({
    series: p.seriesId.bigUintAt(i),
    pointTime: p.pointTime.bigUintAt(i),
    time: p.time.bigUintAt(i),
    valueType: p.valueType.data[i]!,
    valueInt: p.valueInt.bigIntAt(i),
    valueDouble: doubleAt(p.valueDouble, i),
    traceId: Buffer.from(p.traceId.data.subarray(i * 16, i * 16 + 16)).toString('hex'),
    spanId: Buffer.from(p.spanId.data.subarray(i * 8, i * 8 + 8)).toString('hex'),
    attributes: listAt(p.attributesEnd, i).map((k) => [keys[k]!, values[k]!, p.attributeTypes.data[k]!]),
  }));
}

/** All texts of a column as Native has it: length as a varint, then UTF-8. */
function readTexts(column: Bytes): string[] {
  const bytes = Buffer.from(column.bytes());
  const texts: string[] = [];
  for (let pos = 0; pos < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[pos++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    texts.push(bytes.toString('utf8', pos, pos + length));
    pos += length;
  }
  return texts;
}

function doubleAt(lanes: Lanes, i: number): DoubleBits {
  return Number.isNaN(lanes.doubleAt(i)) ? 'NaN' : lanes.bigUintAt(i);
}

function optionalAt(column: OptionalDoubles, i: number): DoubleBits | null {
  const value = doubleAt(column.value, i);
  if (column.isNull.data[i] === 0) return value;
  if (value !== 0n) throw new Error('an unset optional double holds a value');
  return null;
}

/** Places in the flat data of the array in row `i`. */
function listAt(ends: Lanes, i: number): number[] {
  const from = i === 0 ? 0 : Number(ends.bigUintAt(i - 1));
  return indexes(Number(ends.bigUintAt(i)) - from).map((k) => from + k);
}
