/**
 * PointBatch → ClickHouse Native blocks, one per table that got rows. Columns already lie in Native's layout, so a
 * block is a list of headers and views on the batch: nothing is copied. The views are valid until the batch is cleared.
 */
import type {
  ExemplarPoints,
  ExponentialHistogramPoints,
  HistogramPoints,
  Lanes,
  NumberPoints,
  PointBatch,
  SummaryPoints,
} from '../model/point-batch.js';
import {
  array,
  column,
  encodeBlock,
  type NativeBlock,
  type NativeColumn,
  optional,
} from './native-format.js';
import { seriesColumns } from './series-columns.js';

const TIME = "DateTime64(9, 'UTC')";

/** Blocks of every table with rows in `batch`; `receivedAtUnixS` is stored with each point. */
export function encodeBatch(batch: PointBatch, receivedAtUnixS: number): NativeBlock[] {
  const blocks: NativeBlock[] = [];
  const add = (table: string, rows: number, columns: () => NativeColumn[]) => {
    if (rows > 0) blocks.push(encodeBlock(table, rows, columns()));
  };
  const received = (rows: number) => receivedColumn(rows, receivedAtUnixS);
  const { numbers, histograms, exponentialHistograms, summaries, exemplars, seriesRows } = batch;
  // Series first: whoever sees a point can look up its series.
  add('series', seriesRows.length, () => seriesColumns(seriesRows));
  add('folded_series', batch.foldedSeries.length, () => [
    column('series_id', 'UInt64', batch.foldedSeries.seriesId.bytes()),
    column('overflow_series_id', 'UInt64', batch.foldedSeries.overflowSeriesId.bytes()),
  ]);
  add('number_points', numbers.length, () => [...numberColumns(numbers), received(numbers.length)]);
  add('histogram_points', histograms.length, () => [
    ...histogramColumns(histograms),
    received(histograms.length),
  ]);
  add('exponential_histogram_points', exponentialHistograms.length, () => [
    ...exponentialHistogramColumns(exponentialHistograms),
    received(exponentialHistograms.length),
  ]);
  add('summary_points', summaries.length, () => [...summaryColumns(summaries), received(summaries.length)]);
  add('exemplars', exemplars.length, () => exemplarColumns(exemplars));
  return blocks;
}

function numberColumns(p: NumberPoints): NativeColumn[] {
  return [
    ...pointColumns(p),
    column('kind', 'Int8', p.kind.bytes()),
    column('value_type', 'Int8', p.valueType.bytes()),
    column('value_int', 'Int64', p.valueInt.bytes()),
    column('value_double', 'Float64', p.valueDouble.bytes()),
    column('flags', 'UInt32', p.flags.bytes()),
  ];
}

function histogramColumns(p: HistogramPoints): NativeColumn[] {
  return [
    ...pointColumns(p),
    column('temporality', 'Int8', p.temporality.bytes()),
    column('count', 'UInt64', p.count.bytes()),
    optional('sum', p.sum),
    optional('min', p.min),
    optional('max', p.max),
    array('explicit_bounds', 'Float64', p.explicitBoundsEnd, p.explicitBounds),
    array('bucket_counts', 'UInt64', p.bucketCountsEnd, p.bucketCounts),
    column('flags', 'UInt32', p.flags.bytes()),
  ];
}

function exponentialHistogramColumns(p: ExponentialHistogramPoints): NativeColumn[] {
  return [
    ...pointColumns(p),
    column('temporality', 'Int8', p.temporality.bytes()),
    column('count', 'UInt64', p.count.bytes()),
    optional('sum', p.sum),
    optional('min', p.min),
    optional('max', p.max),
    column('scale', 'Int32', p.scale.bytes()),
    column('zero_count', 'UInt64', p.zeroCount.bytes()),
    column('zero_threshold', 'Float64', p.zeroThreshold.bytes()),
    column('positive_offset', 'Int32', p.positiveOffset.bytes()),
    array('positive_bucket_counts', 'UInt64', p.positiveCountsEnd, p.positiveCounts),
    column('negative_offset', 'Int32', p.negativeOffset.bytes()),
    array('negative_bucket_counts', 'UInt64', p.negativeCountsEnd, p.negativeCounts),
    column('flags', 'UInt32', p.flags.bytes()),
  ];
}

function summaryColumns(p: SummaryPoints): NativeColumn[] {
  return [
    ...pointColumns(p),
    column('count', 'UInt64', p.count.bytes()),
    column('sum', 'Float64', p.sum.bytes()),
    array('quantiles', 'Float64', p.quantilesEnd, p.quantiles),
    array('quantile_values', 'Float64', p.quantileValuesEnd, p.quantileValues),
    column('flags', 'UInt32', p.flags.bytes()),
  ];
}

function exemplarColumns(p: ExemplarPoints): NativeColumn[] {
  const ends = p.attributesEnd.bytes();
  const keys = p.attributeKeys.bytes();
  return [
    column('series_id', 'UInt64', p.seriesId.bytes()),
    column('point_time', TIME, p.pointTime.bytes()),
    column('time', TIME, p.time.bytes()),
    column('value_type', 'Int8', p.valueType.bytes()),
    column('value_int', 'Int64', p.valueInt.bytes()),
    column('value_double', 'Float64', p.valueDouble.bytes()),
    column('trace_id', 'FixedString(16)', p.traceId.bytes()),
    column('span_id', 'FixedString(8)', p.spanId.bytes()),
    column('filtered_attributes', 'Map(String, String)', ends, keys, p.attributeValues.bytes()),
    column('filtered_attribute_types', 'Map(String, Int8)', ends, keys, p.attributeTypes.bytes()),
  ];
}

/** The columns by which every point is found; store/touched-buckets.ts relies on them being the first two. */
function pointColumns(p: { seriesId: Lanes; time: Lanes; startTime: Lanes }): NativeColumn[] {
  return [
    column('series_id', 'UInt64', p.seriesId.bytes()),
    column('time', TIME, p.time.bytes()),
    column('start_time', TIME, p.startTime.bytes()),
  ];
}

function receivedColumn(rows: number, unixS: number): NativeColumn {
  return column('received_at', "DateTime('UTC')", new Uint8Array(new Uint32Array(rows).fill(unixS).buffer));
}
