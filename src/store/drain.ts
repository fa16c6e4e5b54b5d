/**
 * Drain: spool segments in order → rows in ClickHouse. One insert per segment and table, with the segment's name as
 * deduplication token, so that a retry counts once; then the touched buckets are marked; then the segment is removed.
 * A segment that ClickHouse can never take is put aside, never thrown away; so is a damaged one, once everything that can
 * be read of it is stored.
 */
import { crc32 } from 'node:zlib';
import pRetry from 'p-retry';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import type { Frame, SealedSegment, SegmentContent, SegmentDamage, SegmentSource } from '../model/spool.js';
import type { Rollups } from './rollups.js';

export interface DrainOptions {
  clickhouse: ClickHouse;
  spool: SegmentSource;
  rollups: Pick<Rollups, 'markTouched'>;
  /** How often the spool is looked at, milliseconds: most of the time from acknowledgement to visible in SQL. */
  intervalMs: number;
  /** Longest pause between two tries while ClickHouse is away, milliseconds. */
  retryMaxMs: number;
  log: DrainLog;
}

export interface DrainLog {
  /** ClickHouse did not take a segment, or the disk did not do what was asked of it; it will be tried again. */
  onRetry(segment: SealedSegment, error: Error, attempt: number): void;
  /** A segment was put aside for good at `path`, and these rows with it. */
  onQuarantine(
    segment: SealedSegment,
    error: Error,
    path: string,
    rowsByTable: ReadonlyMap<string, number>,
  ): void;
  /** A segment was damaged: what could be read of it is stored, and the file was put aside at `path`. */
  onDamaged(segment: SealedSegment, damage: SegmentDamage, path: string): void;
  /** A crash had cut an unacknowledged write short. */
  onTorn(segment: SealedSegment, tornBytes: number): void;
  /** Rows of a segment are visible in SQL. */
  onStored(segment: SealedSegment, rowsByTable: ReadonlyMap<string, number>): void;
}

/**
 * ClickHouse error codes that say the data itself is wrong, so that no retry can help: cannot parse, no such column,
 * incorrect data, type mismatch, cannot read all data, unknown type, value out of range.
 */
const DATA_ERROR_CODES: ReadonlySet<number> = new Set([6, 10, 16, 27, 33, 50, 53, 70, 117, 321]);

export function createDrain(options: DrainOptions): Drain {
  return new Drain(options);
}

export class Drain implements Component {
  private readonly options: DrainOptions;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private wake = () => {};

  constructor(options: DrainOptions) {
    this.options = options;
  }

  async start(): Promise<void> {
    this.running ??= this.run();
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
    const { spool, intervalMs } = this.options;
    while (!this.stopping.signal.aborted) {
      // Sealing at a steady pace, however fast the inserts are: many small parts would cost far more to merge.
      await spool.seal();
      const pause = this.isLast ? undefined : this.pause(intervalMs);
      for (let segment = spool.oldest(); segment !== undefined; segment = spool.oldest()) {
        await this.store(segment);
        if (this.stopping.signal.aborted) return;
      }
      if (pause === undefined) return;
      await pause;
    }
  }

  private async store(segment: SealedSegment): Promise<void> {
    const { spool, log } = this.options;
    try {
      const content = await this.retry(segment, () => spool.read(segment));
      if (content.tornBytes > 0) log.onTorn(segment, content.tornBytes);
      const refusal = await this.insertOrRefuse(segment, content);
      if (refusal === undefined && content.damage === undefined) {
        await this.retry(segment, () => spool.commit(segment));
        return;
      }
      const path = await this.retry(segment, () => spool.quarantine(segment));
      if (refusal !== undefined) log.onQuarantine(segment, refusal, path, countRows(content.frames));
      if (content.damage !== undefined) log.onDamaged(segment, content.damage, path);
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  /** Stores the frames; the reason where ClickHouse can never take them. */
  private async insertOrRefuse(
    segment: SealedSegment,
    { frames, damage }: SegmentContent,
  ): Promise<Error | undefined> {
    try {
      await this.retry(segment, () => this.insert(segment, frames, damage !== undefined));
      return undefined;
    } catch (error) {
      if (this.stopping.signal.aborted) throw error;
      return error as Error;
    }
  }

  /** Until it works, or the drain is stopped, or ClickHouse says that the data is wrong. */
  private retry<T>(segment: SealedSegment, work: () => Promise<T>): Promise<T> {
    return pRetry(work, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: this.options.retryMaxMs,
      randomize: true,
      signal: this.stopping.signal,
      shouldRetry: ({ error }) => !isDataError(error),
      onFailedAttempt: ({ error, attemptNumber }) => this.options.log.onRetry(segment, error, attemptNumber),
    });
  }

  /** What was read of a damaged segment has tokens of its own: the whole one, once mended, is no repetition of it. */
  private async insert(segment: SealedSegment, frames: readonly Frame[], isDamaged: boolean): Promise<void> {
    const { clickhouse, rollups, log } = this.options;
    const readable = isDamaged ? `:${frames.reduce((sum, { payload }) => crc32(payload, sum), 0)}` : '';
    for (const [table, blocks] of groupByTable(frames)) {
      await clickhouse.insertNative(
        table,
        blocks.map((frame) => frame.payload),
        { deduplicationToken: `${segment.name}:${table}${readable}` },
      );
    }
    await rollups.markTouched(frames);
    log.onStored(segment, countRows(frames));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
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

function countRows(frames: readonly Frame[]): Map<string, number> {
  const rows = new Map<string, number>();
  for (const frame of frames) rows.set(frame.table, (rows.get(frame.table) ?? 0) + frame.rows);
  return rows;
}
