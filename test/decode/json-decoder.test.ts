import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonTape } from '../../src/decode/json-tape.js';
import { PermanentError } from '../../src/model/errors.js';
import { toDoubleBits } from '../testkit/batch-rows.js';
import { type Decoded, decode, LIMITS } from '../testkit/decode-fixture.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import {
  gauge,
  NOW_UNIX_NANO,
  nestedArrays,
  numberPoint,
  request,
  stringAttribute,
  sum,
  toJson,
  toProtobuf,
} from '../testkit/otlp-message.js';

const TIME = `"timeUnixNano": "${NOW_UNIX_NANO}"`;
const decodeText = (text: string): Decoded => decode(Buffer.from(text), 'json');
/** A request of one metric; the text is what stands in the metric's object. */
const ofMetric = (text: string) => `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{${text}}]}]}]}`;
const ofGauge = (points: string) => ofMetric(`"name": "a", "gauge": {"dataPoints": [${points}]}`);
/** What became of a gauge's point whose other fields are the text. */
const pointOf = (text: string) => decodeText(ofGauge(`{${TIME}, ${text}}`)).rows.numbers[0]!;
const valueOf = (text: string) => {
  const { valueType, valueInt, valueDouble } = pointOf(text);
  return valueType === 1 ? valueInt : valueType === 2 ? valueDouble : undefined;
};
const histogramOf = (text: string) =>
  decodeText(
    ofMetric(`"name": "a", "histogram": {"aggregationTemporality": 1, "dataPoints": [{${TIME}, ${text}}]}`),
  ).rows.histograms[0]!;

/** Message of the malformed request. */
function malformed(bytes: string | Uint8Array): string {
  try {
    decode(Buffer.from(bytes as string), 'json');
  } catch (error) {
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as PermanentError).kind).toBe('malformed');
    return (error as PermanentError).message;
  }
  throw new Error(
    `accepted: ${Buffer.from(bytes as string)
      .toString()
      .slice(0, 200)}`,
  );
}

describe('the example of the specification', () => {
  const text = readFileSync(new URL('../testkit/otlp-examples/metrics.json', import.meta.url));
  /** The example is of 2018: read with a clock of its day. */
  const nowUnixMs = 1_544_712_660_300;

  it('gives its four points, each in its own series', () => {
    const { rows, accepted, rejections } = decode(text, 'json', { nowUnixMs });
    expect([accepted, rejections]).toEqual([4, []]);
    const time = 1_544_712_660_300_000_000n;
    expect(rows.numbers).toMatchObject([
      { time, startTime: time, kind: 2, valueType: 2, valueDouble: toDoubleBits(5) },
      { time, startTime: 0n, kind: 1, valueType: 2, valueDouble: toDoubleBits(10) },
    ]);
    expect(rows.histograms).toMatchObject([
      {
        count: 2n,
        sum: toDoubleBits(2),
        min: 0n,
        max: toDoubleBits(2),
        explicitBounds: [toDoubleBits(1)],
        bucketCounts: [1n, 1n],
        temporality: 1,
      },
    ]);
    expect(rows.exponentialHistograms).toMatchObject([
      {
        count: 3n,
        sum: toDoubleBits(10),
        scale: 0,
        zeroCount: 1n,
        positiveOffset: 1,
        positiveCounts: [0n, 2n],
        negativeCounts: [],
        min: 0n,
        max: toDoubleBits(5),
        zeroThreshold: 0n,
      },
    ]);
    expect(rows.series.map((row) => [row.series.metricName, row.series.type])).toEqual([
      ['my.counter', 'sum'],
      ['my.gauge', 'gauge'],
      ['my.histogram', 'histogram'],
      ['my.exponential.histogram', 'exponential_histogram'],
    ]);
    expect(rows.series[0]).toMatchObject({
      sourceSystem: 'my.service',
      sourceComponent: 'my.library',
      series: {
        scopeVersion: '1.0.0',
        scopeAttributes: [{ key: 'my.scope.attribute', value: 'some scope attribute', type: 'string' }],
        attributes: [{ key: 'my.counter.attr', value: 'some value', type: 'string' }],
        unit: '1',
        description: 'I am a Counter',
      },
    });
  });

  it('is well-formed in itself: counts are those of the buckets, min and max lie in them', () => {
    const { rows } = decode(text, 'json', { nowUnixMs });
    for (const { count, bucketCounts } of rows.histograms) {
      expect(bucketCounts.reduce((a, b) => a + b, 0n)).toBe(count);
    }
    for (const { count, zeroCount, positiveCounts, negativeCounts } of rows.exponentialHistograms) {
      expect([...positiveCounts, ...negativeCounts].reduce((a, b) => a + b, zeroCount)).toBe(count);
    }
  });
});

describe('integers', () => {
  it('come as texts or bare, and lose no digit in either form', () => {
    for (const value of [
      0n,
      -1n,
      999_999n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      10n ** 18n,
      -123_456_789_012n,
    ]) {
      expect(valueOf(`"asInt": "${value}"`)).toBe(value);
      expect(valueOf(`"asInt": ${value}`)).toBe(value);
    }
    expect(histogramOf('"count": 18446744073709551615').count).toBe(2n ** 64n - 1n);
    expect(
      decodeText(ofGauge(`{"timeUnixNano": ${NOW_UNIX_NANO + 1n}, "asInt": 1}`)).rows.numbers[0]!.time,
    ).toBe(NOW_UNIX_NANO + 1n);
  });

  it('may be written with a fraction of zeros or an exponent, still without losing a digit', () => {
    const forms: [string, bigint][] = [
      ['1.0', 1n],
      ['-0', 0n],
      ['-0.0', 0n],
      ['1e3', 1000n],
      ['"1E+3"', 1000n],
      ['1200e-2', 12n],
      ['9.223372036854775807e18', 2n ** 63n - 1n],
      ['-92233720368547758080e-1', -(2n ** 63n)],
      ['0e99999999999999999999', 0n],
      [`0.${'0'.repeat(30)}5e31`, 5n],
    ];
    for (const [form, value] of forms) expect(valueOf(`"asInt": ${form}`), form).toBe(value);
  });

  it('out of the range of their type are malformed, and so is what is no whole number', () => {
    const wrong = [
      '9223372036854775808',
      '-9223372036854775809',
      '1e19',
      '99999999999999999999999',
      '1e999999999',
      '1.5',
      '5e-1',
      '1e-999999999',
    ];
    for (const value of wrong) {
      for (const form of [value, `"${value}"`]) {
        expect(malformed(ofGauge(`{${TIME}, "asInt": ${form}}`)), form).toMatch(
          /dataPoints\[0\]\.asInt: must/,
        );
      }
    }
    for (const form of [
      '""',
      '" 1"',
      '"1 "',
      '"+1"',
      '"0x1"',
      '"01"',
      '"1_0"',
      '"NaN"',
      '"\\u0031"',
      'true',
      '[]',
      '{}',
      '"one"',
    ]) {
      expect(malformed(ofGauge(`{${TIME}, "asInt": ${form}}`)), form).toMatch(
        /asInt: must be a whole number/,
      );
    }
    expect(malformed(ofGauge(`{${TIME}, "timeUnixNano": -1}`))).toMatch(
      /timeUnixNano: must fit 64 bits without a sign/,
    );
    expect(malformed(ofGauge(`{${TIME}, "timeUnixNano": 18446744073709551616}`))).toMatch(/must fit 64 bits/);
    for (const flags of ['-1', '4294967296', '"4294967296"']) {
      expect(malformed(ofGauge(`{${TIME}, "flags": ${flags}}`))).toMatch(
        /flags: must fit 32 bits without a sign/,
      );
    }
    expect(pointOf('"asInt": 1, "flags": 4294967294').flags).toBe(2 ** 32 - 2);
  });

  it('of 32 bits with a sign have their range too', () => {
    const scaleOf = (scale: string) =>
      ofMetric(
        `"name": "a", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [{${TIME}, "scale": ${scale}}]}`,
      );
    expect(decodeText(scaleOf('-10')).rows.exponentialHistograms[0]!.scale).toBe(-10);
    expect(decodeText(scaleOf('"20"')).rows.exponentialHistograms[0]!.scale).toBe(20);
    for (const scale of ['-2147483648', '2147483647']) {
      expect(decodeText(scaleOf(scale)).rejections[0]!.reason).toBe('scale_out_of_range');
    }
    for (const scale of ['-2147483649', '2147483648'])
      expect(malformed(scaleOf(scale))).toMatch(/scale: must fit 32 bits/);
  });
});

describe('doubles', () => {
  it('come as numbers, as texts of numbers, and as NaN, Infinity and -Infinity', () => {
    const forms: [string, number][] = [
      ['1', 1],
      ['-0', -0],
      ['-0.0', -0],
      ['0.1', 0.1],
      ['"0.1"', 0.1],
      ['1e2', 100],
      ['"-1.5E-7"', -1.5e-7],
      ['5e-324', 5e-324],
      ['1e-400', 0],
      ['123456789012345678', 123456789012345680],
      ['0.30000000000000004', 0.30000000000000004],
      ['1.7976931348623157e308', Number.MAX_VALUE],
      ['"NaN"', Number.NaN],
      ['"Infinity"', Infinity],
      ['"-Infinity"', -Infinity],
    ];
    for (const [form, value] of forms) expect(valueOf(`"asDouble": ${form}`), form).toBe(toDoubleBits(value));
  });

  it('are those that JavaScript reads from the same digits', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
          fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.nat(25)).map(([digits, places]) => {
            const text = digits.toString().padStart(places + 1, '0');
            return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
          }),
        ),
        (digits) => {
          expect(valueOf(`"asDouble": ${digits}`)).toBe(toDoubleBits(Number(digits)));
        },
      ),
      { seed: 4, numRuns: 2_000 },
    );
  });

  it('that are anything else, or beyond the range, are malformed', () => {
    for (const form of ['true', '[]', '{}', '""', '"nan"', '"+1"', '"1."', '"1 "', '1e309', '"-1e309"']) {
      expect(malformed(ofGauge(`{${TIME}, "asDouble": ${form}}`)), form).toMatch(/asDouble: must be/);
    }
  });
});

describe('enums', () => {
  const temporalityOf = (form: string) => {
    const { rows, rejections } = decodeText(
      ofMetric(
        `"name": "a", "sum": {"aggregationTemporality": ${form}, "isMonotonic": true, "dataPoints": [{${TIME}, "asInt": 1}]}`,
      ),
    );
    return rows.series[0]?.series.temporality ?? rejections[0]!.reason;
  };

  it('come by number or by name', () => {
    for (const form of ['1', '"1"', '"AGGREGATION_TEMPORALITY_DELTA"'])
      expect(temporalityOf(form)).toBe('delta');
    for (const form of ['2', '"AGGREGATION_TEMPORALITY_CUMULATIVE"'])
      expect(temporalityOf(form)).toBe('cumulative');
  });

  it('that are unknown cost their points, never the request', () => {
    for (const form of [
      '0',
      '3',
      '-1',
      '"AGGREGATION_TEMPORALITY_UNSPECIFIED"',
      '"AGGREGATION_TEMPORALITY_NEW"',
      '""',
      'null',
    ]) {
      expect(temporalityOf(form), form).toBe('temporality_unspecified');
    }
  });

  it('of a wrong type are malformed', () => {
    for (const form of ['true', '[1]', '{}', '1.5', '2147483648']) {
      expect(malformed(ofMetric(`"sum": {"aggregationTemporality": ${form}}`)), form).toMatch(
        /metrics\[0\]\.sum\.aggregationTemporality: must/,
      );
    }
  });
});

describe('names', () => {
  it('come in lowerCamelCase and in snake_case, with escapes or without', () => {
    const snake = `{"resource_metrics": [{"schema_url": "u", "scope_metrics": [{"metrics": [{"name": "a", "sum":
      {"aggregation_temporality": 2, "is_monotonic": true, "data_points": [{"time_unix_nano": ${NOW_UNIX_NANO}, "as_int": 7}]}}]}]}]}`;
    const camel = snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const escaped = camel.replace('"dataPoints"', '"data\\u0050oints"');
    expect(decodeText(snake).accepted).toBe(1);
    expect(decodeText(camel)).toEqual(decodeText(snake));
    expect(decodeText(escaped)).toEqual(decodeText(snake));
  });

  it('that are unknown are passed over, whatever stands behind them', () => {
    const known = ofGauge(`{${TIME}, "asInt": 7}`);
    const unknown =
      '"x": [{"asInt": ["deep", {"": null}]}, 1e5, "\\u0000", true], "constructor": {}, "__proto__": 5';
    expect(decodeText(known.replaceAll('{', `{${unknown}, `))).toEqual(decodeText(known));
  });

  it('that come twice count as they came last, also where that is null', () => {
    expect(valueOf('"asInt": 1, "asInt": 2')).toBe(2n);
    expect(valueOf('"asInt": 1, "as_int": 2')).toBe(2n);
    expect(valueOf('"asDouble": 1, "asInt": 2, "asInt": null')).toBe(toDoubleBits(1));
    const twice = `{"resourceMetrics": 5, "resourceMetrics": [{"scopeMetrics": []}], ${ofGauge(`{${TIME}, "asInt": 1}`).slice(1)}`;
    expect(decodeText(twice).accepted).toBe(1);
    const points = ofMetric(
      `"name": "a", "gauge": {"dataPoints": [{${TIME}, "asInt": 1}], "dataPoints": [{${TIME}, "asInt": 2}]}`,
    );
    expect(decodeText(points).rows.numbers.map((n) => n.valueInt)).toEqual([2n]);
  });

  it('of two cases of a oneof the last counts', () => {
    expect(valueOf('"asInt": 1, "asDouble": 2')).toBe(toDoubleBits(2));
    const { rows } = decodeText(
      ofMetric(`"name": "a", "summary": {}, "gauge": {"dataPoints": [{${TIME}, "asInt": 1}]}`),
    );
    expect(rows.series[0]!.series.type).toBe('gauge');
  });
});

describe('null', () => {
  it('is absent wherever a value may stand', () => {
    const text = ofGauge(
      `null, {${TIME}, "asInt": 1, "asDouble": null, "startTimeUnixNano": null, "flags": null, "exemplars": [null],
        "attributes": [null, {"key": "a", "value": null}, {"key": "b", "value": {"stringValue": null}}]}`,
    ).replace('"gauge"', '"description": null, "unit": null, "metadata": null, "sum": null, "gauge"');
    const { rows, accepted } = decodeText(text);
    expect(accepted).toBe(1);
    expect(rows.numbers[0]).toMatchObject({ valueInt: 1n, startTime: 0n, flags: 0 });
    expect(rows.series[0]!.series.attributes.map((a) => [a.key, a.type])).toEqual([
      ['a', 'empty'],
      ['b', 'empty'],
    ]);
    for (const empty of [
      '{}',
      '{"resourceMetrics": null}',
      '{"resourceMetrics": [null, {"resource": null, "scopeMetrics": [null]}]}',
    ]) {
      expect(decodeText(empty)).toMatchObject({ accepted: 0, rejections: [] });
    }
  });

  it('as a value, which SDKs write for NaN, costs its point and no other', () => {
    const { rejections, accepted } = decodeText(
      ofGauge(`{${TIME}, "asDouble": null}, {${TIME}, "asDouble": 1}`),
    );
    expect(rejections).toEqual([{ reason: 'value_missing', metricName: 'a', count: 1 }]);
    expect(accepted).toBe(1);
  });

  it('as sum, min or max is unset, which 0 is not', () => {
    expect(histogramOf('"sum": null, "min": 0')).toMatchObject({ sum: null, min: 0n, max: null });
  });
});

describe('bytes', () => {
  const attributeOf = (form: string) => {
    const { rows } = decodeText(
      ofGauge(`{${TIME}, "asInt": 1, "attributes": [{"key": "k", "value": {"bytesValue": ${form}}}]}`),
    );
    return rows.series[0]!.series.attributes[0]!.value;
  };

  it('are base64 of either alphabet, with padding or without', () => {
    for (const form of ['"+/8="', '"-_8="', '"-_8"', '"+/8"']) expect(attributeOf(form)).toBe('+/8=');
    expect(attributeOf('""')).toBe('');
  });

  it('that are no base64 are malformed', () => {
    for (const form of ['"a"', '"a b="', '"=aaa"', '"aaaa==="', '"é"', '5', '["aaaa"]']) {
      expect(
        malformed(ofGauge(`{${TIME}, "attributes": [{"key": "k", "value": {"bytesValue": ${form}}}]}`)),
        form,
      ).toMatch(/attributes\[0\]\.value\.bytesValue: must be a text in base64/);
    }
  });

  it('of IDs are hex in either case; an ID of the wrong length or with other characters is none', () => {
    const idsOf = (ids: string) => {
      const { rows } = decodeText(ofGauge(`{${TIME}, "asInt": 1, "exemplars": [{"asInt": 1, ${ids}}]}`));
      return [rows.exemplars[0]!.traceId, rows.exemplars[0]!.spanId];
    };
    const hex = '5B8EFFF798038103D269B633813FC60C';
    const known = [hex.toLowerCase(), 'eee19b7ec3c1b174'];
    const none = ['0'.repeat(32), '0'.repeat(16)];
    expect(idsOf(`"traceId": "${hex}", "spanId": "EEE19B7EC3C1B174"`)).toEqual(known);
    expect(idsOf(`"trace_id": "${hex.toLowerCase()}", "span_id": "eee19b7ec3c1b174"`)).toEqual(known);
    expect(idsOf('"traceId": "", "spanId": null')).toEqual(none);
    expect(idsOf(`"traceId": "${hex}00", "spanId": "eee19b7ec3c1b1"`)).toEqual(none);
    expect(idsOf(`"traceId": "${hex.slice(1)}x", "spanId": "7uGbfsPBsXQ="`)).toEqual(none);
    expect(malformed(ofGauge(`{${TIME}, "exemplars": [{"traceId": 5}]}`))).toMatch(
      /exemplars\[0\]\.traceId: must be a text/,
    );
  });
});

describe('texts', () => {
  const nameOf = (form: string) =>
    decodeText(ofMetric(`"name": ${form}, "gauge": {"dataPoints": [{${TIME}, "asInt": 1}]}`)).rows.series[0]!
      .series.metricName;

  it('keep every character, escaped or not', () => {
    expect(nameOf('"é😀\\n\\"\\\\\\/\\b\\f\\r\\t\\u00e9\\ud83d\\ude00\\u0000"')).toBe(
      'é😀\n"\\/\b\f\r\té😀\u0000',
    );
    expect(nameOf('"\ufeffa"')).toBe('\ufeffa');
  });

  it('with half an emoji get U+FFFD in its place, as protobuf texts do', () => {
    expect(nameOf('"a\\ud83d"')).toBe('a\ufffd');
  });
});

describe('wrong types are malformed and say where', () => {
  it('with the path from the top, in the names of the request', () => {
    const metrics = `{"name": "x"}, {"sum": {"dataPoints": [{}, {}, {}, {"timeUnixNano": "soon"}]}}`;
    expect(malformed(`{"resourceMetrics": [{}, {"scopeMetrics": [{}, {"metrics": [${metrics}]}]}]}`)).toBe(
      'request is not valid OTLP/JSON: resourceMetrics[1].scopeMetrics[1].metrics[1].sum.dataPoints[3].timeUnixNano: ' +
        'must be a whole number, bare or in quotes',
    );
    expect(malformed('{"resource_metrics": [{"schema_url": 1}]}')).toContain(
      'resource_metrics[0].schema_url: must be a text',
    );
  });

  it('at every level', () => {
    const cases: [string, string][] = [
      ['[]', 'the request: must be an object'],
      ['"text"', 'the request: must be an object'],
      ['5', 'the request: must be an object'],
      ['null', 'the request: must be an object'],
      ['{"resourceMetrics": {}}', 'resourceMetrics: must be an array'],
      ['{"resourceMetrics": [5]}', 'resourceMetrics[0]: must be an object'],
      ['{"resourceMetrics": [{"resource": []}]}', 'resourceMetrics[0].resource: must be an object'],
      [
        '{"resourceMetrics": [{"resource": {"attributes": {}}}]}',
        'resourceMetrics[0].resource.attributes: must be an array',
      ],
      [ofMetric('"name": 12345678901234567890'), 'metrics[0].name: must be a text'],
      [ofMetric('"sum": {"isMonotonic": "true"}'), 'sum.isMonotonic: must be true or false'],
      [ofMetric('"gauge": {"dataPoints": [[]]}'), 'gauge.dataPoints[0]: must be an object'],
      [ofGauge('{"attributes": [{"key": "a", "value": "b"}]}'), 'attributes[0].value: must be an object'],
      [
        ofGauge('{"attributes": [{"value": {"arrayValue": {"values": [{}, {"intValue": []}]}}}]}'),
        'value.arrayValue.values[1].intValue: must be a whole number',
      ],
      [
        ofMetric('"histogram": {"dataPoints": [{"bucketCounts": [1, "2", 3.5]}]}'),
        'bucketCounts[2]: must be a whole number',
      ],
      [
        ofMetric('"histogram": {"dataPoints": [{"explicitBounds": [1, {}]}]}'),
        'explicitBounds[1]: must be a number',
      ],
    ];
    for (const [text, message] of cases) expect(malformed(text)).toContain(message);
  });

  it('also in points that would be rejected, and beside points that are valid', () => {
    const wrong = '{"timeUnixNano": 0, "attributes": [{"key": 1}]}';
    expect(malformed(ofGauge(`{${TIME}, "asInt": 1}, ${wrong}`))).toContain(
      'dataPoints[1].attributes[0].key: must be a text',
    );
  });
});

describe('what is no JSON is malformed', () => {
  it('an empty body, nothing but space, and a byte order mark', () => {
    expect(malformed('')).toContain('it is empty');
    expect(malformed(' \n')).toContain('it is cut short');
    expect(malformed('\ufeff{}')).toContain('byte order mark');
  });

  it('bytes that are not UTF-8, in a value, a name or an unknown field', () => {
    for (const text of ['{"a": "\xff"}', '{"\xc3(": 1}', ofMetric('"name": "\xed\xa0\x80"'), '{}\xc0\x80']) {
      expect(malformed(Buffer.from(text, 'latin1'))).toContain('not UTF-8');
    }
  });

  it('anything behind the request', () => {
    for (const text of ['{} {}', '{}x', '{},', '{}\u0000', '{}]'])
      expect(malformed(text)).toContain('something follows');
    expect(decodeText(' {} \r\n\t').accepted).toBe(0);
  });

  it('anything that JSON does not allow, with the path to it', () => {
    const wrong = [
      "{'a': 1}",
      '{a: 1}',
      '{"a" 1}',
      '{"a": }',
      '{"a": 1,}',
      '[1,]',
      '{"a": [1 2]}',
      '{"a": 01}',
      '{"a": 1.}',
      '{"a": .5}',
      '{"a": +1}',
      '{"a": 1e}',
      '{"a": -}',
      '{"a": tru}',
      '{"a": NaN}',
      '{"a": "\\x"}',
      '{"a": "\\u12G4"}',
      '{"a": "\n"}',
      '{"a": "\u0001"}',
      '{"a": [}',
      '{"a": {]}',
      '{"a": "',
      '{"a": "\\',
      '{"a": [{"b": [1',
      '/**/{}',
      '{"a": 1 // b\n}',
    ];
    for (const text of wrong) malformed(text);
    expect(malformed('{"resourceMetrics": [{}, {"resource": {"attributes": [1 2]}}]}')).toContain(
      'resourceMetrics[1].resource.attributes[1]: not ,',
    );
    expect(malformed('{"a": [1, {"b": tru}]}')).toContain('a[1].b: not a value (at byte 16)');
  });

  it('however deep it is nested: a million levels are refused, not run into', () => {
    for (const text of [
      '['.repeat(1_000_000),
      '{"a":'.repeat(1_000_000),
      `{"x":${'[{"y":'.repeat(500_000)}`,
    ]) {
      expect(malformed(text)).toContain('deeper than 1000 levels');
    }
    expect(malformed('{"resourceMetrics": '.repeat(2000)).length).toBeLessThan(3000);
  });
});

describe('nesting', () => {
  it('of unknown fields may be deep', () => {
    expect(decodeText(`{"x": ${'['.repeat(900)}${']'.repeat(900)}}`).accepted).toBe(0);
  });

  it('of attributes costs the point where it is deeper than the limit, also at the highest limit', () => {
    const limits = { ...LIMITS, attributeDepthMax: 64 };
    const nested = (levels: number) =>
      numberPoint({ attributes: [{ key: 'a', value: nestedArrays(levels) }] });
    const message = request(gauge(nested(64), nested(65), nested(200)));
    const { accepted, rejections } = decode(toJson(message), 'json', { limits });
    expect([accepted, rejections]).toEqual([
      1,
      [{ reason: 'attribute_depth_exceeded', metricName: 'a', count: 2 }],
    ]);
    expect(decode(toProtobuf(message), 'protobuf', { limits })).toEqual(
      decode(toJson(message), 'json', { limits }),
    );
  });
});

describe('a request of many points', () => {
  it('gives the rows of its protobuf form', () => {
    const points = Array.from({ length: 3_000 }, (_, i) =>
      numberPoint({
        asInt: BigInt(i),
        attributes: [stringAttribute('route', `/r/${i % 500}`), stringAttribute('long', 'x'.repeat(300))],
      }),
    );
    const message: OtlpMessage = request(sum(...points), gauge(...points));
    const decoded = decode(toJson(message), 'json');
    expect(decoded.accepted).toBe(6_000);
    expect(decoded).toEqual(decode(toProtobuf(message), 'protobuf'));
  });
});

describe('the tape', () => {
  /** The value a tape stands for. */
  function valueOfToken(tape: JsonTape, token: number): unknown {
    if (tape.isText(token)) return tape.text(token);
    if (tape.isNumber(token)) return Number(tape.bytes.toString('latin1', tape.from(token), tape.to(token)));
    if (tape.isNull(token)) return null;
    if (tape.isArray(token)) {
      const items: unknown[] = [];
      for (let i = token + 1; i < tape.endOfContent(token); i = tape.next(i))
        items.push(valueOfToken(tape, i));
      return items;
    }
    if (!tape.isObject(token)) return tape.firstByte(token) === 't'.charCodeAt(0);
    const entries: [string, unknown][] = [];
    for (let i = token + 1; i < tape.endOfContent(token); i = tape.next(i + 1)) {
      entries.push([tape.text(i), valueOfToken(tape, i + 1)]);
    }
    return Object.fromEntries(entries);
  }

  it('holds what JSON.parse reads from any JSON', () => {
    fc.assert(
      fc.property(fc.json({ depthSize: 'large' }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(valueOfToken(new JsonTape(Buffer.from(spaced)), 0)).toEqual(JSON.parse(spaced));
      }),
      { seed: 5, numRuns: 2_000 },
    );
  });

  it('is made of exactly the texts that JSON.parse takes', () => {
    const parts = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      'u0041',
      '1',
      '0',
      '-',
      '.',
      'e',
      '+',
      'true',
      'null',
      ' ',
      '\n',
      'é',
    ];
    const outcomes = { taken: 0, refused: 0 };
    const check = (text: string) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        outcomes.refused++;
        expect(() => new JsonTape(Buffer.from(text)), text).toThrow(PermanentError);
        return;
      }
      outcomes.taken++;
      expect(valueOfToken(new JsonTape(Buffer.from(text)), 0)).toEqual(parsed);
    };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 8 }), (list) => check(list.join(''))),
      { seed: 6, numRuns: 20_000 },
    );
    // One part more or less somewhere in valid JSON.
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...parts), fc.nat(), fc.nat(2), (text, part, where, lost) => {
        const at = where % (text.length + 1);
        check(text.slice(0, at) + part + text.slice(at + lost));
      }),
      { seed: 7, numRuns: 5_000 },
    );
    expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(1_000);
  });
});
