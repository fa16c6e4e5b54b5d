/** The numbers behind the shop: draws and distributions have the means they should, and the same seed repeats. */
import { describe, expect, it } from 'vitest';
import { createDiscrete, createLogNormal, readNormalShare } from '../../src/demo/history/distribution.js';
import { createHistogramSeries, encodeExplicit } from '../../src/demo/history/series.js';
import { createLiveSpells, readConditions } from '../../src/demo/incidents.js';
import { createRandom } from '../../src/demo/random.js';
import { readDayFactor } from '../../src/demo/traffic-rhythm.js';

const DRAWS = 20_000;

function readMean(draw: () => number): number {
  let sum = 0;
  for (let i = 0; i < DRAWS; i++) sum += draw();
  return sum / DRAWS;
}

describe('seeded randomness', () => {
  it('repeats for the same seed and differs for a fork', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed).uniform);
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(createRandom(5).fork('a').uniform()).not.toBe(createRandom(5).fork('b').uniform());
  });

  it('draws with the means it was asked for', () => {
    const random = createRandom(11);
    expect(readMean(random.uniform)).toBeCloseTo(0.5, 1);
    expect(readMean(() => random.poisson(3))).toBeCloseTo(3, 1);
    expect(readMean(() => random.poisson(200) / 200)).toBeCloseTo(1, 2);
    expect(readMean(() => random.binomial(10, 0.3))).toBeCloseTo(3, 1);
    expect(readMean(() => random.binomial(1_000, 0.7) / 700)).toBeCloseTo(1, 2);
    expect(readMean(() => random.exponential(2))).toBeCloseTo(2, 1);
  });
});

describe('distributions', () => {
  it('lose no observation and keep each mean in its bucket', () => {
    const bounds = [10, 50, 100, 500];
    const latency = createLogNormal([{ share: 1, median: 60, sigma: 0.5 }], bounds);
    const metric = { instrument: 'histogram', bounds } as const;
    const series = createHistogramSeries(metric, {}, bounds.length + 1, false, encodeExplicit(bounds));
    series.observe(latency, 100_000, createRandom(2));
    series.closeStep([0, 0], [1, 0]);
    const { count, sum, buckets, min, max } = series.points[0]!.value;
    expect(count).toBe(100_000);
    expect(buckets.counts.reduce((a, b) => a + b)).toBe(100_000);
    expect(sum! / count).toBeCloseTo(60 * Math.exp(0.125), 0);
    expect(min).toBeGreaterThan(0);
    expect(max).toBeLessThanOrEqual(520);
    expect(series.notes.read().slots).toEqual([[0, count, expect.closeTo(sum!, 3), max, buckets.counts]]);
  });

  it('put a value that equals a bound into the bucket below it', () => {
    expect([...createDiscrete([{ value: 2, weight: 1 }], [1, 2, 3]).conditional]).toEqual([0, 1, 0, 0]);
  });

  it('know the normal curve', () => {
    expect(readNormalShare(0)).toBeCloseTo(0.5, 6);
    expect(readNormalShare(1.96)).toBeCloseTo(0.975, 4);
    expect(readNormalShare(-1.96)).toBeCloseTo(0.025, 4);
  });
});

describe('rhythm and incidents', () => {
  it('average to one over a week', () => {
    let sum = 0;
    for (let hour = 0; hour < 168; hour++) sum += readDayFactor(hour * 3_600_000);
    expect(sum / 168).toBeCloseTo(1, 2);
  });

  it('begin with a slow spell of the whole shop after two seconds, and go on for ever', () => {
    const find = createLiveSpells(createRandom(1), 0);
    expect(find(1_000)).toEqual([]);
    expect(readConditions(find(3_000), 'cart').slowFactor).toBe(8);
    let spells = 0;
    for (let ms = 10_000; ms < 3_600_000; ms += 1_000) spells += find(ms).length;
    expect(spells).toBeGreaterThan(100);
    expect(spells).toBeLessThan(1_800);
  });
});
