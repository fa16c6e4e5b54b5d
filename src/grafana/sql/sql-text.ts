/**
 * Pieces of SQL that many panels share: the grid of time steps, literals, names of dashboard variables. Enters: values of the
 * catalogue; leaves: text. Only macros that the datasource's backend expands are used.
 */
import { quote } from '../../model/sql-literal.js';

/** The time range, seconds since the epoch: as parameters of views they mean the same in any time zone. */
export const FROM_S = 'toUnixTimestamp($__fromTime_ms)';
export const TO_S = 'toUnixTimestamp($__toTime_ms)';

/**
 * Length of a step in seconds: what Grafana takes for the width of the panel, rounded up to whole minutes, hours or days, so
 * that rollups answer.
 */
export const STEP_S =
  'toUInt32(multiIf($__interval_s < 3600, ceil($__interval_s / 60) * 60, $__interval_s < 86400, ceil($__interval_s / 3600) * 3600, ceil($__interval_s / 86400) * 86400))';

/** The time range from a whole step on. */
export const START_S = `intDiv(${FROM_S}, ${STEP_S}) * ${STEP_S}`;

export function quoteList(texts: readonly string[]): string {
  return texts.map(quote).join(', ');
}

/**
 * Characters that would end or change the SQL around a value, percent-encoded in the values of dropdowns. None of Grafana's
 * formats escapes both quotes and backslashes: `sqlstring` doubles quotes, `singlequote` puts a backslash before them,
 * `regex` leaves them. A dollar sign could begin a macro of the datasource. All other characters stay, so that nearly every
 * value is the name itself, also in addresses.
 */
const ENCODED: readonly (readonly [char: string, code: string])[] = [
  ['%', '%25'],
  ["\\'", '%27'],
  ['\\\\', '%5C'],
  ['\\x24', '%24'],
];

/** SQL: the value of a dropdown that stands for a name. `sql` is a text. */
export function toChoice(sql: string): string {
  return ENCODED.reduce((inner, [char, code]) => `replaceAll(${inner}, '${char}', '${code}')`, sql);
}

/** SQL: the name that was chosen, of a variable with exactly one value. */
export function chosenName(variable: string): string {
  return `decodeURLComponent('\${${variable}:raw}')`;
}

/** SQL: a regular expression of the names chosen; `.*` for all of them. Encoded characters stand for themselves in it. */
export function chosenPattern(variable: string): string {
  return `decodeURLComponent(replaceAll('\${${variable}:regex}', '%', '%5C%'))`;
}

/**
 * A condition that a text matches the values chosen of a dashboard variable; all of it has to. The end is \\z, because a dollar
 * sign is Grafana's.
 */
export function isChosen(sql: string, variable: string): string {
  return `match(${sql}, concat('^(?:', ${chosenPattern(variable)}, ')\\\\z'))`;
}

/** SELECTs one below the other, in one order: without the brackets it would be that of the last alone. */
export function unionAll(selects: readonly string[], order: string): string {
  return lines('SELECT *', `FROM (${selects.join('\nUNION ALL\n')})`, `ORDER BY ${order}`);
}

/** Non-empty lines as one text, each on its own. */
export function lines(...parts: (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== '').join('\n');
}
