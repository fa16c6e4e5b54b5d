/** Points that are valid and that receivers are known to lose: taken whole, and SQL has everything that was in them. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import {
  NOW_UNIX_NANO,
  nestedArrays,
  numberPoint,
  request,
  stringAttribute,
  toJson,
  toProtobuf,
} from '../testkit/otlp-message.js';
import { readResponse } from '../testkit/receiver-fixture.js';
import { listPoints } from '../testkit/request-points.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { readStoredRequest } from '../testkit/stored-requests.js';
import { encodeFields } from '../testkit/wire-writer.js';
import { line } from './line.js';

const DEPTH_MAX = 16;

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_ATTRIBUTE_DEPTH_MAX: String(DEPTH_MAX) });
});
afterAll(() => receiver.stop());

const SECOND = 1_000_000_000n;
let sent = 0;

function metricOf(type: string, points: OtlpMessage[]): OtlpMessage {
  const dataPoints = points.map((point, i) => ({
    timeUnixNano: NOW_UNIX_NANO - BigInt(i) * SECOND,
    ...point,
  }));
  const header = type === 'gauge' || type === 'summary' ? {} : { aggregationTemporality: 1 };
  return { name: `valid.${++sent}`, [type]: { ...header, dataPoints } };
}

/** In both encodings the metric is taken whole, and comes back from SQL as it was sent. */
async function expectKept(type: string, points: OtlpMessage[]): Promise<void> {
  for (const encoding of ['protobuf', 'json'] as const) {
    const metric = metricOf(type, points);
    await receiver.send(request(metric), encoding);
    expect(listPoints(await storedRequest(metric.name as string))).toEqual(listPoints(request(metric)));
  }
}

function storedRequest(name: string): Promise<OtlpMessage> {
  return readStoredRequest((sql) => receiver.stored(sql), `metric_name = '${name}'`);
}

describe('points that are valid and easily lost', () => {
  line('valid.no-buckets', async () => {
    await expectKept('histogram', [
      { count: 3n, sum: 4.5 },
      { count: 3n, sum: 4.5, min: 1, max: 2 },
      { count: 0n },
    ]);
  });

  line('valid.one-bucket', async () => {
    await expectKept('histogram', [{ count: 7n, sum: 1, bucketCounts: [7n] }]);
  });

  line('valid.unknown-fields', async () => {
    // A field of three bytes that no version has, a million times, in the point itself.
    const unknown = Buffer.concat(Array<Buffer>(1_000_000).fill(encodeFields([{ number: 100, varint: 1n }])));
    const name = `valid.${++sent}`;
    const metric = (point: Uint8Array) =>
      encodeFields([
        { number: 1, bytes: Buffer.from(name) },
        { number: 5, message: [{ number: 1, bytes: point }] },
      ]);
    const point = encodeFields([
      { number: 3, fixed64: NOW_UNIX_NANO },
      { number: 6, fixed64: 7n },
    ]);
    const body = encodeFields([
      {
        number: 1,
        message: [{ number: 2, message: [{ number: 2, bytes: metric(Buffer.concat([unknown, point])) }] }],
      },
    ]);
    const { status, bytes } = await receiver.post(Buffer.concat([body, unknown]), 'protobuf');
    expect([status, bytes.length]).toEqual([200, 0]);
    const [row] = await receiver.stored(
      `SELECT value FROM number_points FINAL WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}')`,
    );
    expect(row).toEqual({ value: 7 });
  });

  line('valid.exemplars-without-ids', async () => {
    const exemplars = [
      { asInt: 5n, timeUnixNano: NOW_UNIX_NANO - 1n, filteredAttributes: [stringAttribute('user', 'a')] },
      { asDouble: 5.5, timeUnixNano: NOW_UNIX_NANO - 1n },
      {},
    ];
    await expectKept('gauge', [numberPoint({ exemplars })]);
    await expectKept('histogram', [{ count: 1n, exemplars }]);
    await expectKept('exponentialHistogram', [{ count: 1n, exemplars }]);
  });

  line(
    'valid.exemplars-without-ids',
    'those that differ in next to nothing stay apart, and equal ones of one series are one',
    async () => {
      const exemplar = { timeUnixNano: NOW_UNIX_NANO };
      const exemplars = [
        { ...exemplar, asInt: 0n },
        { ...exemplar, asDouble: 0 },
        { ...exemplar, asInt: 0n, filteredAttributes: [stringAttribute('user', 'a')] },
        { ...exemplar, asInt: 0n, filteredAttributes: [stringAttribute('user', 'b')] },
        { ...exemplar, asInt: 0n },
      ];
      const twoStarts = [1n, 2n].map((ageS) => ({
        ...numberPoint({ startTimeUnixNano: NOW_UNIX_NANO - ageS * SECOND, asInt: ageS }),
        exemplars: exemplars.slice(Number(ageS)),
      }));
      await expectKept('gauge', [numberPoint({ exemplars })]);
      await expectKept('gauge', twoStarts);
    },
  );

  line('valid.exemplars-without-ids', 'an ID of another length is none', async () => {
    const metric = metricOf('gauge', [
      numberPoint({
        exemplars: [{ asInt: 1n, traceId: new Uint8Array(15).fill(1), spanId: new Uint8Array(9).fill(1) }],
      }),
    ]);
    await receiver.send(request(metric));
    const withoutIds = { ...metric, gauge: { dataPoints: [numberPoint({ exemplars: [{ asInt: 1n }] })] } };
    expect(listPoints(await storedRequest(metric.name as string))).toEqual(listPoints(request(withoutIds)));
  });

  line('valid.any-value', 'every type, on resource, scope, metric, point and exemplar', async () => {
    const values: OtlpMessage[] = [
      {},
      { stringValue: '' },
      { stringValue: 'text "with" \\ \n\u0000 é😀' },
      { boolValue: false },
      { intValue: -(2n ** 63n) },
      { intValue: 2n ** 53n + 1n },
      { doubleValue: -0 },
      { doubleValue: Number.NaN },
      { doubleValue: -Infinity },
      { doubleValue: 0.1 },
      { bytesValue: new Uint8Array() },
      { bytesValue: Uint8Array.of(0, 255, 10) },
      { arrayValue: {} },
      {
        arrayValue: {
          values: [{}, { intValue: 9007199254740993n }, { arrayValue: { values: [{ boolValue: true }] } }],
        },
      },
      { kvlistValue: {} },
      {
        kvlistValue: {
          values: [{ key: 'b', value: { doubleValue: -0 } }, { key: 'a' }, { key: 'b', value: {} }],
        },
      },
    ];
    const attributes = [
      ...values.map((value, i) => ({ key: `k${i}`, value })),
      { key: 'without' },
      { value: {} },
    ];
    const exemplars = [{ asInt: 1n, filteredAttributes: attributes }];
    for (const encoding of ['protobuf', 'json'] as const) {
      const name = `valid.${++sent}`;
      const dataPoints = [numberPoint({ attributes, exemplars })];
      const message = {
        resourceMetrics: [
          {
            resource: { attributes },
            scopeMetrics: [
              { scope: { attributes }, metrics: [{ name, metadata: attributes, gauge: { dataPoints } }] },
            ],
          },
        ],
      };
      await receiver.send(message, encoding);
      expect(listPoints(await storedRequest(name))).toEqual(listPoints(message));
    }
  });

  line('valid.any-value', 'the depth has a limit, which costs the point and nothing else', async () => {
    const deep = (levels: number) =>
      numberPoint({ attributes: [{ key: 'deep', value: nestedArrays(levels) }] });
    await expectKept('gauge', [deep(DEPTH_MAX)]);
    const metric = metricOf('gauge', [deep(DEPTH_MAX), deep(DEPTH_MAX + 1), deep(300)]);
    const answer = await receiver.post(toProtobuf(request(metric)), 'protobuf');
    expect(answer.status).toBe(200);
    expect(answer.bytes.toString()).toContain('attribute_depth_exceeded');
    expect(listPoints(await storedRequest(metric.name as string))).toHaveLength(1);
  });

  line(
    'valid.any-value',
    'a text that is not UTF-8 is kept with U+FFFD in place of what is not',
    async () => {
      const name = `valid.${++sent}`;
      const value = encodeFields([{ number: 1, bytes: Buffer.from([0x61, 0xff, 0x62]) }]);
      const attribute = encodeFields([
        { number: 1, bytes: Buffer.from('k') },
        { number: 2, bytes: value },
      ]);
      const point = [
        { number: 3, fixed64: NOW_UNIX_NANO },
        { number: 6, fixed64: 7n },
        { number: 7, bytes: attribute },
      ];
      const metric = [
        { number: 1, bytes: Buffer.from(name) },
        { number: 5, message: [{ number: 1, message: point }] },
      ];
      const body = encodeFields([
        { number: 1, message: [{ number: 2, message: [{ number: 2, message: metric }] }] },
      ]);
      expect((await receiver.post(body, 'protobuf')).status).toBe(200);
      const rows = await receiver.stored(
        `SELECT attributes['k'] AS text FROM series FINAL WHERE metric_name = '${name}'`,
      );
      expect(rows).toEqual([{ text: 'a\ufffdb' }]);
    },
  );

  /** Taken whole with a message for the sender, which names the metric and the reason; the last point is stored as `kept`. */
  async function expectFlagged(
    type: string,
    point: OtlpMessage,
    kept: OtlpMessage,
    reason: string,
  ): Promise<void> {
    for (const encoding of ['protobuf', 'json'] as const) {
      const metric = metricOf(type, [point]);
      const body = encoding === 'json' ? toJson(request(metric)) : toProtobuf(request(metric));
      const answer = await receiver.post(body, encoding);
      expect(answer.status).toBe(200);
      const { partialSuccess } = (answer.json ?? readResponse(answer.bytes)) as {
        partialSuccess: { rejectedDataPoints?: string; errorMessage: string };
      };
      expect(partialSuccess.rejectedDataPoints ?? '0').toBe('0');
      expect(partialSuccess.errorMessage).toContain(
        `1 point of "${metric.name as string}" kept and flagged (${reason})`,
      );
      const data = metric[type] as OtlpMessage;
      const dataPoints = [{ timeUnixNano: NOW_UNIX_NANO, ...kept }];
      expect(listPoints(await storedRequest(metric.name as string))).toEqual(
        listPoints(request({ ...metric, [type]: { ...data, dataPoints } })),
      );
    }
  }

  line('valid.infinite-bounds', async () => {
    const cases: [number[], bigint[], number[], bigint[]][] = [
      [
        [0.1, 0.5, Infinity],
        [1n, 2n, 3n],
        [0.1, 0.5],
        [1n, 2n, 3n],
      ],
      [
        [0.1, 0.5, Infinity],
        [1n, 2n, 3n, 4n],
        [0.1, 0.5],
        [1n, 2n, 7n],
      ],
      [
        [-Infinity, 0.1, 0.5],
        [1n, 2n, 3n, 4n],
        [0.1, 0.5],
        [3n, 3n, 4n],
      ],
      [[-Infinity, 0, Infinity], [1n, 2n, 3n, 4n], [0], [3n, 7n]],
    ];
    for (const [explicitBounds, bucketCounts, keptBounds, keptCounts] of cases) {
      const count = bucketCounts.reduce((a, b) => a + b, 0n);
      for (const encoding of ['protobuf', 'json'] as const) {
        const metric = metricOf('histogram', [{ count, explicitBounds, bucketCounts }]);
        await receiver.send(request(metric), encoding);
        const kept = [
          { timeUnixNano: NOW_UNIX_NANO, count, explicitBounds: keptBounds, bucketCounts: keptCounts },
        ];
        expect(listPoints(await storedRequest(metric.name as string))).toEqual(
          listPoints(
            request({ ...metric, histogram: { ...(metric.histogram as OtlpMessage), dataPoints: kept } }),
          ),
        );
      }
    }
  });

  const IMPOSSIBLE_STARTS = [
    11651379494838206464n,
    2n ** 64n - 1n,
    NOW_UNIX_NANO + 1n,
    NOW_UNIX_NANO + 172_800n * SECOND,
  ];

  line('valid.gauge-start', async () => {
    for (const encoding of ['protobuf', 'json'] as const) {
      for (const startTimeUnixNano of [...IMPOSSIBLE_STARTS, NOW_UNIX_NANO - SECOND]) {
        const metric = metricOf('gauge', [{ asInt: 123n, startTimeUnixNano }]);
        await receiver.send(request(metric), encoding);
        const isKept = startTimeUnixNano < NOW_UNIX_NANO;
        const kept = [numberPoint({ asInt: 123n, startTimeUnixNano: isKept ? startTimeUnixNano : 0n })];
        expect(listPoints(await storedRequest(metric.name as string))).toEqual(
          listPoints(request({ ...metric, gauge: { dataPoints: kept } })),
        );
      }
    }
  });

  line('valid.impossible-start', async () => {
    const values: [string, OtlpMessage][] = [
      ['sum', { asInt: 5n }],
      ['histogram', { count: 5n, bucketCounts: [5n] }],
      ['exponentialHistogram', { count: 5n, zeroCount: 5n }],
      ['summary', { count: 5n, sum: 7 }],
    ];
    for (const [type, value] of values) {
      for (const startTimeUnixNano of IMPOSSIBLE_STARTS) {
        await expectFlagged(type, { ...value, startTimeUnixNano }, value, 'start_after_time');
      }
    }
  });

  line('valid.count-and-buckets', 'missing or below: the sum of the buckets', async () => {
    const buckets = { bucketCounts: [5n, 5n, 5n], explicitBounds: [1, 2] };
    const exponential = { zeroCount: 1n, positive: { bucketCounts: [2n] }, negative: { bucketCounts: [3n] } };
    for (const wrong of [{}, { count: 0n }, { count: 5n }]) {
      await expectFlagged(
        'histogram',
        { ...buckets, ...wrong },
        { ...buckets, count: 15n },
        'count_below_buckets',
      );
      const kept = { ...exponential, count: 6n };
      await expectFlagged('exponentialHistogram', { ...exponential, ...wrong }, kept, 'count_below_buckets');
    }
  });

  line('valid.count-and-buckets', 'above: as sent', async () => {
    const buckets = { bucketCounts: [5n, 5n, 5n], explicitBounds: [1, 2], count: 16n };
    await expectFlagged('histogram', buckets, buckets, 'count_above_buckets');
    const exponential = {
      positive: { bucketCounts: [3n, 4n] },
      negative: { bucketCounts: [1n, 1n] },
      count: 10n,
    };
    await expectFlagged('exponentialHistogram', exponential, exponential, 'count_above_buckets');
  });

  line('valid.repeats', async () => {
    const point = numberPoint({ asInt: 5n, startTimeUnixNano: NOW_UNIX_NANO - SECOND });
    for (const encoding of ['protobuf', 'json'] as const) {
      const metric = metricOf('sum', [point, point, point]);
      await receiver.send(request(metric), encoding);
      expect(listPoints(await storedRequest(metric.name as string))).toHaveLength(1);
    }
  });

  line('valid.no-recorded-value', 'its value counts for nothing', async () => {
    const flags = 1;
    const points: [string, OtlpMessage, OtlpMessage][] = [
      ['gauge', { asInt: 7n }, {}],
      ['sum', { asDouble: 7 }, {}],
      ['histogram', { count: 7n, sum: 7, bucketCounts: [1n, 6n], explicitBounds: [1], min: 1, max: 6 }, {}],
      ['histogram', { bucketCounts: [1n, 2n, 3n] }, {}],
      [
        'exponentialHistogram',
        { count: 7n, scale: 3, zeroCount: 7n, positive: { offset: 4, bucketCounts: [7n] } },
        {},
      ],
      ['summary', { count: 7n, sum: 7, quantileValues: [{ quantile: 0.5, value: 7 }] }, {}],
    ];
    for (const [type, value] of points) {
      const metric = metricOf(type, [{ ...value, flags }]);
      await receiver.send(request(metric));
      const kept = {
        ...metric,
        [type]: { ...(metric[type] as OtlpMessage), dataPoints: [{ timeUnixNano: NOW_UNIX_NANO, flags }] },
      };
      expect(listPoints(await storedRequest(metric.name as string))).toEqual(listPoints(request(kept)));
    }
  });

  line('valid.no-recorded-value', 'the view of all points shows none', async () => {
    const metric = metricOf('gauge', [{ asInt: 7n, flags: 1 }, { asInt: 5n }]);
    await receiver.send(request(metric));
    const rows = await receiver.stored(
      `SELECT metric_value FROM performance_metrics WHERE metric_name = '${metric.name as string}'`,
    );
    expect(rows).toEqual([{ metric_value: 5 }]);
  });
});
