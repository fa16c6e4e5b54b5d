/** Units in the real engine: what a question with a threshold answers, whatever unit each sender speaks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { parseUnit } from '../../src/model/unit.js';
import { encodeBatch } from '../../src/spool/batch-blocks.js';
import { decode } from '../testkit/decode-fixture.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, numberPoint, stringAttribute, toProtobuf } from '../testkit/otlp-message.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
let clickhouse: ClickHouse;
let inserts = 0;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
});

afterAll(async () => {
  await engine?.close();
});

/** One gauge of a service, a value each second, as it would arrive. */
async function send(service: string, name: string, unit: string, values: readonly number[]): Promise<void> {
  const dataPoints = values.map((asDouble, i) =>
    numberPoint({ asDouble, timeUnixNano: NOW_UNIX_NANO + BigInt(i) * 1_000_000_000n }),
  );
  const metric = { name, unit, gauge: { dataPoints } };
  const resource = { attributes: [stringAttribute('service.name', service)] };
  const batch = new PointBatch();
  decode(toProtobuf({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] }), 'protobuf', {
    batch,
  });
  for (const block of encodeBatch(batch, NOW_UNIX_MS / 1000)) {
    const deduplicationToken = `insert-${inserts++}`;
    await clickhouse.insertNative(block.table, [Buffer.concat(block.pieces)], { deduplicationToken });
  }
}

/** A KPI of one metric: mean in base units and whether it is beyond the threshold, per service. */
function judge(metric: string, baseUnit: string, threshold: number) {
  return clickhouse.query<{ service: string; mean: number; isBeyond: number }>(
    `SELECT s.source_system AS service, round(avg(p.value * s.unit_factor + s.unit_offset), 9) AS mean,
       mean > {threshold:Float64} AS isBeyond
     FROM number_points AS p FINAL INNER JOIN series AS s FINAL USING (series_id)
     WHERE s.metric_name = {metric:String} AND s.base_unit = {baseUnit:String}
     GROUP BY service ORDER BY service`,
    { params: { metric, baseUnit, threshold } },
  );
}

describe('a KPI in SQL', () => {
  it.each([
    [
      'response_time',
      's',
      0.2,
      { ms: [150, 300], s: [0.15, 0.3], us: [150_000, 300_000], milliseconds: [150, 300] },
      0.225,
    ],
    ['memory', 'By', 6e8, { By: [536_870_912], MiBy: [512], MiB: [512], KiBy: [524_288] }, 536_870_912],
    ['utilization', '1', 0.8, { '1': [0.75, 0.95], '%': [75, 95], percent: [75, 95] }, 0.85],
    ['throughput', '1/s', 1, { '{request}/s': [2], '{request}/min': [120], Hz: [2], 'Count/Second': [2] }, 2],
    ['temperature', 'K', 300, { Cel: [20], K: [293.15], '[degF]': [68] }, 293.15],
  ])(
    'gives one answer for %s from senders of every unit',
    async (metric, baseUnit, threshold, senders, mean) => {
      for (const [unit, values] of Object.entries(senders)) await send(`sends ${unit}`, metric, unit, values);
      const services = Object.keys(senders).map((unit) => `sends ${unit}`);
      expect(await judge(metric, baseUnit, threshold)).toEqual(
        services.sort().map((service) => ({ service, mean, isBeyond: Number(mean > threshold) })),
      );
    },
  );

  it('keeps the unit as it was sent beside what it means', async () => {
    await send('a', 'kept', 'Kilobytes', [1]);
    await send('a', 'kept', '', [1]);
    await send('a', 'kept', 'USD', [1]);
    const rows = await clickhouse.query(
      `SELECT unit, base_unit, unit_factor, unit_offset, unit_status FROM series FINAL
       WHERE metric_name = 'kept' ORDER BY unit`,
    );
    expect(rows).toEqual([
      { unit: '', base_unit: '1', unit_factor: 1, unit_offset: 0, unit_status: 'unknown' },
      { unit: 'Kilobytes', base_unit: 'By', unit_factor: 1000, unit_offset: 0, unit_status: 'alias' },
      { unit: 'USD', base_unit: 'USD', unit_factor: 1, unit_offset: 0, unit_status: 'unknown' },
    ]);
  });
});

describe('a metric without a unit', () => {
  it('has the unit that its name says, beside the empty one that was sent', async () => {
    await send('a', 'http_request_duration_seconds', '', [0.14]);
    await send('a', 'rpc_server_duration_milliseconds', '', [140]);
    await send('a', 'disk_used_percent', '', [80]);
    await send('a', 'disk_used_percent', '1', [0.8]);
    const rows = await clickhouse.query(
      `SELECT metric_name, unit, base_unit, unit_factor, unit_status FROM series FINAL
       WHERE metric_name LIKE '%\\_seconds' OR metric_name LIKE '%milliseconds' OR metric_name LIKE '%percent' ORDER BY metric_name, unit`,
    );
    expect(rows.map((row) => Object.values(row as object))).toEqual([
      ['disk_used_percent', '', '1', 0.01, 'name'],
      ['disk_used_percent', '1', '1', 1, 'ucum'],
      ['http_request_duration_seconds', '', 's', 1, 'name'],
      ['rpc_server_duration_milliseconds', '', 's', 0.001, 'name'],
    ]);
  });
});

describe('number_quantiles where only rollups are left', () => {
  it('are in the base unit, whatever the unit of each series', async () => {
    for (const [id, unit, factor, k] of [
      [1, 's', 1, 1],
      [2, 'ms', 0.001, 1_000],
    ]) {
      await clickhouse.command(
        `INSERT INTO series (series_id, metric_name, metric_type, unit, base_unit, unit_factor)
         SELECT {id:UInt64}, 'rolled', 'gauge', {unit:String}, 's', {factor:Float64}`,
        { params: { id, unit, factor } },
      );
      await clickhouse.command(
        `INSERT INTO number_1m (series_id, time, kind, points, count, sum, min, max, first_time, last_time)
         SELECT {id:UInt64}, '2026-11-17 09:00:00', 'gauge', 4, 4, 8 * {k:Float64}, {k:Float64}, 3 * {k:Float64}, '2026-11-17 09:00:05', '2026-11-17 09:00:35'`,
        { params: { id, k } },
      );
    }
    const rows = await clickhouse.query(
      `SELECT count, rolled_up, sum, q.min AS min, q.max AS max, low.p50 AS low, p50, high.p50 AS high, base_unit
       FROM number_quantiles(metric = 'rolled', start_time = '2026-11-17 09:00:00', end_time = '2026-11-17 10:00:00', step_s = 3600, group_by = '') AS q`,
    );
    expect(rows).toEqual([
      { count: '8', rolled_up: '8', sum: 16, min: 1, max: 3, low: 1, p50: 1.5, high: 3, base_unit: 's' },
    ]);
  });
});

describe('a series row written before units were read', () => {
  const common =
    'ms us ns min h d s By 1 % {request} {error} {thread} K KiBy MiBy GiBy kBy MBy GBy bit {request}/s Cel'.split(
      ' ',
    );

  it('means the same for the units that are sent most, and nothing for others', async () => {
    const units = [...common, '', 'USD'];
    for (const unit of units) {
      await clickhouse.command(
        `INSERT INTO series (series_id, metric_name, unit) SELECT cityHash64({unit:String}), 'old', {unit:String}`,
        { params: { unit } },
      );
    }
    const rows = await clickhouse.query<{ text: string }>(
      `SELECT unit AS text, base_unit AS baseUnit, unit_factor AS factor, unit_offset AS offset, unit_status AS status
       FROM series WHERE metric_name = 'old'`,
    );
    const byText = (a: { text: string }, b: { text: string }) => (a.text < b.text ? -1 : 1);
    expect(rows.sort(byText)).toEqual(units.map((unit) => ({ ...parseUnit(unit) })).sort(byText));
  });
});
