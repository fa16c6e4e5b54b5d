/**
 * What became of one export request: how many points are on disk, which were rejected and why, and which were kept although
 * something in them is wrong. Protocols turn it into OTLP `partial_success`; it never carries exceptions.
 */

/** The closed list of reasons for which a single point (never a whole request) is rejected. */
export type RejectionReason =
  | 'time_zero'
  | 'time_too_old'
  | 'time_in_future'
  | 'metric_without_name'
  | 'temporality_unspecified'
  | 'value_missing'
  | 'bucket_counts_mismatch'
  | 'bounds_not_increasing'
  | 'scale_out_of_range'
  | 'bucket_index_out_of_range'
  | 'quantiles_invalid'
  | 'conflicting_point'
  | 'point_too_large'
  | 'attribute_depth_exceeded'
  | 'attributes_too_large';

/** The closed list of reasons for which a point is flagged: it is kept, and its sender hears what is wrong with it. */
export type FlagReason = 'start_after_time' | 'count_below_buckets' | 'count_above_buckets';

/** Points of one metric that have one thing wrong with them. */
export interface Reported<Reason extends string> {
  reason: Reason;
  metricName: string;
  /** Number of data points. */
  count: number;
  /** What exactly is wrong with them, and what was done about it or is to be done. */
  detail: string;
}

/** Points of one metric rejected for one reason. */
export type Rejection = Reported<RejectionReason>;
/** Points of one metric kept and flagged for one reason. They are among the accepted ones. */
export type Flagged = Reported<FlagReason>;

export interface ExportOutcome {
  /** Points that are fsynced in the spool. */
  accepted: number;
  /** Points in `rejections`, summed. */
  rejected: number;
  rejections: Rejection[];
  /** Accepted points with something wrong in them; none where unset or empty. A point can have several entries. */
  flagged?: readonly Flagged[];
  /** The spool segment that holds the accepted points; unset where there are none. */
  segment?: string;
  /** What the sender should know although nothing was rejected for it, one sentence each; none where unset or empty. */
  warnings?: readonly string[];
}

/** Whether the sender should hear anything but "all taken". */
export function hasMessage({ rejections, flagged = [], warnings = [] }: Messages): boolean {
  return rejections.length + flagged.length + warnings.length > 0;
}

/**
 * The `error_message` of a partial success: names what was rejected and why, then what was flagged, then the warnings; at
 * most `charsMax` characters. Empty where there is nothing to say.
 */
export function describeOutcome(
  { rejections, flagged = [], warnings = [] }: Messages,
  charsMax = 4096,
): string {
  let text = '';
  const add = (sentence: string) => {
    text += `${text === '' ? '' : '; '}${sentence}`;
  };
  for (const rejection of rejections) {
    if (text.length > charsMax) break;
    add(describeReported(rejection, 'rejected'));
  }
  for (const entry of flagged) {
    if (text.length > charsMax) break;
    add(describeReported(entry, 'kept and flagged'));
  }
  for (const warning of warnings) {
    if (text.length > charsMax) break;
    add(warning);
  }
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

type Messages = Pick<ExportOutcome, 'rejections' | 'flagged' | 'warnings'>;

/** Longest name in a message, characters: a name can be as long as a request, and would push everything else out. */
const NAME_CHARS_MAX = 200;

function describeReported({ count, metricName, reason, detail }: Reported<string>, what: string): string {
  const name =
    metricName.length <= NAME_CHARS_MAX ? metricName : `${metricName.slice(0, NAME_CHARS_MAX - 1)}…`;
  return `${count} point${count === 1 ? '' : 's'} of "${name}" ${what} (${reason}): ${detail}`;
}

/** What a request holds of the memory for requests under way. */
export interface RequestMemory {
  /** Counts `bytes` more. @throws RetryableError where there is no room for them. */
  add(bytes: number): void;
}

/**
 * The one function in which both protocols meet. Resolves only when the accepted points are on disk. What it needs beside the
 * bytes themselves it counts in `memory`.
 */
export type ExportMetrics = (
  bytes: Uint8Array,
  encoding: 'protobuf' | 'json',
  memory?: RequestMemory,
) => Promise<ExportOutcome>;
