/** Attainment and distance to target, against numbers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { distanceToTarget, type JudgedStep, measureAttainment } from '../../src/kpi/attainment.js';

const step = (value: number | undefined, samples: number, fields: Partial<JudgedStep> = {}): JudgedStep => ({
  value,
  samples,
  status: 'on_target',
  target: 2,
  ...fields,
});

describe('attainment', () => {
  it('is the share of measured steps that met the target, and the same weighted by samples', () => {
    const steps = [step(1, 10), step(2, 10), step(3, 60), step(1.5, 20)];
    expect(measureAttainment(steps, 'lower_is_better')).toEqual({
      stepsMeasured: 4,
      stepsOnTarget: 3,
      bySteps: 0.75,
      bySamples: 0.4,
    });
    expect(measureAttainment(steps, 'higher_is_better')).toMatchObject({ stepsOnTarget: 2, bySamples: 0.7 });
  });

  it('goes by the target alone: a step at a warning that meets its target counts as met', () => {
    const steps = [step(1.5, 1, { status: 'warning' }), step(2.5, 1, { status: 'warning' })];
    expect(measureAttainment(steps, 'lower_is_better').bySteps).toBe(0.5);
  });

  it('judges each step with the target in force then', () => {
    const steps = [step(3, 1, { target: 4 }), step(3, 1, { target: 2 })];
    expect(measureAttainment(steps, 'lower_is_better').bySteps).toBe(0.5);
  });

  it('counts steps that are unknown, have no value or no target on neither side', () => {
    const steps = [
      step(1, 5),
      step(9, 5, { status: 'unknown' }),
      step(undefined, 5),
      step(9, 5, { target: undefined }),
    ];
    expect(measureAttainment(steps, 'lower_is_better')).toEqual({
      stepsMeasured: 1,
      stepsOnTarget: 1,
      bySteps: 1,
      bySamples: 1,
    });
  });

  it('is nothing where nothing was measured', () => {
    expect(measureAttainment([], 'lower_is_better')).toEqual({
      stepsMeasured: 0,
      stepsOnTarget: 0,
      bySteps: undefined,
      bySamples: undefined,
    });
  });
});

describe('distance to target', () => {
  it('is positive where the value is better, as a share of the target', () => {
    expect(distanceToTarget(1.5, 2, 'lower_is_better')).toBe(0.25);
    expect(distanceToTarget(3, 2, 'lower_is_better')).toBe(-0.5);
    expect(distanceToTarget(3, 2, 'higher_is_better')).toBe(0.5);
    expect(distanceToTarget(1.5, 2, 'higher_is_better')).toBe(-0.25);
    expect(distanceToTarget(2, 2, 'lower_is_better')).toBe(0);
  });

  it('has the right sign for negative targets', () => {
    expect(distanceToTarget(-1, -2, 'higher_is_better')).toBe(0.5);
    expect(distanceToTarget(-1, -2, 'lower_is_better')).toBe(-0.5);
  });

  it('is unknown without a value or a target, and from a target of 0 unless just met', () => {
    expect(distanceToTarget(undefined, 2, 'lower_is_better')).toBeUndefined();
    expect(distanceToTarget(2, undefined, 'lower_is_better')).toBeUndefined();
    expect(distanceToTarget(2, 0, 'lower_is_better')).toBeUndefined();
    expect(distanceToTarget(0, 0, 'lower_is_better')).toBe(0);
  });
});
