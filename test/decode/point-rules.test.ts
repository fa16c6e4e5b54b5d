/** Which points are rejected, for which reason, and that nothing else is. */
import { describe, expect, it } from 'vitest';
import { createSeriesTable, decode, LIMITS } from '../testkit/decode-fixture.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import {
  exponentialHistogram,
  gauge,
  histogram,
  NOW_UNIX_NANO,
  nestedArrays,
  numberPoint,
  request,
  stringAttribute,
  sum,
  summary,
  toProtobuf,
} from '../testkit/otlp-message.js';
import { decodeWire, wire } from '../testkit/wire-requests.js';
import { encodeFields } from '../testkit/wire-writer.js';

const decodeMessage = (message: OtlpMessage, limits = LIMITS) =>
  decode(toProtobuf(message), 'protobuf', { limits });
/** Reason of each rejection, and how many points of the request were accepted. */
function outcomeOf(message: OtlpMessage, limits = LIMITS): [string[], number] {
  const { rejections, accepted, rows } = decodeMessage(message, limits);
  expect(
    rows.numbers.length + rows.histograms.length + rows.exponentialHistograms.length + rows.summaries.length,
  ).toBe(accepted);
  return [rejections.map((r) => r.reason), accepted];
}

describe('requests without points', () => {
  it('are accepted: no bytes at all, and empty resources, scopes, metrics and data', () => {
    const empty: OtlpMessage[] = [
      {},
      { resourceMetrics: [{}] },
      { resourceMetrics: [{ resource: {}, scopeMetrics: [{}] }] },
      request(),
      request({}),
      request({ name: 'a' }),
      request(gauge(), sum(), { name: 'a', summary: {} }),
    ];
    for (const message of empty) expect(outcomeOf(message)).toEqual([[], 0]);
  });
});

describe('points are rejected one by one, for', () => {
  const valid = gauge(numberPoint());

  it('time_unix_nano of 0', () => {
    expect(outcomeOf(request(gauge(numberPoint({ timeUnixNano: 0n }), numberPoint())))).toEqual([
      ['time_zero'],
      1,
    ]);
  });

  it('times too far ahead or too old, judged by the clock that was passed in', () => {
    const at = (ms: number) => gauge(numberPoint({ timeUnixNano: BigInt(NOW_UNIX_MS + ms) * 1_000_000n }));
    const { pointFutureMaxMs, pointAgeMaxMs } = LIMITS;
    expect(outcomeOf(request(at(pointFutureMaxMs + 1), valid))).toEqual([['time_in_future'], 1]);
    expect(outcomeOf(request(at(-pointAgeMaxMs - 1), valid))).toEqual([['time_too_old'], 1]);
    expect(outcomeOf(request(at(pointFutureMaxMs - 1), at(1 - pointAgeMaxMs)))).toEqual([[], 2]);
    expect(outcomeOf(request(gauge(numberPoint({ timeUnixNano: 2n ** 64n - 1n }))))).toEqual([
      ['time_in_future'],
      0,
    ]);
  });

  it('an unspecified or unknown temporality of sums and histograms, which gauges and summaries do not have', () => {
    const dataPoints = [{ timeUnixNano: NOW_UNIX_NANO, asInt: 1n }];
    const distributions = [{ timeUnixNano: NOW_UNIX_NANO }];
    for (const aggregationTemporality of [0, 3, -1, 2 ** 31 - 1]) {
      const metrics = [
        { name: 'a', sum: { dataPoints, aggregationTemporality } },
        { name: 'a', histogram: { dataPoints: distributions, aggregationTemporality } },
        { name: 'a', exponentialHistogram: { dataPoints: distributions, aggregationTemporality } },
      ];
      for (const metric of metrics) {
        expect(outcomeOf(request(metric, valid))).toEqual([['temporality_unspecified'], 1]);
      }
    }
    expect(outcomeOf(request(valid, summary({})))).toEqual([[], 2]);
  });

  it('no value, unless the flag says that there is none', () => {
    const none = { timeUnixNano: NOW_UNIX_NANO };
    expect(outcomeOf(request(gauge(none, numberPoint())))).toEqual([['value_missing'], 1]);
    expect(outcomeOf(request(gauge({ ...none, flags: 1 })))).toEqual([[], 1]);
    expect(outcomeOf(request(gauge({ ...none, flags: 2 })))).toEqual([['value_missing'], 0]);
  });

  it('bucket counts that are not one more than bounds', () => {
    const counts = (bucketCounts: bigint[], explicitBounds: number[]) =>
      outcomeOf(request(histogram({ bucketCounts, explicitBounds }), valid));
    for (const [bucketCounts, bounds] of [
      [[1n], [1]],
      [[], [1]],
      [[1n, 2n], []],
      [[1n, 2n, 3n], [1]],
    ] as [bigint[], number[]][]) {
      expect(counts(bucketCounts, bounds)).toEqual([['bucket_counts_mismatch'], 1]);
    }
    expect(counts([1n, 2n], [1])).toEqual([[], 2]);
  });

  it('bounds that do not increase, NaN among them, while infinite ones may be the outermost', () => {
    const bounds = (...explicitBounds: number[]) =>
      outcomeOf(
        request(histogram({ explicitBounds, bucketCounts: [0n, ...explicitBounds.map(() => 1n)] }), valid),
      );
    for (const wrong of [[1, 1], [2, 1], [Number.NaN], [1, Number.NaN], [-0, 0], [Infinity, Infinity]]) {
      expect(bounds(...wrong)).toEqual([['bounds_not_increasing'], 1]);
    }
    expect(bounds(-Infinity, 0, Infinity)).toEqual([[], 2]);
  });

  it('scales and bucket indexes that no double can have', () => {
    const of = (fields: OtlpMessage) => outcomeOf(request(exponentialHistogram(fields), valid));
    const bucketCounts = [1n];
    for (const scale of [-11, 21, 2 ** 31 - 1, -(2 ** 31)])
      expect(of({ scale })).toEqual([['scale_out_of_range'], 1]);
    for (const buckets of [
      { scale: 0, positive: { offset: 1025, bucketCounts } },
      { scale: 0, negative: { offset: -1077, bucketCounts } },
      { scale: 20, positive: { offset: 2 ** 31 - 1, bucketCounts } },
      { scale: -10, negative: { offset: -(2 ** 31), bucketCounts } },
      { scale: 0, positive: { offset: 1020, bucketCounts: [1n, 1n, 1n, 1n, 1n, 1n] } },
    ]) {
      expect(of(buckets)).toEqual([['bucket_index_out_of_range'], 1]);
    }
    expect(
      of({ scale: 0, positive: { offset: 1023, bucketCounts }, negative: { offset: -1075, bucketCounts } }),
    ).toEqual([[], 2]);
    // An offset without buckets says nothing.
    expect(of({ scale: 0, positive: { offset: 2 ** 31 - 1 } })).toEqual([[], 2]);
  });

  it('quantiles outside 0 to 1 or not increasing', () => {
    const of = (...quantiles: number[]) =>
      outcomeOf(
        request(summary({ quantileValues: quantiles.map((quantile) => ({ quantile, value: 1 })) }), valid),
      );
    for (const wrong of [[-0.1], [1.1], [Number.NaN], [0.5, 0.5], [0.9, 0.5]]) {
      expect(of(...wrong)).toEqual([['quantiles_invalid'], 1]);
    }
    expect(of(0, 0.5, 1)).toEqual([[], 2]);
  });

  it('a metric without a name', () => {
    expect(outcomeOf(request({ ...valid, name: '' }, valid))).toEqual([['metric_without_name'], 1]);
  });

  it('one count for all points of a metric and reason, with the name of the metric', () => {
    const { rejections } = decodeMessage(
      request(
        gauge(numberPoint({ timeUnixNano: 0n }), numberPoint({ timeUnixNano: 0n }), { timeUnixNano: 1n }),
        {
          ...gauge(numberPoint({ timeUnixNano: 0n })),
          name: 'b',
        },
      ),
    );
    expect(rejections).toEqual([
      { reason: 'time_zero', metricName: 'a', count: 2 },
      { reason: 'value_missing', metricName: 'a', count: 1 },
      { reason: 'time_zero', metricName: 'b', count: 1 },
    ]);
  });
});

describe('attributes nested too deep', () => {
  const limits = { ...LIMITS, attributeDepthMax: 2 };
  const attribute = (levels: number) => [{ key: 'a', value: nestedArrays(levels) }];

  it('cost their point, at the level after the last that is allowed', () => {
    const points = gauge(
      numberPoint({ attributes: attribute(2) }),
      numberPoint({ attributes: attribute(3) }),
    );
    expect(outcomeOf(request(points), limits)).toEqual([['attribute_depth_exceeded'], 1]);
  });

  it('of a resource, scope or metric cost every point below and none beside, also when seen again', () => {
    const deep = attribute(3);
    const points = gauge(numberPoint(), numberPoint({ attributes: [stringAttribute('x', 'y')] }));
    const message: OtlpMessage = {
      resourceMetrics: [
        { resource: { attributes: deep }, scopeMetrics: [{ metrics: [points] }] },
        { scopeMetrics: [{ scope: { attributes: deep }, metrics: [points] }, { metrics: [points] }] },
        ...(request({ ...points, metadata: deep }).resourceMetrics as OtlpMessage[]),
      ],
    };
    const series = createSeriesTable();
    for (let i = 0; i < 2; i++) {
      const { accepted, rejections } = decode(toProtobuf(message), 'protobuf', { limits, series });
      expect(accepted).toBe(2);
      expect(rejections).toEqual([{ reason: 'attribute_depth_exceeded', metricName: 'a', count: 6 }]);
    }
  });

  it('of an exemplar are left out, and the exemplar stays', () => {
    const exemplars = [{ filteredAttributes: [...attribute(3), stringAttribute('kept', 'v')] }];
    const { rows, accepted } = decodeMessage(request(gauge(numberPoint({ exemplars }))), limits);
    expect(accepted).toBe(1);
    expect(rows.exemplars.map((e) => e.attributes)).toEqual([[['kept', 'v', 1]]]);
  });

  it('may be a hundred thousand levels deep without harm', () => {
    let value = encodeFields([{ number: 1, bytes: Buffer.from('x') }]);
    const parts: Buffer[] = [value];
    for (let i = 0; i < 100_000; i++) {
      // Heads only, innermost first: an ArrayValue around the value, an AnyValue around that.
      for (const head of [0x0a, 0x2a]) {
        value = Buffer.concat([Buffer.from([head]), lengthOf(parts)]);
        parts.push(value);
      }
    }
    const deep = Buffer.concat(parts.reverse());
    const point = [wire.time, wire.int(1n), { number: 7, message: [{ number: 2, bytes: deep }] }];
    const { rejections, accepted } = decodeWire(wire.gauge([point, [wire.time, wire.int(1n)]]));
    expect(rejections.map((r) => r.reason)).toEqual(['attribute_depth_exceeded']);
    expect(accepted).toBe(1);
  });

  let total = 0;
  /** Length of all parts as a varint; parts only ever grow. */
  function lengthOf(parts: Buffer[]): Buffer {
    total = parts.length === 1 ? parts[0]!.length : total + parts.at(-1)!.length;
    const bytes: number[] = [];
    let rest = total;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    return Buffer.from([...bytes, rest]);
  }
});
