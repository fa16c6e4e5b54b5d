/** Error budgets and burn rates, against numbers worked out by hand; and how they are asked for. */
import { describe, expect, it } from 'vitest';
import type { KpiReader, KpiRow } from '../../src/kpi/kpi-reader.js';
import { burnRate, type EventCount, measureSlo, readSlo, type Slo } from '../../src/kpi/slo.js';
import type { Formula, Kpi, Measure, Term } from '../../src/model/kpi.js';
import { burnPairsOf, objectiveOf } from '../../src/model/service-level.js';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;
const OBJECTIVE = { objective: 0.999, windowS: 30 * DAY_S };

const term = (metric: string, measure: Measure = 'amount'): Term => ({
  selectors: [{ metric, where: {}, whereNot: {}, shapes: [] }],
  measure,
  across: 'average',
});
const ratio = (measure: Measure): Formula => ({
  kind: 'ratio',
  numerator: term('part', measure),
  denominator: term('whole', measure),
  complement: false,
});
const average: Formula = { kind: 'average', of: term('t', 'average') };

function kpi(fields: Partial<Kpi>, ...formulas: Formula[]): Kpi {
  const sources = formulas.map((formula, i) => ({ name: `source${i}`, formula }));
  const defaults = { unit: '1', direction: 'higher_is_better', sloWindowS: 30 * DAY_S, groupBy: [] };
  return { ...defaults, sources, ...fields } as unknown as Kpi;
}

const ERRORS = kpi({ unit: '%', direction: 'lower_is_better', target: 5 }, ratio('amount'));
const UP = kpi({ target: 0.995 }, { kind: 'uptime', of: term('up', 'average') });

describe('the objective', () => {
  it('is what the SLO says, else the target as a share of good events', () => {
    const promised = kpi({ target: 0.9, sloObjective: 0.99, sloWindowS: 7 * DAY_S }, ratio('amount'));
    expect(objectiveOf(promised)).toEqual({ objective: 0.99, windowS: 7 * DAY_S });
    expect(objectiveOf(UP)).toEqual({ objective: 0.995, windowS: 30 * DAY_S });
    expect(objectiveOf(ERRORS)).toEqual({ objective: 0.95, windowS: 30 * DAY_S });
    expect(objectiveOf(ERRORS, DAY_S)).toEqual({ objective: 0.95, windowS: DAY_S });
  });

  it('is missing where no events are counted or nothing is promised', () => {
    expect(objectiveOf(kpi({ target: 2, unit: 's' }, average))).toBeUndefined();
    expect(objectiveOf(kpi({ target: 0.8 }, ratio('last')))).toBeUndefined();
    expect(objectiveOf(kpi({}, ratio('amount')))).toBeUndefined();
    expect(objectiveOf(kpi({ target: 130, unit: '%' }, ratio('amount')))).toBeUndefined();
  });

  it('of sources of which only some count events has to be given', () => {
    expect(objectiveOf(kpi({ target: 0.9 }, average, ratio('amount')))).toBeUndefined();
    expect(objectiveOf(kpi({ sloObjective: 0.9 }, average, ratio('amount')))?.objective).toBe(0.9);
  });
});

describe('burn rates', () => {
  it('have the pairs and thresholds of a 30-day window', () => {
    const { burns } = measureSlo(OBJECTIVE, () => ({ good: 1, total: 1 }));
    expect(burns.map(({ shortS, longS, rateMax, action }) => [longS, shortS, rateMax, action])).toEqual([
      [HOUR_S, 5 * MINUTE_S, 14.4, 'page'],
      [6 * HOUR_S, 30 * MINUTE_S, 6, 'page'],
      [DAY_S, 2 * HOUR_S, 3, 'ticket'],
      [3 * DAY_S, 6 * HOUR_S, 1, 'ticket'],
    ]);
  });

  it('of shorter windows drop the pairs that would act on a budget that is kept', () => {
    expect(burnPairsOf(7 * DAY_S).map(({ longS }) => longS)).toEqual([HOUR_S, 6 * HOUR_S]);
    expect(burnPairsOf(DAY_S)).toEqual([]);
    expect(burnPairsOf(90 * DAY_S)).toHaveLength(4);
  });

  it('are the share of bad events over the share that is allowed', () => {
    expect(burnRate({ good: 990, total: 1000 }, 0.999)).toBeCloseTo(10, 9);
    expect(burnRate({ good: 1000, total: 1000 }, 0.999)).toBe(0);
    expect(burnRate({ good: 1001, total: 1000 }, 0.999)).toBe(0);
    expect(burnRate({ good: 0, total: 0 }, 0.999)).toBeUndefined();
    expect(burnRate({ good: 9, total: 10 }, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(burnRate({ good: 10, total: 10 }, 1)).toBe(0);
  });

  it('act only where both windows are above the threshold', () => {
    // 2 % bad in the last hour is a rate of 20; in the last 5 minutes it is over, or goes on.
    const measure = (bad5m: number) =>
      measureSlo(OBJECTIVE, (windowS) =>
        windowS === 5 * MINUTE_S ? { good: 1000 - bad5m, total: 1000 } : { good: 980, total: 1000 },
      );
    expect(measure(0).burns[0]).toMatchObject({ shortRate: 0, isBurning: false });
    expect(measure(15).burns[0]!.shortRate).toBeCloseTo(15, 9);
    expect(measure(15)).toMatchObject({ state: 'page', burns: [{ isBurning: true }, {}, {}, {}] });
  });
});

describe('the error budget', () => {
  it('is what is left of the bad events that the objective allows', () => {
    const slo = measureSlo(OBJECTIVE, (windowS) =>
      windowS === OBJECTIVE.windowS ? { good: 99_975, total: 100_000 } : { good: 10, total: 10 },
    );
    expect(slo).toMatchObject({
      good: 99_975,
      bad: 25,
      total: 100_000,
      achieved: 0.99975,
      state: 'on_target',
    });
    expect(slo.badAllowed).toBeCloseTo(100, 9);
    expect(slo.budgetLeft).toBeCloseTo(0.75, 9);
  });

  it('goes below 0 where it is overdrawn, and stays spent when nothing burns any more', () => {
    const slo = measureSlo(OBJECTIVE, (windowS) =>
      windowS === OBJECTIVE.windowS ? { good: 99_800, total: 100_000 } : { good: 10, total: 10 },
    );
    expect(slo.budgetLeft).toBeCloseTo(-1, 9);
    expect(slo.state).toBe('spent');
  });

  it('makes a ticket of a slow burn', () => {
    const slow = new Set([6 * HOUR_S, 3 * DAY_S]);
    const slo = measureSlo(OBJECTIVE, (windowS) => ({ good: slow.has(windowS) ? 998 : 1000, total: 1000 }));
    expect(slo.state).toBe('ticket');
  });

  it('says so where there were no events', () => {
    expect(measureSlo(OBJECTIVE, () => ({ good: 0, total: 0 }))).toMatchObject({
      total: 0,
      achieved: undefined,
      budgetLeft: undefined,
      state: 'no_data',
    });
  });

  it('never has more good events than events', () => {
    expect(measureSlo(OBJECTIVE, () => ({ good: 12, total: 10 }))).toMatchObject({
      good: 10,
      bad: 0,
      achieved: 1,
      budgetLeft: 1,
    });
  });

  it('of a promise of everything is whole or endlessly overdrawn', () => {
    const promise = { objective: 1, windowS: 30 * DAY_S };
    expect(measureSlo(promise, () => ({ good: 10, total: 10 })).budgetLeft).toBe(1);
    expect(measureSlo(promise, () => ({ good: 9, total: 10 }))).toMatchObject({
      budgetLeft: Number.NEGATIVE_INFINITY,
      state: 'page',
    });
  });
});

describe('reading an SLO', () => {
  /** Events that a reader puts into the steps that are asked for, as the real one does. */
  interface Event extends EventCount {
    agoS: number;
    service: string;
  }
  const END_S = 1_700_000_040;

  function readerOf(events: readonly Event[], asked: number[] = []): Pick<KpiReader, 'readSteps'> {
    return {
      async readSteps(_kpi, { startS, endS, slotS }) {
        expect([startS % MINUTE_S, endS]).toEqual([0, END_S]);
        asked.push(slotS);
        return events
          .filter(({ agoS }) => endS - agoS >= startS)
          .flatMap(({ agoS, service, good, total }) => {
            const timeS = startS + Math.floor((endS - agoS - startS) / slotS) * slotS;
            return [undefined, { service }].map((group) => ({ timeS, group, good, total }) as KpiRow);
          });
      },
    };
  }

  it('counts every window by itself, of all together and of each group', async () => {
    const events = [
      { agoS: 20 * DAY_S, service: 'shop', good: 800, total: 1000 },
      { agoS: 5 * HOUR_S, service: 'bank', good: 90, total: 100 },
      { agoS: 25 * MINUTE_S, service: 'bank', good: 30, total: 40 },
      { agoS: 1, service: 'shop', good: 5, total: 10 },
    ];
    const asked: number[] = [];
    const slos = await readSlo(
      ERRORS,
      { objective: 0.9, windowS: 30 * DAY_S },
      readerOf(events, asked),
      END_S,
    );
    expect(asked.sort((a, b) => a - b)).toEqual([5 * MINUTE_S, 2 * HOUR_S, 3 * DAY_S, 30 * DAY_S]);
    expect(slos.map(({ group, bad, total }) => [group?.service, bad, total])).toEqual([
      [undefined, 225, 1150],
      ['shop', 205, 1010],
      ['bank', 20, 140],
    ]);
    const [all, , bank] = slos;
    expect(all!.budgetLeft).toBeCloseTo(1 - 225 / 115, 9);
    const rates = (slo: Slo) =>
      slo.burns.map(({ longRate, shortRate }) => [longRate, shortRate].map((rate) => rate?.toFixed(6)));
    const rate = (bad: number, total: number) => (bad / total / 0.1).toFixed(6);
    expect(rates(all!)).toEqual([
      [rate(15, 50), rate(5, 10)],
      [rate(25, 150), rate(15, 50)],
      [rate(25, 150), rate(15, 50)],
      [rate(25, 150), rate(25, 150)],
    ]);
    expect(rates(bank!)[0]).toEqual([rate(10, 40), undefined]);
  });

  it('ends with the last whole minute', async () => {
    const [slo] = await readSlo(UP, objectiveOf(UP)!, readerOf([]), END_S + 59);
    expect(slo).toMatchObject({ group: undefined, state: 'no_data' });
  });
});
