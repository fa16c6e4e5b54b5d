/** Texts of the catalogue inside SQL: whatever is in them stays a text, as the engine itself reads it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOneOf, numberLiteral, quoteList } from '../../src/kpi/sql-text.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { quote } from '../../src/model/sql-literal.js';
import { openEmptyEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  engine = await openEmptyEngine();
  clickhouse = engine.clickhouse;
});
afterAll(async () => {
  await engine?.close();
});

const NASTY = [
  "'",
  "\\'",
  '\\',
  "'; DROP TABLE series; --",
  '\0',
  '\n\t',
  '`"',
  '/*',
  '{x:String}',
  '$1',
  '\u2028é😀',
];

async function readHex(literals: readonly string[]): Promise<string[]> {
  const [row] = await clickhouse.query<{ texts: string[] }>(
    `SELECT [${literals.map((literal) => `hex(${literal})`).join(', ')}] AS texts`,
  );
  return row!.texts;
}

const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex').toUpperCase();

describe('a text as a literal', () => {
  it('is read by the engine as it was, whatever is in it', async () => {
    const texts = [
      ...NASTY,
      ...fc.sample(fc.string({ unit: 'grapheme', maxLength: 40 }), { numRuns: 300, seed: 1 }),
      ...fc.sample(fc.string({ unit: fc.constantFrom(...NASTY), maxLength: 6 }), { numRuns: 200, seed: 2 }),
    ];
    expect(await readHex(texts.map(quote))).toEqual(texts.map(hex));
    const [row] = await clickhouse.query<{ n: string }>(`SELECT toString(length(${quoteList(texts)})) AS n`);
    expect(Number(row!.n)).toBe(texts.length);
  });
});

describe('a condition on values', () => {
  it('takes * for any characters and every other character for itself', async () => {
    const matches = async (value: string, ...patterns: string[]) => {
      const [row] = await clickhouse.query<{ is: number }>(
        `SELECT toUInt8(${isOneOf(quote(value), patterns)}) AS is`,
      );
      return Number(row!.is) === 1;
    };
    expect(await matches('503', '5*')).toBe(true);
    expect(await matches('403', '5*')).toBe(false);
    expect(await matches('a.c', 'a.c')).toBe(true);
    expect(await matches('abc', 'a.c*')).toBe(false);
    expect(await matches('a.cd', 'a.c*')).toBe(true);
    expect(await matches('line\nbreak', 'line*break')).toBe(true);
    expect(await matches('x', '5*', 'x')).toBe(true);
    expect(await matches("(it's)", "(it's*")).toBe(true);
    expect(await matches('', '*')).toBe(true);
  });
});

describe('a number as a literal', () => {
  it('keeps every bit and refuses what is none', async () => {
    const numbers = [0, -1, 0.1, 1e300, 5e-324, 2 ** 53, 1e21, -1.5e-7];
    const [row] = await clickhouse.query<{ bits: string[] }>(
      `SELECT [${numbers.map((n) => `toString(reinterpretAsUInt64(toFloat64(${numberLiteral(n)})))`).join(', ')}] AS bits`,
    );
    const bits = numbers.map((n) => new BigUint64Array(Float64Array.of(n).buffer)[0]!.toString());
    expect(row!.bits).toEqual(bits);
    expect(() => numberLiteral(Number.NaN)).toThrow(RangeError);
    expect(() => numberLiteral(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});
