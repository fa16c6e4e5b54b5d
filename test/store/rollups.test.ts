/**
 * Rollups on the real engine: whatever order points come in, late, twice, or over several inserts and restarts, the
 * rollups hold what a straightforward computation from the distinct points gives.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import {
  KIND_CUMULATIVE_COUNTER,
  KIND_DELTA_COUNTER,
  KIND_GAUGE,
  PointBatch,
  VALUE_DOUBLE,
} from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

let engine: ScratchEngine;
let clickhouse: ClickHouse;
let rollups: Rollups;

const NOW_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
const START_S = Date.UTC(2026, 10, 20, 7, 0, 0) / 1000;

interface Point {
  series: number;
  kind: number;
  startS: number;
  timeS: number;
  value: number;
}

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
  rollups = rollupsOf('receiver-a');
});

afterAll(async () => {
  await engine?.close();
});

const rollupsOf = (receiver: string, engine = clickhouse) =>
  createRollups(engine, { receiver, nowUnixMs: () => NOW_MS });

async function insert(points: readonly Point[], target = rollups): Promise<void> {
  const batch = new PointBatch();
  for (const point of points) {
    const { numbers } = batch;
    numbers.seriesId.pushBigInt(BigInt(point.series));
    numbers.time.pushBigInt(BigInt(point.timeS) * 1_000_000_000n);
    numbers.startTime.pushBigInt(BigInt(point.startS) * 1_000_000_000n);
    numbers.kind.push(point.kind);
    numbers.valueType.push(VALUE_DOUBLE);
    numbers.valueInt.push(0, 0);
    numbers.valueDouble.pushDouble(point.value);
    numbers.flags.push(0);
  }
  await storeBatch(clickhouse, target, batch, NOW_MS);
}

interface Rolled {
  points: number;
  sum: number;
  min: number;
  max: number;
  first: number;
  last: number;
  increase: number;
}

/** The rule in plain words, over distinct points in time order. */
function expectRollup(points: readonly Point[], stepS: number): Map<string, Rolled> {
  const distinct = [...new Map(points.map((p) => [`${p.series} ${p.timeS} ${p.startS}`, p])).values()].sort(
    (a, b) => a.timeS - b.timeS,
  );
  const rolled = new Map<string, Rolled>();
  for (const p of distinct) {
    const epoch = p.kind === KIND_CUMULATIVE_COUNTER ? p.startS : 0;
    const key = `${p.series} ${p.timeS - (p.timeS % stepS)} ${epoch}`;
    const row = rolled.get(key);
    if (row === undefined) {
      const increase = p.kind === KIND_DELTA_COUNTER ? p.value : 0;
      rolled.set(key, {
        points: 1,
        sum: p.value,
        min: p.value,
        max: p.value,
        first: p.value,
        last: p.value,
        increase,
      });
      continue;
    }
    row.points++;
    row.sum += p.value;
    row.min = Math.min(row.min, p.value);
    row.max = Math.max(row.max, p.value);
    if (p.kind === KIND_DELTA_COUNTER) row.increase += p.value;
    if (p.kind === KIND_CUMULATIVE_COUNTER)
      row.increase += p.value >= row.last ? p.value - row.last : p.value;
    row.last = p.value;
  }
  return rolled;
}

async function readRollup(table: string): Promise<Map<string, Rolled>> {
  const rows = await clickhouse.query<Record<string, string | number>>(
    `SELECT series_id, toUnixTimestamp(time) AS t, toUnixTimestamp(epoch) AS e, points, sum, min, max,
            first_value, last_value, increase FROM ${table} FINAL`,
  );
  return new Map(
    rows.map((r) => [
      `${r.series_id} ${r.t} ${r.e}`,
      {
        points: Number(r.points),
        sum: Number(r.sum),
        min: Number(r.min),
        max: Number(r.max),
        first: Number(r.first_value),
        last: Number(r.last_value),
        increase: Number(r.increase),
      },
    ]),
  );
}

/** A small generator that gives the same numbers every time. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function makePoints(random: () => number): Point[] {
  const points: Point[] = [];
  for (let series = 1; series <= 12; series++) {
    const kind = [KIND_GAUGE, KIND_CUMULATIVE_COUNTER, KIND_DELTA_COUNTER][series % 3]!;
    let startS = START_S - 100;
    let value = 0;
    for (let timeS = START_S + series; timeS < START_S + 9_000; timeS += 10 + Math.floor(random() * 40)) {
      if (random() < 0.01) {
        value = 0;
        if (random() < 0.5) startS = timeS - 1;
      }
      value += Math.floor(random() * 20);
      points.push({
        series,
        kind,
        startS: kind === KIND_GAUGE ? 0 : startS,
        timeS,
        value: kind === KIND_CUMULATIVE_COUNTER ? value : Math.floor(random() * 50),
      });
    }
  }
  return points;
}

describe('rollups', () => {
  it('equal a plain computation after late, repeated and shuffled inserts and another receiver', async () => {
    const random = createRandom(42);
    const points = makePoints(random);
    const shuffled = [...points].sort(() => random() - 0.5);
    const other = rollupsOf('receiver-b');
    for (let from = 0; from < shuffled.length; from += 400) {
      const part = shuffled.slice(from, from + 400);
      await insert(part);
      // A lost answer: the sender sends some of it again, and it reaches the other receiver.
      await insert(
        part.filter(() => random() < 0.2),
        other,
      );
      if (random() < 0.5) await rollups.settle();
      if (random() < 0.3) await other.settle();
    }
    await rollups.settle();
    await other.settle();
    for (const [table, stepS] of [
      ['number_1m', 60],
      ['number_1h', 3_600],
      ['number_1d', 86_400],
    ] as const) {
      const expected = expectRollup(points, stepS);
      const actual = await readRollup(table);
      expect(actual.size, table).toBe(expected.size);
      for (const [key, row] of expected) expect(actual.get(key), `${table} ${key}`).toEqual(row);
    }
  });

  it('take up after a crash what was marked and not yet recomputed', async () => {
    const late: Point = { series: 99, kind: KIND_GAUGE, startS: 0, timeS: START_S + 30, value: 7 };
    const crashed = rollupsOf('receiver-c');
    await insert([late], crashed);
    const restarted = rollupsOf('receiver-c');
    await restarted.start();
    try {
      await expect
        .poll(async () => (await readRollup('number_1m')).get(`99 ${START_S} 0`)?.last, { timeout: 10_000 })
        .toBe(7);
    } finally {
      await restarted.shutdown(5_000);
    }
    const waiting = await clickhouse.query<{ n: string }>(
      `SELECT count() AS n FROM rollup_marks FINAL WHERE waits AND receiver = 'receiver-c' AND resolution_s = 60`,
    );
    expect(Number(waiting[0]!.n)).toBe(0);
  });

  it('leave nothing waiting when a mark is worked off while it is still being written', async () => {
    let release = () => {};
    const released = new Promise<void>((done) => {
      release = done;
    });
    let held = 0;
    const slow: ClickHouse = {
      ...clickhouse,
      command: async (sql, options) => {
        if (options?.params?.waits !== undefined && held++ === 0) await released;
        return clickhouse.command(sql, options);
      },
    };
    const behind = rollupsOf('receiver-slow', slow);
    const marked = insert(
      [{ series: 98, kind: KIND_GAUGE, startS: 0, timeS: START_S + 30, value: 7 }],
      behind,
    );
    await expect.poll(() => behind.waiting).toBe(1);
    const settled = behind.settle();
    await expect.poll(async () => (await readRollup('number_1m')).get(`98 ${START_S} 0`)?.last).toBe(7);
    release();
    await Promise.all([marked, settled]);
    const [row] = await clickhouse.query<{ n: string }>(
      `SELECT count() AS n FROM rollup_marks FINAL WHERE waits AND receiver = 'receiver-slow'`,
    );
    expect(Number(row!.n)).toBe(0);
  });

  it('keep first and last time of every series', async () => {
    const rows = await clickhouse.query<{ first: number; last: number }>(
      `SELECT toUnixTimestamp(min(first_time)) AS first, toUnixTimestamp(max(last_time)) AS last
       FROM series_activity WHERE series_id = 1`,
    );
    expect(Number(rows[0]!.first)).toBe(START_S + 1);
    expect(Number(rows[0]!.last)).toBeGreaterThan(START_S + 8_000);
  });

  it('recompute late series of a large minute by name, more of them than one statement holds, after a restart too', async () => {
    const startS = Date.UTC(2026, 10, 19, 7, 0, 0) / 1000;
    const firstSeries = 1_000_000;
    const seriesCount = 60_000;
    const point = (series: number, timeS: number, value: number): Point => ({
      series: firstSeries + series,
      kind: KIND_GAUGE,
      startS: 0,
      timeS,
      value,
    });
    const first = rollupsOf('receiver-many');
    const everySeries = Array.from({ length: seriesCount }, (_, i) => i);
    await insert(
      everySeries.map((i) => point(i, startS, 1)),
      first,
    );
    await first.settle();
    // Many late senders of 500 series each: at first they are named, then they are more than a statement can name.
    for (let part = 0; part < 12; part++) {
      const late = everySeries.slice(part * 500, (part + 1) * 500);
      await insert(
        late.map((i) => point(i, startS + 10, 2)),
        first,
      );
      if (part === 3) await first.settle();
    }
    const second = rollupsOf('receiver-many');
    await second.start();
    await second.settle();
    await second.shutdown(1_000);
    for (const table of ['number_1m', 'number_1h', 'number_1d']) {
      const [row] = await clickhouse.query<Record<string, string>>(
        `SELECT sum(points) AS points, sum(sum) AS sum, countIf(last_value = 2) AS late, count() AS series
         FROM ${table} FINAL WHERE series_id >= ${firstSeries} AND series_id < ${firstSeries + seriesCount}`,
      );
      const numbers = Object.fromEntries(Object.entries(row!).map(([name, value]) => [name, Number(value)]));
      expect(numbers, table).toEqual({ points: 66_000, sum: 72_000, late: 6_000, series: 60_000 });
    }
  });

  it('rolls up points of more days than ClickHouse lets one insert touch by default', async () => {
    const days = 150;
    const series = 2_000_000;
    const points = Array.from({ length: days }, (_, day) => ({
      series,
      kind: KIND_GAUGE,
      startS: 0,
      timeS: START_S - 86_400 * (day + 2),
      value: day,
    }));
    await insert(points);
    await rollups.settle();
    for (const table of ['number_points', 'number_1m', 'number_1h', 'number_1d']) {
      const [row] = await clickhouse.query<{ n: string }>(
        `SELECT count() AS n FROM ${table} FINAL WHERE series_id = ${series}`,
      );
      expect(Number(row!.n), table).toBe(days);
    }
  });
});
