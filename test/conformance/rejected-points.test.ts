/** Points that are rejected: each costs itself only, the answer says how many and why, SQL has the others. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, request, stringAttribute, toJson, toProtobuf } from '../testkit/otlp-message.js';
import { readResponse } from '../testkit/receiver-fixture.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

const SECOND = 1_000_000_000n;
let sent = 0;

type Type = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';
/** What a point of this type needs at least. */
const VALID: Record<Type, OtlpMessage> = {
  gauge: { asInt: 1n },
  sum: { asDouble: 1 },
  histogram: { count: 1n },
  exponentialHistogram: { count: 1n },
  summary: { count: 1n },
};
const TABLES: Record<Type, string> = {
  gauge: 'number_points',
  sum: 'number_points',
  histogram: 'histogram_points',
  exponentialHistogram: 'exponential_histogram_points',
  summary: 'summary_points',
};

function metricOf(name: string, type: Type, points: OtlpMessage[], header: OtlpMessage = {}): OtlpMessage {
  const hasTemporality = type !== 'gauge' && type !== 'summary';
  const dataPoints = points.map((point, i) => ({
    timeUnixNano: NOW_UNIX_NANO - BigInt(i) * SECOND,
    attributes: [stringAttribute('i', String(i))],
    ...point,
  }));
  return { name, [type]: { ...(hasTemporality && { aggregationTemporality: 1 }), ...header, dataPoints } };
}

/** Sends the bad points between two good ones, in both encodings; one reason must be given for just the bad ones. */
async function expectRejected(type: Type, bad: OtlpMessage[], reason: string): Promise<void> {
  for (const encoding of ['protobuf', 'json'] as const) {
    const name = `rejected.${++sent}`;
    const good = VALID[type];
    const message = request(metricOf(name, type, [good, ...bad, good]));
    const answer = await receiver.post(encoding === 'json' ? toJson(message) : toProtobuf(message), encoding);
    expect(answer.status).toBe(200);
    const body = answer.json ?? readResponse(answer.bytes);
    const { partialSuccess } = body as {
      partialSuccess: { rejectedDataPoints: string; errorMessage: string };
    };
    expect(partialSuccess.rejectedDataPoints).toBe(String(bad.length));
    expect(partialSuccess.errorMessage).toContain(`${bad.length} point`);
    expect(partialSuccess.errorMessage).toContain(`"${name}"`);
    expect(partialSuccess.errorMessage).toContain(reason);
    expect(await countPoints(name, type)).toBe(2);
  }
}

async function countPoints(name: string, type: Type): Promise<number> {
  const [row] = await receiver.stored<{ points: string }>(
    `SELECT count() AS points FROM ${TABLES[type]} FINAL
     WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}')`,
  );
  return Number(row!.points);
}

const TYPES = Object.keys(VALID) as Type[];

describe('points that are rejected', () => {
  line('reject.time-zero', async () => {
    for (const type of TYPES) await expectRejected(type, [{ ...VALID[type], timeUnixNano: 0n }], 'time_zero');
  });

  line('reject.time-in-future', async () => {
    const twoDays = 2n * 86_400n * SECOND;
    const times = [NOW_UNIX_NANO + twoDays, 2n ** 63n, 2n ** 64n - 1n];
    await expectRejected(
      'gauge',
      times.map((timeUnixNano) => ({ asInt: 1n, timeUnixNano })),
      'time_in_future',
    );
  });

  line('reject.temporality', async () => {
    for (const type of ['sum', 'histogram', 'exponentialHistogram'] as const) {
      for (const aggregationTemporality of [0, 3]) {
        const name = `rejected.${++sent}`;
        const points = [VALID[type], VALID[type]];
        const message = request(
          metricOf(name, type, points, { aggregationTemporality }),
          metricOf(`${name}.good`, type, points),
        );
        const { json } = await receiver.post(toJson(message), 'json');
        expect(json).toMatchObject({
          partialSuccess: {
            rejectedDataPoints: '2',
            errorMessage: expect.stringContaining('temporality_unspecified'),
          },
        });
        expect(await countPoints(name, type)).toBe(0);
        expect(await countPoints(`${name}.good`, type)).toBe(2);
      }
    }
  });

  line('reject.value-missing', async () => {
    await expectRejected('gauge', [{}], 'value_missing');
    await expectRejected('sum', [{}, { flags: 2 }], 'value_missing');
  });

  line('reject.bucket-counts', async () => {
    const bad = [
      { bucketCounts: [1n, 2n], explicitBounds: [1, 2] },
      { bucketCounts: [1n, 2n], explicitBounds: [] },
      { bucketCounts: [], explicitBounds: [1] },
    ];
    await expectRejected('histogram', bad, 'bucket_counts_mismatch');
  });

  line('reject.bounds', async () => {
    const bad = [
      [2, 1],
      [1, 1],
      [Number.NaN, 1],
      [0, -0],
    ].map((explicitBounds) => ({
      explicitBounds,
      bucketCounts: [1n, 1n, 1n],
    }));
    await expectRejected('histogram', bad, 'bounds_not_increasing');
  });

  line('reject.bounds', 'infinite ones that are not the outermost, or come twice', async () => {
    const bad = [
      [Infinity, 1],
      [1, -Infinity],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ].map((explicitBounds) => ({ explicitBounds, bucketCounts: [1n, 1n, 1n] }));
    await expectRejected('histogram', bad, 'bounds_not_increasing');
  });

  line('reject.exponential', 'scale', async () => {
    await expectRejected('exponentialHistogram', [{ scale: 21 }, { scale: -11 }], 'scale_out_of_range');
  });

  line('reject.exponential', 'bucket index', async () => {
    const bad = [
      { scale: 0, positive: { offset: 1025, bucketCounts: [1n] } },
      { scale: 0, negative: { offset: -1077, bucketCounts: [1n] } },
      { scale: 0, positive: { offset: 2 ** 31 - 1, bucketCounts: [1n, 1n] } },
    ];
    await expectRejected('exponentialHistogram', bad, 'bucket_index_out_of_range');
  });

  line('reject.quantiles', async () => {
    const bad = [[1.5], [-0.1], [0.5, 0.5], [0.9, 0.5], [Number.NaN]].map((quantiles) => ({
      quantileValues: quantiles.map((quantile) => ({ quantile, value: 1 })),
    }));
    await expectRejected('summary', bad, 'quantiles_invalid');
  });

  line('reject.conflicting-points', async () => {
    const others: Record<Type, OtlpMessage[]> = {
      gauge: [{ asInt: 2n }, { asDouble: 1 }],
      sum: [{ asDouble: 2 }, { asInt: 1n }],
      histogram: [
        { count: 2n, bucketCounts: [2n] },
        { count: 1n, sum: 0 },
      ],
      exponentialHistogram: [{ count: 2n }, { count: 1n, scale: 1 }],
      summary: [
        { count: 2n, quantileValues: [{ quantile: 0.5, value: 1 }] },
        { count: 1n, sum: 1 },
      ],
    };
    for (const type of TYPES) {
      // The identity of the good point before them.
      const identity = { timeUnixNano: NOW_UNIX_NANO, attributes: [stringAttribute('i', '0')] };
      const bad = others[type].map((value) => ({ ...value, ...identity }));
      await expectRejected(type, bad, 'conflicting_point');
      await expectRejected(type, bad, 'service.instance.id');
      await expectRejected(type, bad, 'enable_ip_only_aggregation');
    }
  });

  line('reject.never-the-batch', async () => {
    const name = `rejected.${++sent}`;
    const bad: [Type, OtlpMessage][] = [
      ['gauge', {}],
      ['sum', { asInt: 1n, timeUnixNano: 0n }],
      ['histogram', { bucketCounts: [1n, 1n] }],
      ['exponentialHistogram', { scale: 99 }],
      ['summary', { quantileValues: [{ quantile: 7 }] }],
    ];
    const metrics = bad.map(([type, point]) =>
      metricOf(`${name}.${type}`, type, [VALID[type], point, VALID[type]]),
    );
    const { status, json } = await receiver.post(toJson(request(...metrics)), 'json');
    expect(status).toBe(200);
    expect(json).toMatchObject({ partialSuccess: { rejectedDataPoints: '5' } });
    for (const type of TYPES) expect(await countPoints(`${name}.${type}`, type)).toBe(2);
  });
});
