/**
 * Service levels as numbers: what share of events a KPI promises, and how fast a budget of bad ones may burn before someone is
 * told. Enters: a Kpi; leaves: its objective and the pairs of windows that the command line, dashboards and alert rules all
 * ask about. Measures nothing.
 */
import type { Formula, Kpi } from './kpi.js';
import { parseUnit } from './unit.js';

export interface Objective {
  /** Promised share of good events, above 0 and up to 1. */
  objective: number;
  windowS: number;
}

/** Two windows that must both burn faster than `rateMax`: the long one says that it matters, the short one that it goes on. */
export interface BurnPair {
  shortS: number;
  longS: number;
  /** Share of the budget that is gone when the long window burned at `rateMax` from end to end. */
  budgetShare: number;
  /** What to do: wake someone, or leave it for working hours. */
  action: 'page' | 'ticket';
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Of an SLO window of 30 days these are burn rates of 14.4, 6, 3 and 1. */
export const BURN_PAIRS: readonly BurnPair[] = [
  { shortS: 5 * MINUTE_S, longS: HOUR_S, budgetShare: 0.02, action: 'page' },
  { shortS: 30 * MINUTE_S, longS: 6 * HOUR_S, budgetShare: 0.05, action: 'page' },
  { shortS: 2 * HOUR_S, longS: DAY_S, budgetShare: 0.1, action: 'ticket' },
  { shortS: 6 * HOUR_S, longS: 3 * DAY_S, budgetShare: 0.1, action: 'ticket' },
];

/** Pairs that make sense for an SLO window: shorter than it, and at a rate that would overdraw the budget. */
export function burnPairsOf(windowS: number): BurnPair[] {
  return BURN_PAIRS.filter((pair) => pair.longS < windowS && rateMaxOf(pair, windowS) >= 1);
}

/** The burn rate of a pair, above which both of its windows must be. */
export function rateMaxOf({ budgetShare, longS }: BurnPair, windowS: number): number {
  return Number(((budgetShare * windowS) / longS).toPrecision(15));
}

/**
 * Undefined where the KPI counts no events, or nothing says what share of them is promised. A target is taken as a promise of
 * events only where every source counts them.
 */
export function objectiveOf(kpi: Kpi, windowS = kpi.sloWindowS): Objective | undefined {
  const counting = kpi.sources.filter(({ formula }) => countsEvents(formula)).length;
  if (counting === 0 || (kpi.sloObjective === undefined && counting < kpi.sources.length)) return undefined;
  const objective = kpi.sloObjective ?? shareOfTarget(kpi);
  return objective !== undefined && objective > 0 && objective <= 1 ? { objective, windowS } : undefined;
}

/** Whether a formula counts events, good ones among all: what an error budget needs. Bytes used of bytes there are no events. */
export function countsEvents(formula: Formula): boolean {
  if (formula.kind === 'uptime') return true;
  return (
    formula.kind === 'ratio' &&
    formula.numerator.measure === 'amount' &&
    formula.denominator.measure === 'amount'
  );
}

function shareOfTarget({ target, unit, direction }: Kpi): number | undefined {
  if (target === undefined) return undefined;
  const share = target * parseUnit(unit).factor;
  // 1 - 0.05 is not quite 0.95 in doubles: 15 digits are enough for any objective.
  return direction === 'higher_is_better' ? share : Number((1 - share).toPrecision(15));
}
