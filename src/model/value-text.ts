/**
 * Values as people read them: 182 ms, 1.2 %, $8.40, 3.4 MB/s. Enters: a value and its unit; leaves: text. Rounds for the eye
 * only: what is compared or sent on is never one of these texts.
 */
import { parseUnit } from './unit.js';

/** What the value is, where the unit alone does not say it. */
export interface ValueKind {
  unit: string;
  /** `ratio`: shares are shown in percent; `money`: amounts in the currency that the unit names. */
  dataType: string;
}

const NO_VALUE = '–';
const PERCENT_FRACTION_MAX = 6;
/** Factor to the base unit, and the name; the first that is not larger than the value is taken. */
const SCALES: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  s: [
    [2 * 86_400, 'd'],
    [2 * 3_600, 'h'],
    [120, 'min'],
    [1, 's'],
    [1e-3, 'ms'],
    [1e-6, 'µs'],
    [1e-9, 'ns'],
  ],
  By: [
    [1e15, 'PB'],
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ],
};
const SECONDS_OF: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, min: 60 };

export function formatValue(value: number | undefined, { unit, dataType }: ValueKind): string {
  if (value === undefined || Number.isNaN(value)) return NO_VALUE;
  const currency = dataType === 'money' ? /\b[A-Z]{3}\b/.exec(unit) : null;
  if (currency !== null) return formatMoney(value, currency[0]) + readRest(unit, currency[0]);
  const { baseUnit, factor, offset, status } = parseUnit(unit);
  if (baseUnit === '1' && (dataType === 'ratio' || unit === '%')) return formatPercent(100 * factor * value);
  if (offset !== 0 || status === 'unknown') return `${formatNumber(value)}${suffix(unit)}`;
  const [scaled, rate = ''] = baseUnit === 'By/s' ? ['By', '/s'] : [baseUnit];
  const scale = SCALES[scaled!];
  if (scale !== undefined) return formatScaled(value * factor, scale) + rate;
  if (baseUnit === '1/s' && factor === 1) return `${formatNumber(value)}${/\/s$/.test(unit) ? '/s' : ' Hz'}`;
  return `${formatNumber(value)}${suffix(unit)}`;
}

/** What stands around a number of this unit where nothing is scaled or rounded: `2 s`, `99 %` for a share of 0.99, `$10/mo`. */
export interface UnitAffixes {
  prefix: string;
  suffix: string;
  /** The number is multiplied by it first. */
  factor: number;
}

export function unitAffixes({ unit, dataType }: ValueKind): UnitAffixes {
  const currency = dataType === 'money' ? /\b[A-Z]{3}\b/.exec(unit) : null;
  if (currency !== null) {
    const prefix = formatMoney(1, currency[0]).replace('1.00', '');
    return { prefix, suffix: readRest(unit, currency[0]), factor: 1 };
  }
  const { baseUnit, factor } = parseUnit(unit);
  if (baseUnit === '1' && (dataType === 'ratio' || unit === '%'))
    return { prefix: '', suffix: ' %', factor: 100 * factor };
  if (baseUnit === '1/s' && factor === 1)
    return { prefix: '', suffix: /\/s$/.test(unit) ? '/s' : ' Hz', factor: 1 };
  return { prefix: '', suffix: suffix(unit), factor: 1 };
}

/** Percent with as many digits as it takes to tell 99.98 from 100. */
export function formatPercent(percent: number): string {
  if (!Number.isFinite(percent)) return formatNumber(percent);
  const toWhole = Math.abs(100 - percent);
  const isNear = toWhole > 0 && toWhole < 1;
  const digits = isNear ? Math.ceil(-Math.log10(toWhole)) + 1 : undefined;
  if (digits !== undefined) return `${trim(percent.toFixed(Math.min(digits, PERCENT_FRACTION_MAX)))} %`;
  return `${formatNumber(percent)} %`;
}

/** Three digits that count, thousands with commas. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '∞';
  if (value === Number.NEGATIVE_INFINITY) return '-∞';
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return value.toExponential(2);
  if (size >= 100) return value.toLocaleString('en-US', { maximumFractionDigits: size < 1000 ? 1 : 0 });
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function formatScaled(value: number, scale: readonly (readonly [number, string])[]): string {
  const size = Math.abs(value);
  const [from, name] =
    size === 0
      ? scale.find(([from]) => from === 1)!
      : (scale.find(([from]) => size >= from * 0.9995) ?? scale.at(-1)!);
  return `${formatNumber(value / (SECONDS_OF[name] ?? from))} ${name}`;
}

function formatMoney(value: number, currency: string): string {
  const size = Math.abs(value);
  const fractionDigits = size >= 1000 ? 0 : size > 0 && size < 0.1 ? 4 : 2;
  return value.toLocaleString('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: Math.min(fractionDigits, 2),
    maximumFractionDigits: fractionDigits,
  });
}

/** `{USD}/{user}/mo` without its currency: `/user/mo`. */
function readRest(unit: string, currency: string): string {
  return unit.replace(new RegExp(`\\{?${currency}\\}?`), '').replaceAll(/[{}]/g, '');
}

/** A unit after a number; annotations say what is counted and are read without braces. */
function suffix(unit: string): string {
  const text = unit.replaceAll(/[{}]/g, '');
  return text === '' || text === '1' ? '' : text.startsWith('/') ? text : ` ${text}`;
}

function trim(decimal: string): string {
  return decimal.replace(/\.?0+$/, '');
}
