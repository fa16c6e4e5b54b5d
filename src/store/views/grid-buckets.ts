/**
 * Which buckets of the rollups answer a grid as they are, and which are read finer: those that wait to be recomputed, and
 * those that a border of the grid cuts in two. Enters: SQL of the grid; leaves: WITH elements and conditions in a form that
 * primary keys understand. The common rule of all views that read rollups.
 */
import { quote } from '../../model/sql-literal.js';
import type { Shape } from '../rollup-marks.js';

export const RESOLUTIONS = ['day', 'hour', 'minute'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];
export const SECONDS_OF: Readonly<Record<Resolution, number>> = { day: 86_400, hour: 3_600, minute: 60 };
/** What the names of its tables end with. */
export const TABLE_OF = { day: '1d', hour: '1h', minute: '1m' } as const;
export const BUCKET_OF = { day: 'toStartOfDay', hour: 'toStartOfHour', minute: 'toStartOfMinute' } as const;

/**
 * Times since the epoch and a length, in units of which a second has `perSecond`: numbers where they are known, so that the
 * engine need not work them out for each use; else SQL.
 */
export interface Grid {
  start: string | number;
  end: string | number;
  step: string | number;
  perSecond: number;
  /** The start is known to be a multiple of the step, which is a number. */
  startsOnStep?: boolean;
}

/** Later than any bucket. */
const AFTER_ALL = 4_294_967_295;

/** Second at which the bucket of `size` units begins that `at` lies in, or (up) the first that begins at it or later. */
function bucketOf(at: string | number, size: number, seconds: number, up = 0): string | number {
  if (typeof at === 'number') return Math.floor((at + up) / size) * seconds;
  return `toUInt32(intDiv(${up === 0 ? at : `${at} + ${up}`}, ${size}) * ${seconds})`;
}

/** Whether all borders of the grid lie on borders of buckets, or there is a single step, which cuts none in between. */
function isAligned({ start, end, step, startsOnStep }: Grid, size: number): boolean | string {
  if (startsOnStep && typeof step === 'number') return step % size === 0;
  if (typeof start === 'number' && typeof end === 'number' && typeof step === 'number')
    return (start % size === 0 && step % size === 0) || end - start <= step;
  return `((${start} % ${size} = 0 AND ${step} % ${size} = 0) OR ${end} - ${start} <= ${step})`;
}

/** Steps that are shorter cut every bucket, or every other: finer ones are read for all of the grid. */
function isCoarse({ step }: Grid, size: number): boolean | string {
  return typeof step === 'number' ? step >= 2 * size : `${step} >= ${2 * size}`;
}

/** The first bucket that may be read as it is. */
function firstWhole(grid: Grid, r: Resolution): string | number {
  const size = SECONDS_OF[r] * grid.perSecond;
  const first = bucketOf(grid.start, size, SECONDS_OF[r], size - 1);
  const [aligned, coarse] = [isAligned(grid, size), isCoarse(grid, size)];
  if (typeof aligned === 'boolean') return aligned || coarse ? first : AFTER_ALL;
  return `if(${aligned} OR ${coarse}, ${first}, ${AFTER_ALL})`;
}

function endOf(grid: Grid, r: Resolution): string | number {
  return bucketOf(grid.end, SECONDS_OF[r] * grid.perSecond, SECONDS_OF[r]);
}

/** False where it is known that no bucket of the resolution is read within the grid. */
export function mayTake(grid: Grid, r: Resolution): boolean {
  const [from, to] = [firstWhole(grid, r), endOf(grid, r)];
  return typeof from !== 'number' || typeof to !== 'number' || from < to;
}

/** The buckets that borders within the grid cut. undefined: none. */
function cutBuckets(grid: Grid, r: Resolution): string | undefined {
  const size = SECONDS_OF[r] * grid.perSecond;
  const [aligned, coarse] = [isAligned(grid, size), isCoarse(grid, size)];
  if (aligned === true || coarse === false) return undefined;
  const { start, end, step } = grid;
  const last = `intDiv(greatest(${end} - ${start}, 1) - 1, ${step}) + 1`;
  // Not one more than is needed: the engine works both sides of an if out.
  const borders = aligned === false ? last : `if(${aligned} OR NOT (${coarse}), 1, ${last})`;
  return `arrayMap(i -> toDateTime(${bucketOf(`${start} + i * ${step}`, size, SECONDS_OF[r])}, 'UTC'), range(1, ${borders}))`;
}

/** The ranges of buckets that may be read as they are, before the grid and within it, and the buckets within that borders cut. */
export function knownBuckets(
  start: number,
  end: number,
  step: number,
  r: Resolution,
): { taken: [from: number, to: number][]; cut: number[] } {
  const grid: Grid = { start, end, step, perSecond: 1 };
  const size = SECONDS_OF[r];
  const begin = bucketOf(start, size, size) as number;
  const [from, to] = [firstWhole(grid, r) as number, endOf(grid, r) as number];
  const isCut = isAligned(grid, size) === false && isCoarse(grid, size) === true;
  const borders = isCut ? Math.ceil((end - start) / step) - 1 : 0;
  const cut = Array.from(
    { length: borders },
    (_, i) => bucketOf(start + (i + 1) * step, size, size) as number,
  );
  return {
    taken: [
      [0, begin],
      [from, to],
    ],
    cut: [...new Set(cut)],
  };
}

/**
 * WITH elements of a grid: for each resolution R the bucket that it begins in (R_begin), the range that may be read as it is
 * (R_from to R_to), and what is cut within (cut_R, where anything can be). Seconds of the epoch.
 */
export function gridAliases(grid: Grid): string {
  const ranges = RESOLUTIONS.flatMap((r) => [
    `${bucketOf(grid.start, SECONDS_OF[r] * grid.perSecond, SECONDS_OF[r])} AS ${r}_begin`,
    `${firstWhole(grid, r)} AS ${r}_from`,
    `${endOf(grid, r)} AS ${r}_to`,
  ]);
  const cuts = RESOLUTIONS.flatMap((r) => {
    const cut = cutBuckets(grid, r);
    return cut === undefined ? [] : [`${cut} AS cut_${r}`];
  });
  return [...ranges, ...cuts].join(',\n    ');
}

/**
 * WITH elements NAME_R: buckets of a shape that are read finer, those that wait (a coarse one while any finer one in it does)
 * and those that are cut. Put together inside of a scalar subquery: only what comes from there is a constant to the engine, as
 * primary keys need it; functions of lambdas are not. `more` are further elements of its tuple.
 */
export function refinedAliases(grid: Grid, name: string, shape: Shape, more = ''): string {
  const waiting: Record<Resolution, string> = {
    day: 'groupUniqArray(toStartOfDay(time))',
    hour: 'groupUniqArrayIf(toStartOfHour(time), resolution_s <= 3600)',
    minute: 'groupUniqArrayIf(time, resolution_s = 60)',
  };
  const refined = RESOLUTIONS.map((r) =>
    cutBuckets(grid, r) === undefined ? waiting[r] : `arrayConcat(${waiting[r]}, cut_${r})`,
  );
  const marks = `(
        SELECT (${refined.join(',\n            ')}${more})
        FROM rollup_marks FINAL
        WHERE waits AND shape = ${quote(shape)}
    ) AS ${name}`;
  return [marks, ...RESOLUTIONS.map((r, i) => `${name}.${i + 1} AS ${name}_${r}`)].join(',\n    ');
}

/**
 * Whether `bucket` is one of an array of times. As a set: in an array the engine looks from its beginning for every row, so
 * that after a backfill of a few days a query would take minutes.
 */
export function isAmong(bucket: string, times: string): string {
  return `${bucket} IN (SELECT arrayJoin(${times}))`;
}

/** Whether the bucket that begins at `time` is read as it is. `name`: that of `refinedAliases`; `withPast`: also before the grid. */
export function isTaken(name: string, r: Resolution, withPast = true): string {
  const within = `time >= ${r}_from AND time < ${r}_to`;
  return `${withPast ? `(time < ${r}_begin OR ${within})` : within} AND NOT ${isAmong('time', `${name}_${r}`)}`;
}

/** The opposite for the bucket of resolution `r` in which `time` lies. */
export function isRefined(name: string, r: Resolution): string {
  const refined = `${name}_${r}`;
  // What minutes are read finer from are points: bounds of nanoseconds (docs/decisions/0018-time-bounds.md).
  const at = (seconds: string) => (r === 'minute' ? `toDateTime64(${seconds}, 9, 'UTC')` : seconds);
  return `(time >= ${at(`${r}_begin`)} AND time < ${at(`${r}_from`)} OR time >= ${at(`greatest(${r}_to, ${r}_begin)`)}
            OR time >= ${at(`arrayMin(${refined})`)} AND ${isAmong(`${BUCKET_OF[r]}(time)`, refined)})`;
}
