/**
 * Service level objectives of KPIs that count events: what share of events is promised to be good, how much of the error budget
 * is left, how fast it burns. Enters: good and total events of windows, from a KpiReader; leaves: numbers. docs/kpis.md has
 * the arithmetic in words. Never alerts.
 */
import type { Kpi } from '../model/kpi.js';
import { type BurnPair, burnPairsOf, type Objective, rateMaxOf } from '../model/service-level.js';
import type { KpiReader, KpiRow } from './kpi-reader.js';

export interface EventCount {
  good: number;
  total: number;
}

export interface Burn extends BurnPair {
  /** 1 = just the whole budget in the whole window; undefined where nothing happened. */
  shortRate: number | undefined;
  longRate: number | undefined;
  rateMax: number;
  isBurning: boolean;
}

export type SloState = 'on_target' | 'ticket' | 'page' | 'spent' | 'no_data';

export interface Slo extends Objective, EventCount {
  /** Label → value; undefined: all together. */
  group: KpiRow['group'];
  bad: number;
  /** Share of good events so far. */
  achieved: number | undefined;
  /** Bad events that the objective allows for the events so far. */
  badAllowed: number;
  /** Share of the budget: 1 = untouched, 0 = spent, below 0 = overdrawn. */
  budgetLeft: number | undefined;
  burns: Burn[];
  state: SloState;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** How many times faster than the objective allows events go bad. */
export function burnRate({ good, total }: EventCount, objective: number): number | undefined {
  if (total <= 0) return undefined;
  const bad = Math.max(0, total - good);
  return bad === 0 ? 0 : bad / total / (1 - objective);
}

/** `inWindow`: events of the last so many seconds. */
export function measureSlo(
  { objective, windowS }: Objective,
  inWindow: (windowS: number) => EventCount,
): Omit<Slo, 'group'> {
  const { good: counted, total } = inWindow(windowS);
  // A numerator that arrives before its denominator may be the larger one for a moment.
  const good = Math.min(Math.max(counted, 0), total);
  const bad = total - good;
  const badAllowed = (1 - objective) * total;
  const rate = (seconds: number) => burnRate(inWindow(seconds), objective);
  const burns = burnPairsOf(windowS).map((pair): Burn => {
    const [shortRate, longRate] = [rate(pair.shortS), rate(pair.longS)];
    const rateMax = rateMaxOf(pair, windowS);
    const isBurning = (shortRate ?? 0) > rateMax && (longRate ?? 0) > rateMax;
    return { ...pair, shortRate, longRate, rateMax, isBurning };
  });
  const budgetLeft = total <= 0 ? undefined : bad === 0 ? 1 : 1 - bad / badAllowed;
  return {
    objective,
    windowS,
    good,
    bad,
    total,
    achieved: total > 0 ? good / total : undefined,
    badAllowed,
    budgetLeft,
    burns,
    state: stateOf(budgetLeft, burns),
  };
}

function stateOf(budgetLeft: number | undefined, burns: readonly Burn[]): SloState {
  if (budgetLeft === undefined) return 'no_data';
  const actions = burns.filter(({ isBurning }) => isBurning).map(({ action }) => action);
  if (actions.includes('page')) return 'page';
  if (actions.includes('ticket')) return 'ticket';
  return budgetLeft <= 0 ? 'spent' : 'on_target';
}

/** Windows of a burn rate that fit into one grid are asked for together; others are a grid of one step. */
const GRIDS = [
  { stepS: 5 * MINUTE_S, spanS: HOUR_S },
  { stepS: 2 * HOUR_S, spanS: DAY_S },
];

function gridOf(windowS: number): { stepS: number; spanS: number } {
  const grid = GRIDS.find(({ stepS, spanS }) => windowS <= spanS && windowS % stepS === 0);
  return grid ?? { stepS: windowS, spanS: windowS };
}

/**
 * The SLO of all series together first, then of each group that had events in the SLO window. Windows end with the last
 * whole minute, so that they are as long as they say and come from rollups.
 */
export async function readSlo(
  kpi: Kpi,
  { objective, windowS }: Objective,
  reader: Pick<KpiReader, 'readSteps'>,
  atS: number,
): Promise<Slo[]> {
  const endS = Math.floor(atS / MINUTE_S) * MINUTE_S;
  const windows = [windowS, ...burnPairsOf(windowS).flatMap((pair) => [pair.shortS, pair.longS])];
  const grids = new Map(windows.map((each) => [gridOf(each).stepS, gridOf(each)]));
  const rowsOf = new Map<number, KpiRow[]>();
  for (const { stepS, spanS } of grids.values())
    rowsOf.set(stepS, await reader.readSteps(kpi, { startS: endS - spanS, endS, slotS: stepS }));
  const inWindow = (seconds: number) =>
    rowsOf.get(gridOf(seconds).stepS)!.filter(({ timeS }) => timeS >= endS - seconds);
  const groups = new Map([[keyOf(undefined), undefined as KpiRow['group']]]);
  for (const { group } of inWindow(windowS)) groups.set(keyOf(group), group);
  return [...groups].map(([key, group]) => ({
    group,
    ...measureSlo({ objective, windowS }, (seconds) =>
      addUp(inWindow(seconds).filter((row) => keyOf(row.group) === key)),
    ),
  }));
}

function addUp(rows: readonly EventCount[]): EventCount {
  return rows.reduce((sum, { good, total }) => ({ good: sum.good + good, total: sum.total + total }), {
    good: 0,
    total: 0,
  });
}

function keyOf(group: KpiRow['group']): string {
  return group === undefined ? '' : JSON.stringify(Object.entries(group));
}
