/**
 * A list of columns from outside (`id UInt32, tags Array(LowCardinality(String))`), read by a grammar that has names, types and
 * their parameters only, and written out again.
 */
import { quote } from '../model/sql-literal.js';
import { quoteIdentifier } from './session-settings.js';

const TYPES: ReadonlySet<string> = new Set([
  ...['Int8', 'Int16', 'Int32', 'Int64', 'Int128', 'Int256', 'Float32', 'Float64', 'BFloat16', 'Bool'],
  ...['UInt8', 'UInt16', 'UInt32', 'UInt64', 'UInt128', 'UInt256', 'UUID', 'IPv4', 'IPv6', 'String'],
  ...['Decimal', 'Decimal32', 'Decimal64', 'Decimal128', 'Decimal256', 'FixedString', 'Enum8', 'Enum16'],
  ...['Date', 'Date32', 'DateTime', 'DateTime64', 'Array', 'Tuple', 'Map', 'Nullable', 'LowCardinality'],
]);
const LENGTH_MAX = 65_536;
const DEPTH_MAX = 20;

/** Names, quoted names, texts and numbers; no escapes. */
const TOKEN = /\s+|[A-Za-z_]\w*|`[^`\\]+`|"[^"\\]+"|'[^'\\]*'|-?\d+|[(),=]/y;

/**
 * Columns in ClickHouse's own spelling; those that have types alone are named _1, _2 and so on.
 * @throws Error where it is anything else.
 */
export function renderColumns(text: string, has: 'names and types' | 'types'): string {
  const tokens = readTokens(text);
  const columns: string[] = [];
  do {
    const name = has === 'types' ? `_${columns.length + 1}` : takeName(tokens);
    columns.push(`${quoteIdentifier(name)} ${takeType(tokens, 0)}`);
  } while (takeIf(tokens, ','));
  if (tokens.length > 0) throw unexpected(tokens[0]);
  return columns.join(', ');
}

/** In reverse: the next one is the last, where taking it costs nothing. */
function readTokens(text: string): string[] {
  if (text.length > LENGTH_MAX) throw new Error(`the structure is longer than ${LENGTH_MAX} characters`);
  const tokens: string[] = [];
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) throw unexpected(text.slice(at, at + 20));
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens.reverse();
}

function takeIf(tokens: string[], wanted: string): boolean {
  if (tokens.at(-1) !== wanted) return false;
  tokens.pop();
  return true;
}

function takeName(tokens: string[]): string {
  const token = tokens.pop();
  if (token === undefined || !/^[A-Za-z_`"]/.test(token)) throw unexpected(token);
  return token.replaceAll(/^[`"]|[`"]$/g, '');
}

function takeType(tokens: string[], depth: number): string {
  const name = tokens.pop();
  if (name === undefined || !/^[A-Za-z_]/.test(name)) throw unexpected(name);
  if (!TYPES.has(name)) throw new Error(`type ${name} is not taken`);
  if (depth > DEPTH_MAX) throw new Error('its types are nested too deeply');
  if (!takeIf(tokens, '(')) return name;
  const parameters: string[] = [];
  do parameters.push(takeParameter(tokens, depth + 1));
  while (takeIf(tokens, ','));
  if (!takeIf(tokens, ')')) throw unexpected(tokens.at(-1));
  return `${name}(${parameters.join(', ')})`;
}

/** A number; a text, in an Enum with its number; a type, in a named Tuple behind its name. */
function takeParameter(tokens: string[], depth: number): string {
  const first = tokens.at(-1);
  const second = tokens.at(-2) ?? '';
  if (first === undefined) throw unexpected(first);
  if (/^-?\d/.test(first)) return tokens.pop()!;
  if (first.startsWith("'")) {
    const text = quote(tokens.pop()!.slice(1, -1));
    return takeIf(tokens, '=') ? `${text} = ${takeNumber(tokens)}` : text;
  }
  const isNamed = /^[A-Za-z_]/.test(second);
  return isNamed
    ? `${quoteIdentifier(takeName(tokens))} ${takeType(tokens, depth)}`
    : takeType(tokens, depth);
}

function takeNumber(tokens: string[]): string {
  const token = tokens.pop();
  if (token === undefined || !/^-?\d/.test(token)) throw unexpected(token);
  return token;
}

function unexpected(token: string | undefined): Error {
  return new Error(
    token === undefined ? 'the structure ends too early' : `unexpected ${token} in the structure`,
  );
}
