/**
 * Rollups: for every bucket that an insert touched, recompute its rows from raw points (1m) or from the finer rollup
 * (1h, 1d). Recomputing is idempotent, so duplicates, retries, late points and several receivers end in the same rows.
 * Enters: frames just inserted; leaves: rows in {shape}_{1m,1h,1d}. See docs/decisions/0003-rollups.md.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import type { Frame } from '../model/spool.js';
import { flagConflicts } from './conflicting-points.js';
import { MinuteSizes } from './minute-sizes.js';
import { formatTime } from './query-params.js';
import { waitForReplicas } from './replica-lag.js';
import { type Buckets, flagStarts, rollUp } from './roll-up.js';
import { type Mark, RollupMarks, SERIES_PER_MARK_MAX, SHAPES, type Shape } from './rollup-marks.js';
import { countByMinute, findSeries } from './touched-buckets.js';

export interface RollupsOptions {
  clickhouse: ClickHouse;
  /** Name of this receiver, the same after a restart. */
  receiver: string;
  /** How long after its end a minute is recomputed, milliseconds: most points of it have arrived by then. */
  delayMs: number;
  nowUnixMs: () => number;
  onError: (error: Error) => void;
  /** Rows of this source that are older than so many days may be gone; for ever where it is not given. */
  keptDays?: (source: RollupSource) => number;
}

export type RollupSource = (typeof RESOLUTIONS)[number]['source'];

/** Each resolution, what it is made from, and how often its open bucket is brought up to date. */
const RESOLUTIONS = [
  { name: '1m', seconds: 60, source: 'points', openEveryMs: Number.POSITIVE_INFINITY },
  { name: '1h', seconds: 3_600, source: '1m', openEveryMs: 600_000 },
  { name: '1d', seconds: 86_400, source: '1h', openEveryMs: 7_200_000 },
] as const;
type Resolution = (typeof RESOLUTIONS)[number];

/** Late points of one bucket are gathered this long before it is recomputed, milliseconds. */
const QUIET_MS = 1_000;
const IDLE_MS = 500;
const SETTLE_MS = 20;
const RETRY_MS = 2_000;
/** Marks of another receiver that are older than this are taken over, milliseconds. */
const TAKE_OVER_MS = 3 * 3_600_000;
const TIDY_EVERY_MS = 3_600_000;
const DAY_S = 86_400;
/** One statement reads about this many points at most, and bridges gaps that hold no more than a share of that: few large
 * statements cost less, because each has a cost of its own and looks at every part that has any of its time. */
const GAP_BUCKETS_MIN = 5;
const GAP_SHARE = 0.01;
const POINTS_PER_STATEMENT_MAX = 5_000_000;
/** Buckets of one statement while nothing is known of their size. */
const BUCKETS_PER_STATEMENT = 240;

/** Late series of a minute are recomputed by name where the whole minute has this many points, and this many times theirs. */
const NAMING_POINTS_MIN = 20_000;
const NAMING_FACTOR_MIN = 10;

export class Rollups implements Component {
  private readonly options: RollupsOptions;
  private readonly marks: RollupMarks;
  private readonly sizes = new MinuteSizes();
  private running: Promise<void> | undefined;
  private isStopping = false;
  private underWay = 0;
  private conflictsFound = 0;
  private bucketsDone = 0;
  private tidiedMs = 0;
  private wake = () => {};

  constructor(options: RollupsOptions) {
    this.options = options;
    this.marks = new RollupMarks(options.clickhouse, options.receiver);
  }

  /** Loads what was left waiting at the last stop or crash, and begins to work it off. */
  async start(): Promise<void> {
    if (this.running !== undefined) return;
    const now = this.options.nowUnixMs();
    await this.marks.load(now);
    await this.marks.takeOver(now, now - TAKE_OVER_MS);
    this.tidiedMs = now;
    this.running = this.run();
  }

  /** Waits for the statement under way; what still waits is kept in rollup_marks. */
  async shutdown(_deadlineMs: number): Promise<void> {
    this.isStopping = true;
    this.wake();
    await this.running;
  }

  /** Buckets that wait to be recomputed, or are being. */
  get waiting(): number {
    return this.marks.size + this.underWay;
  }

  /** Buckets that were recomputed since the start. */
  get done(): number {
    return this.bucketsDone;
  }

  /** Points found since the start that have the same series, start time and time as another one, and another value. */
  get conflicts(): number {
    return this.conflictsFound;
  }

  /** Marks the minutes that these frames touched; resolves when the marks are durable. */
  async markTouched(frames: readonly Frame[]): Promise<void> {
    const now = this.options.nowUnixMs();
    for (const shape of SHAPES) {
      const blocks = frames.filter((f) => f.table === `${shape}_points`).map((f) => f.payload);
      if (blocks.length > 0) this.markBlocks(shape, blocks, now);
    }
    await this.marks.save();
  }

  /** Recompute everything that waits, open buckets too; for tests, imports and orderly ends. */
  async settle(): Promise<void> {
    while (this.waiting > 0) {
      const due = this.marks.takeDue(Number.POSITIVE_INFINITY);
      if (due.length > 0) await this.recompute(due);
      else await new Promise((done) => setTimeout(done, SETTLE_MS));
    }
  }

  private markBlocks(shape: Shape, blocks: readonly Uint8Array[], now: number): void {
    const counts = new Map<number, number>();
    for (const block of blocks) countByMinute(block, counts);
    const late = new Set<number>();
    for (const [minute, points] of counts) {
      const bucket = { shape, resolutionS: 60, timeS: minute * 60 };
      const pointsPerMinute = this.sizes.add(shape, minute, points);
      // Every series at once: of a minute that has just ended (it was not recomputed yet, or will be cheap to do again),
      // of one that waits as a whole already, or where naming them would cost more than it spares.
      const isWhole =
        minute * 60_000 + 120_000 + this.options.delayMs >= now ||
        points > SERIES_PER_MARK_MAX ||
        pointsPerMinute < Math.max(NAMING_POINTS_MIN, points * NAMING_FACTOR_MIN) ||
        this.marks.hasAllSeries(bucket);
      if (isWhole) this.touch(shape, RESOLUTIONS[0], bucket.timeS, undefined, now);
      else late.add(minute);
    }
    if (late.size === 0) return;
    for (const block of blocks) {
      for (const [minute, series] of findSeries(block, late)) {
        this.touch(shape, RESOLUTIONS[0], minute * 60, series, now);
      }
    }
  }

  private touch(
    shape: Shape,
    resolution: Resolution,
    timeS: number,
    series: ReadonlySet<bigint> | undefined,
    now: number,
  ): void {
    const endMs = (timeS + resolution.seconds) * 1000 + this.options.delayMs;
    const dueMs = endMs > now ? Math.min(endMs, now + resolution.openEveryMs) : now + QUIET_MS;
    this.marks.touch({ shape, resolutionS: resolution.seconds, timeS }, series, now, dueMs);
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      const due = this.marks.takeDue(this.options.nowUnixMs());
      if (due.length === 0) {
        await this.tidy();
        await this.pause(Math.min(IDLE_MS, Math.max(0, this.marks.nextDueMs - this.options.nowUnixMs())));
      } else {
        try {
          await this.recompute(due);
        } catch (error) {
          if (this.isStopping) return;
          const now = this.options.nowUnixMs();
          this.marks.putBack(due, now, now + RETRY_MS);
          this.options.onError(error as Error);
          await this.pause(RETRY_MS);
        }
      }
    }
  }

  /** Every hour: take over what silent receivers left waiting, and forget marks that were worked off. */
  private async tidy(): Promise<void> {
    const now = this.options.nowUnixMs();
    if (now - this.tidiedMs < TIDY_EVERY_MS) return;
    this.tidiedMs = now;
    try {
      await this.marks.takeOver(now, now - TAKE_OVER_MS);
      await this.marks.forgetDone(now - TIDY_EVERY_MS);
    } catch (error) {
      this.options.onError(error as Error);
    }
  }

  /** Recompute these buckets, mark the coarser ones that they belong to, and save both. */
  private async recompute(due: readonly Mark[]): Promise<void> {
    const now = this.options.nowUnixMs();
    this.underWay += due.length;
    try {
      await this.recomputeDue(due, now);
    } finally {
      this.underWay -= due.length;
    }
  }

  private async recomputeDue(due: readonly Mark[], now: number): Promise<void> {
    await waitForReplicas(this.options.clickhouse);
    for (const statement of planStatements(due, (mark) => this.countBuckets(mark))) {
      if (this.isStopping) throw new Error('stopped before every due bucket was recomputed');
      await this.runStatement(statement);
    }
    for (const mark of due) {
      const coarser = RESOLUTIONS.find((r) => r.seconds > mark.resolutionS);
      if (coarser === undefined) continue;
      const timeS = mark.timeS - (mark.timeS % coarser.seconds);
      this.touch(mark.shape, coarser, timeS, mark.series, now);
    }
    await this.marks.save(due);
    this.bucketsDone += due.length;
  }

  /** Buckets like this one that a statement may cover. */
  private countBuckets({ shape, resolutionS }: Mark): number {
    const pointsPerMinute = this.sizes.largestOf(shape);
    if (pointsPerMinute === 0) return BUCKETS_PER_STATEMENT;
    return Math.max(1, Math.floor(POINTS_PER_STATEMENT_MAX / (pointsPerMinute * (resolutionS / 60))));
  }

  private async runStatement({ shape, resolution, fromS, toS, series }: Statement): Promise<void> {
    const { clickhouse, nowUnixMs, keptDays = () => Number.POSITIVE_INFINITY } = this.options;
    const buckets: Buckets = {
      shape,
      resolution: resolution.name,
      source: resolution.source,
      stepS: resolution.seconds,
      fromS,
      toS,
      series,
      keptSinceS: Math.floor(nowUnixMs() / 1000) - keptDays(resolution.source) * DAY_S,
    };
    await rollUp(clickhouse, buckets);
    if (resolution.name === '1m') {
      const minutes = { shape, from: formatTime(fromS), to: formatTime(toS), series: series && [...series] };
      this.conflictsFound += await flagConflicts(clickhouse, minutes, nowUnixMs());
    }
    if (resolution.name === '1h') await flagStarts(clickhouse, buckets, nowUnixMs());
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

interface Statement {
  shape: Shape;
  resolution: Resolution;
  fromS: number;
  toS: number;
  series: Set<bigint> | undefined;
}

/** Neighbouring buckets of one shape and resolution share a statement: recomputing one too many does no harm. */
export function planStatements(marks: readonly Mark[], countBucketsMax: (mark: Mark) => number): Statement[] {
  const statements: Statement[] = [];
  const sorted = [...marks].sort(
    (a, b) => a.resolutionS - b.resolutionS || a.shape.localeCompare(b.shape) || a.timeS - b.timeS,
  );
  for (const mark of sorted) {
    const resolution = RESOLUTIONS.find((r) => r.seconds === mark.resolutionS)!;
    const toS = mark.timeS + resolution.seconds;
    const last = statements.at(-1);
    if (
      last !== undefined &&
      last.shape === mark.shape &&
      last.resolution === resolution &&
      (last.series === undefined) === (mark.series === undefined) &&
      mark.timeS - last.toS <=
        Math.max(GAP_BUCKETS_MIN, countBucketsMax(mark) * GAP_SHARE) * resolution.seconds &&
      toS - last.fromS <= countBucketsMax(mark) * resolution.seconds &&
      (last.series?.size ?? 0) + (mark.series?.size ?? 0) <= SERIES_PER_MARK_MAX
    ) {
      last.toS = toS;
      if (last.series !== undefined) for (const id of mark.series!) last.series.add(id);
    } else {
      const series = mark.series === undefined ? undefined : new Set(mark.series);
      statements.push({ shape: mark.shape, resolution, fromS: mark.timeS, toS, series });
    }
  }
  return statements;
}
