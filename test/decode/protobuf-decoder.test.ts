/** Requests in protobuf: what must not be lost, the rules of the format, and what is malformed. */
import { describe, expect, it } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { toDoubleBits } from '../testkit/batch-rows.js';
import { createSeriesTable, decode, LIMITS } from '../testkit/decode-fixture.js';
import type { OtlpMessage, OtlpValue } from '../testkit/otlp-arbitrary.js';
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
import { encodeFields, type WireField } from '../testkit/wire-writer.js';

const decodeMessage = (message: OtlpMessage, limits = LIMITS) =>
  decode(toProtobuf(message), 'protobuf', { limits });
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

describe('what is valid and easily lost', () => {
  it('histograms without buckets keep count and sum, and one bucket needs no bounds', () => {
    const { rows } = decodeMessage(
      request(
        histogram({ count: 5n, sum: 2.5 }),
        histogram({ timeUnixNano: NOW_UNIX_NANO - 1n, count: 5n, bucketCounts: [5n] }),
      ),
    );
    expect(rows.histograms.map((h) => [h.count, h.sum, h.bucketCounts, h.explicitBounds])).toEqual([
      [5n, toDoubleBits(2.5), [], []],
      [5n, null, [5n], []],
    ]);
  });

  it('sum, min and max that are 0 are not the same as unset', () => {
    const { rows } = decodeMessage(
      request(
        histogram({ sum: 0, min: 0, max: 0 }),
        histogram({ timeUnixNano: NOW_UNIX_NANO - 1n }),
        exponentialHistogram({ min: -0 }),
      ),
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
      ...ints.map((asInt): OtlpMessage => ({ asInt })),
      ...doubles.map((asDouble): OtlpMessage => ({ asDouble })),
    ].map((value, i) => numberPoint({ ...value, timeUnixNano: NOW_UNIX_NANO - BigInt(i) }));
    const { numbers } = decodeMessage(request(gauge(...points))).rows;
    expect(numbers.slice(0, 3).map((n) => n.valueInt)).toEqual(ints);
    expect(numbers.slice(3).map((n) => n.valueDouble)).toEqual(doubles.map(toDoubleBits));
  });

  it('exponential histograms keep scale, offsets, zero count and zero threshold', () => {
    const fields = {
      count: 2n ** 64n - 1n,
      scale: -3,
      zeroCount: 2n,
      zeroThreshold: 1e-9,
      positive: { offset: -2, bucketCounts: [0n, 2n ** 64n - 303n] },
      negative: { offset: 4, bucketCounts: [300n] },
    };
    expect(decodeMessage(request(exponentialHistogram(fields))).rows.exponentialHistograms).toMatchObject([
      {
        count: 2n ** 64n - 1n,
        scale: -3,
        zeroCount: 2n,
        zeroThreshold: toDoubleBits(1e-9),
        positiveOffset: -2,
        positiveCounts: [0n, 2n ** 64n - 303n],
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

  it('late, out-of-order and repeated points, start = time and no start are all accepted as they are', () => {
    const at = (timeUnixNano: bigint, startTimeUnixNano: bigint) =>
      numberPoint({ timeUnixNano, startTimeUnixNano });
    const times: [bigint, bigint][] = [
      [NOW_UNIX_NANO, NOW_UNIX_NANO],
      [NOW_UNIX_NANO - 5_000_000_000n, 0n],
      [NOW_UNIX_NANO, NOW_UNIX_NANO],
      [NOW_UNIX_NANO, NOW_UNIX_NANO - 1n],
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
