/**
 * The property behind every count: for random true event streams, cut into points by random exporters, arriving late,
 * twice, shuffled, at two receivers and across restarts, number_increase gives the true number of events covered in every
 * step of any grid, at any moment: from raw points, from rollups, and from any mix of the two.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/demo/random.js';
import { readBeforehand } from '../../src/kpi/kpi-beforehand.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { FactsQuery } from '../../src/model/facts.js';
import {
  KIND_CUMULATIVE_COUNTER,
  KIND_DELTA_COUNTER,
  KIND_GAUGE,
  PointBatch,
  VALUE_DOUBLE,
  VALUE_INT,
  VALUE_NONE,
} from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import {
  type CounterPoint,
  type CounterStream,
  findContributions,
  makeCounterStream,
} from '../testkit/random-counter.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const ROUNDS = 2;
const STREAMS_PER_ROUND = 1_100;
const INSERTS = 5;
const BASE_US = Date.UTC(2026, 10, 17, 9, 47, 11) * 1000;
const SPAN_US = 60 * 3_600e6;
const NOW_MS = Date.UTC(2026, 10, 21);

let engine: ScratchEngine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
});

afterAll(async () => {
  await engine?.close();
});

const rollupsOf = (receiver: string) => createRollups(clickhouse, { receiver, nowUnixMs: () => NOW_MS });

interface Arrival {
  seriesId: bigint;
  stream: CounterStream;
  point: CounterPoint;
}

async function insert(arrivals: readonly Arrival[], rollups: Rollups): Promise<void> {
  const batch = new PointBatch();
  const { numbers } = batch;
  for (const { seriesId, stream, point } of arrivals) {
    const { value } = point;
    numbers.seriesId.pushBigInt(seriesId);
    numbers.time.pushBigInt(nanosOf(point.timeUs));
    numbers.startTime.pushBigInt(point.startUs === undefined ? 0n : nanosOf(point.startUs));
    numbers.kind.push(stream.kind === 'delta' ? KIND_DELTA_COUNTER : KIND_CUMULATIVE_COUNTER);
    numbers.valueType.push(value === undefined ? VALUE_NONE : point.isDouble ? VALUE_DOUBLE : VALUE_INT);
    numbers.valueInt.pushBigInt(value === undefined || point.isDouble ? 0n : value);
    numbers.valueDouble.pushDouble(value !== undefined && point.isDouble ? Number(value) : 0);
    numbers.flags.push(value === undefined ? 1 : 0);
  }
  await storeBatch(clickhouse, rollups, batch, NOW_MS);
}

function nanosOf(us: number): bigint {
  return BigInt(BASE_US + us) * 1000n;
}

interface Grid {
  startUs: number;
  endUs: number;
  stepS: number;
}

/** Aligned to days, hours, minutes, seconds or to nothing; steps from seconds to the whole range. */
function makeGrid(random: Random): Grid {
  const unitUs = random.pick([86_400e6, 3_600e6, 60e6, 1e6, 1]);
  const align = (us: number) => Math.floor((BASE_US + us) / unitUs) * unitUs - BASE_US;
  const startUs = align((random.uniform() - 0.1) * SPAN_US);
  const endUs = Math.max(align(startUs + random.uniform() * SPAN_US) + unitUs, startUs + 1e6);
  const whole = Math.max(1, Math.ceil((endUs - startUs) / 1e6));
  const stepS = random.pick([whole, whole, 86_400, 43_200, 7_200, 3_600, 5_400, 1_800, 60, 90, 777]);
  return { startUs, endUs, stepS };
}

/** The views that say what counters grew by; facts are asked on whole seconds only. */
const TIMES = `start_time = fromUnixTimestamp64Nano({start:Int64}, 'UTC'),
                          end_time = fromUnixTimestamp64Nano({end:Int64}, 'UTC'), step_s = {step_s:UInt32}`;
const NUMBER_INCREASE = `number_increase(metric = {metric:String}, ${TIMES})`;
const METRIC_FACTS = `metric_facts(metrics = [{metric:String}], ${TIMES})`;

/** How often all times could be written out. */
let writtenOut = 0;

/** The same facts with all that can be known beforehand written into their SQL, as the reader of KPIs asks for them. */
async function knownFacts(metric: string, grid: Grid): Promise<string> {
  const [startS, endS] = [grid.startUs, grid.endUs].map((us) => (BASE_US + us) / 1e6) as [number, number];
  const known = { startS, endS, stepS: grid.stepS };
  const { waiting } = await readBeforehand(clickhouse, readQuery, { name: '', unit: '1', sources: [] }, endS);
  const query: FactsQuery = {
    metrics: `['${metric}']`,
    start: `toDateTime(${startS}, 'UTC')`,
    end: `toDateTime(${endS}, 'UTC')`,
    step: String(grid.stepS),
    known,
    waiting,
    shapes: ['number'],
    hasFolded: false,
  };
  const sql = `(WITH ${FACTS.aliases(query)} SELECT * FROM (${FACTS.rows(query)}))`;
  if (!sql.includes('rollup_marks')) writtenOut++;
  return sql;
}

async function checkGrid(
  metric: string,
  grid: Grid,
  streams: readonly CounterStream[],
  arrived: readonly CounterPoint[][],
  random: Random,
) {
  await checkView(NUMBER_INCREASE, metric, grid, streams, arrived);
  if (grid.startUs % 1e6 === 0 && grid.endUs % 1e6 === 0 && random.chance(0.25))
    await checkView(METRIC_FACTS, metric, grid, streams, arrived);
  if (grid.startUs % 1e6 === 0 && grid.endUs % 1e6 === 0)
    await checkView(await knownFacts(metric, grid), metric, grid, streams, arrived);
}

async function checkView(
  view: string,
  metric: string,
  grid: Grid,
  streams: readonly CounterStream[],
  arrived: readonly CounterPoint[][],
) {
  const rows = await clickhouse.query<{ series_id: string; step: string; increase: number }>(
    `SELECT toString(series_id) AS series_id, increase,
            intDiv(toUnixTimestamp64Nano(toDateTime64(time, 9, 'UTC')) - {start:Int64}, 1000000000 * {step_s:Int64}) AS step
     FROM ${view}`,
    {
      params: {
        metric,
        start: String(nanosOf(grid.startUs)),
        end: String(nanosOf(grid.endUs)),
        step_s: grid.stepS,
      },
    },
  );
  const actual = new Map<string, number>();
  for (const row of rows) if (row.increase !== 0) actual.set(`${row.series_id} ${row.step}`, row.increase);
  const expected = new Map<string, number>();
  streams.forEach((stream, i) => {
    for (const { timeUs, amount } of findContributions(stream, arrived[i]!)) {
      if (timeUs < grid.startUs || timeUs >= grid.endUs || amount === 0) continue;
      const key = `${i} ${Math.floor((timeUs - grid.startUs) / (grid.stepS * 1e6))}`;
      expected.set(key, (expected.get(key) ?? 0) + amount);
    }
  });
  const wrong = [...new Set([...actual.keys(), ...expected.keys()])]
    .filter((key) => !isEqual(actual.get(key), expected.get(key)))
    .map((key) => {
      const stream = streams[Number(key.split(' ')[0])]!;
      return `series and step ${key} (${stream.kind}): ${actual.get(key)} instead of ${expected.get(key)}`;
    });
  expect(
    wrong.slice(0, 5),
    `${view.slice(0, 40)} ${wrong.length} wrong of ${expected.size} in ${JSON.stringify(grid)}`,
  ).toEqual([]);
}

/** Exactly; only beyond 2^53, where doubles have gaps, within a few of those. */
function isEqual(actual = 0, expected = 0): boolean {
  return actual === expected || (expected > 2 ** 53 && Math.abs(actual / expected - 1) < 1e-14);
}

describe('number_increase', () => {
  for (let round = 1; round <= ROUNDS; round++) {
    it(`counts the true events of ${STREAMS_PER_ROUND} random streams at any moment, round ${round}`, async () => {
      const random = createRandom(round);
      const metric = `round-${round}`;
      await clickhouse.command('TRUNCATE TABLE series');
      await clickhouse.command('TRUNCATE TABLE number_points');
      for (const table of ['1m', '1h', '1d']) await clickhouse.command(`TRUNCATE TABLE number_${table}`);
      await clickhouse.command(
        `INSERT INTO series (series_id, metric_name, metric_type)
         SELECT number, {metric:String}, 'sum' FROM numbers({n:UInt64}) UNION ALL
         SELECT 1000000, 'heartbeat', 'gauge'`,
        { params: { metric, n: STREAMS_PER_ROUND } },
      );
      let receivers = [rollupsOf(`a-${round}`), rollupsOf(`b-${round}`)];
      await insertHeartbeat(receivers[0]!);
      const streams = Array.from({ length: STREAMS_PER_ROUND }, () => makeCounterStream(random, SPAN_US));
      const arrived: CounterPoint[][] = streams.map(() => []);
      const arrivals = shuffle(
        streams.flatMap((stream, i) =>
          stream.points.map((point) => ({ seriesId: BigInt(i), stream, point })),
        ),
        random,
      );
      const partSize = Math.ceil(arrivals.length / INSERTS);
      for (let from = 0; from < arrivals.length; from += partSize) {
        const part = arrivals.slice(from, from + partSize);
        // Some of what came before is sent again, and may reach the other receiver.
        const again = arrivals.slice(0, from).filter(() => random.chance(0.1));
        const half = part.length / 2;
        await insert(part.slice(0, half), receivers[0]!);
        await insert([...again, ...part.slice(half)], receivers[1]!);
        for (const { seriesId, point } of part) arrived[Number(seriesId)]!.push(point);
        await checkGrid(metric, makeGrid(random), streams, arrived, random);
        if (random.chance(0.5)) await receivers[random.chance(0.5) ? 0 : 1]!.settle();
        if (random.chance(0.3)) receivers = await restart(receivers, round);
        await checkGrid(metric, makeGrid(random), streams, arrived, random);
      }
      for (const rollups of receivers) await rollups.settle();
      for (let i = 0; i < 8; i++) await checkGrid(metric, makeGrid(random), streams, arrived, random);
      for (const rollups of receivers) await rollups.shutdown(1_000);
      expect(writtenOut).toBeGreaterThan(2 * round);
    }, 120_000);
  }
});

/** Something of the same process long before: so every true start counts. */
async function insertHeartbeat(rollups: Rollups): Promise<void> {
  const batch = new PointBatch();
  const { numbers } = batch;
  numbers.seriesId.pushBigInt(1_000_000n);
  numbers.time.pushBigInt(nanosOf(-10_000e6));
  numbers.startTime.push(0, 0);
  numbers.kind.push(KIND_GAUGE);
  numbers.valueType.push(VALUE_DOUBLE);
  numbers.valueInt.push(0, 0);
  numbers.valueDouble.pushDouble(1);
  numbers.flags.push(0);
  await storeBatch(clickhouse, rollups, batch, NOW_MS);
  await rollups.settle();
}

/** New ones under the same names. Their loops find nothing due, as the clock stands still: the test says when. */
async function restart(receivers: readonly Rollups[], round: number): Promise<Rollups[]> {
  for (const rollups of receivers) await rollups.shutdown(1_000);
  const fresh = [rollupsOf(`a-${round}`), rollupsOf(`b-${round}`)];
  for (const rollups of fresh) await rollups.start();
  return fresh;
}

function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
