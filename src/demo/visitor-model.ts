/**
 * How visitors of the shop behave: how long pages take to draw, what they do on them, how many clicks a task costs and
 * how content they leave. Enters what they experienced; leaves numbers for the live visitors and the history alike.
 */

/** Time to draw a page after its data came, log-normal. */
export const DRAW = { medianMs: 260, sigma: 0.4 } as const;

export const INTERACTIONS = [
  { type: 'click', weight: 5, medianMs: 70, sigma: 0.5 },
  { type: 'scroll', weight: 4, medianMs: 320, sigma: 0.6 },
  { type: 'input', weight: 2, medianMs: 900, sigma: 0.5 },
] as const;
export const INTERACTIONS_PER_PAGE = 1.2;

/** Share of requests with which a task ends, and of tasks after which the visitor gives a rating. */
export const TASK_SHARE = 0.22;
export const RATING_SHARE = 0.25;
export const RATING_SIGMA = 0.45;

/** 0 = all was well, 1 = as bad as it gets: an error, or an answer that took four seconds. */
export function readAnnoyance(durationMs: number, isError: boolean): number {
  if (isError) return 1;
  return Math.min(1, Math.max(0, (durationMs - 600) / 3_400));
}

export function readCompletedShare(annoyance: number): number {
  return 0.975 - 0.5 * annoyance;
}

/** Clicks beyond the first, on average. */
export function readExtraClicks(annoyance: number): number {
  return 1.1 + 2.5 * annoyance;
}

/** Centre of the ratings before they are rounded to 1…5. */
export function readRatingCentre(annoyance: number): number {
  return 4.85 - 2.6 * annoyance;
}

export function roundRating(value: number): number {
  return Math.min(5, Math.max(1, Math.round(value)));
}
