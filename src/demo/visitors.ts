/**
 * Visitors of the shop, as their browsers report them. Enters answers to real requests; leaves the metrics of
 * `shop.pages`: page loads, interactions, tasks, clicks and ratings. A failed or slow answer makes all of them worse.
 */
import type { Random } from './random.js';
import type { Recorder } from './recorder.js';
import type { Route } from './shop-model.js';
import {
  DRAW,
  INTERACTIONS,
  INTERACTIONS_PER_PAGE,
  RATING_SHARE,
  RATING_SIGMA,
  readAnnoyance,
  readCompletedShare,
  readExtraClicks,
  readRatingCentre,
  roundRating,
  TASK_SHARE,
} from './visitor-model.js';

export interface Answer {
  route: Route;
  /** 0 where no answer came. */
  statusCode: number;
  durationMs: number;
}

export function createVisitors(recorder: Recorder, random: Random): { see(answer: Answer): void } {
  return {
    see(answer) {
      const isError = answer.statusCode === 0 || answer.statusCode >= 500;
      if (answer.route.pageUrl !== undefined && !isError)
        viewPage(recorder, random, answer.route.pageUrl, answer);
      if (random.chance(TASK_SHARE))
        endTask(recorder, random, answer.route, readAnnoyance(answer.durationMs, isError));
    },
  };
}

function viewPage(recorder: Recorder, random: Random, pageUrl: string, answer: Answer): void {
  const loadMs = answer.durationMs + random.logNormal(DRAW.medianMs, DRAW.sigma);
  recorder.record('page_load_time', loadMs, { page_url: pageUrl });
  const interactions = random.poisson(INTERACTIONS_PER_PAGE);
  for (let i = 0; i < interactions; i++) {
    const { type, medianMs, sigma } = random.pickWeighted(INTERACTIONS);
    const attributes = { page_url: pageUrl, interaction_type: type };
    recorder.record('user_interaction', random.logNormal(medianMs, sigma), attributes);
  }
}

function endTask(recorder: Recorder, random: Random, route: Route, annoyance: number): void {
  const pageUrl = route.pageUrl ?? '/cart';
  const isCompleted = random.chance(readCompletedShare(annoyance));
  const clicks = 1 + random.poisson(readExtraClicks(annoyance));
  recorder.record('navigation_efficiency', clicks, { page_url: pageUrl, task_completion: isCompleted });
  recorder.record('task_completion', 1, { task: route.task, completed: isCompleted });
  if (!random.chance(RATING_SHARE)) return;
  const rating = roundRating(readRatingCentre(annoyance) + RATING_SIGMA * random.normal());
  recorder.record('user_satisfaction', rating, { page_url: pageUrl });
}
