/**
 * Distributions of latencies, made once for each rounded median and then shared. Enters a median, a spread and bucket
 * bounds; leaves a distribution whose median is within 2.5 % of the one asked for, with the tail of slow requests.
 */
import { LATENCY_TAIL } from '../shop-model.js';
import { createLogNormal, type Distribution } from './distribution.js';

const STEP_LN = 0.05;

export function createLatencies(bounds: readonly number[]): (median: number, sigma: number) => Distribution {
  const known = new Map<string, Distribution>();
  return (median, sigma) => {
    const rounded = Math.round(Math.log(median) / STEP_LN);
    const key = `${rounded} ${sigma}`;
    const found = known.get(key) ?? createLatency(Math.exp(rounded * STEP_LN), sigma, bounds);
    known.set(key, found);
    return found;
  };
}

function createLatency(median: number, sigma: number, bounds: readonly number[]): Distribution {
  const { share, factor } = LATENCY_TAIL;
  const parts = [
    { share: 1 - share, median, sigma },
    { share, median: median * factor, sigma },
  ];
  return createLogNormal(parts, bounds);
}
