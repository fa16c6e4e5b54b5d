/**
 * Intake: where both protocols meet. Enters: the bytes of one export request; leaves: an ExportOutcome, once its
 * accepted points are on disk. Refuses (RetryableError) when there is no room, and keeps the balance of points:
 * received = accepted + rejected + refused; dropped is always 0.
 */
import type { DecodeLimits, DecodeResult } from './decode/decode-context.js';
import { describeFolded } from './decode/fold-log.js';
import type { BudgetLimits } from './decode/series-budget.js';
import type { SeriesTable } from './decode/series-table.js';
import { createDecodeRequest } from './decode-request.js';
import type { DiskSpace } from './disk-space.js';
import { RetryableError } from './model/errors.js';
import type { ExportMetrics, ExportOutcome, RequestMemory } from './model/export-outcome.js';
import type { GroupCommit } from './spool/group-commit.js';
import type { Spool } from './spool/spool.js';

export interface IntakeOptions {
  spool: Spool;
  disk: DiskSpace;
  groupCommit: GroupCommit;
  series: SeriesTable;
  limits: DecodeLimits;
  /** Protobuf messages that a request may hold. */
  messagesMax: number;
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

export interface Intake {
  exportMetrics: ExportMetrics;
  counts: IntakeCounts;
  /** Why points could not be written; none once others were. */
  readWriteFailure(): string | undefined;
  /** Gives up large requests that are under way or wait, and takes no further ones: their senders are asked to retry. */
  close(): void;
}

export function createIntake(options: IntakeOptions): Intake {
  const { spool, disk, series } = options;
  let writeFailure: string | undefined;
  const { decodeRequest, close } = createDecodeRequest(options);
  const counts: IntakeCounts = {
    pointsAccepted: 0,
    pointsRejected: 0,
    pointsFlagged: 0,
    pointsFolded: 0,
    requestsAnswered: 0,
    requestsMalformed: 0,
    requestsRefused: 0,
  };

  function refuse(message: string): never {
    counts.requestsRefused++;
    throw new RetryableError(message, FULL_RETRY_MS);
  }

  async function exportMetrics(
    bytes: Uint8Array,
    encoding: 'protobuf' | 'json',
    memory?: RequestMemory,
  ): Promise<ExportOutcome> {
    if (spool.isFull) refuse('the spool is full (PLUMBLINE_SPOOL_BYTES_MAX): ClickHouse is away or slow');
    if (disk.isLow())
      refuse('the disk is full (PLUMBLINE_DISK_FREE_BYTES_MIN): no points are taken until there is room');
    try {
      const { result, segment } = await decodeRequest(bytes, encoding, memory);
      const outcome = {
        ...describeResult(result, series.budgets),
        ...(segment && { segment: await segment }),
      };
      if (segment) writeFailure = undefined;
      counts.requestsAnswered++;
      counts.pointsAccepted += outcome.accepted;
      counts.pointsRejected += outcome.rejected;
      counts.pointsFlagged += countPoints(result.flagged);
      counts.pointsFolded += countPoints(result.folded);
      return outcome;
    } catch (error) {
      if (error instanceof RetryableError) {
        counts.requestsRefused++;
        if (error.cause instanceof Error) writeFailure = error.message;
      } else counts.requestsMalformed++;
      throw error;
    }
  }

  return { exportMetrics, counts, readWriteFailure: () => writeFailure, close };
}

function describeResult(
  { accepted, rejections, flagged, folded }: DecodeResult,
  budgets: BudgetLimits,
): ExportOutcome {
  const warnings = folded.map((entry) => describeFolded(entry, budgets));
  return {
    accepted,
    rejected: countPoints(rejections),
    rejections,
    ...(flagged.length > 0 && { flagged }),
    ...(warnings.length > 0 && { warnings }),
  };
}

function countPoints(entries: readonly { count: number }[]): number {
  return entries.reduce((sum, { count }) => sum + count, 0);
}
