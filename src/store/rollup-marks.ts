/**
 * Which buckets wait to be recomputed: in memory for the loop, in table rollup_marks for whoever starts next. A mark
 * names a shape, a resolution, a bucket, and the series touched (none named = all of them).
 */
import type { ClickHouse } from '../model/clickhouse.js';

export type Shape = 'number' | 'histogram' | 'exponential_histogram' | 'summary';
export const SHAPES: readonly Shape[] = ['number', 'histogram', 'exponential_histogram', 'summary'];

/** Beyond this many series a bucket is recomputed as a whole. */
const SERIES_PER_MARK_MAX = 5_000;

/** Longest time for which new touches put off a bucket that is due, milliseconds. */
const PUT_OFF_MAX_MS = 10_000;

export interface Mark {
  shape: Shape;
  resolutionS: number;
  /** Start of the bucket, seconds since the epoch. */
  timeS: number;
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

  /** Note that a bucket was touched; `save` makes it durable. */
  touch(
    bucket: Pick<Mark, 'shape' | 'resolutionS' | 'timeS'>,
    series: ReadonlySet<bigint> | undefined,
    nowMs: number,
    dueMs: number,
  ): void {
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
    for (const mark of due) this.marks.delete(keyOf(mark));
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
      ...done.flatMap((mark) => rowsOf(mark, false)),
      ...fresh.flatMap((mark) => rowsOf(mark, true)),
    ];
    if (rows.length === 0) return;
    await this.clickhouse.command(
      `INSERT INTO rollup_marks (shape, resolution_s, time, series_id, receiver, version, waits)
       SELECT r.1, r.2, toDateTime(r.3, 'UTC'), r.4, {receiver:String}, r.5, r.6
       FROM (SELECT arrayJoin(arrayZip({shapes:Array(String)}, {resolutions:Array(UInt32)}, {times:Array(UInt32)},
                                       {series:Array(UInt64)}, {versions:Array(UInt64)}, {waits:Array(UInt8)})) AS r)`,
      {
        params: {
          receiver: this.receiver,
          shapes: rows.map((r) => r.shape),
          resolutions: rows.map((r) => r.resolutionS),
          times: rows.map((r) => r.timeS),
          series: rows.map((r) => r.seriesId),
          versions: rows.map((r) => r.version),
          waits: rows.map((r) => (r.waits ? 1 : 0)),
        },
      },
    );
    for (const mark of fresh) mark.isSaved = true;
  }

  /** Load what this receiver, or another one that has been silent since `staleMs`, left waiting. */
  async load(nowMs: number, staleMs: number): Promise<void> {
    const rows = await this.clickhouse.query<{
      shape: Shape;
      resolution_s: number;
      time_s: number;
      series: string[];
      newest: string;
      receiver: string;
    }>(
      `SELECT shape, resolution_s, toUnixTimestamp(time) AS time_s, groupArray(toString(series_id)) AS series,
              toString(max(version)) AS newest, receiver
       FROM rollup_marks FINAL
       WHERE waits AND (receiver = {receiver:String} OR version < {stale:UInt64})
       GROUP BY shape, resolution_s, time, receiver`,
      { params: { receiver: this.receiver, stale: String(BigInt(staleMs) * 1000n) } },
    );
    for (const row of rows) {
      if (row.receiver === this.receiver && BigInt(row.newest) > this.lastVersion)
        this.lastVersion = BigInt(row.newest);
      const series = row.series.includes('0') ? undefined : new Set(row.series.map(BigInt));
      this.touch(
        { shape: row.shape, resolutionS: Number(row.resolution_s), timeS: Number(row.time_s) },
        series,
        nowMs,
        nowMs,
      );
    }
  }

  /** Microseconds of the clock, and never the same or less than before. */
  private nextVersion(nowMs: number): bigint {
    const clock = BigInt(Math.floor(nowMs)) * 1000n;
    this.lastVersion = clock > this.lastVersion ? clock : this.lastVersion + 1n;
    return this.lastVersion;
  }
}

function keyOf(mark: Pick<Mark, 'shape' | 'resolutionS' | 'timeS'>): string {
  return `${mark.shape} ${mark.resolutionS} ${mark.timeS}`;
}

interface MarkRow extends Pick<Mark, 'shape' | 'resolutionS' | 'timeS' | 'version'> {
  seriesId: bigint;
  waits: boolean;
}

/** series_id 0 stands for every series. */
function rowsOf(mark: Mark, waits: boolean): MarkRow[] {
  const ids = mark.series === undefined ? [0n] : [...mark.series];
  return ids.map((seriesId) => ({ ...mark, seriesId, waits }));
}
