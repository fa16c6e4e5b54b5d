/**
 * What became of one export request: how many points are on disk, and which were rejected and why.
 * Protocols turn it into OTLP `partial_success`; it never carries exceptions.
 */

/** The closed list of reasons for which a single point (never a whole request) is rejected. */
export type RejectionReason =
  | 'time_zero'
  | 'time_too_old'
  | 'time_in_future'
  | 'start_time_in_future'
  | 'metric_without_name'
  | 'temporality_unspecified'
  | 'value_missing'
  | 'bucket_counts_mismatch'
  | 'bounds_not_increasing'
  | 'scale_out_of_range'
  | 'bucket_index_out_of_range'
  | 'quantiles_invalid'
  | 'attribute_depth_exceeded'
  | 'attributes_too_large';

/** Points of one metric rejected for one reason. */
export interface Rejection {
  reason: RejectionReason;
  metricName: string;
  /** Number of data points. */
  count: number;
  /** What exactly was wrong with the first of them. */
  detail: string;
}

export interface ExportOutcome {
  /** Points that are fsynced in the spool. */
  accepted: number;
  /** Points in `rejections`, summed. */
  rejected: number;
  rejections: Rejection[];
  /** The spool segment that holds the accepted points; unset where there are none. */
  segment?: string;
  /** What the sender should know although nothing was rejected for it, one sentence each; none where unset or empty. */
  warnings?: readonly string[];
}

/**
 * The `error_message` of a partial success: names what was rejected and why, then the warnings; at most `charsMax`
 * characters. Empty where there is nothing to say.
 */
export function describeOutcome(
  { rejections, warnings = [] }: Pick<ExportOutcome, 'rejections' | 'warnings'>,
  charsMax = 4096,
): string {
  let text = '';
  for (const rejection of rejections) {
    if (text.length > charsMax) break;
    text += `${text === '' ? '' : '; '}${describeRejection(rejection)}`;
  }
  for (const warning of warnings) {
    if (text.length > charsMax) break;
    text += `${text === '' ? '' : '; '}${warning}`;
  }
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

/** Longest name in a message, characters: a name can be as long as a request, and would push everything else out. */
const NAME_CHARS_MAX = 200;

function describeRejection({ count, metricName, reason, detail }: Rejection): string {
  const name =
    metricName.length <= NAME_CHARS_MAX ? metricName : `${metricName.slice(0, NAME_CHARS_MAX - 1)}…`;
  return `${count} point${count === 1 ? '' : 's'} of "${name}" rejected (${reason}): ${detail}`;
}

/** The one function in which both protocols meet. Resolves only when the accepted points are on disk. */
export type ExportMetrics = (bytes: Uint8Array, encoding: 'protobuf' | 'json') => Promise<ExportOutcome>;
