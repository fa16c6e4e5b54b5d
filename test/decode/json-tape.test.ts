import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonTape } from '../../src/decode/json-tape.js';
import { PermanentError } from '../../src/model/errors.js';
import { decode, LIMITS } from '../testkit/decode-fixture.js';
import { decodeText, malformed, ofMetric } from '../testkit/json-requests.js';
import { gauge, nestedArrays, numberPoint, request, toJson, toProtobuf } from '../testkit/otlp-message.js';

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
