/** What a metric's type, temporality and monotonicity become in the columns of a PointBatch. */
import {
  KIND_CUMULATIVE_COUNTER,
  KIND_CUMULATIVE_UPDOWN,
  KIND_DELTA_COUNTER,
  KIND_DELTA_UPDOWN,
  KIND_GAUGE,
  TEMPORALITY_CUMULATIVE,
  TEMPORALITY_DELTA,
} from '../model/point-batch.js';
import type { MetricType, Temporality } from '../model/series.js';

export const METRIC_TYPE_CODES: Record<MetricType, number> = {
  gauge: 1,
  sum: 2,
  histogram: 3,
  exponential_histogram: 4,
  summary: 5,
};

export const TEMPORALITY_CODES: Record<Temporality, number> = {
  unspecified: 0,
  delta: TEMPORALITY_DELTA,
  cumulative: TEMPORALITY_CUMULATIVE,
};

/** KIND_* of number points. */
export function numberKind(type: MetricType, temporality: Temporality, isMonotonic: boolean): number {
  if (type === 'gauge') return KIND_GAUGE;
  if (temporality === 'delta') return isMonotonic ? KIND_DELTA_COUNTER : KIND_DELTA_UPDOWN;
  return isMonotonic ? KIND_CUMULATIVE_COUNTER : KIND_CUMULATIVE_UPDOWN;
}
