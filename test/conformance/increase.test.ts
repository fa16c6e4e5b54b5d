/**
 * Increases of sums as a user asks for them: points over a socket, view number_increase through the SQL port. Each is
 * asked twice, before anything is rolled up and after. The property test over random streams is
 * test/property/number-increase.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { request, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { askIncreases, HOUR_S, nanos, type Sent, sumOf } from '../testkit/sums-asked.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

const increases = (metric: string, fromS: number, toS: number, stepS: number) =>
  askIncreases(receiver, metric, fromS, toS, stepS);

async function send(...metrics: OtlpMessage[]): Promise<void> {
  await receiver.send(request(...metrics));
}

describe('increases', () => {
  line('increase.true-start', async () => {
    await send(
      sumOf('true.start', 'cumulative', [
        { start: 5, at: 10, value: 7n },
        { start: 5, at: 70, value: 9n },
      ]),
    );
    expect(await increases('true.start', 0, 120, 60)).toEqual([
      [0, 7],
      [60, 2],
    ]);
  });

  line('increase.unknown-start', 'start equal to time', async () => {
    await send(
      sumOf('unknown.start', 'cumulative', [
        { start: 10, at: 10, value: 1_000_000n },
        { start: 10, at: 20, value: 1_000_003n },
      ]),
    );
    expect(await increases('unknown.start', 0, 60, 60)).toEqual([[0, 3]]);
  });

  line('increase.unknown-start', 'no start at all', async () => {
    await send(
      sumOf('no.start', 'cumulative', [
        { at: 10, value: 500n },
        { at: 20, value: 504n },
        { at: 70, value: 510n },
      ]),
    );
    expect(await increases('no.start', 0, 120, 60)).toEqual([
      [0, 4],
      [60, 6],
    ]);
  });

  line('increase.reset-by-start', async () => {
    await send(
      sumOf('reset.start', 'cumulative', [
        { start: 0, at: 10, value: 100n },
        { start: 0, at: 20, value: 130n },
        { start: 25, at: 30, value: 150n },
        { start: 25, at: 80, value: 151n },
      ]),
    );
    expect(await increases('reset.start', 0, 120, 60)).toEqual([
      [0, 280],
      [60, 1],
    ]);
  });

  line('increase.reset-by-drop', async () => {
    await send(
      sumOf('reset.drop', 'cumulative', [
        { start: 0, at: 10, value: 100n },
        { start: 0, at: 20, value: 5n },
        { start: 0, at: 70, value: 2n },
      ]),
    );
    expect(await increases('reset.drop', 0, 120, 60)).toEqual([
      [0, 105],
      [60, 2],
    ]);
  });

  line('increase.delta', async () => {
    await send(
      sumOf('deltas', 'delta', [
        { start: 10, at: 10, value: 3n },
        { start: 10, at: 20, value: 4n },
        { at: 30, value: 0.5 },
        { start: 20, at: 65, value: 1n },
      ]),
    );
    expect(await increases('deltas', 0, 120, 60)).toEqual([
      [0, 7.5],
      [60, 1],
    ]);
  });

  line('increase.any-order', async () => {
    const points: Sent[] = [10, 20, 70, 80, 3_700, 7_300].map((at, i) => ({
      start: 0,
      at,
      value: BigInt(i * i + 1),
    }));
    for (const i of [4, 0, 5, 2, 0, 1, 3, 2]) {
      await send(sumOf('any.order', 'cumulative', [points[i]!]));
      await increases('any.order', 0, 7_200, 60);
    }
    expect(await increases('any.order', 0, 10_800, 3_600)).toEqual([
      [0, 10],
      [3_600, 7],
      [7_200, 9],
    ]);
  });

  line('increase.retries', async () => {
    const request = sumOf('retries', 'delta', [
      { start: 0, at: 10, value: 3n },
      { start: 10, at: 20, value: 4n },
    ]);
    for (let i = 0; i < 3; i++) await send(request);
    expect(await increases('retries', 0, 60, 60)).toEqual([[0, 7]]);
    await send(request);
    expect(await increases('retries', 0, 60, 60)).toEqual([[0, 7]]);
  });

  line('model.two-instances', 'neither leaks into the other', async () => {
    await send(
      sumOf('two.instances', 'cumulative', [
        { start: 0, at: 10, value: 1_000n },
        { start: 5, at: 11, value: 1n },
        { start: 0, at: 20, value: 1_010n },
        { start: 5, at: 21, value: 3n },
      ]),
    );
    expect(await increases('two.instances', 0, 60, 60)).toEqual([[0, 1_013]]);
  });

  it('the first step of a range knows the last point before it, however long ago', async () => {
    await send(
      sumOf('long.gap', 'cumulative', [
        { start: -80_000, at: -79_000, value: 40n },
        { start: -80_000, at: 10, value: 42n },
      ]),
    );
    expect(await increases('long.gap', 0, 60, 60)).toEqual([[0, 2]]);
  });

  it('a counter that ran for days before anyone watched does not leak into the first step', async () => {
    const days = 3 * 86_400;
    const resource = { attributes: [stringAttribute('service.instance.id', 'old')] };
    const metrics = [
      sumOf('old.counter', 'cumulative', [
        { start: -days, at: 10, value: 5_000_000n },
        { start: -days, at: 70, value: 5_000_004n },
      ]),
    ];
    await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
    expect(await increases('old.counter', 0, 120, 60)).toEqual([[60, 4]]);
    // The same process an hour later has its first error: SDKs give the start of the process, and it counts in full.
    const later = [
      sumOf('old.counter', 'cumulative', [
        { start: -days, at: 3_700, value: 2n, attributes: [stringAttribute('status', '500')] },
      ]),
    ];
    await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: later }] }] });
    expect(await increases('old.counter', 0, 7_200, 3_600)).toEqual([
      [0, 4],
      [3_600, 2],
    ]);
  });

  it('counters beyond 2^53 grow by what they grow, across minutes and hours', async () => {
    const base = 1n << 61n;
    await send(
      sumOf('huge', 'cumulative', [
        { at: 10, value: base },
        { at: 20, value: base + 1n },
        { at: 70, value: base + 3n },
        { at: 3_700, value: base + 4n },
      ]),
    );
    expect(await increases('huge', 0, 7_200, 60)).toEqual([
      [0, 1],
      [60, 2],
      [3_660, 1],
    ]);
    expect(await increases('huge', 0, 7_200, 3_600)).toEqual([
      [0, 3],
      [3_600, 1],
    ]);
  });

  it('never are negative or NaN, whatever monotonic counters say', async () => {
    await send(
      sumOf('nonsense', 'cumulative', [
        { start: 0, at: 10, value: -5 },
        { start: 0, at: 20, value: Number.NaN },
        { start: 0, at: 30, value: Number.POSITIVE_INFINITY },
        { start: 0, at: 40, value: -7 },
        { start: 0, at: 50, value: 3 },
      ]),
      sumOf('nonsense.delta', 'delta', [
        { at: 10, value: -5 },
        { at: 20, value: Number.NaN },
        { at: 30, value: 2 },
      ]),
    );
    expect(await increases('nonsense', 0, 60, 60)).toEqual([[0, 10]]);
    expect(await increases('nonsense.delta', 0, 60, 60)).toEqual([[0, 2]]);
  });

  it('of sums that go up and down may be negative', async () => {
    await send(
      sumOf(
        'queue',
        'cumulative',
        [
          { start: 0, at: 10, value: 5n },
          { start: 0, at: 70, value: 2n },
        ],
        false,
      ),
    );
    expect(await increases('queue', 0, 120, 60)).toEqual([
      [0, 5],
      [60, -3],
    ]);
  });

  it('a step of 0 is refused with the reason', async () => {
    await expect(increases('queue', 0, 120, 0)).rejects.toThrow(/step_s must be at least 1/);
  });
});

describe('values', () => {
  const gaugeOf = (name: string, points: readonly Sent[]): OtlpMessage => ({
    name,
    gauge: {
      dataPoints: points.map(({ at, value, flags }) => ({
        timeUnixNano: nanos(at),
        ...(value !== undefined && { asDouble: Number(value) }),
        ...(flags !== undefined && { flags }),
      })),
    },
  });

  const last = async (metric: string, at: number) =>
    receiver.sql(
      `SELECT value, age_s, is_ended, is_stale FROM number_last(metric = '${metric}', at_time = fromUnixTimestamp(${HOUR_S + at}), stale_after_s = 300)`,
    );

  line(
    'valid.no-recorded-value',
    'what a series was last, how old that is, and whether it ended',
    async () => {
      await send(
        gaugeOf('temperature', [
          { at: 10, value: 20 },
          { at: 20, value: 21 },
          { at: 30, flags: 1, value: 99 },
          { at: 7_000, value: 22 },
        ]),
      );
      expect(await last('temperature', 5)).toEqual([]);
      expect(await last('temperature', 25)).toEqual([{ value: 21, age_s: 5, is_ended: 0, is_stale: 0 }]);
      expect(await last('temperature', 35)).toEqual([{ value: 21, age_s: 15, is_ended: 1, is_stale: 1 }]);
      expect(await last('temperature', 7_100)).toEqual([{ value: 22, age_s: 100, is_ended: 0, is_stale: 0 }]);
      expect(await last('temperature', 8_000)).toEqual([
        { value: 22, age_s: 1_000, is_ended: 0, is_stale: 1 },
      ]);
    },
  );

  it('in each step of a grid have count, mean, extremes and the last one', async () => {
    const rows = await receiver.sql(
      `SELECT toUnixTimestamp(time) - ${HOUR_S} AS at, toUInt32(count) AS count, mean, min, max, last
       FROM number_values(metric = 'temperature', start_time = fromUnixTimestamp(${HOUR_S}), end_time = fromUnixTimestamp(${HOUR_S + 7_200}), step_s = 3600)
       ORDER BY time`,
    );
    expect(rows).toEqual([
      { at: 0, count: 2, mean: 20.5, min: 20, max: 21, last: 21 },
      { at: 3_600, count: 1, mean: 22, min: 22, max: 22, last: 22 },
    ]);
  });

  it('lead from the slowest requests to their traces', async () => {
    const exemplar = (asDouble: number, trace: number) => ({
      timeUnixNano: nanos(9),
      asDouble,
      traceId: Buffer.alloc(16, trace),
      spanId: Buffer.alloc(8, trace),
    });
    const exemplars = [
      exemplar(0.2, 1),
      exemplar(4.5, 2),
      exemplar(1.5, 3),
      { timeUnixNano: nanos(9), asDouble: 9 },
    ];
    await receiver.send(
      request({
        name: 'slow',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [
            {
              timeUnixNano: nanos(10),
              count: 4n,
              sum: 15.2,
              explicitBounds: [1],
              bucketCounts: [1n, 3n],
              exemplars,
            },
          ],
        },
      }),
    );
    const rows = await receiver.sql(
      `SELECT value, trace_id, span_id FROM metric_exemplars(metric = 'slow', start_time = fromUnixTimestamp(${HOUR_S}), end_time = fromUnixTimestamp(${HOUR_S + 3_600}))
       WHERE trace_id != '' ORDER BY value DESC LIMIT 2`,
    );
    expect(rows).toEqual([
      { value: 4.5, trace_id: '02'.repeat(16), span_id: '02'.repeat(8) },
      { value: 1.5, trace_id: '03'.repeat(16), span_id: '03'.repeat(8) },
    ]);
  });
});
