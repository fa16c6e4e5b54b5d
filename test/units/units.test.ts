/** Units: the table of docs/units.md line by line, conversions there and back, and texts that no unit has. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/model/errors.js';
import { readMetricUnit } from '../../src/model/metric-unit.js';
import { readAtom } from '../../src/model/ucum-atom.js';
import { convert, parseUnit, UnitError } from '../../src/model/unit.js';
import { spellAtom } from '../../src/model/unit-spellings.js';

const documented = readFileSync(new URL('../../docs/units.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => /^\| `([^`]*)` \| (ucum|alias|unknown) \| `([^`]*)` \| (\S+) \| (\S*) *\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, text, status, baseUnit, factor, offset]) => ({
    text: text === ' ' ? '' : text!,
    status,
    baseUnit,
    factor: Number(factor),
    offset: Number(offset),
  }));

describe('parseUnit', () => {
  it('reads every unit of docs/units.md as it says there', () => {
    expect(documented.length).toBeGreaterThanOrEqual(140);
    expect(documented.map(({ text }) => ({ ...parseUnit(text) }))).toEqual(documented);
  });

  it.each([
    ['a count and a size', '{request}', 'By'],
    ['a rate and a count', '1/s', '1'],
    ['a time and a size', 'ms', 'MiBy'],
    ['a mass and a temperature', 'g', 'K'],
    ['metres, whoever means minutes by m, and seconds', 'm', 's'],
    ['two currencies', 'USD', 'EUR'],
    ['bytes and bytes per second', 'By', 'By/s'],
  ])('keeps apart %s', (_name, one, other) => {
    expect(parseUnit(one).baseUnit).not.toBe(parseUnit(other).baseUnit);
  });

  it('gives a base unit that is its own base, for every unit that it can read', () => {
    for (const { text } of documented) {
      const { baseUnit } = parseUnit(text);
      expect(parseUnit(baseUnit)).toMatchObject({ baseUnit, factor: 1, offset: 0 });
    }
  });

  it('overrules UCUM with a guess for bytes by their letter, and hardly for anything else', () => {
    const guessed = new Set<string>();
    const letters = ['', ...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%#'];
    for (const a of letters)
      for (const b of letters)
        for (const c of letters) {
          const atom = a + b + c;
          if (atom !== '' && spellAtom(atom) !== undefined && readAtom(atom) !== undefined) guessed.add(atom);
        }
    const bytes = ['B', 'EB', 'GB', 'GiB', 'KiB', 'MB', 'MiB', 'PB', 'TB', 'TiB', 'kB'];
    // Nobody sends hectoröntgen: an hour, as in any other case.
    expect([...guessed].sort()).toEqual([...bytes, 'hR'].sort());
  });

  it('never fails, prints or gives a number that is none, whatever a sender writes', () => {
    const printed = vi.spyOn(console, 'log');
    const pieces = fc.constantFrom(
      ...'s m h d B y i % { } ( ) [ ] . / * ^ + - 0 1 9 µ ° # " \\ '.split(' '),
      ...[
        'By',
        'Ki',
        'Mi',
        'Cel',
        'bit',
        '10*',
        'dB',
        '[degF]',
        '{request}',
        ' ',
        'per',
        'seconds',
        '\0',
        '\ud800',
      ],
      ...[
        'constructor',
        '__proto__',
        'toString',
        '999',
        '-1',
        'mol',
        'B[10.nV]',
        'm[H2O]',
        '[pi]',
        'undefined',
      ],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 12 }).map((p) => p.join('')),
          fc.string(),
        ),
        (text) => {
          const unit = parseUnit(text);
          expect(unit.text).toBe(text);
          expect(unit.factor).toBeGreaterThan(0);
          expect(unit.factor).toBeLessThan(Infinity);
          expect(Number.isFinite(unit.offset)).toBe(true);
          if (unit.status === 'unknown') expect(unit).toMatchObject({ factor: 1, offset: 0 });
          expect(parseUnit(unit.baseUnit)).toMatchObject({ baseUnit: unit.baseUnit, factor: 1, offset: 0 });
        },
      ),
      { numRuns: 5_000, seed: 12 },
    );
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('does not read units longer than an instrument may have', () => {
    const long = `s.${'1.'.repeat(31)}1`;
    expect(parseUnit(long)).toMatchObject({ baseUnit: long, status: 'unknown' });
    expect(parseUnit(long.slice(0, 63))).toMatchObject({ baseUnit: 's', status: 'ucum' });
  });
});

const documentedNames = readFileSync(new URL('../../docs/units.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => /^\| `([a-z_]+)` \| `([^`]*)` \| (\S+) \| (\S*) *\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, name, baseUnit, factor, offset]) => ({
    name: name!,
    baseUnit,
    factor: Number(factor),
    offset: Number(offset),
  }));

describe('readMetricUnit', () => {
  it('takes the unit of a metric without one from its name, as docs/units.md says', () => {
    expect(documentedNames.length).toBeGreaterThanOrEqual(30);
    for (const { name, ...unit } of documentedNames)
      expect(readMetricUnit(name, ''), name).toEqual({ text: '', status: 'name', ...unit });
  });

  it.each(['', ' ', 'none', 'n/a'])('takes %j for no unit', (unit) => {
    expect(readMetricUnit('http_request_duration_seconds', unit)).toMatchObject({
      text: unit,
      baseUnit: 's',
      status: 'name',
    });
  });

  it.each([
    ['http_request_duration_seconds', 'ms'],
    ['http_request_duration_seconds', '1'],
    ['http_request_duration_seconds', 'whatever'],
    ['queue_bytes', '{request}'],
  ])('leaves %s with the unit %j that was sent', (name, unit) => {
    expect(readMetricUnit(name, unit)).toEqual(parseUnit(unit));
  });

  it.each([
    'http_request_duration_seconds_count',
    'http_request_duration_seconds_bucket',
    'http_requests_total',
    'active_users_30_days',
    'requests_last_5_minutes',
    'cleanups_per_seconds',
    'seconds',
    'requests_in_secondss',
    'megabytes_of_something',
    '_total',
  ])('finds no unit in %s', (name) => {
    expect(readMetricUnit(name, '')).toEqual(parseUnit(''));
  });
});

describe('convert', () => {
  it.each([
    [0.3, 's', 'ms', 300],
    [300, 'ms', 's', 0.3],
    [1_500, 'us', 'ms', 1.5],
    [90, 'min', 'h', 1.5],
    [512, 'MiBy', 'By', 536_870_912],
    [536_870_912, 'bytes', 'MiB', 512],
    [1, 'GiBy', 'GBy', 1.073741824],
    [100, 'Mbit/s', 'MBy/s', 12.5],
    [0.85, '1', '%', 85],
    [85, 'percent', '1', 0.85],
    [120, '{request}/min', 'Hz', 2],
    [7, '{request}', '{error}', 7],
    [7, '', '{error}', 7],
    [20, 'Cel', 'K', 293.15],
    [7, 'USD', 'USD', 7],
    [7, 'dB', 'dB', 7],
  ])('%d %s is in %s %d', (value, from, to, expected) => {
    expect(convert(value, from, to)).toBe(expected);
  });

  it('knows where 0 lies on each scale of temperature', () => {
    expect(convert(32, '[degF]', 'Cel')).toBeCloseTo(0, 10);
    expect(convert(100, 'Cel', '[degF]')).toBeCloseTo(212, 10);
    expect(convert(0, 'K', 'Cel')).toBeCloseTo(-273.15, 10);
  });

  it.each([
    ['ms', 'By', 'unit "ms" cannot be converted to unit "By": they measure different things (s and By)'],
    ['USD', '1', 'unit "USD" cannot be converted to unit "1": they measure different things (USD and 1)'],
    [
      '',
      '%',
      'a value without a unit cannot be converted to unit "%": nothing says what a value without a unit is',
    ],
    [
      '%',
      '',
      'unit "%" cannot be converted to a value without a unit: nothing says what a value without a unit is',
    ],
    [
      '',
      'ms',
      'a value without a unit cannot be converted to unit "ms": they measure different things (1 and s)',
    ],
  ])('refuses %j to %j and names both', (from, to, message) => {
    expect(() => convert(1, from, to)).toThrow(new UnitError(message));
    expect(() => convert(1, from, to)).toThrow(UserError);
  });

  it('leads there and back, between all documented units of one base', () => {
    const known = documented.filter(({ status }) => status !== 'unknown');
    const pairs = known.flatMap((a) =>
      known.filter((b) => b.baseUnit === a.baseUnit).map((b) => [a.text, b.text] as const),
    );
    expect(pairs.length).toBeGreaterThan(2_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        fc.double({ min: -1e12, max: 1e12, noNaN: true }),
        ([from, to], value) => {
          const back = convert(convert(value, from, to), to, from);
          // What a scale with another zero adds takes digits from the value.
          const lost = Math.max(Math.abs(value), 1e3 / parseUnit(from).factor) * 1e-12;
          const { offset } = parseUnit(from);
          expect(Math.abs(back - value)).toBeLessThanOrEqual(
            offset === parseUnit(to).offset ? Math.abs(value) * 1e-14 + 1e-300 : lost,
          );
        },
      ),
      { numRuns: 10_000, seed: 12 },
    );
  });

  it('agrees with the factor and offset that SQL uses', () => {
    for (const { text, baseUnit, factor, offset } of documented) {
      const expected = 7.25 * factor + offset;
      expect(convert(7.25, text, baseUnit!) / expected).toBeCloseTo(1, 14);
    }
  });
});
