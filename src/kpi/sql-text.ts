/**
 * Values of the catalogue as SQL literals, for text that cannot have parameters (a view's, a dashboard's). Nothing from a
 * request ever comes here.
 */

import { quote } from '../model/sql-literal.js';

export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`;
}

/** A Float64 literal; throws RangeError where it is no finite number. */
export function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no number that SQL can have`);
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.` : String(value);
}

/** Condition that `sql` is one of `values`, in which * stands for any characters. */
export function isOneOf(sql: string, values: readonly string[]): string {
  const exact = values.filter((value) => !value.includes('*'));
  const globs = values.filter((value) => value.includes('*'));
  const parts = globs.map((glob) => `match(${sql}, ${quote(toRegex(glob))})`);
  if (exact.length > 0) parts.unshift(`${sql} IN (${exact.map(quote).join(', ')})`);
  return parts.length === 1 ? parts[0]! : `(${parts.join(' OR ')})`;
}

/** A regular expression for values that fit a pattern with *. */
export function toRegex(glob: string): string {
  const escaped = glob.split('*').map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return `^${escaped.join('(?s:.*)')}$`;
}

/** An aggregate function of the rows that meet all conditions; those that are undefined are met by all. */
export function aggregateSql(
  name: string,
  value: string,
  ...conditions: readonly (string | undefined)[]
): string {
  const all = conditions.filter((condition) => condition !== undefined).join(' AND ');
  return all === ''
    ? `${name}(${value})`
    : `${name}If(${[value, all].filter((sql) => sql !== '').join(', ')})`;
}
