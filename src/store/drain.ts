/**
 * Drain: spool segments in order → rows in ClickHouse. One insert per segment and table, with the segment's name as
 * deduplication token, so that a retry counts once; then the touched buckets are marked; then the segment is removed.
 * Where ClickHouse can never take the rows of a table, those of the others are stored, and the segment is put aside, never
 * thrown away; so is a damaged one, once everything that can be read of it is stored. A segment that cannot be read, removed
 * or put aside now is tried again later, and those behind it go on.
 *
 * Points are durable in the spool, so it works in turns: many rows in one insert cost a fraction of many small inserts. A turn
 * begins when points have waited for the interval, shortly before a minute is rolled up, when a segment is full, and when a
 * reader asks for what was acknowledged (`flush`).
 */
import { crc32 } from 'node:zlib';
import pRetry from 'p-retry';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import {
  createUnreadable,
  type Frame,
  type SealedSegment,
  type SegmentContent,
  type SegmentDamage,
  type SegmentSource,
  type TurnTimes,
} from '../model/spool.js';
import type { Rollups } from './rollups.js';
import { createTurnRequests } from './turn-requests.js';

export interface DrainOptions {
  clickhouse: ClickHouse;
  spool: SegmentSource;
  rollups: Pick<Rollups, 'markTouched'>;
  /** Pause between two turns that nobody asks for, milliseconds. */
  intervalMs: number;
  /** A turn begins so long after the end of every minute too, milliseconds. */
  afterMinuteMs?: number;
  /** Longest pause between two tries while ClickHouse is away, milliseconds. */
  retryMaxMs: number;
  log: DrainLog;
  /** A clock that only goes forward, milliseconds. */
  nowMs?: () => number;
  nowUnixMs?: () => number;
}

/** Rows of one table that ClickHouse will never take. */
export interface RefusedTable {
  table: string;
  rows: number;
  reason: string;
}

export interface DrainLog {
  /** ClickHouse did not take a segment, or the disk did not do what was asked of it; it will be tried again. */
  onRetry(segment: SealedSegment, error: Error, attempt: number): void;
  /** ClickHouse refused these rows of a segment; what else it has is stored, and the file lies at `path`. */
  onQuarantine(segment: SealedSegment, refused: readonly RefusedTable[], path: string): void;
  /** A segment was damaged: what could be read of it is stored, and the file lies at `path`. */
  onDamaged(segment: SealedSegment, damage: SegmentDamage, path: string): void;
  /** A crash had cut an unacknowledged write short. */
  onTorn(segment: SealedSegment, tornBytes: number): void;
  /** Rows of a segment are visible in SQL. */
  onStored(segment: SealedSegment, rowsByTable: ReadonlyMap<string, number>, times: TurnTimes): void;
  /** A segment stays in the spool for now: reading, removing or moving it has failed several times. */
  onLeft(segment: SealedSegment, error: Error): void;
  /** It worked after all. */
  onTaken(segment: SealedSegment): void;
}

/** A segment that could not be read, removed or put aside. */
interface LeftSegment {
  failures: number;
  firstFailureMs: number;
  /** When it is tried again. */
  dueMs: number;
  /** Set where everything that can be stored is stored, and only the file has to go. */
  release: (() => Promise<unknown>) | undefined;
}

/**
 * ClickHouse error codes that say the data itself is wrong, so that no retry can help: cannot parse, no such column,
 * incorrect data, type mismatch, cannot read all data, unknown type, value out of range.
 */
const DATA_ERROR_CODES: ReadonlySet<number> = new Set([6, 10, 16, 27, 33, 50, 53, 70, 117, 321]);

/**
 * How long a file is tried whose disk reports an error when it is read, milliseconds: paths to storage come back within
 * minutes, bad blocks do not. Then it is put aside as one of which nothing can be read.
 */
export const DISK_ERROR_RETRY_MS = 10 * 60_000;
/** What the system says of a disk that cannot be read, or of data on it that does not have its checksum. */
const DISK_ERROR_CODES: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);
/** How often a segment that stays in the spool is tried at least, milliseconds. */
const LEFT_RETRY_MAX_MS = 60_000;
const RETRY_MIN_MS = 100;
const MINUTE_MS = 60_000;
/** Full segments that a question waits for. */
const SEGMENTS_WAITED_FOR_MAX = 4;
/** Failures after which an operator should know; fewer are likely to pass. */
const FAILURES_REPORTED = 4;

export function createDrain(options: DrainOptions): Drain {
  return new Drain(options);
}

export class Drain implements Component {
  private readonly options: DrainOptions;
  private readonly nowMs: () => number;
  private readonly nowUnixMs: () => number;
  private readonly stopping = new AbortController();
  private readonly left = new Map<string, LeftSegment>();
  private running: Promise<void> | undefined;
  private wake = () => {};
  private readonly requests = createTurnRequests();
  /** ClickHouse did not take what it was given last, and is asked again. */
  private isRefused = false;
  private turnStartedMs = 0;
  private turnEndedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DrainOptions) {
    this.options = options;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.nowUnixMs = options.nowUnixMs ?? Date.now;
  }

  async start(): Promise<void> {
    this.running ??= this.run();
  }

  /** There is enough for a turn. */
  storeSoon(): void {
    this.wake();
  }

  /**
   * Stores what is in the spool now. Callers share turns: one is under way, all who ask during it wait for the next.
   * @returns False where not all of it is stored within the time, or for now cannot be; at once where that is known: ClickHouse
   *   refuses, or many segments wait.
   */
  async flush(waitMaxMs: number): Promise<boolean> {
    const { spool } = this.options;
    if (spool.isEmpty) return true;
    if (this.running === undefined || this.isLast || this.isRefused) return false;
    if (spool.list().length > SEGMENTS_WAITED_FOR_MAX) return false;
    const answer = this.requests.ask(waitMaxMs);
    this.wake();
    return answer;
  }

  /** Drains what is left as far as the deadline allows; the rest stays in the spool for the next start. */
  async shutdown(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), deadlineMs);
    this.isLast = true;
    this.wake();
    await this.running;
    clearTimeout(timer);
  }
  /** Set by shutdown: stop as soon as the spool is empty. */
  private isLast = false;

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const { isLast } = this;
      const answer = this.requests.begin();
      this.turnStartedMs = this.nowMs();
      await this.takeTurn();
      this.turnEndedMs = this.nowMs();
      answer(this.left.size === 0 && !this.stopping.signal.aborted);
      if (isLast) break;
      await this.pause();
    }
    this.requests.begin()(false);
  }

  /** Stores what is there now; what comes meanwhile is of the next turn, so that nobody waits for more than he asked for. */
  private async takeTurn(): Promise<void> {
    const { spool } = this.options;
    await spool.seal();
    const names = new Set(spool.list());
    const isOfTurn = (name: string) => names.has(name);
    for (let segment = this.findDue(isOfTurn); segment; segment = this.findDue(isOfTurn)) {
      await this.take(segment);
      if (this.stopping.signal.aborted) return;
    }
  }

  private findDue(isWanted: (name: string) => boolean = () => true): SealedSegment | undefined {
    const now = this.nowMs();
    const isDue = (name: string) => (this.left.get(name)?.dueMs ?? now) <= now;
    return this.options.spool.oldest((name) => !isWanted(name) || !isDue(name));
  }

  private async take(segment: SealedSegment): Promise<void> {
    const release = this.left.get(segment.name)?.release;
    try {
      if (release === undefined) await this.store(segment);
      else await this.release(segment, release);
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  private async store(segment: SealedSegment): Promise<void> {
    const { spool, log } = this.options;
    const content = await this.read(segment);
    if (content === undefined) return;
    const { frames, tornBytes, damage } = content;
    if (tornBytes > 0) log.onTorn(segment, tornBytes);
    const { stored, refused } = await this.insert(segment, frames, damage !== undefined);
    if (refused.length === 0 && damage === undefined) {
      log.onStored(segment, countRows(stored), this.readTimes());
      await this.release(segment, () => spool.commit(segment));
      return;
    }
    const moved = await this.release(segment, () => spool.quarantine(segment));
    const path = moved ?? segment.name;
    if (refused.length > 0) log.onQuarantine(segment, refused, path);
    if (damage !== undefined) log.onDamaged(segment, damage, path);
    if (stored.length > 0) log.onStored(segment, countRows(stored), this.readTimes());
  }

  private readTimes(): TurnTimes {
    return { turnMs: this.nowMs() - this.turnStartedMs, pauseMs: this.turnStartedMs - this.turnEndedMs };
  }

  /** Undefined where it cannot be read now. */
  private async read(segment: SealedSegment): Promise<SegmentContent | undefined> {
    try {
      const content = await this.options.spool.read(segment);
      this.forgetLeft(segment);
      return content;
    } catch (error) {
      const { message } = error as Error;
      if (this.leave(segment, error as Error, undefined)) return undefined;
      this.forgetLeft(segment);
      return createUnreadable(
        segment,
        `it could not be read for ${DISK_ERROR_RETRY_MS / 60_000} minutes: ${message}`,
      );
    }
  }

  /** The file of a segment that is stored goes; undefined where that fails, and it is tried again later. */
  private async release<T>(segment: SealedSegment, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.forgetLeft(segment);
      return result;
    } catch (error) {
      this.leave(segment, error as Error, work);
      return undefined;
    }
  }

  /** @returns False where the disk has failed for too long to be tried again. */
  private leave(segment: SealedSegment, error: Error, release: LeftSegment['release']): boolean {
    const now = this.nowMs();
    const { failures = 0, firstFailureMs = now } = this.left.get(segment.name) ?? {};
    const isDiskError =
      release === undefined && DISK_ERROR_CODES.has((error as NodeJS.ErrnoException).code ?? '');
    if (isDiskError && now - firstFailureMs >= DISK_ERROR_RETRY_MS) return false;
    const pauseMs = Math.min(RETRY_MIN_MS * 2 ** failures, LEFT_RETRY_MAX_MS);
    this.left.set(segment.name, { failures: failures + 1, firstFailureMs, dueMs: now + pauseMs, release });
    this.options.log.onRetry(segment, error, failures + 1);
    if (failures + 1 === FAILURES_REPORTED) this.options.log.onLeft(segment, error);
    return true;
  }

  private forgetLeft(segment: SealedSegment): void {
    const left = this.left.get(segment.name);
    this.left.delete(segment.name);
    if (left !== undefined && left.failures >= FAILURES_REPORTED) this.options.log.onTaken(segment);
  }

  /** Until it works, or the drain is stopped, or ClickHouse says that the data is wrong. */
  private retry<T>(segment: SealedSegment, work: () => Promise<T>): Promise<T> {
    return pRetry(work, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: RETRY_MIN_MS,
      maxTimeout: this.options.retryMaxMs,
      randomize: true,
      signal: this.stopping.signal,
      shouldRetry: ({ error }) => !isDataError(error),
      onFailedAttempt: ({ error, attemptNumber }) => {
        this.isRefused = true;
        this.options.log.onRetry(segment, error, attemptNumber);
      },
    }).finally(() => {
      this.isRefused = false;
    });
  }

  /**
   * Stores what ClickHouse takes and marks the buckets it touched. What was read of a damaged segment has tokens of its own: the
   * whole one, once mended, is no repetition of it.
   */
  private async insert(
    segment: SealedSegment,
    frames: readonly Frame[],
    isDamaged: boolean,
  ): Promise<{ stored: Frame[]; refused: RefusedTable[] }> {
    const { clickhouse, rollups } = this.options;
    const readable = isDamaged ? `:${frames.reduce((sum, { payload }) => crc32(payload, sum), 0)}` : '';
    const stored: Frame[] = [];
    const refused: RefusedTable[] = [];
    const attempt = async (table: string, rows: number, work: () => Promise<void>): Promise<boolean> => {
      try {
        await this.retry(segment, work);
        return true;
      } catch (error) {
        if (this.stopping.signal.aborted) throw error;
        refused.push({ table, rows, reason: (error as Error).message });
        return false;
      }
    };
    for (const [table, blocks] of groupByTable(frames)) {
      const isStored = await attempt(table, sumRows(blocks), () =>
        clickhouse.insertNative(
          table,
          blocks.map((frame) => frame.payload),
          { deduplicationToken: `${segment.name}:${table}${readable}` },
        ),
      );
      if (isStored) stored.push(...blocks);
    }
    await attempt('rollup_marks', 0, () => rollups.markTouched(stored));
    return { stored, refused };
  }

  private pause(): Promise<void> {
    if (this.isLast || this.requests.isAsked || this.findDue() !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.measurePause());
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private measurePause(): number {
    const { intervalMs, afterMinuteMs = 0 } = this.options;
    const untilMinuteMs = MINUTE_MS - ((this.nowUnixMs() - afterMinuteMs) % MINUTE_MS);
    const untilLeftMs = [...this.left.values()].map(({ dueMs }) => dueMs - this.nowMs());
    return Math.max(0, Math.min(intervalMs, untilMinuteMs, ...untilLeftMs));
  }
}

function isDataError(error: Error): boolean {
  return error instanceof ClickHouseError && DATA_ERROR_CODES.has(error.code);
}

/** Tables in the order of their first frame; series come before points in every group commit. */
function groupByTable(frames: readonly Frame[]): Map<string, Frame[]> {
  const byTable = new Map<string, Frame[]>();
  for (const frame of frames) {
    const known = byTable.get(frame.table);
    if (known) known.push(frame);
    else byTable.set(frame.table, [frame]);
  }
  return byTable;
}

function sumRows(frames: readonly Frame[]): number {
  return frames.reduce((sum, { rows }) => sum + rows, 0);
}

function countRows(frames: readonly Frame[]): Map<string, number> {
  const rows = new Map<string, number>();
  for (const frame of frames) rows.set(frame.table, (rows.get(frame.table) ?? 0) + frame.rows);
  return rows;
}
