/** Which times each table is read for: every moment once, from the coarsest table that knows it. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/demo/random.js';
import type { KnownGrid, WaitingBuckets } from '../../src/model/facts.js';
import { RESOLUTIONS, type Resolution, SECONDS_OF } from '../../src/store/views/grid-buckets.js';
import { knownTimes, type Table } from '../../src/store/views/known-times.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { VIEWS } from '../../src/store/views/views.js';

const DAY_S = 86_400;
const BASE_S = 20_000 * DAY_S;
const CASES = 3_000;

/** Ranges that a condition on `time` lets through. */
function rangesOf(condition: string): [from: number, to: number][] {
  return condition.split(' OR ').map((range) => {
    const from = /time >= (?:toDateTime(?:64)?\()?(\d+)/.exec(range)?.[1] ?? '0';
    return [Number(from), Number(/time < (?:toDateTime(?:64)?\()?(\d+)/.exec(range)![1])];
  });
}

const floor = (timeS: number, sizeS: number) => Math.floor(timeS / sizeS) * sizeS;

describe('known times', () => {
  it(`take every moment once, from buckets that neither wait nor are cut, in ${CASES} random grids`, () => {
    const random = createRandom(7);
    const within = (from: number, to: number) => from + Math.floor(random.uniform() * (to - from));
    let [written, moments, coarse] = [0, 0, 0];
    for (let i = 0; i < CASES; i++) {
      const grid = makeGrid();
      const waiting = makeWaiting(grid);
      const withPast = random.chance(0.5);
      const times = knownTimes(grid, waiting, withPast);
      if (times === undefined) continue;
      written++;
      for (let j = 0; j < 20; j++) {
        const beginS = withPast ? grid.startS - 2 * DAY_S : grid.startS;
        const timeS =
          random.chance(0.3) && grid.endS - 1 >= beginS ? grid.endS - 1 : within(beginS, grid.endS);
        const takers = [...times].filter(([table, condition]) => isTaken(table, condition, timeS));
        expect(takers.length, describeCase(grid, waiting, timeS, takers)).toBe(1);
        const [table] = takers[0]!;
        if (table !== 'point') {
          expect(isWhole(table, timeS, grid, waiting), describeCase(grid, waiting, timeS, takers)).toBe(true);
          coarse++;
        }
        moments++;
      }
      // Nothing at or after the end, and only where it was asked for anything before the beginning.
      for (const [table, condition] of times) {
        const sizeS = table === 'point' ? 0 : SECONDS_OF[table];
        expect(isTaken(table, condition, grid.endS), describeCase(grid, waiting, grid.endS, [])).toBe(false);
        for (const [from, to] of rangesOf(condition)) {
          expect(to).toBeLessThanOrEqual(grid.endS);
          expect(to - from).toBeGreaterThanOrEqual(sizeS);
          if (!withPast) expect(from).toBeGreaterThanOrEqual(grid.startS);
        }
      }
    }
    expect(written).toBeGreaterThan(CASES / 2);
    expect(coarse).toBeGreaterThan(moments / 4);

    function makeGrid(): KnownGrid {
      const unitS = random.pick([DAY_S, 3_600, 60, 1]);
      const startS = floor(within(BASE_S, BASE_S + 40 * DAY_S), unitS);
      const spanS = random.pick([120, 7_200, 3 * DAY_S, 30 * DAY_S]);
      const endS = startS + Math.max(1, within(1, spanS));
      const stepS = random.pick([endS - startS, DAY_S, DAY_S, 43_200, 7_200, 3_600, 5_400, 60, 90, 777]);
      return { startS, endS, stepS };
    }

    /** As table rollup_marks has them: a coarse bucket waits while any finer one in it does. */
    function makeWaiting({ startS, endS }: KnownGrid): WaitingBuckets {
      const marks = Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
        const sizeS = random.pick([DAY_S, 3_600, 60]);
        return { sizeS, timeS: floor(within(startS - DAY_S, endS), sizeS) };
      });
      const of = (r: number) => [
        ...new Set(marks.filter(({ sizeS }) => sizeS <= r).map(({ timeS }) => floor(timeS, r))),
      ];
      return { day: of(DAY_S), hour: of(3_600), minute: of(60) };
    }
  });

  it('are not written out where they would be too many', () => {
    const grid = { startS: BASE_S, endS: BASE_S + 200 * DAY_S, stepS: DAY_S };
    const minutes = Array.from({ length: 100 }, (_, i) => BASE_S + i * 7_200);
    expect(knownTimes(grid, { day: [], hour: [], minute: [] }, true)?.size).toBe(1);
    expect(knownTimes(grid, { day: [], hour: [], minute: minutes }, true)?.size).toBe(1);
    expect(knownTimes(grid, { day: minutes, hour: minutes, minute: minutes }, true)).toBeUndefined();
  });
});

describe('SQL of readers', () => {
  it('asks sets, not arrays, whether a bucket waits: arrays are searched from their beginning for every row', () => {
    const range = { series: 'true', factor: '1', offset: '0', min: '0.', max: undefined };
    const query = { metrics: `['m']`, start: 'now()', end: 'now()', step: '60', validRange: range };
    const texts = [...VIEWS, FACTS.aliases(query) + FACTS.rows(query)];
    expect(texts.length).toBeGreaterThan(8);
    for (const sql of texts) expect(sql).not.toMatch(/\bIN \w*(waiting|outlying)_/);
    expect(texts.filter((sql) => /\bIN \(SELECT arrayJoin\(\w*waiting_/.test(sql)).length).toBeGreaterThan(4);
  });
});

/** Of rollups it is the bucket that the moment lies in that counts. */
function isTaken(table: Table, condition: string, timeS: number): boolean {
  const atS = table === 'point' ? timeS : floor(timeS, SECONDS_OF[table]);
  return rangesOf(condition).some(([from, to]) => atS >= from && atS < to);
}

/** Whether a bucket lies within one step, or before the grid, and does not wait. */
function isWhole(r: Resolution, timeS: number, grid: KnownGrid, waiting: WaitingBuckets): boolean {
  const [beginS, endS] = [floor(timeS, SECONDS_OF[r]), floor(timeS, SECONDS_OF[r]) + SECONDS_OF[r]];
  const stepOf = (atS: number) => Math.floor((atS - grid.startS) / grid.stepS);
  const isInStep = beginS >= grid.startS && endS <= grid.endS && stepOf(beginS) === stepOf(endS - 1);
  return !waiting[r].includes(beginS) && (endS <= grid.startS || isInStep);
}

function describeCase(grid: KnownGrid, waiting: WaitingBuckets, timeS: number, takers: unknown[]): string {
  return JSON.stringify({ grid, waiting, timeS, takers, resolutions: RESOLUTIONS });
}
