/**
 * What a KPI's SQL is made from: rows of what series did in each step of a grid (src/store/views/metric-facts.ts writes
 * them). An interface, because stages do not import each other.
 */
import type { MetricShape } from './kpi.js';

/** Columns of facts, those that have to be asked for. */
export type FactColumn =
  | 'count'
  | 'sum'
  | 'has_sum'
  | 'increase'
  | 'level_count'
  | 'level_sum'
  | 'last'
  | 'begun_time'
  | 'last_time'
  | 'is_ended'
  | 'points'
  | 'resets'
  | BucketColumn;

/**
 * Of explicit-bucket histograms alone, and only where they are asked for. bounds and bucket_counts: what a series recorded by
 * bucket, of one layout; lowest, highest: no value lies beyond (infinite where that is not known); is_mixed: the series came in
 * more than one layout or without bounds, so that its buckets are not right.
 */
export type BucketColumn = 'bounds' | 'bucket_counts' | 'lowest' | 'highest' | 'is_mixed';

export const BUCKET_COLUMNS: readonly BucketColumn[] = [
  'bounds',
  'bucket_counts',
  'lowest',
  'highest',
  'is_mixed',
];

/** In seconds of the epoch. */
export interface KnownGrid {
  startS: number;
  endS: number;
  stepS: number;
}

/** Buckets of rollups that are not to be read as they are, by their beginnings in seconds of the epoch. */
export interface WaitingBuckets {
  day: readonly number[];
  hour: readonly number[];
  minute: readonly number[];
}

export interface FactsQuery {
  /** SQL of an Array(String). */
  metrics: string;
  /** SQL of the grid: two times on whole seconds and a number of seconds. */
  start: string;
  end: string;
  step: string;
  /** The same where it is known: the answer is the same and planned faster. */
  known?: KnownGrid | undefined;
  /** Buckets that wait to be rolled up, where they and the grid are known; a shape without waiting ones may be missing. */
  waiting?: Partial<Record<MetricShape, WaitingBuckets>> | undefined;
  /** Where only the step is known, in seconds, and that the start is a multiple of it. */
  startsOnStep?: { stepS: number } | undefined;
  /** Shapes that are read; fewer are planned faster. All of them where none is given. */
  shapes?: readonly MetricShape[];
  /** Columns that are wanted; fewer are planned faster. All of them where none is given. */
  columns?: readonly FactColumn[];
  /**
   * True where nothing is wanted of counters, only values as they were sent: nothing has to be known of the points before,
   * and what a counter grew by is not worked out (increase is 0, begun_time that of the first point).
   */
  isAsSent?: boolean;
  /** Columns of `series` (SQL AS name) that come with the rows, of the row that describes the series. */
  labels?: readonly { name: string; sql: string }[];
  /** Condition on columns of `series`. */
  where?: string;
  /** False where no series was folded (docs/decisions/0011-cardinality.md): the answer is the same and planned faster. */
  hasFolded?: boolean;
  /** One row for each series instead of one for each of its steps; `times` has the steps that have any point. */
  isWhole?: boolean;
  /** Values of numbers outside are left out, as if they had never been sent. */
  validRange?: ValidRange | undefined;
  /**
   * True: they are only looked for, which is planned several times faster. Where column `outlying`, how many rows of
   * rollups or points have any, is 0 throughout, the answer is the same.
   */
  isProbed?: boolean;
}

/** value × factor + offset must lie between min and max. SQL, of columns of `series`. */
export interface ValidRange {
  /** Series that it holds for. */
  series: string;
  factor: string;
  offset: string;
  min: string | undefined;
  max: string | undefined;
}

/** Quantiles of what histograms of some metrics recorded, of all series that have a group. */
export interface QuantilesQuery {
  metrics: readonly string[];
  /** SQL of the grid, as in FactsQuery. */
  start: string;
  end: string;
  step: string;
  shapes: readonly MetricShape[];
  /** SELECT of (series_id, grp): a text for each group that a series is in. */
  grouped: string;
}

export interface FactsSql {
  /** A SELECT of (in base units: time, `group`, count, p50, p75, p90, p95, p99, p999). */
  quantiles(query: QuantilesQuery): string;
  /** Elements of a WITH clause that `rows` needs: from_time, to_time and step_s among them. */
  aliases(query: FactsQuery): string;
  /**
   * To be put in parentheses (it may begin with WITH): a SELECT of (series_id, labels, time or times, and the columns in the order of FactColumn): one row for each series and
   * step that have any point. begun_time: since when what grew has been counted (the point before, the start of a counter,
   * or the first point); last_time: of the newest value.
   */
  rows(query: FactsQuery): string;
}
