/**
 * What came through the receivers: requests and points by outcome, and which requests wait in which segment. Enters:
 * calls of exportMetrics, names of segments that were stored or put aside; leaves: totals since the start, and how long
 * each request took until it was visible. It does work per request and per segment, never per point.
 */
import { RetryableError } from '../model/errors.js';
import type { ExportMetrics, ExportOutcome, FlagReason } from '../model/export-outcome.js';
import type { SealedSegment, TurnTimes } from '../model/spool.js';

interface WaitingRequests {
  points: number;
  /** Milliseconds since the epoch. */
  requests: { arrivedMs: number; answeredMs: number }[];
}

/**
 * Requests that wait to be stored and are remembered one by one. While ClickHouse is away there can be more: of a
 * segment that comes later only the oldest request is measured.
 */
const WAITING_MAX = 100_000;

export class Traffic {
  /** Points by outcome. Dropped: accepted, and then refused by ClickHouse or lost with a damaged segment. */
  readonly points = { accepted: 0, rejected: 0, dropped: 0 };
  /** Accepted points with something wrong in them, by what it is; reasons that never occurred are missing. */
  readonly flagged: Partial<Record<FlagReason, number>> = {};
  readonly requests = { answered: 0, malformed: 0, refused: 0 };
  private readonly nowUnixMs: () => number;
  private readonly waitingMax: number;
  private readonly bySegment = new Map<string, WaitingRequests>();
  private waiting = 0;

  constructor(nowUnixMs: () => number, waitingMax = WAITING_MAX) {
    this.nowUnixMs = nowUnixMs;
    this.waitingMax = waitingMax;
  }

  /** The same function, and every call of it is counted. */
  watch(exportMetrics: ExportMetrics): ExportMetrics {
    return async (bytes, encoding, memory) => {
      const arrivedMs = this.nowUnixMs();
      let outcome: ExportOutcome;
      try {
        outcome = await exportMetrics(bytes, encoding, memory);
      } catch (error) {
        this.requests[error instanceof RetryableError ? 'refused' : 'malformed']++;
        throw error;
      }
      this.countAnswered(outcome, arrivedMs);
      return outcome;
    };
  }

  /**
   * How long each request of a segment took from its arrival until it could be seen, milliseconds; of own requests nothing.
   * Without `times` that is now. With them, readers store what waits before they read: a question asked when the request was
   * answered would have waited for the turn before to end, and then for a turn like this one.
   */
  takeStored(segment: SealedSegment, times?: TurnTimes): number[] {
    const now = this.nowUnixMs();
    const { begunMs } = segment;
    const requests = this.take(segment)?.requests;
    // What an earlier process left is measured too, as one: its requests are not known any more, only how old they are.
    if (requests === undefined) return begunMs === undefined ? [] : [Math.max(0, now - begunMs)];
    return requests.map(({ arrivedMs, answeredMs }) => {
      if (times === undefined) return Math.max(0, now - arrivedMs);
      const { turnMs, pauseMs } = times;
      const turnBeforeMs = Math.max(0, now - turnMs - pauseMs - answeredMs);
      return Math.max(0, Math.min(now - arrivedMs, answeredMs - arrivedMs + turnBeforeMs + turnMs));
    });
  }

  /**
   * Of the segment's points ClickHouse refused so many. Own ones are no traffic; whose they are is not known of a segment of an
   * earlier process, so all of its points count.
   */
  countQuarantined(segment: SealedSegment, points: number): void {
    const ofSenders = this.take(segment)?.points ?? (segment.begunMs === undefined ? 0 : points);
    this.points.dropped += Math.min(points, ofSenders);
  }

  /** Points of a damaged segment that are lost; whose they were cannot be read. */
  countLost(points: number): void {
    this.points.dropped += points;
  }

  private countAnswered(outcome: ExportOutcome, arrivedMs: number): void {
    const { accepted, rejected, flagged = [], segment } = outcome;
    this.requests.answered++;
    this.points.accepted += accepted;
    this.points.rejected += rejected;
    for (const { reason, count } of flagged) this.flagged[reason] = (this.flagged[reason] ?? 0) + count;
    if (segment === undefined) return;
    const answeredMs = this.nowUnixMs();
    let waiting = this.bySegment.get(segment);
    if (waiting === undefined) {
      waiting = { points: 0, requests: [{ arrivedMs, answeredMs }] };
      this.bySegment.set(segment, waiting);
    } else if (this.waiting < this.waitingMax) {
      waiting.requests.push({ arrivedMs, answeredMs });
      this.waiting++;
    }
    waiting.points += accepted;
  }

  private take({ name }: SealedSegment): WaitingRequests | undefined {
    const waiting = this.bySegment.get(name);
    if (waiting === undefined) return undefined;
    this.bySegment.delete(name);
    this.waiting -= waiting.requests.length - 1;
    return waiting;
  }
}
