/**
 * Intake: where both protocols meet. Enters: the bytes of one export request; leaves: an ExportOutcome, once its
 * accepted points are on disk. Refuses (RetryableError) when there is no room, and keeps the balance of points:
 * received = accepted + rejected + refused; dropped is always 0.
 */
import type { DecodeLimits } from './decode/decode-context.js';
import { describeFolded } from './decode/fold-log.js';
import { decodeJson } from './decode/json-decoder.js';
import { decodeProtobuf } from './decode/protobuf-decoder.js';
import type { SeriesTable } from './decode/series-table.js';
import { RetryableError } from './model/errors.js';
import type { ExportMetrics, ExportOutcome } from './model/export-outcome.js';
import type { GroupCommit } from './spool/group-commit.js';
import type { Spool } from './spool/spool.js';

export interface IntakeOptions {
  spool: Spool;
  groupCommit: GroupCommit;
  series: SeriesTable;
  limits: DecodeLimits;
  nowUnixMs: () => number;
}

/** Totals since the start. Points of malformed or refused requests are not known, so those are counted as requests. */
export interface IntakeCounts {
  pointsAccepted: number;
  pointsRejected: number;
  /** Accepted points with something wrong in them, once for each thing. */
  pointsFlagged: number;
  /** Accepted points of series beyond a budget: counted in an overflow series. */
  pointsFolded: number;
  requestsAnswered: number;
  requestsMalformed: number;
  requestsRefused: number;
}

/** How long a sender waits when there is no room, milliseconds. */
const FULL_RETRY_MS = 5_000;

export function createIntake(options: IntakeOptions): { exportMetrics: ExportMetrics; counts: IntakeCounts } {
  const { spool, groupCommit, series, limits, nowUnixMs } = options;
  const counts: IntakeCounts = {
    pointsAccepted: 0,
    pointsRejected: 0,
    pointsFlagged: 0,
    pointsFolded: 0,
    requestsAnswered: 0,
    requestsMalformed: 0,
    requestsRefused: 0,
  };

  /** Decode into the open batch; a malformed request leaves nothing behind. */
  function decode(bytes: Uint8Array, encoding: 'protobuf' | 'json'): ExportOutcome & { folded: number } {
    const { batch } = groupCommit;
    const mark = batch.mark();
    series.trim();
    try {
      const context = { batch, series, limits, nowUnixMs: nowUnixMs() };
      const decoder = encoding === 'protobuf' ? decodeProtobuf : decodeJson;
      const { accepted, rejections, flagged, folded } = decoder(bytes, context);
      const rejected = countPoints(rejections);
      const outcome = { accepted, rejected, rejections, ...(flagged.length > 0 && { flagged }) };
      if (folded.length === 0) return { ...outcome, folded: 0 };
      const warnings = folded.map((entry) => describeFolded(entry, series.budgets));
      return { ...outcome, warnings, folded: countPoints(folded) };
    } catch (error) {
      counts.requestsMalformed++;
      series.forgetWritten(batch.seriesRows.slice(mark.seriesRows));
      batch.rollback(mark);
      throw error;
    }
  }

  async function exportMetrics(bytes: Uint8Array, encoding: 'protobuf' | 'json'): Promise<ExportOutcome> {
    if (spool.isFull) {
      counts.requestsRefused++;
      throw new RetryableError(
        'the spool is full (PLUMBLINE_SPOOL_BYTES_MAX): ClickHouse is away or slow',
        FULL_RETRY_MS,
      );
    }
    try {
      const { folded, ...outcome } = decode(bytes, encoding);
      const segment = outcome.accepted > 0 ? await groupCommit.commit() : undefined;
      counts.requestsAnswered++;
      counts.pointsAccepted += outcome.accepted;
      counts.pointsRejected += outcome.rejected;
      counts.pointsFlagged += countPoints(outcome.flagged ?? []);
      counts.pointsFolded += folded;
      return segment === undefined ? outcome : { ...outcome, segment };
    } catch (error) {
      if (error instanceof RetryableError) counts.requestsRefused++;
      throw error;
    }
  }

  return { exportMetrics, counts };
}

function countPoints(entries: readonly { count: number }[]): number {
  return entries.reduce((sum, { count }) => sum + count, 0);
}
