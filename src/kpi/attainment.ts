/**
 * How well a KPI kept to its target over a period. Enters: rows of its steps; leaves: the share of measured steps that met the
 * target in force at the time, and how far a value is from its target. Steps that nobody can judge count for neither side.
 */
import type { Direction } from '../model/kpi.js';
import type { KpiRow } from './kpi-reader.js';

export interface Attainment {
  /** Steps that have a value, a target and no doubt. */
  stepsMeasured: number;
  stepsOnTarget: number;
  /** Share of measured steps; undefined where there is none. */
  bySteps: number | undefined;
  /** The same with each step counting as much as it has samples: a quiet night does not outvote a busy noon. */
  bySamples: number | undefined;
}

export type JudgedStep = Pick<KpiRow, 'value' | 'status' | 'target' | 'samples'>;

/** Rows of one group. */
export function measureAttainment(steps: readonly JudgedStep[], direction: Direction): Attainment {
  const attainment = { stepsMeasured: 0, stepsOnTarget: 0, samples: 0, samplesOnTarget: 0 };
  for (const { value, status, target, samples } of steps) {
    if (status === 'unknown' || value === undefined || target === undefined) continue;
    attainment.stepsMeasured++;
    attainment.samples += samples;
    if (!meetsTarget(value, target, direction)) continue;
    attainment.stepsOnTarget++;
    attainment.samplesOnTarget += samples;
  }
  const { stepsMeasured, stepsOnTarget, samples, samplesOnTarget } = attainment;
  return {
    stepsMeasured,
    stepsOnTarget,
    bySteps: share(stepsOnTarget, stepsMeasured),
    bySamples: share(samplesOnTarget, samples),
  };
}

export function meetsTarget(value: number, target: number, direction: Direction): boolean {
  return direction === 'lower_is_better' ? value <= target : value >= target;
}

/**
 * How much better than its target a value is, as a share of the target: 0.1 = 10 % better, -0.1 = 10 % worse, 0 = just met.
 * Undefined where one of them is missing, and from a target of 0, from which everything is infinitely far.
 */
export function distanceToTarget(
  value: number | undefined,
  target: number | undefined,
  direction: Direction,
): number | undefined {
  if (value === undefined || target === undefined) return undefined;
  const better = direction === 'lower_is_better' ? target - value : value - target;
  if (better === 0) return 0;
  return target === 0 ? undefined : better / Math.abs(target);
}

function share(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}
