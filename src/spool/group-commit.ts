/**
 * Group commit: requests decode into one open PointBatch; a few milliseconds later it is written and fsynced for all
 * of them together, while the next batch fills. Enters: points in `batch`; leaves: a promise per group, resolved with
 * the name of their segment when they are on disk. The only writer of the spool.
 */
import { setImmediate } from 'node:timers/promises';
import { RetryableError } from '../model/errors.js';
import { type ExemplarPoints, PointBatch } from '../model/point-batch.js';
import type { SeriesRow } from '../model/series.js';
import { encodeBatch } from './batch-blocks.js';
import type { Spool } from './spool.js';

export interface GroupCommitOptions {
  spool: Spool;
  /** How long a group waits for company, milliseconds. */
  delayMs: number;
  /** A group of this many points is written at once. */
  pointsMax: number;
  nowUnixMs: () => number;
  /** Called before rows of series are written; what it throws is not heard. */
  beforeSeries?: (rows: readonly SeriesRow[]) => Promise<void>;
  /** Series rows that could not be written and must come again with the next point of their series. */
  onSeriesLost: (rows: readonly SeriesRow[]) => void;
  writtenExemplars: WrittenExemplars;
}

/** Knows some of the exemplars that were written before. */
interface WrittenExemplars {
  /** Takes those out, with pauses where there are many; the others are written now. */
  dropWritten(exemplars: ExemplarPoints): Iterable<void>;
  /** What was to be written was not. */
  forget(): void;
}

interface Group {
  batch: PointBatch;
  /** Losses when the first points came: their series may have had their rows in a group that was lost since. */
  losses: number;
  /** The name of the segment. */
  done: Promise<string>;
  resolve: (segment: string) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout | undefined;
  isDue: boolean;
}

/** How long a sender waits when the disk itself refuses, milliseconds. */
const DISK_RETRY_MS = 5_000;
/** The next group gets the memory of a batch up to this size; larger ones are unusual, and are left to the garbage collector. */
const SPARE_BYTES_MAX = 32 * 1024 * 1024;

export class GroupCommit {
  private readonly options: GroupCommitOptions;
  private group: Group;
  private spare: PointBatch | undefined;
  /** Everything that touches the spool's open segment, one after the other. */
  private queue: Promise<void> = Promise.resolve();
  private isWriting = false;
  private lost = 0;

  constructor(options: GroupCommitOptions) {
    this.options = options;
    this.group = createGroup(new PointBatch(), 0);
  }

  /** The batch to decode into, now. Use it synchronously; `commit` in the same turn. */
  get batch(): PointBatch {
    return this.group.batch;
  }

  /**
   * Groups with rows of series that could not be written. A point that is decoded before such a loss may be of a series whose
   * row was lost, and is not written: its sender is asked to retry, and the row comes again with it.
   */
  get losses(): number {
    return this.lost;
  }

  /** Resolves when what is in the batch now is on disk, with the name of its segment; throws RetryableError where it could not be written. */
  commit(): Promise<string> {
    const { group } = this;
    if (group.batch.points >= this.options.pointsMax) this.makeDue(group);
    else if (group.timer === undefined && !group.isDue) {
      group.timer = setTimeout(() => this.makeDue(group), this.options.delayMs);
    }
    return group.done;
  }

  /**
   * Writes a batch that is not shared; resolves and throws as `commit` does. The batch must not be used afterwards.
   * @param losses What `losses` was before its first point was decoded.
   */
  commitBatch(batch: PointBatch, losses: number): Promise<string> {
    const group = createGroup(batch, losses);
    void this.enqueue(() => this.write(group));
    return group.done;
  }

  /** Write what is open and close the segment, so that it can be drained. */
  async seal(): Promise<void> {
    await this.enqueue(() => this.options.spool.seal());
  }

  /** Write what is open; resolves when the disk has it. */
  async flush(): Promise<void> {
    if (!this.group.batch.isEmpty) this.makeDue(this.group);
    await this.queue;
    if (this.isWriting || !this.group.batch.isEmpty) await this.flush();
  }

  private makeDue(group: Group): void {
    if (group !== this.group) return;
    clearTimeout(group.timer);
    group.isDue = true;
    if (!this.isWriting) this.writeGroup();
  }

  private writeGroup(): void {
    const { group } = this;
    this.group = createGroup(this.spare ?? new PointBatch(), this.lost);
    this.spare = undefined;
    this.isWriting = true;
    void this.enqueue(() => this.write(group)).finally(() => {
      this.isWriting = false;
      if (this.group.isDue) this.writeGroup();
    });
  }

  private async write(group: Group): Promise<void> {
    const { writtenExemplars, beforeSeries } = this.options;
    try {
      if (group.losses !== this.lost) throw new Error('an earlier write, with series of this one, failed');
      if (beforeSeries && group.batch.seriesRows.length > 0)
        await beforeSeries(group.batch.seriesRows).catch(() => {});
      for (const _ of writtenExemplars.dropWritten(group.batch.exemplars)) await setImmediate();
      const blocks = encodeBatch(group.batch, Math.floor(this.options.nowUnixMs() / 1000));
      group.resolve(await this.options.spool.append(blocks));
    } catch (error) {
      this.lose(group);
      group.reject(toRetryable(error as Error));
    }
    if (group.batch.capacityBytes <= SPARE_BYTES_MAX) {
      group.batch.clear();
      this.spare = group.batch;
    }
  }

  private lose({ batch }: Group): void {
    if (batch.seriesRows.length + batch.foldedSeries.length > 0) this.lost++;
    this.options.onSeriesLost(batch.seriesRows);
    this.options.writtenExemplars.forget();
    // Nothing was decoded into it yet.
    if (this.group.batch.isEmpty) this.group.losses = this.lost;
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => {});
    return result;
  }
}

function toRetryable(error: Error): RetryableError {
  if (error instanceof RetryableError) return error;
  return new RetryableError(`the spool cannot be written: ${error.message}`, DISK_RETRY_MS, { cause: error });
}

function createGroup(batch: PointBatch, losses: number): Group {
  let resolve: (segment: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const done = new Promise<string>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  // A group may fail before anyone waits for it; its waiters still see the error.
  done.catch(() => {});
  return { batch, losses, done, resolve, reject, timer: undefined, isDue: false };
}
