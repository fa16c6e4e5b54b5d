/**
 * Which buckets wait to be recomputed: in memory for the loop, in table rollup_marks for whoever starts next. A mark
 * names a shape, a resolution, a bucket, and the series touched (none named = all of them).
 */
import type { ClickHouse } from '../model/clickhouse.js';

export type Shape = 'number' | 'histogram' | 'exponential_histogram' | 'summary';
export const SHAPES: readonly Shape[] = ['number', 'histogram', 'exponential_histogram', 'summary'];

/** Beyond this many series a bucket is recomputed as a whole: their names must fit one statement (max_query_size). */
export const SERIES_PER_MARK_MAX = 4_000;

/** Longest time for which new touches put off a bucket that is due, milliseconds. */
const PUT_OFF_MAX_MS = 10_000;

export interface Bucket {
  shape: Shape;
  resolutionS: number;
  /** Start of the bucket, seconds since the epoch. */
  timeS: number;
}

export interface Mark extends Bucket {
  /** The touched series; undefined = all. */
  series: Set<bigint> | undefined;
  /** When it may be recomputed, milliseconds since the epoch. */
  dueMs: number;
  /** When it was first touched since it was last clean, milliseconds since the epoch. */
  sinceMs: number;
  /** Newest version written for this mark; later versions win in storage. */
  version: bigint;
  isSaved: boolean;
}

export class RollupMarks {
  private readonly marks = new Map<string, Mark>();
  private readonly clickhouse: ClickHouse;
  private readonly receiver: string;
  private lastVersion = 0n;

  constructor(clickhouse: ClickHouse, receiver: string) {
    this.clickhouse = clickhouse;
    this.receiver = receiver;
  }

  get size(): number {
    return this.marks.size;
  }

  /** When the next bucket is due, milliseconds since the epoch; Infinity where none waits. */
  get nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.marks.values()) next = Math.min(next, dueMs);
    return next;
  }

  /** Whether every series of this bucket waits already. */
  hasAllSeries(bucket: Bucket): boolean {
    const known = this.marks.get(keyOf(bucket));
    return known !== undefined && known.series === undefined;
  }

  /** Note that a bucket was touched; `save` makes it durable. */
  touch(bucket: Bucket, series: ReadonlySet<bigint> | undefined, nowMs: number, dueMs: number): void {
    const key = keyOf(bucket);
    const known = this.marks.get(key);
    if (known === undefined) {
      this.marks.set(key, {
        ...bucket,
        series: series === undefined || series.size > SERIES_PER_MARK_MAX ? undefined : new Set(series),
        dueMs,
        sinceMs: nowMs,
        version: this.nextVersion(nowMs),
        isSaved: false,
      });
      return;
    }
    // Touched again and again it is put off, but not for ever.
    known.dueMs = Math.min(dueMs, Math.max(known.dueMs, known.sinceMs + PUT_OFF_MAX_MS));
    if (known.series === undefined) return;
    const before = known.series.size;
    if (series !== undefined) for (const id of series) known.series.add(id);
    if (series === undefined || known.series.size > SERIES_PER_MARK_MAX) known.series = undefined;
    if (known.series?.size !== before) known.isSaved = false;
  }

  /** Marks that are due, out of the set: what touches their buckets from now on makes new marks. */
  takeDue(nowMs: number): Mark[] {
    const due = [...this.marks.values()].filter((mark) => mark.dueMs <= nowMs);
    for (const mark of due) {
      this.marks.delete(keyOf(mark));
      // That it is done must outlast its own row, should that still be on its way, and yield to whatever touches it next.
      mark.version = this.nextVersion(0);
    }
    return due;
  }

  /** Put back what could not be recomputed, to be tried at `dueMs`. */
  putBack(marks: readonly Mark[], nowMs: number, dueMs: number): void {
    for (const mark of marks) {
      this.touch(mark, mark.series, nowMs, dueMs);
    }
  }

  /** Write marks that are not in ClickHouse yet, and that `done` are no longer waiting. */
  async save(done: readonly Mark[] = []): Promise<void> {
    const fresh = [...this.marks.values()].filter((mark) => !mark.isSaved);
    const rows = [
      ...done.map((mark) => ({ mark, waits: false, version: mark.version })),
      ...fresh.map((mark) => ({ mark, waits: true, version: mark.version })),
    ];
    for (const part of splitRows(rows)) await this.saveRows(part);
    for (const mark of fresh) mark.isSaved = true;
  }

  private async saveRows(rows: readonly MarkRow[]): Promise<void> {
    await this.clickhouse.command(
      `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
       SELECT r.1, r.2, toDateTime(r.3, 'UTC'), {receiver:String}, r.4, r.5, r.6
       FROM (SELECT arrayJoin(arrayZip({shapes:Array(String)}, {resolutions:Array(UInt32)}, {times:Array(UInt32)},
                                       {versions:Array(UInt64)}, {waits:Array(UInt8)}, {series:Array(Array(UInt64))})) AS r)`,
      {
        params: {
          receiver: this.receiver,
          shapes: rows.map(({ mark }) => mark.shape),
          resolutions: rows.map(({ mark }) => mark.resolutionS),
          times: rows.map(({ mark }) => mark.timeS),
          versions: rows.map(({ version }) => version),
          waits: rows.map(({ waits }) => (waits ? 1 : 0)),
          series: rows.map(({ mark, waits }) => (waits && mark.series !== undefined ? [...mark.series] : [])),
        },
      },
    );
  }

  /** Load what this receiver left waiting, and go on numbering above all it ever wrote, whatever the clock says now. */
  async load(nowMs: number): Promise<void> {
    const params = { receiver: this.receiver };
    const [newest] = await this.clickhouse.query<{ version: string }>(
      'SELECT toString(max(version)) AS version FROM rollup_marks WHERE receiver = {receiver:String}',
      { params },
    );
    this.lastVersion = BigInt(newest!.version);
    this.touchAll(await this.readWaiting('receiver = {receiver:String}', params), nowMs);
  }

  /** Make marks of other receivers that have been silent since `staleMs` ours: durable here first, then done there. */
  async takeOver(nowMs: number, staleMs: number): Promise<void> {
    const params = { receiver: this.receiver, stale: String(BigInt(staleMs) * 1000n) };
    const condition = 'receiver != {receiver:String} AND version < {stale:UInt64}';
    const rows = await this.readWaiting(condition, params);
    if (rows.length === 0) return;
    this.touchAll(rows, nowMs);
    await this.save();
    await this.clickhouse.command(
      `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
       SELECT shape, resolution_s, time, receiver, version + 1, false, []
       FROM rollup_marks FINAL WHERE waits AND ${condition}`,
      { params },
    );
  }

  /** Remove marks of this receiver that were worked off before `beforeMs`. */
  async forgetDone(beforeMs: number): Promise<void> {
    const own = 'receiver = {receiver:String} AND version < {before:UInt64}';
    await this.clickhouse.command(
      `ALTER TABLE rollup_marks DELETE WHERE ${own} AND (shape, resolution_s, time) IN (
         SELECT shape, resolution_s, time FROM rollup_marks FINAL WHERE NOT waits AND ${own})`,
      {
        params: { receiver: this.receiver, before: String(BigInt(beforeMs) * 1000n) },
        settings: { allow_nondeterministic_mutations: 1 },
      },
    );
  }

  private readWaiting(condition: string, params: Record<string, string>): Promise<WaitingRow[]> {
    return this.clickhouse.query<WaitingRow>(
      `SELECT shape, resolution_s, toUnixTimestamp(time) AS time_s, arrayMap(id -> toString(id), series) AS series
       FROM rollup_marks FINAL WHERE waits AND ${condition}`,
      { params },
    );
  }

  private touchAll(rows: readonly WaitingRow[], nowMs: number): void {
    for (const row of rows) {
      const series = row.series.length === 0 ? undefined : new Set(row.series.map(BigInt));
      const bucket = {
        shape: row.shape,
        resolutionS: Number(row.resolution_s),
        timeS: Number(row.time_s),
      };
      this.touch(bucket, series, nowMs, nowMs);
    }
  }

  /** Microseconds of the clock, and never the same or less than before. */
  private nextVersion(nowMs: number): bigint {
    const clock = BigInt(Math.floor(nowMs)) * 1000n;
    this.lastVersion = clock > this.lastVersion ? clock : this.lastVersion + 1n;
    return this.lastVersion;
  }
}

function keyOf(mark: Bucket): string {
  return `${mark.shape} ${mark.resolutionS} ${mark.timeS}`;
}

interface WaitingRow {
  shape: Shape;
  resolution_s: number;
  time_s: number;
  series: string[];
}

interface MarkRow {
  mark: Mark;
  waits: boolean;
  /** As it was when the row was made: a mark that is taken meanwhile gets another. */
  version: bigint;
}

/** Rows of one statement: what they name must stay well below max_query_size (256 KiB). */
const ROWS_PER_STATEMENT_MAX = 1_000;

function splitRows(rows: readonly MarkRow[]): MarkRow[][] {
  const parts: MarkRow[][] = [];
  let series = 0;
  for (const row of rows) {
    const own = row.waits ? (row.mark.series?.size ?? 0) : 0;
    const last = parts.at(-1);
    if (last !== undefined && last.length < ROWS_PER_STATEMENT_MAX && series + own <= SERIES_PER_MARK_MAX) {
      last.push(row);
      series += own;
    } else {
      parts.push([row]);
      series = own;
    }
  }
  return parts;
}
