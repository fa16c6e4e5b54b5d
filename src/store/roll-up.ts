/**
 * The statements that recompute some buckets of one shape and resolution. Enters: which buckets; leaves: rows of
 * {shape}_{1m,1h,1d}, since when series and processes are known, and flags of starts that are not right.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { insertOnShards } from './cluster-ddl.js';
import { formatTime } from './query-params.js';
import type { Shape } from './rollup-marks.js';
import { readQuery } from './sql-files.js';
import { bucketsFall, exponentialBucketsFall, exponentialColumns } from './views/bucket-falls.js';

export interface Buckets {
  shape: Shape;
  /** What is written, and what it is made from. */
  resolution: '1m' | '1h' | '1d';
  source: 'points' | '1m' | '1h';
  stepS: number;
  /** On borders of buckets, seconds since the epoch. */
  fromS: number;
  toS: number;
  /** Only these; undefined = all. */
  series: ReadonlySet<bigint> | undefined;
  /** Rows of the source from before may be gone. */
  keptSinceS: number;
}

/**
 * Parts of the statements that are written only where they are wanted, comments with these names. kept: what the source may
 * have lost stays; lost: points without a start have that of the point before; new: only series that are not known yet.
 */
export type Part = 'kept' | 'lost' | 'new';

/** Recomputes the buckets: idempotent, whatever was there before. */
export async function rollUp(clickhouse: ClickHouse, buckets: Buckets): Promise<void> {
  const { shape, resolution, source, fromS, keptSinceS } = buckets;
  const params = paramsOf(buckets);
  const run = (query: string, parts: readonly Part[], restriction = '', values = params) =>
    insert(clickhouse, writeStatement(buckets, query, parts, restriction), values);

  const query = source === 'points' ? `rollup_${shape}_points` : `rollup_${shape}`;
  // Where the source may have lost rows, a bucket is written again only with more points than it had: as many are others.
  const kept: Part[] = fromS >= keptSinceS ? [] : ['kept'];
  const lost = writeStatement(buckets, 'rollup_lost_starts', []);
  const asked = `SELECT count() AS series FROM (${lost} LIMIT 1)`;
  const [found] = await clickhouse.query<{ series: number }>(asked, {
    params,
    // In a cluster all rows of a series are on one shard.
    settings: { distributed_product_mode: 'local' },
  });
  if (Number(found!.series) === 0) await run(query, kept);
  else {
    await run(query, kept, ` AND series_id NOT IN (${lost})`);
    await removeJoined(clickhouse, buckets, lost);
    await run(query, [...kept, 'lost'], ` AND series_id IN (${lost})`);
  }
  if (resolution === '1d') return;
  const fromTarget = { ...params, source: params.target };
  if (await hasNewSeries(clickhouse, buckets, fromTarget)) {
    await run('rollup_resources', [], '', fromTarget);
    await run('rollup_activity', ['new'], '', fromTarget);
  }
  if (resolution === '1h') await run('rollup_activity', [], '', fromTarget);
}

/**
 * Removes rows without a start that an earlier run wrote, when the start was not back yet: what they hold is in the rows of that
 * start now. A mutation, so only where there are any.
 */
async function removeJoined(clickhouse: ClickHouse, buckets: Buckets, lost: string): Promise<void> {
  const params = paramsOf(buckets);
  const isJoined = `time >= {from:DateTime('UTC')} AND time < {to:DateTime('UTC')} AND epoch = toDateTime64(0, 9, 'UTC') AND series_id IN (${lost})`;
  const asked = `SELECT count() AS found FROM {target:Identifier} WHERE ${isJoined}`;
  const settings = { distributed_product_mode: 'local' };
  const [rows] = await clickhouse.query<{ found: number }>(asked, { params, settings });
  if (Number(rows!.found) === 0) return;
  await clickhouse.command(`ALTER TABLE {target:Identifier} DELETE WHERE ${isJoined}`, {
    params,
    settings: { mutations_sync: 2, allow_nondeterministic_mutations: 1 },
  });
}

/** Whether any series of these buckets is not known yet: nearly always none is, and then nothing has to be joined. */
async function hasNewSeries(
  clickhouse: ClickHouse,
  buckets: Buckets,
  params: Record<string, unknown>,
): Promise<boolean> {
  const sql = writeStatement(buckets, 'rollup_new_series', []);
  const rows = await clickhouse.query(sql, { params, settings: { distributed_product_mode: 'local' } });
  return rows.length > 0;
}

/** Flags starts of these hours that were lost or moved, or that overlap: one row for each series, hour and reason. */
export async function flagStarts(clickhouse: ClickHouse, buckets: Buckets, nowUnixMs: number): Promise<void> {
  const params = { ...paramsOf(buckets), checked_at: Math.floor(nowUnixMs) };
  await insert(clickhouse, writeStatement(buckets, 'flag_starts', []), params);
}

function paramsOf(buckets: Buckets): Record<string, unknown> {
  const { shape, resolution, source, stepS, fromS, toS, series, keptSinceS } = buckets;
  const isRaw = source === 'points';
  return {
    target: `${shape}_${resolution}`,
    source: `${shape}_${source}`,
    step_s: stepS,
    from: formatTime(fromS),
    to: formatTime(toS),
    start: isRaw ? 'start_time' : 'epoch',
    first: isRaw ? 'time' : 'first_time',
    last: isRaw ? 'time' : 'last_time',
    ...(series !== undefined && { series: [...series] }),
    ...(fromS < keptSinceS && { kept_since: formatTime(keptSinceS) }),
  };
}

/** The text of clickhouse/queries/QUERY.sql for these buckets, with the parts that are wanted. `restriction`: more conditions on series. */
export function writeStatement(
  buckets: Pick<Buckets, 'shape' | 'source' | 'series'>,
  query: string,
  parts: readonly Part[],
  restriction = '',
): string {
  const own = buckets.series === undefined ? '' : 'AND series_id IN {series:Array(UInt64)}';
  return readQuery(query)
    .replace(/\/\*(kept|lost|new) (.*?) \1\*\//gs, (_, part: Part, text: string) =>
      parts.includes(part) ? `${text} ` : '',
    )
    .replaceAll('/*cumulative*/', () => countsSinceStart(buckets))
    .replace('/*falls*/', () => fallsOf(buckets))
    .replaceAll('/*series*/', own + restriction);
}

async function insert(clickhouse: ClickHouse, sql: string, params: Record<string, unknown>): Promise<void> {
  const { cluster, database } = clickhouse;
  const sent =
    cluster === undefined ? { sql, params } : insertOnShards({ sql, params }, { cluster, database });
  await clickhouse.command(sent.sql, {
    ...(sent.params && { params: sent.params }),
    settings: {
      max_bytes_before_external_group_by: 1_000_000_000,
      // Rows of one statement are unique already: deduplicating them on insert would only cost time.
      optimize_on_insert: 0,
      // Late points may be of any day.
      max_partitions_per_insert_block: 0,
    },
  });
}

/** Condition on points, or rows, that have a value which counts since its start. */
function countsSinceStart({ shape, source }: Pick<Buckets, 'shape' | 'source'>): string {
  if (shape === 'number') {
    const hasValue = source === 'points' ? "value_type != 'none'" : 'count > 0';
    return `AND kind IN ('cumulative_counter', 'cumulative_updown') AND ${hasValue}`;
  }
  const hasValue = source === 'points' ? 'bitAnd(flags, 1) = 0' : 'NOT ended';
  return shape === 'summary' ? `AND ${hasValue}` : `AND temporality = 'cumulative' AND ${hasValue}`;
}

/** Whether the buckets of the next point or row hold less than those of this one. */
function fallsOf({ shape, source }: Pick<Buckets, 'shape' | 'source'>): string {
  if (shape === 'histogram') return bucketsFall('shared_buckets', 'next_shared_buckets');
  const own = (column: string) => column;
  const counts = source === 'points' ? own : (column: string) => `last_${column}`;
  const next = {
    scale: 'next.2',
    zeroThreshold: 'next.3',
    zeroCount: 'next.4',
    positiveOffset: 'next.5',
    positiveCounts: 'next.6',
    negativeOffset: 'next.7',
    negativeCounts: 'next.8',
  };
  return exponentialBucketsFall(exponentialColumns(own, counts), next);
}
