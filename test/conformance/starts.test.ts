/**
 * What start times mean for increases where senders lose them, move them or give those of something else. Asked before
 * anything is rolled up and after. The property test over random streams is test/property/number-increase.test.ts.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { askIncreases, type Sent, sumOf } from '../testkit/sums-asked.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

const increases = (metric: string, fromS: number, toS: number, stepS: number) =>
  askIncreases(receiver, metric, fromS, toS, stepS);

async function send(process: string, ...metrics: OtlpMessage[]): Promise<void> {
  const resource = { attributes: [stringAttribute('service.instance.id', process)] };
  await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
}

const DAY_S = 86_400;

describe('a start that moves, appears or is lost', () => {
  line('increase.start-moves', 'each point starts at the time of the one before', async () => {
    const points: Sent[] = [110, 120, 130, 140, 150].map((value, i) => ({
      start: i * 60,
      at: (i + 1) * 60,
      value: BigInt(value),
    }));
    await send('moves', sumOf('moves', 'cumulative', points));
    expect(await increases('moves', 0, 360, 60)).toEqual([
      [60, 110],
      [120, 10],
      [180, 10],
      [240, 10],
      [300, 10],
    ]);
    expect(await increases('moves', 0, 3_600, 3_600)).toEqual([[0, 150]]);
    expect(await increases('moves', 0, 3_600, 7)).toHaveLength(5);
  });

  line('increase.start-moves', 'a value below the point before is a restart at that time', async () => {
    await send(
      'moves.restart',
      sumOf('moves.restart', 'cumulative', [
        { start: 0, at: 60, value: 110n },
        { start: 60, at: 120, value: 5n },
        { start: 120, at: 180, value: 8n },
      ]),
    );
    expect(await increases('moves.restart', 0, 240, 60)).toEqual([
      [60, 110],
      [120, 5],
      [180, 3],
    ]);
  });

  line('increase.start-moves', 'no start first, then that of the point before', async () => {
    await send(
      'appears',
      sumOf('appears', 'cumulative', [
        { at: 0, value: 1_000n },
        { start: 0, at: 60, value: 1_001n },
        { start: 0, at: 120, value: 1_003n },
      ]),
    );
    expect(await increases('appears', 0, 180, 60)).toEqual([
      [60, 1],
      [120, 2],
    ]);
  });

  line('increase.start-moves', 'a start that was lost, for one point or for good', async () => {
    await send(
      'lost',
      sumOf('lost', 'cumulative', [
        { start: 0, at: 10, value: 5n },
        { start: 0, at: 70, value: 9n },
        { at: 130, value: 12n },
      ]),
      sumOf('lost.and.found', 'cumulative', [
        { start: 0, at: 10, value: 5n },
        { at: 20, value: 9n },
        { start: 0, at: 30, value: 12n },
        { at: 40, value: 15n },
        { at: 70, value: 16n },
        { start: 0, at: 80, value: 20n },
        { at: 90, value: 21n },
        { start: 0, at: 3_700, value: 25n },
        { at: 3_710, value: 26n },
        { at: 3_720, value: 2n },
        { at: 3_730, value: 4n },
      ]),
    );
    expect(await increases('lost', 0, 180, 60)).toEqual([
      [0, 5],
      [60, 4],
      [120, 3],
    ]);
    expect(await increases('lost.and.found', 0, 7_200, 60)).toEqual([
      [0, 15],
      [60, 6],
      [3_660, 5],
      [3_720, 4],
    ]);
    expect(await increases('lost.and.found', 0, 7_200, 3_600)).toEqual([
      [0, 21],
      [3_600, 9],
    ]);
    expect(await increases('lost.and.found', -DAY_S, DAY_S, 2 * DAY_S)).toEqual([[-DAY_S, 30]]);
  });
});

describe('the first point', () => {
  line('increase.baseline', 'in a database that is younger than the process', async () => {
    await send(
      'old',
      sumOf('old.1', 'cumulative', [
        { start: -1_000, at: 10, value: 5_000n },
        { start: -1_000, at: 70, value: 5_004n },
      ]),
      sumOf('young', 'cumulative', [{ start: -200, at: 10, value: 50n }]),
    );
    // The rest of the first collection, in a request of its own.
    await send('old', sumOf('old.2', 'cumulative', [{ start: -1_000, at: 11, value: 7_000n }]));
    expect(await increases('old.1', 0, 120, 60)).toEqual([[60, 4]]);
    expect(await increases('old.2', 0, 120, 60)).toEqual([]);
    expect(await increases('young', 0, 120, 60)).toEqual([[0, 50]]);
  });

  line('increase.baseline', 'the first error of a process that is known counts in full', async () => {
    await send('old', sumOf('old.errors', 'cumulative', [{ start: -1_000, at: 3_700, value: 2n }]));
    expect(await increases('old.errors', 0, 7_200, 60)).toEqual([[3_660, 2]]);
  });

  line('increase.baseline', 'newest first', async () => {
    await send('backwards', sumOf('backwards', 'cumulative', [{ start: -90_000, at: 3_700, value: 90n }]));
    await send('backwards', sumOf('backwards', 'cumulative', [{ start: -90_000, at: 70, value: 70n }]));
    await send('backwards', sumOf('backwards', 'cumulative', [{ start: -90_000, at: 10, value: 50n }]));
    expect(await increases('backwards', 0, 7_200, 60)).toEqual([
      [60, 20],
      [3_660, 20],
    ]);
  });

  line('increase.baseline', 'a job that exports once at its end, in a database older than it', async () => {
    await send('earlier', sumOf('earlier', 'cumulative', [{ start: -3_010, at: -3_000, value: 1n }]));
    expect(await increases('earlier', -3_600, 0, 3_600)).toEqual([[-3_600, 1]]);
    await send('job', sumOf('job', 'cumulative', [{ start: -2_900, at: 8_000, value: 31n }]));
    expect(await increases('job', 0, 10_000, 10_000)).toEqual([[0, 31]]);
  });
});

describe('counters of the whole machine', () => {
  line('increase.machine-counter', 'a total since boot with the start of the SDK', async () => {
    await send(
      'agent',
      sumOf('system.network.io', 'cumulative', [
        { start: 0, at: 10, value: 5_000_000n },
        { start: 0, at: 70, value: 5_000_040n },
        // The agent was redeployed, the machine ran on.
        { start: 100, at: 130, value: 5_000_050n },
        { start: 100, at: 190, value: 5_000_060n },
        // The machine was restarted.
        { start: 200, at: 250, value: 7n },
      ]),
    );
    expect(await increases('system.network.io', 0, 300, 60)).toEqual([
      [60, 40],
      [120, 10],
      [180, 10],
      [240, 7],
    ]);
    expect(await increases('system.network.io', 0, 3_600, 3_600)).toEqual([[0, 67]]);
  });
});
