/**
 * History of the visitors: page loads, interactions, tasks, clicks and ratings that go with the requests of each step.
 * Enters what the routes did; leaves filled series. Slow and failed answers make visitors slower and less content.
 */
import { findMetric } from '../metric-table.js';
import type { Random } from '../random.js';
import { ROUTES } from '../shop-model.js';
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
  TASK_SHARE,
} from '../visitor-model.js';
import { EXPONENTIAL_BOUNDS, type HistoryBook } from './book.js';
import { createDiscrete, createLogNormal, type Distribution, readNormalShare } from './distribution.js';
import { createLatencies } from './latency.js';
import type { HistogramSeries, NumberSeries } from './series.js';
import type { RouteStep } from './step.js';

const CLICKS = findMetric('navigation_efficiency');
const RATING = findMetric('user_satisfaction');
const INTERACTION = findMetric('user_interaction');
const CLICKS_MAX = 15;

const findPageLoad = createLatencies(EXPONENTIAL_BOUNDS);
const INTERACTION_DURATIONS = INTERACTIONS.map(({ medianMs, sigma }) =>
  createLogNormal([{ share: 1, median: medianMs, sigma }], INTERACTION.bounds!),
);
const findClicks = cacheByAnnoyance((annoyance) => createDiscrete(listClicks(annoyance), CLICKS.bounds!));
const findRatings = cacheByAnnoyance((annoyance) => createDiscrete(listRatings(annoyance), RATING.bounds!));

export function createVisitorsHistory(
  book: HistoryBook,
): (done: readonly RouteStep[], random: Random) => void {
  const viewPages = createPages(book);
  const endTasks = createTasks(book);
  return (done, random) => {
    for (const step of done) {
      viewPages(step, random);
      const tasks = random.binomial(step.requests, TASK_SHARE);
      const spoiled = step.requests === 0 ? 0 : random.binomial(tasks, step.errors / step.requests);
      endTasks(step, readAnnoyance(step.medianMs, false), tasks - spoiled, random);
      endTasks(step, 1, spoiled, random);
    }
  };
}

function createPages(book: HistoryBook): (step: RouteStep, random: Random) => void {
  const pages = new Map<string, { loads: HistogramSeries; interactions: HistogramSeries[] }>();
  for (const { pageUrl } of ROUTES) {
    if (pageUrl === undefined || pages.has(pageUrl)) continue;
    const loads = book.histogram(findMetric('page_load_time'), { page_url: pageUrl });
    const interactions = INTERACTIONS.map(({ type }) =>
      book.histogram(INTERACTION, { page_url: pageUrl, interaction_type: type }),
    );
    pages.set(pageUrl, { loads, interactions });
  }
  const weights = INTERACTIONS.reduce((sum, { weight }) => sum + weight, 0);
  return ({ route, requests, errors, medianMs }, random) => {
    const page = pages.get(route.pageUrl ?? '');
    if (page === undefined) return;
    const views = requests - errors;
    page.loads.observe(findPageLoad(medianMs + DRAW.medianMs, DRAW.sigma), views, random);
    INTERACTIONS.forEach(({ weight }, i) => {
      const count = random.poisson((views * INTERACTIONS_PER_PAGE * weight) / weights);
      page.interactions[i]!.observe(INTERACTION_DURATIONS[i]!, count, random);
    });
  };
}

interface TaskSeries {
  completed: NumberSeries;
  given: NumberSeries;
  clicksOfCompleted: HistogramSeries;
  clicksOfGiven: HistogramSeries;
  ratings: HistogramSeries;
}

type EndTasks = (step: RouteStep, annoyance: number, tasks: number, random: Random) => void;

function createTasks(book: HistoryBook): EndTasks {
  const open = createOnce();
  const series = new Map<string, TaskSeries>();
  for (const { endpoint, task, pageUrl = '/cart' } of ROUTES) {
    const counter = (completed: boolean): NumberSeries =>
      open(`${task} ${completed}`, () => book.counter(findMetric('task_completion'), { task, completed }));
    const clicks = (completed: boolean): HistogramSeries =>
      open(`${pageUrl} ${completed}`, () =>
        book.histogram(CLICKS, { page_url: pageUrl, task_completion: completed }),
      );
    series.set(endpoint, {
      completed: counter(true),
      given: counter(false),
      clicksOfCompleted: clicks(true),
      clicksOfGiven: clicks(false),
      ratings: open(`rating ${pageUrl}`, () => book.histogram(RATING, { page_url: pageUrl })),
    });
  }
  return ({ route }, annoyance, tasks, random) => {
    if (tasks === 0) return;
    const own = series.get(route.endpoint)!;
    const completed = random.binomial(tasks, readCompletedShare(annoyance));
    own.completed.add(completed);
    own.given.add(tasks - completed);
    own.clicksOfCompleted.observe(findClicks(annoyance), completed, random);
    own.clicksOfGiven.observe(findClicks(annoyance), tasks - completed, random);
    own.ratings.observe(findRatings(annoyance), random.binomial(tasks, RATING_SHARE), random);
  };
}

/** Routes share tasks and pages: what has the same key is opened once. */
function createOnce(): <T>(key: string, open: () => T) => T {
  const known = new Map<string, unknown>();
  return <T>(key: string, open: () => T): T => {
    if (!known.has(key)) known.set(key, open());
    return known.get(key) as T;
  };
}

/** One more than a Poisson draw. */
function listClicks(annoyance: number): { value: number; weight: number }[] {
  const mean = readExtraClicks(annoyance);
  const clicks: { value: number; weight: number }[] = [];
  let weight = Math.exp(-mean);
  for (let value = 1; value <= CLICKS_MAX; value++) {
    clicks.push({ value, weight });
    weight *= mean / value;
  }
  return clicks;
}

/** A normal draw, rounded to 1…5. */
function listRatings(annoyance: number): { value: number; weight: number }[] {
  const centre = readRatingCentre(annoyance);
  const below = (value: number): number =>
    value >= 5 ? 1 : value < 1 ? 0 : readNormalShare((value + 0.5 - centre) / RATING_SIGMA);
  return [1, 2, 3, 4, 5].map((value) => ({ value, weight: below(value) - below(value - 1) }));
}

function cacheByAnnoyance(create: (annoyance: number) => Distribution): (annoyance: number) => Distribution {
  const known = new Map<number, Distribution>();
  return (annoyance) => {
    const rounded = Math.round(annoyance * 20) / 20;
    const found = known.get(rounded) ?? create(rounded);
    known.set(rounded, found);
    return found;
  };
}
