/** What is asked for most, the last minutes of all series, is read without the rest of the day. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHAPES } from '../../src/store/rollup-marks.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

const SERIES = 50;
const DAY_S = 86_400;
/** Midnight, 2026-01-01. */
const START_S = 1_767_225_600;

let engine: ScratchEngine;
beforeAll(async () => {
  engine = await openScratchEngine();
});
afterAll(() => engine.close());

/** Rows of `table` that the index leaves to be read where only those are asked for that lie in the last `lastS` of `ofS`. */
async function readRows(table: string, stepS: number, ofS: number, lastS: number): Promise<number> {
  const { clickhouse } = engine;
  await clickhouse.command(
    `INSERT INTO ${table} (series_id, time) SELECT number % ${SERIES}, toDateTime(${START_S}, 'UTC') + intDiv(number, ${SERIES}) * ${stepS}
     FROM numbers(${(SERIES * ofS) / stepS})`,
  );
  await clickhouse.command(`OPTIMIZE TABLE ${table} FINAL`);
  const read = await estimate(
    table,
    `series_id IN (SELECT number FROM numbers(${SERIES})) AND time >= toDateTime64(${START_S + ofS - lastS}, 9, 'UTC')`,
  );
  return Number(read?.rows ?? 0);
}

/** What the index leaves to be read of `table`; undefined: nothing. */
async function estimate(table: string, where: string) {
  const [read] = await engine.clickhouse.query<{ rows: number | string; parts: number | string }>(
    `EXPLAIN ESTIMATE SELECT * FROM ${table} FINAL WHERE ${where}`,
  );
  return read;
}

/** How many of two parts of `table`, one after the other in time, are read where only times of the second are asked for. */
async function countPartsRead(table: string, ofS: number): Promise<number> {
  const { clickhouse } = engine;
  const at = (i: number) => `toDateTime64(${START_S + 40 * DAY_S + i * ofS}, 9, 'UTC')`;
  await clickhouse.command(`SYSTEM STOP MERGES ${table}`);
  for (const i of [0, 1]) {
    await clickhouse.command(
      `INSERT INTO ${table} (series_id, time) SELECT number, ${at(i)} FROM numbers(${SERIES})`,
    );
  }
  const read = await estimate(table, `time >= ${at(1)}`);
  return Number(read!.parts);
}

/** Rows: those asked for may lie on a border of granules. */
const TWO_GRANULES = 2 * 8192;

describe.each(SHAPES)('tables of %s', (shape) => {
  it('hand out the last minutes of all points without the rest of the day', async () => {
    expect(await readRows(`${shape}_points`, 30, DAY_S, 120)).toBeLessThanOrEqual(TWO_GRANULES);
  });

  it('hand out the last minutes of all series without the rest of the day', async () => {
    expect(await readRows(`${shape}_1m`, 60, DAY_S, 300)).toBeLessThanOrEqual(TWO_GRANULES);
  });

  it('hand out the last hours of all series without the rest of the month', async () => {
    expect(await readRows(`${shape}_1h`, 3600, 28 * DAY_S, 4 * 3600)).toBeLessThanOrEqual(TWO_GRANULES);
  });

  it.each([
    ['points', 600],
    ['1m', 600],
    ['1h', 3_600],
  ])('leave out parts of %s that end before, also within what is sorted together', async (table, ofS) => {
    expect(await countPartsRead(`${shape}_${table}`, ofS)).toBe(1);
  });
});
