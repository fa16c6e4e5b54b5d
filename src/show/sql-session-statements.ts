/**
 * SET and USE, the statements that a session keeps. Enters: SQL; leaves: what it sets. Whether a setting may be set is the
 * engine's to say.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { isName, isString, isWord, readText, readTokens } from './sql-tokens.js';

/** Most tokens of a SET; those of 1,000 settings. */
const TOKENS_MAX = 4_000;

/** The database of a USE. */
export function readUse(sql: string): string | undefined {
  if (!isWord(readTokens(sql, 1)[0], 'USE')) return undefined;
  const [, ...rest] = readTokens(sql, 5);
  const name = rest.length === 2 && isWord(rest[0], 'DATABASE') ? rest[1] : rest[0];
  return rest.length <= 2 && rest.at(-1) === name && isName(name) ? readText(name) : undefined;
}

/** The one setting whose value is a map; what it may be is checked where the statement is (src/store/table-filters.ts). */
const MAP_SETTING = 'additional_table_filters';

/**
 * Names and values of a SET of settings, undefined for DEFAULT; undefined where the statement is none.
 * @throws ClickHouseError 48 where a value is no number, string, boolean, or map of additional_table_filters.
 */
export function readSet(sql: string): [name: string, value: string | undefined][] | undefined {
  const [set, name, equals] = readTokens(sql, 4);
  if (!isWord(set, 'SET') || !isName(name) || equals !== '=') return undefined;
  const tokens = readTokens(sql, TOKENS_MAX).slice(1);
  const changes: [string, string | undefined][] = [];
  for (;;) {
    const [changed, sign] = tokens.splice(0, 2);
    if (!isName(changed) || sign !== '=') throw notKept();
    const value = readText(changed) === MAP_SETTING ? takeMap(tokens) : takeValue(tokens);
    if (value === undefined) throw notKept();
    changes.push([readText(changed), value.text]);
    if (tokens.length === 0) return changes;
    if (tokens.shift() !== ',') throw notKept();
  }
}

/** Without text: DEFAULT. */
function takeValue(tokens: string[]): { text: string | undefined } | undefined {
  const sign = tokens[0] === '-' || tokens[0] === '+' ? tokens.shift()! : '';
  const token = tokens.shift();
  if (token !== undefined && /^\d/.test(token)) return { text: `${sign}${token}` };
  if (sign !== '') return undefined;
  if (isString(token)) return { text: readText(token) };
  if (isWord(token, 'TRUE', 'FALSE')) return { text: token!.toLowerCase() };
  return isWord(token, 'DEFAULT') ? { text: undefined } : undefined;
}

/** `{'key' : 'value', …}` as it stands, or what any setting may be. */
function takeMap(tokens: string[]): { text: string | undefined } | undefined {
  if (tokens[0] !== '{') return takeValue(tokens);
  const end = tokens.indexOf('}');
  return end === -1 ? undefined : { text: tokens.splice(0, end + 1).join(' ') };
}

function notKept(): ClickHouseError {
  const message =
    'A session keeps settings whose values are numbers, strings or booleans, and maps only of ' +
    `${MAP_SETTING}; send others with their statement`;
  return new ClickHouseError(48, 'NOT_IMPLEMENTED', message);
}

/** @throws ClickHouseError 48 where the statement makes a temporary table. */
export function refuseTemporaryTables(sql: string): void {
  const words = readTokens(sql, 4).filter((word) => !isWord(word, 'OR', 'REPLACE'));
  if (!isWord(words[0], 'CREATE') || !isWord(words[1], 'TEMPORARY')) return;
  const message =
    'Temporary tables are not supported: a session of this port keeps settings and a database; use WITH … AS (SELECT …) instead';
  throw new ClickHouseError(48, 'NOT_IMPLEMENTED', message);
}
