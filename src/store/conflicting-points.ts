/**
 * Two writers of one series, in different requests: points with the same series, start time and time and different values.
 * Storage keeps one of them, and only until parts are merged can the others be seen. Enters: minutes that were just rolled up;
 * leaves: rows of flagged_points, and how many. Best effort: what was merged before is not found.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { Shape } from './rollup-marks.js';
import { readQuery } from './sql-files.js';

export interface RolledMinutes {
  shape: Shape;
  /** On borders of minutes, as texts in UTC. */
  from: string;
  to: string;
  /** Only these; undefined = all. */
  series: readonly bigint[] | undefined;
}

/**
 * Flags conflicting points that were not flagged before; resolves with their number. Costs one short statement where no point
 * came twice.
 */
export async function flagConflicts(
  clickhouse: ClickHouse,
  { shape, from, to, series }: RolledMinutes,
  nowUnixMs: number,
): Promise<number> {
  const params: Record<string, unknown> = { source: `${shape}_points`, rollup: `${shape}_1m`, from, to };
  if (series !== undefined) params.series = series;
  const read = (query: string) =>
    readQuery(query).replaceAll(
      '/*series*/',
      series === undefined ? '' : 'AND series_id IN {series:Array(UInt64)}',
    );
  const [suspicion] = await clickhouse.query<{ is_suspected: number | boolean }>(
    read('conflicts_suspected'),
    { params },
  );
  if (!Number(suspicion!.is_suspected)) return 0;
  const conflicts = read('conflicts');
  const [found] = await clickhouse.query<{ points: string }>(
    `SELECT toString(count()) AS points FROM (${conflicts})`,
    { params },
  );
  const points = Number(found!.points);
  if (points === 0) return 0;
  await clickhouse.command(
    `INSERT INTO flagged_points (series_id, time, start_time, kpi, reason, checked_at)
     SELECT series_id, time, start_time, '', 'conflicting_point', fromUnixTimestamp64Milli({checked_at:Int64}, 'UTC')
     FROM (${conflicts})`,
    { params: { ...params, checked_at: Math.floor(nowUnixMs) } },
  );
  return points;
}
