/**
 * What happens behind the shop: processes, tasks, features and the levels of slow-moving scores. Enters times and
 * randomness; leaves values that the live back office and the generated history both record.
 */
import type { Attributes } from '@opentelemetry/api';
import type { MetricName } from './metric-table.js';
import type { Random } from './random.js';
import { SERVICES } from './shop-model.js';
import { readTrafficFactor, readTrendFactor } from './traffic-rhythm.js';

export const PROCESSES = [
  { processName: 'order_fulfilment', runsPerMinute: 12, efficiency: 0.92 },
  { processName: 'invoicing', runsPerMinute: 6, efficiency: 0.95 },
  { processName: 'returns_handling', runsPerMinute: 4, efficiency: 0.84 },
  { processName: 'stock_replenishment', runsPerMinute: 3, efficiency: 0.88 },
] as const;
/** Deviation of single runs around the efficiency of their process. */
export const EFFICIENCY_SIGMA = 0.05;

export const TASK_DESKS = [
  { service: 'order_desk', tasksPerMinute: 30, automatedShare: 0.92 },
  { service: 'billing', tasksPerMinute: 20, automatedShare: 0.9 },
  { service: 'warehouse', tasksPerMinute: 25, automatedShare: 0.84 },
  { service: 'support', tasksPerMinute: 12, automatedShare: 0.62 },
] as const;

export const FEATURES = [
  {
    feature: 'one_click_checkout',
    impact: 4.4,
    roi: 2.9,
    usesPerMinute: 6,
    savingUsd: 0.012,
    adopted: 0.81,
    users: 5_200,
  },
  {
    feature: 'recommendations',
    impact: 4.2,
    roi: 2.6,
    usesPerMinute: 10,
    savingUsd: 0.008,
    adopted: 0.88,
    users: 5_200,
  },
  {
    feature: 'auto_invoicing',
    impact: 4.3,
    roi: 3.4,
    usesPerMinute: 3,
    savingUsd: 0.022,
    adopted: 0.76,
    users: 640,
  },
  {
    feature: 'self_service_returns',
    impact: 3.9,
    roi: 1.8,
    usesPerMinute: 2,
    savingUsd: 0.03,
    adopted: 0.58,
    users: 5_200,
  },
] as const;

/** A score that moves slowly. `trendPerWeek` is relative, `daily` and `noise` are in units of the value. */
export interface Level {
  metric: MetricName;
  attributes: Attributes;
  base: number;
  trendPerWeek: number;
  daily: number;
  noise: number;
  min: number;
  max: number;
}

const RATIO = { min: 0, max: 1 };
const RATING = { min: 1, max: 5 };
const OPEN = { min: 0, max: Number.MAX_SAFE_INTEGER };

export const LEVELS: readonly Level[] = [
  ...rows('cost_per_user', 'plan', { basic: 6.2, plus: 8.4, premium: 9.6 }, [-0.012, 0.1, 0.05], OPEN),
  ...rows(
    'team_productivity',
    'team',
    { shop: 0.85, platform: 0.88, data: 0.9, support: 0.79 },
    [0.004, 0.04, 0.01],
    RATIO,
  ),
  ...rows(
    'resource_optimization',
    'resource',
    { compute: 0.71, memory: 0.66, storage: 0.82 },
    [0.01, 0.05, 0.01],
    RATIO,
  ),
  ...rows('roi', 'feature', pickOfFeatures('roi'), [0.03, 0, 0.02], OPEN),
  ...rows('impact_score', 'feature', pickOfFeatures('impact'), [0.005, 0, 0.03], RATING),
  ...rows('quality_score', 'service', perService([0.97, 0.95, 0.96, 0.94, 0.98]), [0.003, 0, 0.004], RATIO),
  ...rows(
    'compliance_score',
    'framework',
    { gdpr: 0.98, pci_dss: 0.96, iso_27001: 0.93 },
    [0.002, 0, 0.001],
    RATIO,
  ),
  ...rows('security_score', 'service', perService([0.95, 0.94, 0.96, 0.97, 0.92]), [0.004, 0, 0.003], RATIO),
];

export function readLevel(level: Level, unixMs: number, anchorUnixMs: number, random: Random): number {
  const trend = readTrendFactor(unixMs, anchorUnixMs, level.trendPerWeek);
  const daily = level.daily * (readTrafficFactor(unixMs) - 1);
  const value = level.base * trend + daily + level.noise * random.normal();
  return Number(Math.min(level.max, Math.max(level.min, value)).toPrecision(6));
}

/** Users of a feature at a moment: whole people, never more active than there are. */
export function readAdoption(
  feature: (typeof FEATURES)[number],
  unixMs: number,
  anchorUnixMs: number,
  random: Random,
): { activeUsers: number; totalUsers: number } {
  const totalUsers = Math.round(feature.users * readTrendFactor(unixMs, anchorUnixMs, 0.02));
  const share = feature.adopted * readTrendFactor(unixMs, anchorUnixMs, 0.03) + 0.003 * random.normal();
  return { activeUsers: Math.round(totalUsers * Math.min(1, Math.max(0, share))), totalUsers };
}

/** Share of the tasks of a desk that need nobody: automation grows week by week. */
export function readAutomatedShare(
  desk: (typeof TASK_DESKS)[number],
  unixMs: number,
  anchorUnixMs: number,
): number {
  return Math.min(0.99, desk.automatedShare * readTrendFactor(unixMs, anchorUnixMs, 0.02));
}

function pickOfFeatures(field: 'roi' | 'impact'): Record<string, number> {
  return Object.fromEntries(FEATURES.map((feature) => [feature.feature, feature[field]]));
}

function perService(values: readonly number[]): Record<string, number> {
  return Object.fromEntries(SERVICES.map((service, i) => [service, values[i]!]));
}

function rows(
  metric: MetricName,
  key: string,
  bases: Record<string, number>,
  [trendPerWeek, daily, noise]: readonly [number, number, number],
  range: { min: number; max: number },
): Level[] {
  return Object.entries(bases).map(([value, base]) => ({
    metric,
    attributes: { [key]: value },
    base,
    trendPerWeek,
    daily,
    noise,
    ...range,
  }));
}
