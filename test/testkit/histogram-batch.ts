/** Random histogram points → columns of a PointBatch, as the decoder would fill them. */
import {
  type OptionalDoubles,
  type PointBatch,
  TEMPORALITY_CUMULATIVE,
  TEMPORALITY_DELTA,
} from '../../src/model/point-batch.js';
import {
  findBucket,
  findExponentialIndex,
  type HistogramPoint,
  type HistogramStream,
} from './random-histogram.js';

/** `nanosOf` turns the stream's microseconds into Unix nanoseconds. */
export function pushPoint(
  batch: PointBatch,
  seriesId: bigint,
  stream: HistogramStream,
  point: HistogramPoint,
  nanosOf: (us: number) => bigint,
): void {
  const columns = stream.isExponential ? batch.exponentialHistograms : batch.histograms;
  const values = point.values ?? [];
  columns.seriesId.pushBigInt(seriesId);
  columns.time.pushBigInt(nanosOf(point.timeUs));
  columns.startTime.pushBigInt(nanosOf(point.startUs));
  columns.temporality.push(stream.kind === 'delta' ? TEMPORALITY_DELTA : TEMPORALITY_CUMULATIVE);
  columns.count.pushBigInt(BigInt(values.length));
  columns.flags.push(point.values === undefined ? 1 : 0);
  const isEmpty = values.length === 0;
  pushOptional(columns.sum, stream.hasSum ? values.reduce((a, b) => a + b, 0) : undefined);
  pushOptional(columns.min, stream.hasExtremes && !isEmpty ? Math.min(...values) : undefined);
  pushOptional(columns.max, stream.hasExtremes && !isEmpty ? Math.max(...values) : undefined);
  if (stream.isExponential) pushExponential(batch, point, values);
  else pushExplicit(batch, point, values);
}

function pushOptional(column: OptionalDoubles, value: number | undefined): void {
  column.isNull.push(value === undefined ? 1 : 0);
  column.value.pushDouble(value ?? 0);
}

function pushExplicit(batch: PointBatch, point: HistogramPoint, values: readonly number[]): void {
  const { histograms } = batch;
  const { bounds } = point;
  if (bounds !== undefined) {
    const counts = new Array<number>(bounds.length + 1).fill(0);
    for (const value of values) counts[findBucket(value, bounds)]!++;
    for (const bound of bounds) histograms.explicitBounds.pushDouble(bound);
    for (const count of counts) histograms.bucketCounts.pushBigInt(BigInt(count));
  }
  histograms.explicitBoundsEnd.pushBigInt(BigInt(histograms.explicitBounds.length));
  histograms.bucketCountsEnd.pushBigInt(BigInt(histograms.bucketCounts.length));
}

function pushExponential(batch: PointBatch, point: HistogramPoint, values: readonly number[]): void {
  const columns = batch.exponentialHistograms;
  const { scale, zeroThreshold } = point;
  const counted = values.filter((v) => Math.abs(v) > zeroThreshold);
  columns.scale.push(scale);
  columns.zeroCount.pushBigInt(BigInt(values.length - counted.length));
  columns.zeroThreshold.pushDouble(zeroThreshold);
  for (const [sign, offset, ends, flat] of [
    [1, columns.positiveOffset, columns.positiveCountsEnd, columns.positiveCounts],
    [-1, columns.negativeOffset, columns.negativeCountsEnd, columns.negativeCounts],
  ] as const) {
    const indexes = counted.filter((v) => v * sign > 0).map((v) => findExponentialIndex(v, scale));
    const [lowest, highest] = [Math.min(...indexes), Math.max(...indexes)];
    offset.push(indexes.length === 0 ? 0 : lowest);
    for (let i = lowest; i <= highest; i++)
      flat.pushBigInt(BigInt(indexes.filter((index) => index === i).length));
    ends.pushBigInt(BigInt(flat.length));
  }
}
