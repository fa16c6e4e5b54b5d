/**
 * What the engine gets wrong about bounds of DateTime64 columns (ClickHouse #113993). A test that fails here says that the
 * engine is mended: then the rule of docs/decisions/0018-time-bounds.md can go, with the test that enforces it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmptyEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
const BORDER = "'2026-01-01 00:01:00'";
const DATE_TIME = `toDateTime(${BORDER}, 'UTC')`;
const DATE_TIME_64 = `toDateTime64(${BORDER}, 9, 'UTC')`;

beforeAll(async () => {
  engine = await openEmptyEngine();
  await engine.clickhouse.command(
    "CREATE TABLE t (time DateTime64(9, 'UTC')) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY tuple()",
  );
  await engine.clickhouse.command('SYSTEM STOP MERGES t');
  for (const time of ['00:00:59.9', '00:01:00', '00:01:00.1'])
    await engine.clickhouse.command(`INSERT INTO t SELECT toDateTime64('2026-01-01 ${time}', 9, 'UTC')`);
});
afterAll(() => engine.close());

async function count(condition: string): Promise<number> {
  const [row] = await engine.clickhouse.query<{ n: number }>(
    `SELECT toUInt32(count()) AS n FROM t WHERE ${condition}`,
  );
  return row!.n;
}

describe('the engine, of parts that lie within a second of the bound', () => {
  it.each([
    [`time < ${DATE_TIME}`, 0],
    [`time > ${DATE_TIME}`, 0],
    [`time < toUnixTimestamp(${DATE_TIME})`, 0],
    [`NOT time >= ${DATE_TIME}`, 0],
  ])('still leaves out rows where %s', async (condition, wrong) => {
    expect(await count(condition)).toBe(wrong);
    // What is right is what the engine finds where it cannot prune.
    expect(await count(condition.replace('time', 'identity(time)'))).toBe(1);
  });

  it.each([
    [`time < ${DATE_TIME_64}`, 1],
    [`time > ${DATE_TIME_64}`, 1],
    [`time < fromUnixTimestamp64Milli(toInt64(1767225660000), 'UTC')`, 1],
    [`time >= ${DATE_TIME}`, 2],
    [`time <= ${DATE_TIME}`, 2],
    [`time BETWEEN ${DATE_TIME} AND ${DATE_TIME}`, 1],
  ])('finds all rows where %s', async (condition, right) => {
    expect(await count(condition)).toBe(right);
  });
});
