/** The table of exemplars in a real engine: what merges leave of repeated ones. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
beforeAll(async () => {
  engine = await openScratchEngine();
});
afterAll(() => engine.close());

const NOON_S = 1_790_000_000;

it('merges leave one row of an exemplar that was written on many days, of the first point that carried it', async () => {
  const { clickhouse } = engine;
  // A receiver each that remembers nothing, points in no order.
  for (const day of [5, 2, 9, 0, 7]) {
    await clickhouse.command(
      `INSERT INTO exemplars (series_id, time, point_time, value_type, value_double, trace_id, span_id, filtered_attributes)
       SELECT number, fromUnixTimestamp64Milli(${NOON_S}000, 'UTC'), fromUnixTimestamp64Milli(${NOON_S + 10 + day * 86_400}000, 'UTC'),
         'double', 0.7, 'trace', 'span', map('user', 'a') FROM numbers(3)`,
    );
  }
  await clickhouse.command('OPTIMIZE TABLE exemplars FINAL');
  const rows = await clickhouse.query(
    'SELECT toUInt32(series_id) AS series, toUInt32(toUnixTimestamp(point_time)) AS first FROM exemplars ORDER BY series_id',
  );
  expect(rows).toEqual([0, 1, 2].map((series) => ({ series, first: NOON_S + 10 })));
});

it('takes any time of an exemplar into the same partition', async () => {
  const { clickhouse } = engine;
  await clickhouse.command(
    `INSERT INTO exemplars (series_id, time, point_time, value_type)
     SELECT 9, reinterpret(toInt64(cityHash64(number)), 'DateTime64(9, \\'UTC\\')'), fromUnixTimestamp64Milli(${NOON_S}000, 'UTC'), 'int'
     FROM numbers(1000)`,
  );
  const rows = await clickhouse.query(
    'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(_partition_id)) AS partitions FROM exemplars FINAL WHERE series_id = 9',
  );
  expect(rows).toEqual([{ rows: 1000, partitions: 1 }]);
});
