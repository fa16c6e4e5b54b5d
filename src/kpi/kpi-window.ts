/**
 * The window of a status as a grid: which slots it is made of. Windows begin on a whole slot, so that they are answered from
 * rollups, and end when they are asked about; the first slot may so reach a little further back than the window.
 */
import type { Kpi } from '../model/kpi.js';

export interface Window {
  /** Seconds since the epoch. */
  startS: number;
  endS: number;
  slotS: number;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
const MINUTES_UP_TO_S = 2 * HOUR_S;
const HOURS_UP_TO_S = 2 * DAY_S;

/** Minutes up to two hours, hours up to two days, days beyond; uptime in hours, so that a night's silence shows. */
export function slotOf(kpi: Kpi, windowS: number): number {
  if (windowS <= MINUTES_UP_TO_S) return MINUTE_S;
  const isUptime = kpi.sources.some(({ formula }) => formula.kind === 'uptime');
  return windowS <= HOURS_UP_TO_S || isUptime ? HOUR_S : DAY_S;
}

export function windowAt(kpi: Kpi, endS: number, windowS = kpi.windowS): Window {
  const slotS = slotOf(kpi, windowS);
  return { startS: Math.floor((endS - windowS) / slotS) * slotS, endS, slotS };
}

/** The same in SQL, for views: `end` is SQL of a DateTime. */
export function windowSql(
  kpi: Kpi,
  end: string,
): { start: string; end: string; step: string; startsOnStep: { stepS: number } } {
  const slotS = slotOf(kpi, kpi.windowS);
  return {
    start: `toDateTime(intDiv(toUnixTimestamp(${end}) - ${kpi.windowS}, ${slotS}) * ${slotS}, 'UTC')`,
    end,
    step: String(slotS),
    startsOnStep: { stepS: slotS },
  };
}
