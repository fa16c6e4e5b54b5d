/**
 * Points of several categories with the age that a test wants, straight in the tables of an engine: sent long ago, or sent
 * just now with an old time. What would have been sent is one counter a series, one point a minute.
 */
import type { ClickHouse } from '../../src/model/clickhouse.js';

export interface AgedSeries {
  id: number;
  metric: string;
  category: string;
}

export async function insertSeries(clickhouse: ClickHouse, series: readonly AgedSeries[]): Promise<void> {
  await clickhouse.command(
    `INSERT INTO series (series_id, metric_name, metric_type, temporality, is_monotonic, category, seen_at)
     SELECT r.1, r.2, 'sum', 'cumulative', true, r.3, toDateTime64('2020-01-01 00:00:00', 9, 'UTC')
     FROM (SELECT arrayJoin(arrayZip({ids:Array(UInt64)}, {metrics:Array(String)}, {categories:Array(String)})) AS r)`,
    {
      params: {
        ids: series.map(({ id }) => id),
        metrics: series.map(({ metric }) => metric),
        categories: series.map(({ category }) => category),
      },
    },
  );
}

/** `minutes` points from `from` on, a minute apart; the counter grows by 1 with each. Marks them to be rolled up. */
export async function insertCounter(
  clickhouse: ClickHouse,
  counter: { ids: readonly number[]; from: Date; minutes: number; receivedAt?: Date },
): Promise<void> {
  const { ids, from, minutes, receivedAt } = counter;
  const fromS = Math.floor(from.getTime() / 1000);
  const params = {
    ids,
    minutes,
    from_s: fromS,
    received_s: receivedAt === undefined ? 0 : Math.floor(receivedAt.getTime() / 1000),
  };
  await clickhouse.command(
    `INSERT INTO number_points (series_id, time, start_time, kind, value_type, value_int, value_double, flags, received_at)
     SELECT arrayJoin({ids:Array(UInt64)}), toDateTime64({from_s:UInt32} + 60 * number, 9, 'UTC'),
       toDateTime64({from_s:UInt32} - 60, 9, 'UTC'), 'cumulative_counter', 'int', number + 1, 0, 0,
       toDateTime(if({received_s:UInt32} = 0, {from_s:UInt32} + 60 * number, {received_s:UInt32}), 'UTC')
     FROM numbers({minutes:UInt32})`,
    { params },
  );
  await clickhouse.command(
    `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
     SELECT 'number', 60, toDateTime(intDiv({from_s:UInt32}, 60) * 60 + 60 * number, 'UTC'), 'aged', toUnixTimestamp64Micro(now64(6)), true, []
     FROM numbers({minutes:UInt32} + 1)`,
    { params },
  );
}
