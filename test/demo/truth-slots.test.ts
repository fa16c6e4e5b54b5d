/** The truth in slots of time: what each holds, that it stays small, and that nothing is lost when minutes become hours. */
import { describe, expect, it } from 'vitest';
import { createGroundTruth, type NotedMetric } from '../../src/demo/ground-truth.js';
import { createTruthSlots } from '../../src/demo/truth-slots.js';

const HOUR_S = 3_600;
/** On half an hour. */
const START_S = Date.UTC(2026, 0, 28, 19, 30) / 1000;
const at = (seconds: number): number => (START_S + seconds) * 1000;

const metric = (name: string, instrument: NotedMetric['instrument'], bounds?: number[]): NotedMetric => ({
  name,
  unit: '1',
  instrument,
  program: 'backoffice',
  bounds,
});
const COUNTER = metric('counter', 'counter');
const GAUGE = metric('gauge', 'gauge');
const HISTOGRAM = metric('histogram', 'histogram', [1, 2]);

describe('slots of the truth', () => {
  it('are minutes of the last two hours and hours before, and lose nothing', () => {
    const slots = createTruthSlots(2);
    for (let minute = 0; minute < 600; minute++) slots.add(at(60 * minute), 2, minute, minute, [1, 1]);
    const read = slots.read();
    const now = START_S + 60 * 599;
    const minutes = read.filter(([startS]) => startS >= now - 2 * HOUR_S);
    expect(minutes.map(([startS]) => startS)).toEqual(
      Array.from({ length: 121 }, (_, i) => now - 2 * HOUR_S + 60 * i),
    );
    expect(read.length).toBeLessThan(8 + 181);
    expect(read.reduce((sum, [, count]) => sum + count, 0)).toBe(1_200);
    expect(read.reduce((sum, [, , added]) => sum + added, 0)).toBe((599 * 600) / 2);
    expect(read[0]).toEqual([START_S - HOUR_S / 2, 60, (29 * 30) / 2, 29, [30, 30]]);
    expect(read[1]).toEqual([START_S + HOUR_S / 2, 120, ((30 + 89) * 60) / 2, 89, [60, 60]]);
  });

  it('hold what was recorded since the points before, and of a gauge what each point showed', () => {
    const truth = createGroundTruth({ isDelta: false });
    truth.note(COUNTER, 3, {});
    truth.note(COUNTER, 4, {});
    truth.note(HISTOGRAM, 2, {});
    truth.note(HISTOGRAM, 2.5, {});
    for (const value of [7, 9]) truth.note(GAUGE, value, {});
    truth.close('storefront', at(1));
    truth.close('backoffice', at(10));
    truth.close('backoffice', at(20));
    truth.note(COUNTER, 5, {});
    truth.note(GAUGE, 1, {});
    truth.close('backoffice', at(60));
    truth.note(COUNTER, 100, {});
    const slotsOf = (name: string) => truth.read()[name]!.series[0]!.slots;
    expect(slotsOf('counter')).toEqual([
      [START_S, 2, 7, 4],
      [START_S + 60, 1, 5, 5],
    ]);
    expect(slotsOf('histogram')).toEqual([
      [START_S, 2, 4.5, 2.5, [0, 1, 1]],
      [START_S + 60, 0, 0, 2.5],
    ]);
    expect(slotsOf('gauge')).toEqual([
      [START_S, 2, 18, 9],
      [START_S + 60, 1, 1, 1],
    ]);
    expect(truth.read().counter).toMatchObject({ count: 4, sum: 112 });
  });

  it('with delta temporality are made only where something was recorded', () => {
    const truth = createGroundTruth({ isDelta: true });
    truth.note(GAUGE, 7, {});
    truth.close('backoffice', at(0));
    truth.close('backoffice', at(60));
    expect(truth.read().gauge!.series[0]!.slots).toEqual([[START_S, 1, 7, 7]]);
  });
});
