import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDoubleBits } from '../testkit/batch-rows.js';
import {
  decodeText,
  histogramOf,
  malformed,
  ofGauge,
  ofMetric,
  pointOf,
  readValue,
  TIME,
} from '../testkit/json-requests.js';
import { NOW_UNIX_NANO } from '../testkit/otlp-message.js';

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
      expect(readValue(`"asInt": "${value}"`)).toBe(value);
      expect(readValue(`"asInt": ${value}`)).toBe(value);
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
    for (const [form, value] of forms) expect(readValue(`"asInt": ${form}`), form).toBe(value);
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
    for (const [form, value] of forms)
      expect(readValue(`"asDouble": ${form}`), form).toBe(toDoubleBits(value));
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
          expect(readValue(`"asDouble": ${digits}`)).toBe(toDoubleBits(Number(digits)));
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
