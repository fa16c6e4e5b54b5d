import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { toDoubleBits } from '../testkit/batch-rows.js';
import { createSeriesTable, decode, LIMITS } from '../testkit/decode-fixture.js';
import type { OtlpMessage, OtlpValue } from '../testkit/otlp-arbitrary.js';
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
import { encodeFields, type WireField } from '../testkit/wire-writer.js';

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

/** A request around the fields of one metric, of one gauge, of one point. */
const wire = {
  metric: (fields: WireField[]) =>
    encodeFields([{ number: 1, message: [{ number: 2, message: [{ number: 2, message: fields }] }] }]),
  gauge: (points: WireField[][]) =>
    wire.metric([
      { number: 1, bytes: Buffer.from('a') },
      { number: 5, message: points.map((message) => ({ number: 1, message })) },
    ]),
  time: { number: 3, fixed64: NOW_UNIX_NANO },
  int: (value: bigint) => ({ number: 6, fixed64: value }),
  text: (number: number, text: string) => ({ number, bytes: Buffer.from(text) }),
};
const decodeWire = (bytes: Uint8Array, series = createSeriesTable()) => decode(bytes, 'protobuf', { series });

function expectMalformed(bytes: Uint8Array, name?: string): void {
  let error: unknown;
  try {
    decodeWire(bytes);
  } catch (thrown) {
    error = thrown;
  }
  expect(error, name).toBeInstanceOf(PermanentError);
  expect((error as PermanentError).kind).toBe('malformed');
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

describe('what is valid and easily lost', () => {
  it('histograms without buckets keep count and sum, and one bucket needs no bounds', () => {
    const { rows } = decodeMessage(
      request(histogram({ count: 5n, sum: 2.5 }), histogram({ count: 5n, bucketCounts: [5n] })),
    );
    expect(rows.histograms.map((h) => [h.count, h.sum, h.bucketCounts, h.explicitBounds])).toEqual([
      [5n, toDoubleBits(2.5), [], []],
      [5n, null, [5n], []],
    ]);
  });

  it('sum, min and max that are 0 are not the same as unset', () => {
    const { rows } = decodeMessage(
      request(histogram({ sum: 0, min: 0, max: 0 }), histogram({}), exponentialHistogram({ min: -0 })),
    );
    const presence = [...rows.histograms, ...rows.exponentialHistograms].map((h) => [h.sum, h.min, h.max]);
    expect(presence).toEqual([
      [0n, 0n, 0n],
      [null, null, null],
      [null, toDoubleBits(-0), null],
    ]);
  });

  it('integers keep all 64 bits, doubles every bit', () => {
    const ints = [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
    const doubles = [-0, Number.NaN, Infinity, -Infinity, 5e-324, 0.1];
    const points = [
      ...ints.map((asInt) => numberPoint({ asInt })),
      ...doubles.map((asDouble) => numberPoint({ asDouble })),
    ];
    const { numbers } = decodeMessage(request(gauge(...points))).rows;
    expect(numbers.slice(0, 3).map((n) => n.valueInt)).toEqual(ints);
    expect(numbers.slice(3).map((n) => n.valueDouble)).toEqual(doubles.map(toDoubleBits));
  });

  it('exponential histograms keep scale, offsets, zero count and zero threshold', () => {
    const fields = {
      count: 7n,
      scale: -3,
      zeroCount: 2n,
      zeroThreshold: 1e-9,
      positive: { offset: -2, bucketCounts: [0n, 2n ** 64n - 1n] },
      negative: { offset: 4, bucketCounts: [300n] },
    };
    expect(decodeMessage(request(exponentialHistogram(fields))).rows.exponentialHistograms).toMatchObject([
      {
        count: 7n,
        scale: -3,
        zeroCount: 2n,
        zeroThreshold: toDoubleBits(1e-9),
        positiveOffset: -2,
        positiveCounts: [0n, 2n ** 64n - 1n],
        negativeOffset: 4,
        negativeCounts: [300n],
      },
    ]);
  });

  it('summaries keep their quantiles', () => {
    const quantileValues = [{ value: 1 }, { quantile: 0.5, value: 2 }, { quantile: 1 }];
    expect(
      decodeMessage(request(summary({ count: 3n, sum: 6, quantileValues }))).rows.summaries,
    ).toMatchObject([
      {
        count: 3n,
        sum: toDoubleBits(6),
        quantiles: [0, 0.5, 1].map(toDoubleBits),
        quantileValues: [1, 2, 0].map(toDoubleBits),
      },
    ]);
  });

  it('a point without a recorded value ends its series: flags stay, whatever value came with it goes', () => {
    const { rows } = decodeMessage(
      request(
        gauge(numberPoint({ asInt: 5n, flags: 1 })),
        histogram({ flags: 1, count: 5n, sum: 1, bucketCounts: [5n], explicitBounds: [3, 2] }),
        exponentialHistogram({
          flags: 3,
          scale: 99,
          positive: { offset: 1, bucketCounts: [1n] },
          zeroCount: 1n,
        }),
        summary({ flags: 1, count: 1n, sum: 1, quantileValues: [{ quantile: 7 }] }),
      ),
    );
    expect(rows.numbers).toMatchObject([{ flags: 1, valueType: 0, valueInt: 0n }]);
    expect(rows.histograms).toMatchObject([
      { flags: 1, count: 0n, sum: null, bucketCounts: [], explicitBounds: [] },
    ]);
    expect(rows.exponentialHistograms).toMatchObject([
      { flags: 3, scale: 0, positiveOffset: 0, positiveCounts: [] },
    ]);
    expect(rows.summaries).toMatchObject([{ flags: 1, count: 0n, sum: 0n, quantiles: [] }]);
  });

  it('late, out-of-order and duplicate points, start = time and no start are all accepted as they are', () => {
    const at = (timeUnixNano: bigint, startTimeUnixNano: bigint) =>
      numberPoint({ timeUnixNano, startTimeUnixNano });
    const times: [bigint, bigint][] = [
      [NOW_UNIX_NANO, NOW_UNIX_NANO],
      [NOW_UNIX_NANO - 5_000_000_000n, 0n],
      [NOW_UNIX_NANO, NOW_UNIX_NANO],
      [NOW_UNIX_NANO, NOW_UNIX_NANO + 1n],
    ];
    const { rows } = decodeMessage(request(sum(...times.map(([time, start]) => at(time, start)))));
    expect(rows.numbers.map((n) => [n.time, n.startTime])).toEqual(times);
  });

  it('exemplars with and without IDs, and with IDs of the wrong length, which are none', () => {
    const traceId = Buffer.alloc(16, 0xab);
    const spanId = Buffer.alloc(8, 0xcd);
    const exemplars: OtlpMessage[] = [
      { traceId, spanId, asDouble: 1.5, timeUnixNano: 7n, filteredAttributes: [stringAttribute('k', 'é')] },
      { asInt: -3n },
      { traceId: traceId.subarray(1), spanId: Buffer.alloc(9, 1) },
    ];
    const { rows } = decodeMessage(request(gauge(numberPoint({ exemplars }))));
    const none = {
      traceId: '0'.repeat(32),
      spanId: '0'.repeat(16),
      pointTime: NOW_UNIX_NANO,
      attributes: [],
    };
    expect(rows.exemplars).toMatchObject([
      {
        traceId: 'ab'.repeat(16),
        spanId: 'cd'.repeat(8),
        time: 7n,
        attributes: [['k', 'é', 1]],
        valueType: 2,
      },
      { ...none, valueType: 1, valueInt: -3n },
      { ...none, valueType: 0 },
    ]);
  });

  it('every kind of attribute value, as text without loss', () => {
    const values: [OtlpMessage, string, string][] = [
      [{}, 'empty', ''],
      [{ stringValue: 'é"\n' }, 'string', 'é"\n'],
      [{ boolValue: false }, 'bool', 'false'],
      [{ intValue: -(2n ** 63n) }, 'int', '-9223372036854775808'],
      [{ doubleValue: -0 }, 'double', '-0'],
      [{ doubleValue: Number.NaN }, 'double', 'NaN'],
      [{ bytesValue: Buffer.from([0, 255]) }, 'bytes', 'AP8='],
      [{ arrayValue: {} }, 'array', '{"arrayValue":{"values":[]}}'],
      [nestedArrays(1), 'array', '{"arrayValue":{"values":[{"stringValue":"x"}]}}'],
      [
        { kvlistValue: { values: [{ key: 'k', value: { intValue: 1n } }, { key: 'e' }] as OtlpValue[] } },
        'kvlist',
        '{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}},{"key":"e","value":{}}]}}',
      ],
    ];
    const attributes = values.map(([value], i) => ({ key: `k${i}`, value }));
    const [row] = decodeMessage(request(gauge(numberPoint({ attributes })))).rows.series;
    expect(row!.series.attributes).toEqual(
      values.map(([, type, value], i) => ({ key: `k${i}`, type, value })),
    );
  });

  it('an index into a table of profiles, which other signals do not have, counts as no value', () => {
    const value = [wire.text(1, 'before'), { number: 8, varint: 3n }];
    const attribute = { number: 7, message: [wire.text(1, 'a'), { number: 2, message: value }] };
    const { rows } = decodeWire(wire.gauge([[wire.time, wire.int(1n), attribute]]));
    expect(rows.series[0]!.series.attributes).toEqual([{ key: 'a', type: 'empty', value: '' }]);
  });

  it('schema URLs, unit, description and metadata reach the series', () => {
    const message: OtlpMessage = {
      resourceMetrics: [
        {
          schemaUrl: 'https://r',
          scopeMetrics: [
            {
              schemaUrl: 'https://s',
              scope: { name: 'lib', version: '2', attributes: [stringAttribute('s', 't')] },
              metrics: [
                {
                  ...sum(numberPoint()),
                  unit: 'By/s',
                  description: 'd',
                  metadata: [stringAttribute('m', 'n')],
                },
              ],
            },
          ],
        },
      ],
    };
    expect(decodeMessage(message).rows.series.map((row) => row.series)).toMatchObject([
      {
        resourceSchemaUrl: 'https://r',
        scopeSchemaUrl: 'https://s',
        scopeName: 'lib',
        scopeVersion: '2',
        scopeAttributes: [{ key: 's', value: 't' }],
        unit: 'By/s',
        description: 'd',
        metadata: [{ key: 'm', value: 'n' }],
        type: 'sum',
        temporality: 'cumulative',
        isMonotonic: true,
      },
    ]);
  });
});

describe('texts', () => {
  const keyOf = (bytes: number[]) => {
    const attribute = { number: 7, message: [{ number: 1, bytes: Buffer.from(bytes) }] };
    return decodeWire(wire.gauge([[wire.time, wire.int(1n), attribute]])).rows.series[0]!.series
      .attributes[0]!.key;
  };

  it('keep a leading U+FEFF, which is no byte order mark here', () => {
    expect(keyOf([0xef, 0xbb, 0xbf, 0x61])).toBe('\ufeffa');
  });

  it('that are not UTF-8 get U+FFFD in place of what is wrong, and cost nothing', () => {
    // Half of an emoji in three bytes, as JavaScript SDKs send it when a length limit cuts a text there.
    expect(keyOf([0x61, 0xed, 0xa0, 0xbd])).toBe('a\ufffd\ufffd\ufffd');
    expect(keyOf([0xff, 0x62])).toBe('\ufffdb');
  });
});

describe('protobuf rules', () => {
  it('a million unknown fields change nothing', () => {
    const unknown = Buffer.alloc(2_000_000, Buffer.from([0x78, 0x01]));
    const known = toProtobuf(request(gauge(numberPoint())));
    expect(decodeWire(Buffer.concat([unknown, known, unknown]))).toEqual(decodeWire(known));
  });

  it('the last case of a oneof counts, and the case before leaves nothing behind', () => {
    const attribute: WireField = {
      number: 7,
      message: [wire.text(1, 'k'), { number: 2, message: [wire.text(1, 'v')] }],
    };
    const points = [{ number: 1, message: [wire.time, wire.int(5n), attribute] }];
    const metric = (name: string, data: WireField[]) => wire.metric([wire.text(1, name), ...data]);
    const gaugeOf: WireField = { number: 5, message: points };
    const sumOf: WireField = { number: 7, message: [...points, { number: 2, varint: 2n }] };

    const series = createSeriesTable();
    const replaced = decodeWire(metric('b', [gaugeOf, sumOf]), series);
    expect(replaced.rows.series.map((row) => [row.series.metricName, row.series.type])).toEqual([
      ['b', 'sum'],
    ]);
    expect(replaced.rows.numbers).toHaveLength(1);
    expect(series.size).toBe(1);
    // What was replaced must not be taken for a series seen before, neither now nor later.
    expect(decodeWire(metric('b', [gaugeOf]), series).rows.series.map((row) => row.series.type)).toEqual([
      'gauge',
    ]);
    const other = decodeWire(
      encodeFields([
        {
          number: 1,
          message: [
            {
              number: 2,
              message: [
                { number: 2, message: [wire.text(1, 'a'), gaugeOf] },
                { number: 2, message: [wire.text(1, 'b'), gaugeOf, sumOf] },
                { number: 2, message: [wire.text(1, 'a'), gaugeOf] },
              ],
            },
          ],
        },
      ]),
      createSeriesTable(),
    );
    const names = new Map(other.rows.series.map((row) => [row.series_id, row.series.metricName]));
    expect(other.rows.numbers.map((row) => names.get(row.series))).toEqual(['a', 'b', 'a']);
  });

  it('points of a metric seen after a replaced case never land in the series of the replaced one', () => {
    const points = [{ number: 1, message: [wire.time, wire.int(5n)] }];
    const gaugeOf: WireField = { number: 5, message: points };
    const metrics = (...list: WireField[][]) =>
      encodeFields([
        { number: 1, message: [{ number: 2, message: list.map((message) => ({ number: 2, message })) }] },
      ]);
    const header = [wire.text(1, 'a'), wire.text(3, 'ms')];
    const series = createSeriesTable();
    // The header of 'a' is the one at hand while the replaced gauge of 'b' is looked at.
    decodeWire(metrics(header, [wire.text(1, 'b'), gaugeOf, { number: 11, message: [] }]), series);
    decodeWire(metrics([wire.text(1, 'b'), gaugeOf]), series);
    const { rows } = decodeWire(metrics([...header, gaugeOf]), series);
    expect(rows.series.map((row) => row.series.metricName)).toEqual(['a']);
    expect(rows.numbers[0]!.series).toBe(rows.series[0]!.series_id);
  });
});

describe('a request is malformed wherever the broken bytes are', () => {
  const broken: WireField = { number: 2, bytes: Buffer.from([0x0a, 0x05]) };
  const badAttribute = (number: number): WireField => ({ number, message: [wire.text(1, 'k'), broken] });

  it('in attributes and exemplars of points that are rejected', () => {
    const timeZero = wire.int(1n);
    expectMalformed(wire.gauge([[timeZero, badAttribute(7)]]), 'time 0');
    expectMalformed(wire.gauge([[wire.time, badAttribute(7)]]), 'no value');
    expectMalformed(wire.gauge([[timeZero, { number: 5, message: [badAttribute(7)] }]]), 'exemplar');
    const histogramPoint: WireField[] = [{ number: 7, bytes: Buffer.alloc(16) }, badAttribute(9)];
    const summaryPoint: WireField[] = [badAttribute(7)];
    for (const [number, point] of [
      [9, histogramPoint],
      [10, [badAttribute(1)]],
      [11, summaryPoint],
    ] as [number, WireField[]][]) {
      const data: WireField = { number, message: [{ number: 1, message: point }] };
      expectMalformed(wire.metric([wire.text(1, 'a'), data]), `data ${number}`);
    }
  });

  it('behind or inside a value that is nested too deep', () => {
    const limits = { ...LIMITS, attributeDepthMax: 0 };
    const deep = (inner: WireField[]): WireField => ({ number: 2, message: [{ number: 5, message: inner }] });
    const pointWith = (attribute: WireField[]) =>
      wire.gauge([[wire.time, wire.int(1n), { number: 7, message: attribute }, { number: 7, message: [] }]]);
    const valid = pointWith([deep([{ number: 1, message: [] }])]);
    expect(decode(valid, 'protobuf', { limits }).rejections).toHaveLength(1);
    for (const attribute of [
      [deep([{ number: 1, message: [broken, { number: 6, bytes: Buffer.from([0x0a, 9]) }] }])],
      [deep([{ number: 1, message: [] }]), broken],
    ]) {
      expect(() => decode(pointWith(attribute), 'protobuf', { limits })).toThrow(PermanentError);
    }
  });

  it('in envelopes without points, in replaced data, in references to entities', () => {
    const resource: WireField = { number: 1, message: [badAttribute(1)] };
    expectMalformed(encodeFields([{ number: 1, message: [resource] }]), 'resource');
    const entity: WireField = { number: 1, message: [{ number: 3, bytes: Buffer.from([0x0a, 0x05]) }] };
    expectMalformed(encodeFields([{ number: 1, message: [entity] }]), 'entity');
    const scope: WireField = { number: 1, message: [badAttribute(3)] };
    expectMalformed(encodeFields([{ number: 1, message: [{ number: 2, message: [scope] }] }]), 'scope');
    expectMalformed(wire.metric([badAttribute(12)]), 'metadata');
    const replaced: WireField = { number: 5, message: [{ number: 1, message: [badAttribute(7)] }] };
    expectMalformed(wire.metric([wire.text(1, 'a'), replaced, { number: 11, message: [] }]), 'replaced');
  });

  it('in packed lists of the wrong length', () => {
    for (const number of [6, 7]) {
      const point: WireField[] = [{ number, bytes: Buffer.alloc(12) }];
      expectMalformed(wire.metric([{ number: 9, message: [{ number: 1, message: point }] }]));
    }
  });
});
