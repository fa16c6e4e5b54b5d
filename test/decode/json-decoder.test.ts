/** The OTLP/JSON mapping: names, nulls, bytes, texts, wrong types. Numbers have a file of their own. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toDoubleBits } from '../testkit/batch-rows.js';
import { decode } from '../testkit/decode-fixture.js';
import {
  decodeText,
  histogramOf,
  malformed,
  ofGauge,
  ofMetric,
  readValue,
  TIME,
} from '../testkit/json-requests.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import {
  gauge,
  NOW_UNIX_NANO,
  numberPoint,
  request,
  stringAttribute,
  sum,
  toJson,
  toProtobuf,
} from '../testkit/otlp-message.js';

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
    expect(readValue('"asInt": 1, "asInt": 2')).toBe(2n);
    expect(readValue('"asInt": 1, "as_int": 2')).toBe(2n);
    expect(readValue('"asDouble": 1, "asInt": 2, "asInt": null')).toBe(toDoubleBits(1));
    const twice = `{"resourceMetrics": 5, "resourceMetrics": [{"scopeMetrics": []}], ${ofGauge(`{${TIME}, "asInt": 1}`).slice(1)}`;
    expect(decodeText(twice).accepted).toBe(1);
    const points = ofMetric(
      `"name": "a", "gauge": {"dataPoints": [{${TIME}, "asInt": 1}], "dataPoints": [{${TIME}, "asInt": 2}]}`,
    );
    expect(decodeText(points).rows.numbers.map((n) => n.valueInt)).toEqual([2n]);
  });

  it('of two cases of a oneof the last counts', () => {
    expect(readValue('"asInt": 1, "asDouble": 2')).toBe(toDoubleBits(2));
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

describe('a request of many points', () => {
  it('gives the rows of its protobuf form', () => {
    const points = Array.from({ length: 3_000 }, (_, i) =>
      numberPoint({
        asInt: BigInt(i),
        timeUnixNano: NOW_UNIX_NANO - BigInt(i),
        attributes: [stringAttribute('route', `/r/${i % 500}`), stringAttribute('long', 'x'.repeat(300))],
      }),
    );
    const message: OtlpMessage = request(sum(...points), gauge(...points));
    const decoded = decode(toJson(message), 'json');
    expect(decoded.accepted).toBe(6_000);
    expect(decoded).toEqual(decode(toProtobuf(message), 'protobuf'));
  });
});
