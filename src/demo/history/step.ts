/**
 * One step of history: the time it covers and the conditions in it. Enters nothing; leaves the type that every part of
 * the history fills its series from, and the counts of requests that parts hand to one another.
 */
import type { Incident } from '../incidents.js';
import type { Random } from '../random.js';
import type { Route } from '../shop-model.js';

export interface Step {
  /** End of the step. */
  unixMs: number;
  durationMs: number;
  /** The latest moment of the whole history: trends pass through their base here. */
  anchorUnixMs: number;
  trafficFactor: number;
  ratePerSecond: number;
  incidents: readonly Incident[];
  random: Random;
}

/** What a route did in a step. */
export interface RouteStep {
  route: Route;
  requests: number;
  errors: number;
  /** Median latency of the good answers. */
  medianMs: number;
}
