/**
 * The one table of what the demo records: name, unit, instrument, attributes, meaning and how each value comes about.
 * The live recorder, the generated history and the tests all read it; no metric is described anywhere else.
 * The metrics of the http, runtime and host instrumentations come on top, from their own packages.
 */
import type { InstrumentKind, MetricDefinition } from './metric-definition.js';

const RESPONSE_BOUNDS_MS = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 4000, 8000];
const INTERACTION_BOUNDS_MS = [10, 25, 50, 100, 200, 400, 800, 1600, 3200, 6400];

const API = { category: 'System Performance', program: 'storefront', component: 'shop.api' } as const;
const PAGES = { category: 'User Experience', program: 'browser', component: 'shop.pages' } as const;
const PROCESSES = {
  category: 'Operational Efficiency',
  program: 'backoffice',
  component: 'shop.processes',
} as const;
const BUSINESS = { category: 'Business Impact', program: 'backoffice', component: 'shop.business' } as const;
const QUALITY = { category: 'Quality Indicators', program: 'backoffice', component: 'shop.quality' } as const;

export const METRIC_TABLE = [
  define(API, 'response_time', 'ms', 'histogram', {
    bounds: RESPONSE_BOUNDS_MS,
    attributes: ['service', 'endpoint', 'success'],
    description: 'Time from the arrival of a shop request to the end of its answer',
    recordedHow: 'measured by the shop around every request; success is false for 5xx answers',
  }),
  define(API, 'error_rate', '{error}', 'counter', {
    isInteger: true,
    attributes: ['service', 'endpoint', 'error_type'],
    description: 'Failed shop requests; divided by throughput it is the error rate',
    recordedHow: 'one per request answered with 5xx',
  }),
  define(API, 'throughput', '{request}', 'counter', {
    isInteger: true,
    attributes: ['service', 'endpoint'],
    description: 'Shop requests answered; its increase per second is the throughput',
    recordedHow: 'one per request, whatever the answer',
  }),
  define(API, 'http.server.active_requests', '{request}', 'updowncounter', {
    isInteger: true,
    attributes: ['http.request.method', 'url.scheme'],
    description: 'Requests the shop is working on',
    recordedHow: '+1 when a request arrives, -1 when it is answered',
  }),
  define(API, 'resource_utilization', '1', 'observable_gauge', {
    attributes: ['resource'],
    description: 'Share of a resource in use: cpu, memory, event_loop',
    recordedHow: 'read from the process and the machine at each export, over the time since the last one',
  }),
  define({ ...API, category: 'Quality Indicators' }, 'availability', '1', 'observable_gauge', {
    attributes: ['service'],
    description: 'Share of health checks that were answered with success',
    recordedHow: 'a prober calls /healthz once a second; the share since the last export',
  }),
  define(PAGES, 'page_load_time', 'ms', 'exponential_histogram', {
    attributes: ['page_url'],
    description: 'Time until a page is usable in the browser',
    recordedHow: 'measured time of the real request plus a simulated time to draw the page',
  }),
  define(PAGES, 'user_interaction', 'ms', 'histogram', {
    bounds: INTERACTION_BOUNDS_MS,
    attributes: ['page_url', 'interaction_type'],
    description: 'Duration of clicks, scrolls and inputs on a page',
    recordedHow: 'simulated user, about one per page view',
  }),
  define(PAGES, 'navigation_efficiency', '{click}', 'histogram', {
    isInteger: true,
    bounds: [1, 2, 3, 4, 5, 7, 10],
    attributes: ['page_url', 'task_completion'],
    description: 'Clicks a user needed for a task',
    recordedHow: 'simulated user at the end of each task; slow or failed answers cost clicks',
  }),
  define(PAGES, 'task_completion', '{task}', 'counter', {
    isInteger: true,
    attributes: ['task', 'completed'],
    description: 'Tasks users began, by whether they completed them',
    recordedHow: 'one at the end of each task; completed is true or false',
  }),
  define(PAGES, 'user_satisfaction', '{rating}', 'histogram', {
    isInteger: true,
    bounds: [1, 2, 3, 4],
    attributes: ['page_url'],
    description: 'Rating from 1 to 5 that users give after a task',
    recordedHow: 'a quarter of the tasks end with a rating; it falls with slow answers and errors',
  }),
  define(PROCESSES, 'process_efficiency', '1', 'histogram', {
    bounds: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1],
    attributes: ['process_name'],
    description: 'Planned time of a process run divided by the time it took',
    recordedHow: 'one value per simulated run of a back-office process',
  }),
  define(PROCESSES, 'automated_tasks', '{task}', 'counter', {
    isInteger: true,
    attributes: ['service'],
    description: 'Back-office tasks done without a person',
    recordedHow: 'one per simulated task that needed nobody',
  }),
  define(PROCESSES, 'total_tasks', '{task}', 'counter', {
    isInteger: true,
    attributes: ['service'],
    description: 'Back-office tasks done',
    recordedHow: 'one per simulated task',
  }),
  define(PROCESSES, 'automation_rate', '1', 'observable_gauge', {
    attributes: ['service'],
    description: 'automated_tasks divided by total_tasks since the program started',
    recordedHow: 'computed from the two counters at each export',
  }),
  define(PROCESSES, 'cost_per_user', '{USD}/mo', 'gauge', {
    attributes: ['plan'],
    description: 'Running cost of one user for a month',
    recordedHow: 'simulated level with a slow downward trend',
  }),
  define(PROCESSES, 'team_productivity', '1', 'gauge', {
    attributes: ['team'],
    description: 'Share of working time spent on planned work',
    recordedHow: 'simulated level with a daily rhythm',
  }),
  define(PROCESSES, 'resource_optimization', '1', 'gauge', {
    attributes: ['resource'],
    description: 'Share of the reserved compute, memory and storage that is needed',
    recordedHow: 'simulated level with a daily rhythm',
  }),
  define(BUSINESS, 'business_value', '{USD}', 'counter', {
    attributes: ['feature'],
    description: 'Money saved by uses of a feature',
    recordedHow: 'an amount per simulated use; about 146,000 USD a year over all features',
  }),
  define(BUSINESS, 'roi', '1', 'gauge', {
    attributes: ['feature'],
    description: 'Return on what a feature cost; 2 is 200 %',
    recordedHow: 'simulated level with an upward trend',
  }),
  define(BUSINESS, 'active_users', '{user}', 'gauge', {
    isInteger: true,
    attributes: ['feature'],
    description: 'Users who used a feature in the last 30 days',
    recordedHow: 'simulated level with an upward trend',
  }),
  define(BUSINESS, 'total_users', '{user}', 'gauge', {
    isInteger: true,
    attributes: ['feature'],
    description: 'Users who could use a feature',
    recordedHow: 'simulated level with an upward trend',
  }),
  define(BUSINESS, 'adoption_rate', '1', 'gauge', {
    attributes: ['feature'],
    description: 'active_users divided by total_users',
    recordedHow: 'computed whenever the two gauges are set',
  }),
  define(BUSINESS, 'impact_score', '{rating}', 'gauge', {
    attributes: ['feature'],
    description: 'Business impact of a feature from 1 to 5',
    recordedHow: 'simulated level',
  }),
  define(QUALITY, 'quality_score', '1', 'gauge', {
    attributes: ['service'],
    description: 'Share of quality checks a service passes',
    recordedHow: 'simulated level',
  }),
  define(QUALITY, 'compliance_score', '1', 'gauge', {
    attributes: ['framework'],
    description: 'Share of the controls of a framework that are met',
    recordedHow: 'simulated level',
  }),
  define(QUALITY, 'reliability_score', '1', 'observable_gauge', {
    attributes: ['service'],
    description: 'Share of requests that a service answered without an error',
    recordedHow: 'real answers since the last export that had requests',
  }),
  define(QUALITY, 'security_score', '1', 'gauge', {
    attributes: ['service'],
    description: 'Share of security checks a service passes',
    recordedHow: 'simulated level',
  }),
];

export type MetricName = (typeof METRIC_TABLE)[number]['name'];

const BY_NAME = new Map<string, MetricDefinition>(METRIC_TABLE.map((metric) => [metric.name, metric]));

export function findMetric(name: MetricName): MetricDefinition {
  return BY_NAME.get(name)!;
}

function define<Name extends string>(
  place: Pick<MetricDefinition, 'category' | 'program' | 'component'>,
  name: Name,
  unit: string,
  instrument: InstrumentKind,
  rest: Pick<MetricDefinition, 'attributes' | 'description' | 'recordedHow' | 'bounds'> & {
    isInteger?: boolean;
  },
): MetricDefinition & { name: Name } {
  return { isInteger: false, ...rest, ...place, name, unit, instrument };
}
