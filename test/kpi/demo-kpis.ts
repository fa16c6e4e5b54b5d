/**
 * What each KPI of the catalogue has to be for the demo shop, from what the shop says it did: one reckoning for each, in
 * plain arithmetic, with the error that docs/kpis.md states. Enters the truth and a window; leaves bounds of the value and
 * what it rests on. Uses nothing of src/kpi.
 */
import type { Attributes } from '@opentelemetry/api';
import type { MetricTruth } from '../../src/demo/ground-truth.js';
import {
  completenessIn,
  countIn,
  findSeries,
  lastValuesIn,
  newestIn,
  quantileBucketIn,
  sumIn,
  type TruthSeries,
  type TruthWindow,
} from './truth-windows.js';

export interface ExpectedKpi {
  /** The value lies between. */
  low: number;
  high: number;
  /** undefined where the demo does not know it: how many points brought a counter. */
  samples: number | undefined;
  completeness: number;
  /** Begin of the minute (hour, further back) of the newest point. */
  newestS: number;
}

export interface DemoTruth {
  runs: readonly Readonly<Record<string, MetricTruth>>[];
  /** When the shop opened, seconds since the epoch. */
  fromS: number;
  /** Seconds between two points of the oldest history. */
  intervalS: number;
  /** Points and requests that Plumbline took. */
  points: number;
  requests: number;
}

export type Reckon = (truth: DemoTruth, window: TruthWindow, where?: Attributes) => ExpectedKpi;

/** Adding doubles in another order. */
const DOUBLES = 1e-9;
const YEAR_S = 365.25 * 86_400;

function rest(series: readonly TruthSeries[], window: TruthWindow) {
  return { completeness: completenessIn(series, window), newestS: newestIn(series, window) };
}

function exactly(value: number): { low: number; high: number } {
  return within(value, DOUBLES);
}

function within(value: number, share: number): { low: number; high: number } {
  return { low: value - Math.abs(value) * share, high: value + Math.abs(value) * share };
}

/** Mean of all values recorded; of gauges, of what each point showed. `factor`: from the metric's unit to the KPI's. */
const mean =
  (metric: string, factor = 1, own: Attributes = {}): Reckon =>
  ({ runs }, window, where = {}) => {
    const series = findSeries(runs, metric, { ...own, ...where });
    const samples = countIn(series, window);
    return {
      ...exactly((sumIn(series, window) / samples) * factor),
      samples,
      ...rest(series, window),
    };
  };

/** Mean of the newest values. */
const newest =
  (metric: string, factor = 1): Reckon =>
  ({ runs }, window, where) => {
    const series = findSeries(runs, metric, where);
    const values = lastValuesIn(series, window);
    const total = values.reduce((sum, value) => sum + value, 0);
    return {
      ...exactly((total / values.length) * factor),
      samples: countIn(series, window),
      ...rest(series, window),
    };
  };

/** Increase of one counter as a share of that of another. */
const share =
  (part: string, whole: string, ofPart: Attributes = {}): Reckon =>
  ({ runs }, window, where = {}) => {
    const all = findSeries(runs, whole, where);
    const samples = sumIn(all, window);
    const value = (100 * sumIn(findSeries(runs, part, { ...ofPart, ...where }), window)) / samples;
    return { ...exactly(value), samples, ...rest(all, window) };
  };

const HTTP = 'http.server.request.duration';

const errorRate: Reckon = ({ runs }, window, where) => {
  const all = findSeries(runs, HTTP, where);
  const failed = all.filter(({ attributes }) => Number(attributes['http.response.status_code']) >= 500);
  const samples = countIn(all, window);
  return { ...exactly((100 * countIn(failed, window)) / samples), samples, ...rest(all, window) };
};

/** Errors and requests as the shop counts them in metrics of its own, without health checks. */
export const OWN_ERROR_RATE = share('error_rate', 'throughput');

const throughput: Reckon = ({ runs }, window) => {
  const series = findSeries(runs, HTTP);
  const samples = countIn(series, window);
  return { ...exactly(samples / (window.endS - window.startS)), samples, ...rest(series, window) };
};

/** Of clicks alone. */
const interaction: Reckon = ({ runs }, window) => {
  const series = findSeries(runs, 'user_interaction', { interaction_type: 'click' });
  return {
    ...quantileBucketIn(series, window, 0.75),
    samples: countIn(series, window),
    ...rest(series, window),
  };
};

const adoption: Reckon = ({ runs }, window, where) => {
  const [active, total] = ['active_users', 'total_users'].map((metric) => findSeries(runs, metric, where));
  const add = (series: readonly TruthSeries[]) =>
    lastValuesIn(series, window).reduce((sum, value) => sum + value, 0);
  const samples = add(total!);
  return { ...exactly((100 * add(active!)) / samples), samples, ...rest(total!, window) };
};

/** What a point brought happened up to an interval before it, so that the time it took is known to an interval. */
const businessValue: Reckon = ({ runs, fromS, intervalS }, window) => {
  const series = findSeries(runs, 'business_value');
  const seconds = window.endS - Math.max(fromS, window.startS);
  const aYear = (sumIn(series, window) / seconds) * YEAR_S;
  return { ...within(aYear, intervalS / (seconds - intervalS)), samples: undefined, ...rest(series, window) };
};

/** Nothing of the demo is ever rejected or dropped. The newest count is of the last seconds. */
const collection: Reckon = ({ points }, { endS }) => {
  return { low: 100, high: 100, samples: points, completeness: 0, newestS: endS };
};

/** Of every KPI that the demo can know; what only Plumbline or the machine knows is in demo-truth.test.ts. */
export const DEMO_KPIS: Readonly<Record<string, Reckon>> = {
  adoption_rate: adoption,
  availability: mean('availability', 100),
  business_value: businessValue,
  collection_rate: collection,
  compliance_score: mean('compliance_score', 100),
  cost_per_user: newest('cost_per_user'),
  error_rate: errorRate,
  impact_score: newest('impact_score'),
  navigation_efficiency: mean('navigation_efficiency', 1, { task_completion: true }),
  page_load_time: mean('page_load_time', 1 / 1000),
  process_automation: share('automated_tasks', 'total_tasks'),
  process_efficiency: mean('process_efficiency', 100),
  quality_score: mean('quality_score', 100),
  reliability_score: mean('reliability_score', 100),
  resource_utilization: mean('resource_utilization', 100),
  response_time: mean(HTTP),
  roi: newest('roi', 100),
  security_score: mean('security_score', 100),
  task_completion: share('task_completion', 'task_completion', { completed: true }),
  team_productivity: mean('team_productivity', 100),
  throughput,
  user_interaction: interaction,
  user_satisfaction: mean('user_satisfaction'),
};
