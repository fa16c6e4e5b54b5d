/** What a value is held against, in the SQL of views (thresholds found there) and of the reader (thresholds known). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JudgedBy, judgeSql, type ThresholdVersion, versionAt } from '../../src/kpi/judge-sql.js';
import type { Kpi } from '../../src/model/kpi.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

const END_S = Date.UTC(2026, 10, 20) / 1000;
const DAY_S = 86_400;

let engine: ScratchEngine;
beforeAll(async () => {
  engine = await openScratchEngine();
});
afterAll(() => engine.close());

interface Judged {
  status: string;
  reason: string;
  target: number | null;
  warning: number | null;
  critical: number | null;
}

/** A day with one value, judged as a whole or as its one step. */
async function judge(
  name: string,
  value: number,
  rows: 'whole' | 'steps',
  by: JudgedBy,
  { unit, dataType } = { unit: 's', dataType: 'duration' },
): Promise<Judged> {
  const kpi = {
    name,
    unit,
    dataType,
    direction: 'lower_is_better',
    samplesMin: 1,
    completenessMin: 0.5,
    staleAfterS: DAY_S,
    sources: [{ name: 'own' }],
  } as unknown as Kpi;
  const source = {
    value: `CAST(${value}, 'Nullable(Float64)')`,
    samples: '1.',
    points: 'toUInt64(1)',
    resets: 'toUInt64(0)',
    lastTime: 'to_time',
    slots: '1',
    good: '0.',
    total: '0.',
  };
  const from = `SELECT CAST([], 'Array(String)') AS group, toDateTime(${END_S - DAY_S}, 'UTC') AS time`;
  const sql = judgeSql(kpi, { sources: [source], carried: [], named: [], from }, rows === 'steps', by);
  const [row] = await engine.clickhouse.query<Judged & Record<string, unknown>>(
    `WITH ${END_S - DAY_S} AS from_s, ${END_S} AS to_s, ${DAY_S} AS step_s,
       toDateTime(from_s, 'UTC') AS from_time, toDateTime(to_s, 'UTC') AS to_time${sql}`,
  );
  const { status, reason, target, warning, critical } = row!;
  return { status, reason, target, warning, critical };
}

/** Days from the end of what is judged, and the target from then on. */
type Version = [days: number, target: number];

async function define(name: string, versions: readonly Version[]): Promise<ThresholdVersion[]> {
  for (const [days, target] of versions)
    await engine.clickhouse.command(
      `INSERT INTO metric_definitions (metric_name, target_value, warning_threshold, valid_from)
       VALUES ('${name}', ${target}, ${target + 1}, fromUnixTimestamp64Milli(${(END_S + days * DAY_S) * 1000}, 'UTC'))`,
    );
  return versions
    .map(([days, target]) => ({
      fromMs: (END_S + days * DAY_S) * 1000,
      target,
      warning: target + 1,
      critical: undefined,
    }))
    .sort((a, b) => a.fromMs - b.fromMs);
}

describe('thresholds in force', () => {
  it.each<[what: string, versions: Version[], target: number | null]>([
    ['are none where none was ever set', [], null],
    [
      'are the newest of those that were valid',
      [
        [-9, 1],
        [-2, 2],
        [-5, 3],
      ],
      2,
    ],
    [
      'are those that begin at the very end',
      [
        [-9, 1],
        [0, 2],
      ],
      2,
    ],
    [
      'are not those of the future',
      [
        [-9, 1],
        [1, 2],
      ],
      1,
    ],
    [
      'are the first of the future where none was valid',
      [
        [7, 1],
        [2, 2],
        [4, 3],
      ],
      2,
    ],
    [
      'are those from before 1970 rather than any of the future',
      [
        [-46_300, 1],
        [1, 2],
      ],
      1,
    ],
  ])('%s', async (what, versions, target) => {
    const name = what.replaceAll(' ', '_');
    const known = await define(name, versions);
    const last = versionAt(known, END_S * 1000);
    const found = await judge(name, 2.5, 'whole', 'in_force');
    expect(found.target).toBe(target);
    expect(found).toEqual(await judge(name, 2.5, 'whole', last === undefined ? [] : [last]));
    expect(found).toEqual(await judge(name, 2.5, 'steps', 'in_force'));
    expect(found).toEqual(await judge(name, 2.5, 'steps', known));
    expect(found).toEqual(await judge(name, 2.5, 'whole', known));
  });
});

describe('the reason of a status', () => {
  const by = { fromMs: 0, target: 1, warning: 2, critical: 3 };
  it.each([
    [0.5, by, 'on_target', 'meets target 1 s'],
    [1.5, by, 'warning', 'misses target 1 s'],
    [2, by, 'warning', 'at or above warning 2 s'],
    [3, by, 'critical', 'at or above critical 3 s'],
    [0.5, { ...by, target: undefined }, 'on_target', 'no threshold reached'],
    [2, { ...by, target: undefined }, 'warning', 'at or above warning 2 s'],
    [9, { ...by, warning: undefined, critical: undefined }, 'warning', 'misses target 1 s'],
  ])('of %d says which threshold it met, missed or reached', async (value, thresholds, status, reason) => {
    const judged = await judge('reasons', value, 'whole', [thresholds]);
    expect(judged).toMatchObject({ status, reason });
    expect(await judge('reasons', value, 'steps', [thresholds])).toEqual(judged);
  });

  it.each([
    ['{USD}/mo', 'money', 'at or above critical $3/mo'],
    ['{request}/s', 'rate', 'at or above critical 3/s'],
    ['%', 'score', 'at or above critical 3 %'],
    ['1', 'ratio', 'at or above critical 300 %'],
    ['1', 'score', 'at or above critical 3'],
    ["{driver's seat}", 'count', "at or above critical 3 driver's seat"],
  ])('has the unit of the KPI: %s as %s', async (unit, dataType, reason) => {
    expect(await judge('units', 9, 'whole', [by], { unit, dataType })).toMatchObject({ reason });
    await define('units', [[-9, 2]]);
    const inForce = await judge('units', 9, 'whole', 'in_force', { unit, dataType });
    expect(inForce.reason).toBe(reason.replace('critical', 'warning'));
    expect(await judge('units', 9, 'steps', 'in_force', { unit, dataType })).toEqual(inForce);
  });
});
