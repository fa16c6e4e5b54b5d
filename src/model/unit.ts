/**
 * Units of metrics. Enters: a unit as it was sent; leaves: the base unit it is a multiple of, and how to get there:
 * value in base = value × factor + offset. Once per series or per distinct unit, never per point; never throws for what
 * a sender wrote. UCUM (ucum.org) is what OTel asks for; other spellings are guesses from unit-spellings.ts.
 */
import { UserError } from './errors.js';
import { BASE_UNITS, type Dimensions, readAtom } from './ucum-atom.js';
import { spellAtom, spellWhole } from './unit-spellings.js';

/** How sure the reading is: UCUM as written, a guess from the table of spellings, taken from the metric's name, or nothing known. */
export type UnitStatus = 'unknown' | 'ucum' | 'alias' | 'name';

export interface Unit {
  /** As it was sent. */
  text: string;
  /** What it is a multiple of, in UCUM: `s`, `By`, `1`, `1/s`, `By/s`, `K` …; the text itself where unknown. */
  baseUnit: string;
  factor: number;
  /** In base units: 273.15 for `Cel`, 0 for nearly everything. */
  offset: number;
  status: UnitStatus;
}

/** The units measure different things: no number leads from one to the other. */
export class UnitError extends UserError {}

/** OTel's limit for the unit of an instrument, characters; longer ones are kept but not read. */
const UNIT_CHARS_MAX = 63;
/** Distinct units that are remembered before the cache is emptied. */
const UNITS_CACHED_MAX = 10_000;
const cache = new Map<string, Unit>();

export function parseUnit(text: string): Unit {
  const cached = cache.get(text);
  if (cached !== undefined) return cached;
  const unit = Object.freeze(text.length > UNIT_CHARS_MAX ? unknown(text) : readUnit(text));
  if (cache.size >= UNITS_CACHED_MAX) cache.clear();
  cache.set(text, unit);
  return unit;
}

/**
 * The same quantity in another unit. Throws UnitError where the units measure different things, or where one of them is
 * not known and the number would change by guessing.
 */
export function convert(value: number, from: string, to: string): number {
  const source = parseUnit(from);
  const target = parseUnit(to);
  if (source.baseUnit !== target.baseUnit) {
    throw new UnitError(
      `${name(source)} cannot be converted to ${name(target)}: they measure different things ` +
        `(${source.baseUnit} and ${target.baseUnit})`,
    );
  }
  const isSame = source.factor === target.factor && source.offset === target.offset;
  if (isSame) return value;
  for (const unit of [source, target]) {
    if (unit.status === 'unknown') {
      throw new UnitError(
        `${name(source)} cannot be converted to ${name(target)}: nothing says what ${name(unit)} is`,
      );
    }
  }
  if (source.offset !== target.offset) {
    return (value * source.factor + source.offset - target.offset) / target.factor;
  }
  return scale(value, source.factor / target.factor);
}

/** Whole ratios either way are made exact first: 0.3 s are 300 ms, not 299.99999999999994. */
function scale(value: number, ratio: number): number {
  const isWhole = (r: number) => Math.abs(r - Math.round(r)) < r * 1e-12;
  if (ratio >= 1) return value * (isWhole(ratio) ? Math.round(ratio) : ratio);
  return isWhole(1 / ratio) ? value / Math.round(1 / ratio) : value * ratio;
}

function name({ text }: Unit): string {
  return text === '' ? 'a value without a unit' : `unit "${text}"`;
}

function unknown(text: string): Unit {
  return { text, baseUnit: text, factor: 1, offset: 0, status: 'unknown' };
}

function readUnit(text: string): Unit {
  const trimmed = text.trim();
  const whole = spellWhole(trimmed);
  // A number without a unit is comparable with plain numbers, but nobody knows whether it is a percentage.
  if (whole === '') return { ...unknown(text), baseUnit: '1' };
  const spelled = whole ?? trimmed.replace(/\s*(\/|\bper\b)\s*/g, '/');
  const product = readProduct(spelled);
  if (product === undefined) return { ...unknown(text), baseUnit: trimmed };
  const status = product.isGuessed || spelled !== text ? 'alias' : 'ucum';
  if (product.ownKind !== undefined) return { text, baseUnit: product.ownKind, factor: 1, offset: 0, status };
  const base = nameBase(product.dimensions);
  return { text, baseUnit: base.text, factor: product.factor / base.factor, offset: product.offset, status };
}

interface Product {
  factor: number;
  offset: number;
  dimensions: Dimensions;
  /** Code of a unit that is only comparable with itself. */
  ownKind?: string;
  isGuessed: boolean;
}

const NO_DIMENSIONS: Dimensions = BASE_UNITS.map(() => 0);
/** A number, or an atom with an optional exponent, each with an optional annotation (here already emptied to {}). */
const COMPONENT =
  /^(?:(?<number>[1-9]\d{0,14})|(?<atom>(?:10[*^]|(?:[^\s\d./(){}[\]+*^-]|\[[^[\]]*\])+))(?<exponent>[+-]?[1-9]\d?)?)?(?:\{\})?$/;

/** Components joined by `.` and `/`; nothing for what is no unit, parentheses among it (no metric's unit has them). */
function readProduct(text: string): Product | undefined {
  const emptied = text.replace(/\{[^{}]*\}/g, '{}');
  const parts = (emptied.startsWith('/') ? `1${emptied}` : emptied).split(/([./])/);
  const product = { factor: 1, offset: 0, dimensions: NO_DIMENSIONS, isGuessed: false };
  for (let i = 0; i < parts.length; i += 2) {
    const match = COMPONENT.exec(parts[i]!);
    if (match === null || parts[i] === '') return undefined;
    const { number, atom, exponent } = match.groups!;
    const sign = parts[i - 1] === '/' ? -1 : 1;
    if (number !== undefined) product.factor *= Number(number) ** sign;
    if (atom === undefined) continue;
    const code = spellAtom(atom);
    product.isGuessed ||= code !== undefined;
    if (code === '1') continue;
    const known = readAtom(code ?? atom);
    if (known === undefined) return undefined;
    const isAlone = parts.length === 1 && exponent === undefined;
    if (known.isOwnKind) return isAlone ? { ...product, ownKind: code ?? atom } : undefined;
    // A temperature on a scale of its own cannot be multiplied: twice 20 °C is not 40 °C.
    if (known.offset !== 0 && !isAlone) return undefined;
    const power = sign * Number(exponent ?? 1);
    product.factor *= known.factor ** power;
    product.offset = known.offset;
    product.dimensions = product.dimensions.map((sum, k) => sum + power * known.dimensions[k]!);
  }
  const isReadable = Number.isFinite(product.factor) && product.factor > 0;
  return isReadable ? product : undefined;
}

/** Base units with a name of their own. */
const NAMED_BASES = ['1', '1/s', 'By/s', 'm/s', 'A', 'V', 'W', 'J', 'N', 'Pa', 'Ohm', 'F'].map((text) => {
  const { factor, dimensions } = readProduct(text)!;
  return { text, factor, dimensions };
});

function nameBase(dimensions: Dimensions): { text: string; factor: number } {
  const named = NAMED_BASES.find((base) => base.dimensions.every((power, k) => power === dimensions[k]));
  if (named !== undefined) return named;
  const over: string[] = [];
  let under = '';
  dimensions.forEach((power, k) => {
    const text = `${BASE_UNITS[k]}${Math.abs(power) > 1 ? Math.abs(power) : ''}`;
    if (power > 0) over.push(text);
    else if (power < 0) under += `/${text}`;
  });
  return { text: `${over.join('.') || '1'}${under}`, factor: 1 };
}
