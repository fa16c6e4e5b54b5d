/**
 * Lets history happen: all parts of the shop, step by step, in slices of steps that fill one request each. Enters a time
 * range, a rate and a seed; leaves points in the SDK's own shapes, ready for an exporter.
 */
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricTruth } from '../ground-truth.js';
import { planHistoryIncidents } from '../incidents.js';
import { createRandom } from '../random.js';
import { readRatePerSecond, readTrafficFactor, readTrendFactor } from '../traffic-rhythm.js';
import { createBackOfficeHistory } from './back-office-history.js';
import { createHistoryBook, type HistoryBook } from './book.js';
import { createMachineHistory } from './machine-history.js';
import type { Step } from './step.js';
import { createStorefrontHistory } from './storefront-history.js';
import { createVisitorsHistory } from './visitors-history.js';

export interface HistoryPlan {
  /** Both are multiples of the interval; points lie at the end of each interval. */
  fromUnixMs: number;
  toUnixMs: number;
  intervalMs: number;
  /** Requests per second at the end of the history. */
  ratePerSecond: number;
  isDelta: boolean;
  seed: number;
  instanceId: string;
}

/** The points of several steps, an element for each program. */
export interface HistorySlice {
  programs: ResourceMetrics[];
  steps: number;
}

export interface History {
  seriesCount: number;
  stepsTotal: number;
  slices(): Generator<HistorySlice>;
  /** Of the slices taken so far. */
  readTruth(): Record<string, MetricTruth>;
}

/** Some MB in all: far below the receivers' limits, large enough to send fast. */
const POINTS_PER_SLICE = 20_000;
/** The shop grows: visitors per week. */
const GROWTH_PER_WEEK = 0.04;

export function createHistory(plan: HistoryPlan): History {
  const book = createHistoryBook(plan.instanceId, plan.isDelta);
  const advance = createAdvance(book, plan);
  const stepsTotal = Math.round((plan.toUnixMs - plan.fromUnixMs) / plan.intervalMs);
  const seriesCount = book.seriesCount();
  const stepsPerSlice = Math.max(1, Math.floor(POINTS_PER_SLICE / seriesCount));
  return {
    seriesCount,
    stepsTotal,
    readTruth: book.readTruth,
    *slices() {
      for (let first = 0; first < stepsTotal; first += stepsPerSlice) {
        const steps = Math.min(stepsPerSlice, stepsTotal - first);
        for (let i = 0; i < steps; i++) advance(first + i);
        yield { programs: book.takePoints(), steps };
      }
    },
  };
}

function createAdvance(book: HistoryBook, plan: HistoryPlan): (step: number) => void {
  const random = createRandom(plan.seed).fork('history');
  const findIncidents = planHistoryIncidents(random.fork('incidents'), plan.fromUnixMs, plan.toUnixMs);
  const runStorefront = createStorefrontHistory(book);
  const runVisitors = createVisitorsHistory(book);
  const runBackOffice = createBackOfficeHistory(book);
  const runMachine = createMachineHistory(book);
  return (index) => {
    const startUnixMs = plan.fromUnixMs + index * plan.intervalMs;
    const unixMs = startUnixMs + plan.intervalMs;
    const step: Step = {
      unixMs,
      durationMs: plan.intervalMs,
      anchorUnixMs: plan.toUnixMs,
      random,
      trafficFactor: readTrafficFactor(unixMs),
      ratePerSecond:
        readRatePerSecond(unixMs, plan.ratePerSecond, plan.toUnixMs) *
        readTrendFactor(unixMs, plan.toUnixMs, GROWTH_PER_WEEK),
      incidents: findIncidents(unixMs),
    };
    const done = runStorefront(step);
    runVisitors(done, random);
    runBackOffice(step);
    runMachine(step, done);
    book.closeStep(plan.isDelta ? startUnixMs : plan.fromUnixMs, unixMs);
  };
}
