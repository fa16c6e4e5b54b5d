/**
 * History of the shop's routes: requests, errors and latencies, with the same numbers in the shop's own metrics and in
 * those of the http instrumentation. Enters steps; leaves filled series and, for others, what each route did.
 */
import { readConditions } from '../incidents.js';
import { findMetric } from '../metric-table.js';
import type { Random } from '../random.js';
import {
  ERROR_MIX,
  type ErrorType,
  PAYMENT,
  REQUEST_TIMEOUT_MS,
  ROUTES,
  type Route,
  readMedianMs,
  SERVICES,
  STATUS_OF_ERROR,
} from '../shop-model.js';
import type { HistoryBook } from './book.js';
import { createDiscrete, createLogNormal } from './distribution.js';
import { HTTP_BOUNDS_S, openClientDuration, openServerDuration } from './http-durations.js';
import { createLatencies } from './latency.js';
import type { HistogramSeries } from './series.js';
import type { RouteStep, Step } from './step.js';

const RESPONSE_TIME = findMetric('response_time');
const TOTAL_WEIGHT = ROUTES.reduce((sum, route) => sum + route.weight, 0);
/** A refusal under overload takes no time to speak of. */
const REFUSAL_MEDIAN_MS = 1;
/** How often the provider is to blame, relative to the weights of ERROR_MIX. */
const UPSTREAM_WEIGHT = 4;

const findMsLatency = createLatencies(RESPONSE_TIME.bounds!);
const findSecondsLatency = createLatencies(HTTP_BOUNDS_S);
const TIMEOUT_MS = createDiscrete([{ value: REQUEST_TIMEOUT_MS + 1.5, weight: 1 }], RESPONSE_TIME.bounds!);
const TIMEOUT_S = createDiscrete([{ value: (REQUEST_TIMEOUT_MS + 2) / 1000, weight: 1 }], HTTP_BOUNDS_S);

export function createStorefrontHistory(book: HistoryBook): (step: Step) => RouteStep[] {
  const routes = ROUTES.map((route) => createRouteHistory(book, route));
  const reliability = SERVICES.map((service) => ({
    service,
    series: book.gauge(findMetric('reliability_score'), { service }),
    share: 1,
  }));
  return (step) => {
    const done = routes.map((advance) => advance(step));
    for (const one of reliability) {
      const own = done.filter(({ route }) => route.service === one.service);
      const requests = own.reduce((sum, { requests }) => sum + requests, 0);
      const errors = own.reduce((sum, { errors }) => sum + errors, 0);
      if (requests > 0) one.share = (requests - errors) / requests;
      one.series.set(one.share);
    }
    return done;
  };
}

/** The two histograms that see an answer: the shop's own in milliseconds, the instrumentation's in seconds. */
interface Answers {
  responseTime: HistogramSeries;
  serverDuration: HistogramSeries;
}

function createRouteHistory(book: HistoryBook, route: Route): (step: Step) => RouteStep {
  const place = { service: route.service, endpoint: route.endpoint };
  const isOrder = route.task === 'place_order';
  const throughput = book.counter(findMetric('throughput'), place);
  const responseTime = book.histogram(RESPONSE_TIME, { ...place, success: true });
  const good = { responseTime, serverDuration: openServerDuration(book, route, isOrder ? 201 : 200) };
  const missing =
    route.notFoundShare > 0
      ? { responseTime, serverDuration: openServerDuration(book, route, 404) }
      : undefined;
  const fail = createFailures(book, route, isOrder ? [...ERROR_MIX, UPSTREAM] : ERROR_MIX);
  const pay = isOrder ? createPayments(book) : undefined;
  return (step) => {
    const { random } = step;
    const conditions = readConditions(step.incidents, route.service);
    const expected = (step.ratePerSecond * (route.weight / TOTAL_WEIGHT) * step.durationMs) / 1000;
    const requests = random.poisson(expected);
    const errors = conditions.isDown ? requests : random.binomial(requests, conditions.errorShare);
    const routeMs = readMedianMs(route.medianMs, step.trafficFactor, conditions.slowFactor);
    const medianMs = isOrder ? routeMs + PAYMENT.medianMs : routeMs;
    throughput.add(requests);
    const notFound = missing === undefined ? 0 : random.binomial(requests - errors, route.notFoundShare);
    observeLatency(good, medianMs, route.sigma, requests - errors - notFound, random);
    if (missing !== undefined) observeLatency(missing, medianMs, route.sigma, notFound, random);
    const upstreamErrors = fail(errors, conditions.isDown, medianMs, random);
    pay?.(requests - errors, upstreamErrors, random);
    return { route, requests, errors, medianMs };
  };
}

const UPSTREAM = { type: 'upstream', weight: UPSTREAM_WEIGHT } as const;

/** Divides the errors of a step among their types; leaves how many were the payment provider's. */
function createFailures(
  book: HistoryBook,
  route: Route,
  mix: readonly { type: ErrorType; weight: number }[],
) {
  const place = { service: route.service, endpoint: route.endpoint };
  const responseTime = book.histogram(RESPONSE_TIME, { ...place, success: false });
  const rows = mix.map(({ type, weight }) => ({
    type,
    weight,
    counter: book.counter(findMetric('error_rate'), { ...place, error_type: type }),
    answers: { responseTime, serverDuration: openServerDuration(book, route, STATUS_OF_ERROR[type]) },
  }));
  return (errors: number, isDown: boolean, medianMs: number, random: Random): number => {
    let left = errors;
    let weightLeft = mix.reduce((sum, { weight }) => sum + weight, 0);
    let upstreamErrors = 0;
    for (const { type, weight, counter, answers } of rows) {
      const drawn = random.binomial(left, isDown ? Number(type === 'overload') : weight / weightLeft);
      left -= drawn;
      weightLeft -= weight;
      counter.add(drawn);
      if (type === 'upstream') upstreamErrors = drawn;
      observeFailure(answers, type, medianMs, drawn, random);
    }
    return upstreamErrors;
  };
}

function observeFailure(
  answers: Answers,
  type: ErrorType,
  medianMs: number,
  count: number,
  random: Random,
): void {
  if (type === 'timeout') {
    answers.responseTime.observe(TIMEOUT_MS, count, random);
    answers.serverDuration.observe(TIMEOUT_S, count, random);
    return;
  }
  observeLatency(answers, type === 'overload' ? REFUSAL_MEDIAN_MS : medianMs / 2, 0.5, count, random);
}

function observeLatency(
  answers: Answers,
  medianMs: number,
  sigma: number,
  count: number,
  random: Random,
): void {
  if (count === 0) return;
  answers.responseTime.observe(findMsLatency(medianMs, sigma), count, random);
  answers.serverDuration.observe(findSecondsLatency(medianMs / 1000, sigma), count, random);
}

function createPayments(book: HistoryBook): (good: number, failed: number, random: Random) => void {
  const parts = [{ share: 1, median: PAYMENT.medianMs / 1000, sigma: PAYMENT.sigma }];
  const durations = createLogNormal(parts, HTTP_BOUNDS_S);
  const good = openClientDuration(book, 200);
  const failed = openClientDuration(book, 502);
  return (goodCalls, failedCalls, random) => {
    good.observe(durations, goodCalls, random);
    failed.observe(durations, failedCalls, random);
  };
}
