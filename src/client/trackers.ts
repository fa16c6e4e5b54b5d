/**
 * The track… functions. Each enters the arguments of the founding plan, checks them, and leaves one value on one metric of
 * client-metrics.ts (two where a rate has two parts). Wrong arguments are reported and nothing is recorded. Rates are
 * never computed here: parts add up over hosts and hours, rates do not.
 */
import type { Attributes } from '@opentelemetry/api';
import { checkBoolean, checkCount, checkNumber, checkPositive, checkText, guard } from './argument-checks.js';
import { CLIENT_METRICS as METRICS } from './client-metrics.js';
import { collectAttributes, placeOnPage, type RecorderCore } from './recorder-core.js';

/** When something began, as performance.now() gave it, or how long it took. */
export type Timing = number | { durationMs: number };

/** What money was spent on: a service, a feature or both. */
export interface CostPlace {
  service?: string;
  feature?: string;
}

export interface Trackers {
  /**
   * `response_time`, seconds: from startTime (of performance.now()) until now, or a duration that is known.
   * @param endpoint a route, not an address: `GET /orders/:id`
   */
  trackResponseTime(endpoint: string, startTime: Timing, success?: boolean, attributes?: Attributes): void;
  /**
   * `error_rate`: one error more. Divided by throughput it is the rate.
   * @param errorType a class of errors: `timeout`, `500`, or an Error, whose name is taken. Messages belong in logs.
   */
  trackError(endpoint: string, errorType: string | Error, attributes?: Attributes): void;
  /** `throughput`: requestCount requests more. */
  trackThroughput(service: string, requestCount?: number, attributes?: Attributes): void;
  /** `user_interaction`, seconds. */
  trackUserInteraction(
    pageUrl: string,
    interactionType: string,
    durationMs: number,
    attributes?: Attributes,
  ): void;
  /** `navigation_efficiency`: the clicks a user needed for a task. */
  trackNavigation(
    pageUrl: string,
    clickCount: number,
    taskCompletion: boolean,
    attributes?: Attributes,
  ): void;
  /** `task_completion`: one task more, completed or given up. */
  trackTask(task: string, completed: boolean, attributes?: Attributes): void;
  /** `user_satisfaction`: a rating from 1 to 5. */
  trackSatisfaction(pageUrl: string, rating: number, attributes?: Attributes): void;
  /** `process_efficiency`: planned time divided by actual time, both in the same unit. */
  trackProcess(processName: string, plannedTime: number, actualTime: number, attributes?: Attributes): void;
  /** `automated_tasks` and `total_tasks`: so many more. */
  trackAutomation(service: string, automatedTasks: number, totalTasks: number, attributes?: Attributes): void;
  /** `cost`: so many dollars more. */
  trackCost(place: CostPlace, amountUsd: number, attributes?: Attributes): void;
  /** `business_value`: so many dollars more, saved or earned by usageCount uses (`feature_usage`) together. */
  trackBusinessValue(
    feature: string,
    usageCount: number,
    costSavingsUsd: number,
    attributes?: Attributes,
  ): void;
  /** `active_users` and `total_users`: how many there are now. */
  trackAdoption(feature: string, activeUsers: number, totalUsers: number, attributes?: Attributes): void;
  /** `impact_score`: from 1 to 5. */
  trackImpact(feature: string, score: number, attributes?: Attributes): void;
}

export function createTrackers(core: RecorderCore): Trackers {
  const { write } = core;
  const define = <Name extends keyof Trackers>(name: Name, run: Trackers[Name]): Trackers[Name] =>
    guard(name, core.onInvalid, run as (...args: unknown[]) => void) as Trackers[Name];

  return {
    trackResponseTime: define('trackResponseTime', (endpoint, startTime, success = true, attributes) => {
      checkText('endpoint', endpoint);
      checkBoolean('success', success);
      const durationMs = readDurationMs(startTime, core.now);
      const all = { ...collectAttributes(core, attributes), endpoint, success };
      write(METRICS.responseTime, durationMs / 1000, all);
    }),
    trackError: define('trackError', (endpoint, errorType, attributes) => {
      checkText('endpoint', endpoint);
      const type = errorType instanceof Error ? errorType.name : errorType;
      checkText('errorType', type);
      // The founding plan's name, and that of the semantic conventions for the same.
      const all = { ...collectAttributes(core, attributes), endpoint, error_type: type, 'error.type': type };
      write(METRICS.errors, 1, all);
    }),
    trackThroughput: define('trackThroughput', (service, requestCount = 1, attributes) => {
      checkText('service', service);
      checkCount('requestCount', requestCount);
      write(METRICS.throughput, requestCount, { ...collectAttributes(core, attributes), service });
    }),
    trackUserInteraction: define(
      'trackUserInteraction',
      (pageUrl, interactionType, durationMs, attributes) => {
        checkText('pageUrl', pageUrl);
        checkText('interactionType', interactionType);
        checkNumber('durationMs', durationMs, 0);
        const place = { ...placeOnPage(core, pageUrl), interaction_type: interactionType };
        write(METRICS.userInteraction, durationMs / 1000, {
          ...collectAttributes(core, attributes),
          ...place,
        });
      },
    ),
    trackNavigation: define('trackNavigation', (pageUrl, clickCount, taskCompletion, attributes) => {
      checkText('pageUrl', pageUrl);
      checkCount('clickCount', clickCount);
      checkBoolean('taskCompletion', taskCompletion);
      const place = { ...placeOnPage(core, pageUrl), task_completion: taskCompletion };
      write(METRICS.navigationEfficiency, clickCount, { ...collectAttributes(core, attributes), ...place });
    }),
    trackTask: define('trackTask', (task, completed, attributes) => {
      checkText('task', task);
      checkBoolean('completed', completed);
      write(METRICS.taskCompletion, 1, { ...collectAttributes(core, attributes), task, completed });
    }),
    trackSatisfaction: define('trackSatisfaction', (pageUrl, rating, attributes) => {
      checkText('pageUrl', pageUrl);
      checkNumber('rating', rating, 1, 5);
      const all = { ...collectAttributes(core, attributes), ...placeOnPage(core, pageUrl) };
      write(METRICS.userSatisfaction, rating, all);
    }),
    trackProcess: define('trackProcess', (processName, plannedTime, actualTime, attributes) => {
      checkText('processName', processName);
      checkNumber('plannedTime', plannedTime, 0);
      checkPositive('actualTime', actualTime);
      const all = { ...collectAttributes(core, attributes), process_name: processName };
      write(METRICS.processEfficiency, plannedTime / actualTime, all);
    }),
    trackAutomation: define('trackAutomation', (service, automatedTasks, totalTasks, attributes) => {
      checkText('service', service);
      checkCount('automatedTasks', automatedTasks);
      checkCount('totalTasks', totalTasks);
      checkNumber('automatedTasks', automatedTasks, 0, totalTasks);
      const all = { ...collectAttributes(core, attributes), service };
      write(METRICS.automatedTasks, automatedTasks, all);
      write(METRICS.totalTasks, totalTasks, all);
    }),
    trackCost: define('trackCost', (place, amountUsd, attributes) => {
      const { service, feature } = readCostPlace(place);
      checkNumber('amountUsd', amountUsd, 0);
      write(METRICS.cost, amountUsd, {
        ...collectAttributes(core, attributes),
        ...(service === undefined ? {} : { service }),
        ...(feature === undefined ? {} : { feature }),
      });
    }),
    trackBusinessValue: define('trackBusinessValue', (feature, usageCount, costSavingsUsd, attributes) => {
      checkText('feature', feature);
      checkCount('usageCount', usageCount);
      checkNumber('costSavingsUsd', costSavingsUsd, 0);
      const all = { ...collectAttributes(core, attributes), feature };
      write(METRICS.featureUsage, usageCount, all);
      write(METRICS.businessValue, costSavingsUsd, all);
    }),
    trackAdoption: define('trackAdoption', (feature, activeUsers, totalUsers, attributes) => {
      checkText('feature', feature);
      checkCount('activeUsers', activeUsers);
      checkCount('totalUsers', totalUsers);
      checkNumber('activeUsers', activeUsers, 0, totalUsers);
      const all = { ...collectAttributes(core, attributes), feature };
      write(METRICS.activeUsers, activeUsers, all);
      write(METRICS.totalUsers, totalUsers, all);
    }),
    trackImpact: define('trackImpact', (feature, score, attributes) => {
      checkText('feature', feature);
      checkNumber('score', score, 1, 5);
      write(METRICS.impactScore, score, { ...collectAttributes(core, attributes), feature });
    }),
  };
}

function readDurationMs(timing: Timing, now: () => number): number {
  if (typeof timing === 'object' && timing !== null) {
    checkNumber('durationMs', timing.durationMs, 0);
    return timing.durationMs;
  }
  checkNumber('startTime', timing, Number.NEGATIVE_INFINITY);
  const nowMs = now();
  if (timing > nowMs) {
    throw new RangeError(
      `startTime ${timing} is later than now (${nowMs}): give what performance.now() gave at the start, not Date.now, ` +
        'or { durationMs } for a duration',
    );
  }
  return nowMs - timing;
}

function readCostPlace(place: CostPlace): CostPlace {
  if (typeof place !== 'object' || place === null || (place.service ?? place.feature) === undefined) {
    throw new TypeError('place must have a service or a feature, or both: { service: "search" }');
  }
  if (place.service !== undefined) checkText('service', place.service);
  if (place.feature !== undefined) checkText('feature', place.feature);
  return place;
}
