/**
 * The one table of what the recorder library records: name, instrument, unit, meaning and buckets. Durations are seconds,
 * as the semantic conventions ask; other names, kinds and units are those of the demo, so that both meet in one KPI.
 */

export interface ClientMetric {
  name: string;
  instrument: 'counter' | 'histogram' | 'gauge';
  /** UCUM; `{…}` names a thing that is counted. */
  unit: string;
  /** Recorded as integers, exported as `as_int`. */
  isInteger: boolean;
  description: string;
  /** Upper bounds of a histogram's buckets. */
  bounds?: readonly number[];
}

const RESPONSE_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2, 4, 8];
const INTERACTION_BOUNDS_S = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4];
const PAGE_BOUNDS_S = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20];

export const CLIENT_METRICS = {
  responseTime: histogram('response_time', 's', 'Time until a request was answered', RESPONSE_BOUNDS_S),
  errors: counter('error_rate', '{error}', 'Failed requests; divided by throughput it is the error rate'),
  throughput: counter(
    'throughput',
    '{request}',
    'Requests answered; its increase per second is the throughput',
  ),
  pageLoadTime: histogram(
    'page_load_time',
    's',
    'Time from navigation start to the end of the load event',
    PAGE_BOUNDS_S,
  ),
  userInteraction: histogram(
    'user_interaction',
    's',
    'Duration of a click, an input or another interaction with a page',
    INTERACTION_BOUNDS_S,
  ),
  navigationEfficiency: {
    ...histogram(
      'navigation_efficiency',
      '{click}',
      'Clicks a user needed for a task',
      [1, 2, 3, 4, 5, 7, 10],
    ),
    isInteger: true,
  },
  taskCompletion: counter('task_completion', '{task}', 'Tasks users began, by whether they completed them'),
  userSatisfaction: histogram(
    'user_satisfaction',
    '{rating}',
    'Rating from 1 to 5 that a user gave',
    [1, 2, 3, 4],
  ),
  processEfficiency: histogram(
    'process_efficiency',
    '1',
    'Planned time of a process run divided by the time it took',
    [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1],
  ),
  automatedTasks: counter('automated_tasks', '{task}', 'Tasks done without a person'),
  totalTasks: counter('total_tasks', '{task}', 'Tasks done'),
  cost: money('cost', 'Money spent on a service or a feature'),
  businessValue: money('business_value', 'Money saved or earned by uses of a feature'),
  featureUsage: counter('feature_usage', '{use}', 'Uses of a feature'),
  activeUsers: gauge('active_users', '{user}', 'Users who use a feature', true),
  totalUsers: gauge('total_users', '{user}', 'Users who could use a feature', true),
  impactScore: gauge('impact_score', '{rating}', 'Business impact of a feature from 1 to 5', false),
  largestContentfulPaint: vital('lcp', 's', 'Time until the largest part of the page was painted', [
    ...[0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10],
  ]),
  interactionToNextPaint: vital('inp', 's', 'Time from an interaction to the next paint, about the slowest', [
    ...[0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2],
  ]),
  cumulativeLayoutShift: vital('cls', '1', 'How much the page shifted while it was used', [
    ...[0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1],
  ]),
  firstContentfulPaint: vital('fcp', 's', 'Time until the first part of the page was painted', [
    ...[0.25, 0.5, 1, 1.5, 1.8, 2, 3, 4, 6, 10],
  ]),
  timeToFirstByte: vital('ttfb', 's', 'Time until the first byte of the page arrived', [
    ...[0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.8, 3, 5],
  ]),
} satisfies Record<string, ClientMetric>;

function counter(name: string, unit: string, description: string): ClientMetric {
  return { name, instrument: 'counter', unit, isInteger: true, description };
}

function money(name: string, description: string): ClientMetric {
  return { name, instrument: 'counter', unit: '{USD}', isInteger: false, description };
}

function gauge(name: string, unit: string, description: string, isInteger: boolean): ClientMetric {
  return { name, instrument: 'gauge', unit, isInteger, description };
}

function histogram(name: string, unit: string, description: string, bounds: readonly number[]): ClientMetric {
  return { name, instrument: 'histogram', unit, isInteger: false, description, bounds };
}

function vital(name: string, unit: string, description: string, bounds: readonly number[]): ClientMetric {
  return histogram(`browser.web_vital.${name}`, unit, description, bounds);
}
