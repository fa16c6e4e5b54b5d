/**
 * How busy the shop is at a moment. Enters a time; leaves a factor around 1: evenings are busy and nights quiet
 * (UTC), weekends a little busier, with short waves of minutes. No randomness.
 */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** The rhythm of day and week: averages 1, about 0.6 at 7 h and 1.4 at 19 h. */
export function readDayFactor(unixMs: number): number {
  const dayShare = (unixMs % DAY_MS) / DAY_MS;
  return (1 + 0.38 * Math.sin(2 * Math.PI * (dayShare - 13 / 24))) * (isWeekend(unixMs) ? 1.15 : 0.94);
}

/** The same with waves of minutes on top. */
export function readTrafficFactor(unixMs: number): number {
  const waves = 1 + 0.07 * Math.sin(unixMs / (1.1 * MINUTE_MS)) + 0.05 * Math.sin(unixMs / (3.7 * MINUTE_MS));
  return readDayFactor(unixMs) * waves;
}

/** Requests per second at a moment, for a shop that has about `ratePerSecond` at `anchorUnixMs`. */
export function readRatePerSecond(unixMs: number, ratePerSecond: number, anchorUnixMs: number): number {
  return (ratePerSecond * readTrafficFactor(unixMs)) / readDayFactor(anchorUnixMs);
}

/** A slow straight line through 1 at `anchorUnixMs`: `perWeek` 0.04 is 4 % a week. */
export function readTrendFactor(unixMs: number, anchorUnixMs: number, perWeek: number): number {
  return Math.max(0.1, 1 + (perWeek * (unixMs - anchorUnixMs)) / WEEK_MS);
}

/** Day 0 of the epoch was a Thursday. */
function isWeekend(unixMs: number): boolean {
  const weekday = (Math.floor(unixMs / DAY_MS) + 4) % 7;
  return weekday === 0 || weekday === 6;
}
