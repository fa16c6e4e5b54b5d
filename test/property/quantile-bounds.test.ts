/**
 * The errors that docs/aggregates.md states, held against the exact quantiles of the very values that were sent: numbers,
 * explicit and exponential histograms of either temporality, summaries; over grids of any kind; from raw points, from
 * rollups, and from what is left once raw points, minutes and hours are removed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/demo/random.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { Rollups } from '../../src/store/rollups.js';
import {
  BASE_US,
  exactQuantile,
  LEVELS,
  nanosOf,
  type Sample,
  type SampledGroup,
  SampledGroups,
  type SummaryReport,
} from '../testkit/sampled-groups.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const HOUR_US = 3_600e6;
const NOW_MS = BASE_US / 1000 + 5 * 86_400_000;
const { batch, groups, reports, folded } = new SampledGroups(createRandom(11));

let engine: ScratchEngine;
let clickhouse: ClickHouse;
let rollups: Rollups;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
  rollups = createRollups(clickhouse, { receiver: 'a', nowUnixMs: () => NOW_MS });
  await storeBatch(clickhouse, rollups, batch, NOW_MS);
  const described = groups.flatMap((group) => group.seriesIds.map((id) => ({ id, group })));
  const own = described.filter(({ id }) => !folded.has(id));
  await clickhouse.command(
    `INSERT INTO series (series_id, metric_name, metric_type, attributes)
     SELECT s.1, s.2, 'gauge', map('g', s.3)
     FROM (SELECT arrayJoin(arrayZip({ids:Array(UInt64)}, {metrics:Array(String)}, {names:Array(String)})) AS s)`,
    {
      params: {
        ids: own.map(({ id }) => id),
        metrics: own.map(({ group }) => metricOf(group)),
        names: own.map(({ group }) => group.name),
      },
    },
  );
  const others = described.filter(({ id }) => folded.has(id));
  await clickhouse.command(
    `INSERT INTO folded_series (series_id, overflow_series_id)
     SELECT s.1, s.2 FROM (SELECT arrayJoin(arrayZip({ids:Array(UInt64)}, {first:Array(UInt64)})) AS s)`,
    { params: { ids: others.map(({ id }) => id), first: others.map(({ group }) => group.seriesIds[0]!) } },
  );
}, 60_000);

afterAll(async () => {
  await engine?.close();
});

interface Grid {
  startUs: number;
  endUs: number;
  stepS: number;
}

const BY_DAY: Grid = { startUs: 0, endUs: 48 * HOUR_US, stepS: 86_400 };
const BY_HOURS: Grid = { startUs: HOUR_US, endUs: 41 * HOUR_US, stepS: 5 * 3_600 };
const BY_MINUTES: Grid = { startUs: 17 * 60e6, endUs: 39 * HOUR_US, stepS: 11_220 };
const UNALIGNED: Grid = { startUs: 2.5 * HOUR_US + 7_300_001, endUs: 37 * HOUR_US + 11, stepS: 40_011 };

interface Stage {
  state: string;
  /** Raw points before this time are gone. */
  rawFromUs: number;
  grid: Grid;
  /** Hours at which summaries are asked. */
  moments: number[];
  enter(): Promise<void>;
}

/** What the database goes through, in this order, each with what it can then still answer. */
const STAGES: Stage[] = [
  {
    state: 'raw points',
    rawFromUs: 0,
    grid: UNALIGNED,
    moments: [7.3, 31.5, 48],
    enter: async () => {},
  },
  {
    state: 'rollups and raw points',
    rawFromUs: 0,
    grid: UNALIGNED,
    moments: [7.3, 31.5, 48],
    enter: () => rollups.settle(),
  },
  {
    state: 'minutes, and raw points of the second day',
    rawFromUs: 24 * HOUR_US,
    grid: BY_MINUTES,
    moments: [7.3, 31.5, 48],
    enter: () => remove('points', 24 * HOUR_US),
  },
  {
    state: 'hours',
    rawFromUs: Number.POSITIVE_INFINITY,
    grid: BY_HOURS,
    moments: [7, 31, 48],
    enter: async () => {
      await remove('points', 48 * HOUR_US);
      await remove('1m', 48 * HOUR_US);
    },
  },
  {
    state: 'days',
    rawFromUs: Number.POSITIVE_INFINITY,
    grid: BY_DAY,
    moments: [24, 48],
    enter: () => remove('1h', 48 * HOUR_US),
  },
];

async function remove(resolution: string, beforeUs: number): Promise<void> {
  for (const shape of ['number', 'histogram', 'exponential_histogram', 'summary']) {
    await clickhouse.command(
      `ALTER TABLE ${shape}_${resolution} DELETE WHERE time < fromUnixTimestamp64Nano({before:Int64}, 'UTC')
       SETTINGS mutations_sync = 2`,
      { params: { before: String(nanosOf(beforeUs)) } },
    );
  }
}

type Quantiles = Record<keyof typeof LEVELS, number>;
type Row = Quantiles & {
  group: string;
  step: number;
  count: string;
  rolled_up: string;
  mean: number;
  min: number | null;
  max: number | null;
  low: Quantiles;
  high: Quantiles;
};

/** Explicit and exponential histograms are answered by one view, and here under one name. */
type Metric = 'number' | 'histogram' | 'summary';

function metricOf({ kind }: SampledGroup): Metric {
  return kind === 'explicit' || kind === 'exponential' ? 'histogram' : kind;
}

function readRows(metric: Metric, grid: Grid): Promise<Row[]> {
  const view = `${metric}_quantiles`;
  return clickhouse.query<Row>(
    `SELECT *, toUInt32(intDiv(toUnixTimestamp64Nano(time) - {start:Int64}, 1000000000 * {step_s:Int64})) AS step
     FROM ${view}(metric = {metric:String}, start_time = fromUnixTimestamp64Nano({start:Int64}, 'UTC'),
                  end_time = fromUnixTimestamp64Nano({end:Int64}, 'UTC'), step_s = {step_s:UInt32}, group_by = 'g')`,
    {
      params: {
        metric,
        start: String(nanosOf(grid.startUs)),
        end: String(nanosOf(grid.endUs)),
        step_s: grid.stepS,
      },
    },
  );
}

interface Expected {
  /** In ascending order. */
  values: number[];
  /** How many of them have no raw point any more. */
  rolledUp: number;
}

function expectSteps(samples: readonly Sample[], { grid, rawFromUs }: Stage): Map<number, Expected> {
  const steps = new Map<number, Expected>();
  for (const { atUs, value } of samples) {
    if (atUs < grid.startUs || atUs >= grid.endUs) continue;
    const step = Math.floor((atUs - grid.startUs) / (grid.stepS * 1e6));
    const expected = steps.get(step) ?? { values: [], rolledUp: 0 };
    expected.values.push(value);
    if (atUs < rawFromUs) expected.rolledUp++;
    steps.set(step, expected);
  }
  for (const { values } of steps.values()) values.sort((a, b) => a - b);
  return steps;
}

const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));

/** The documented bounds of each kind: what is wrong with an answer, or nothing. */
function findFault(...args: FaultArgs): string | undefined {
  const [group] = args;
  if (group.explicit !== undefined) return findExplicitFault(...args);
  if (group.exponential !== undefined) return findExponentialFault(...args);
  return findNumberFault(...args);
}

type FaultArgs = [group: SampledGroup, row: Row, level: keyof typeof LEVELS, expected: Expected];

function findNumberFault(...[, row, level, { values, rolledUp }]: FaultArgs): string | undefined {
  const wanted = exactQuantile(values, LEVELS[level]);
  const [answer, low, high] = [row[level], row.low[level], row.high[level]];
  if (row.min !== values[0] || row.max !== values.at(-1)) return `min ${row.min}, max ${row.max}`;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (!isNear(row.mean, mean)) return `mean ${row.mean} instead of ${mean}`;
  if (Number(row.rolled_up) !== rolledUp) return `rolled_up ${row.rolled_up}`;
  if (rolledUp === 0) return answer === wanted && low === wanted && high === wanted ? undefined : `${answer}`;
  return low <= wanted && wanted <= high && low <= answer && answer <= high
    ? undefined
    : `${answer} in ${low} to ${high} for ${wanted}`;
}

function findExplicitFault(...[group, row, level, { values }]: FaultArgs): string | undefined {
  const wanted = exactQuantile(values, LEVELS[level]);
  const { bounds, known } = group.explicit!;
  const index = bounds.findIndex((bound) => wanted <= bound);
  const [least, most] = known === 'step' ? [values[0], values.at(-1)] : (known ?? []);
  const end = index === -1 ? (most ?? bounds.at(-1)!) : bounds[index]!;
  const beginning = index === -1 ? bounds.at(-1)! : (bounds[index - 1] ?? least ?? Math.min(0, end));
  const [from, to] = [Math.max(beginning, least ?? -Infinity), Math.min(end, most ?? Infinity)];
  return row[level] >= from && row[level] <= to
    ? undefined
    : `${row[level]} for ${wanted}, in ${from} to ${to}`;
}

function findExponentialFault(...[group, row, level, { values }]: FaultArgs): string | undefined {
  const wanted = exactQuantile(values, LEVELS[level]);
  const { relativeError, zeroError } = group.exponential!;
  const error = Math.abs(row[level] - wanted);
  const allowed = Math.max(relativeError * Math.abs(wanted), zeroError) + 1e-9 * Math.abs(wanted);
  return error <= allowed ? undefined : `${row[level]} for ${wanted}, off by ${error} of ${allowed}`;
}

async function findFaults(metric: Metric, stage: Stage): Promise<string[]> {
  const rows = await readRows(metric, stage.grid);
  const faults: string[] = [];
  let steps = 0;
  for (const group of groups.filter((g) => metricOf(g) === metric)) {
    for (const [step, expected] of expectSteps(group.samples, stage)) {
      steps++;
      const row = rows.find((r) => r.group === group.name && r.step === step);
      const fault = (text: string) => faults.push(`${group.name}, step ${step}, ${text}`);
      if (row === undefined) fault('no row');
      else if (Number(row.count) !== expected.values.length) fault(`count ${row.count}`);
      else {
        for (const level of Object.keys(LEVELS) as (keyof typeof LEVELS)[]) {
          const found = findFault(group, row, level, expected);
          if (found !== undefined) fault(`${level}: ${found}`);
        }
      }
    }
  }
  if (rows.length !== steps) faults.push(`${rows.length} rows instead of ${steps}`);
  return faults;
}

/** Each reported quantile is answered as it was reported, by the report that was last at that moment. */
async function findSummaryFaults(moments: readonly number[]): Promise<string[]> {
  const faults: string[] = [];
  const ids = groups.find((group) => group.kind === 'summary')!.seriesIds;
  for (const moment of moments) {
    const rows = await clickhouse.query<{ id: string; shown: string; values: number[]; reported: string }>(
      `SELECT toString(source_series_id) AS id, toString(series_id) AS shown, quantile_values AS values, toString(toUnixTimestamp64Nano(reported_time)) AS reported
       FROM summary_quantiles(metric = 'summary', at_time = fromUnixTimestamp64Nano({at:Int64}, 'UTC'))`,
      { params: { at: String(nanosOf(moment)) } },
    );
    const last = new Map<string, SummaryReport>();
    for (const report of reports) if (report.atUs <= moment) last.set(String(report.seriesId), report);
    if (rows.length !== last.size) faults.push(`${rows.length} series instead of ${last.size}`);
    for (const { id, shown, values, reported } of rows) {
      if (shown !== (folded.has(BigInt(id)) ? String(ids[0]) : id)) faults.push(`series ${id} as ${shown}`);
      const report = last.get(id);
      const wanted = Object.values(LEVELS).map((q) => exactQuantile(report!.sorted, q));
      if (JSON.stringify(values) !== JSON.stringify(wanted)) faults.push(`series ${id}: ${values}`);
      if (reported !== String(nanosOf(report!.atUs))) faults.push(`series ${id} at ${reported}`);
    }
    // Of all series together the quantile lies between the least and the most that one of them reports.
    const together = [...last.values()].flatMap((r) => r.sorted).sort((a, b) => a - b);
    Object.values(LEVELS).forEach((q, i) => {
      const [all, own] = [exactQuantile(together, q), rows.map((r) => r.values[i]!)];
      if (all < Math.min(...own) || all > Math.max(...own)) faults.push(`${q} of all is ${all}`);
    });
  }
  return faults;
}

describe('quantiles keep the documented error', () => {
  for (const stage of STAGES) {
    it(`from ${stage.state}`, async () => {
      await stage.enter();
      for (const metric of ['number', 'histogram'] as const) {
        const faults = await findFaults(metric, stage);
        expect(faults.slice(0, 5), `${faults.length} faults`).toEqual([]);
      }
      const moments = stage.moments.map((hours) => Math.round(hours * 60) * 60e6);
      expect(await findSummaryFaults(moments)).toEqual([]);
    }, 120_000);
  }
});
