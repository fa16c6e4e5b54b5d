/**
 * What Grafana makes of the SQL of a panel before ClickHouse sees it: its frontend puts in the values of dashboard variables,
 * the backend of the ClickHouse datasource expands the $__ macros. Written from the behaviour of its pkg/macros (4.20) and of
 * the macro engine below it, so that tests ask what Grafana would ask. Knows no macro that only the query editor has.
 */

export interface MacroContext {
  /** Time range of the dashboard, or of the alert rule. */
  fromMs: number;
  toMs: number;
  /** Of the panel: range / points, at least its min interval; `intervalMs` of an alert's query. */
  intervalMs: number;
}

/** A custom "all" value is put in as it is, whatever format is asked for. */
export type VariableValue = string | readonly string[] | { allValue: string };

type Macro = (context: MacroContext, args: readonly string[]) => string;

const dateTime = (ms: number) => `toDateTime(${Math.floor(ms / 1000)})`;
const dateTime64 = (ms: number) => `fromUnixTimestamp64Milli(${Math.floor(ms)})`;
const date = (ms: number) => `toDate('${new Date(ms).toISOString().slice(0, 10)}')`;
const seconds = ({ intervalMs }: MacroContext) => Math.max(Math.floor(intervalMs / 1000), 1);
const startOfSecond = (column: string, lengthS: number) =>
  `toStartOfInterval(toDateTime(${column}), INTERVAL ${lengthS} second)`;

function between(column: string, { fromMs, toMs }: MacroContext, render: (ms: number) => string): string {
  return `${column} >= ${render(fromMs)} AND ${column} <= ${render(toMs)}`;
}

/** A macro of so many arguments. */
function withArgs(count: number, render: Macro): Macro {
  return (context, args) => {
    if (args.length !== count) throw new Error(`expected ${count} argument(s), received ${args.length}`);
    return render(context, args);
  };
}

const dateTimeFilter = withArgs(
  2,
  (context, [day, time]) => `(${between(day!, context, date)}) AND (${between(time!, context, dateTime)})`,
);

const MACROS: Readonly<Record<string, Macro>> = {
  fromTime: ({ fromMs }) => dateTime(fromMs),
  toTime: ({ toMs }) => dateTime(toMs),
  fromTime_ms: ({ fromMs }) => dateTime64(fromMs),
  toTime_ms: ({ toMs }) => dateTime64(toMs),
  timeFilter: withArgs(1, (context, [column]) => between(column!, context, dateTime)),
  timeFilter_ms: withArgs(1, (context, [column]) => between(column!, context, dateTime64)),
  timeFrom: withArgs(1, ({ fromMs }, [column]) => `${column} >= ${dateTime(fromMs)}`),
  timeTo: withArgs(1, ({ toMs }, [column]) => `${column} <= ${dateTime(toMs)}`),
  dateFilter: withArgs(1, (context, [column]) => between(column!, context, date)),
  dateTimeFilter,
  dt: dateTimeFilter,
  timeInterval: withArgs(1, (context, [column]) => startOfSecond(column!, seconds(context))),
  timeInterval_ms: withArgs(
    1,
    ({ intervalMs }, [column]) =>
      `toStartOfInterval(toDateTime64(${column}, 3), INTERVAL ${Math.max(Math.floor(intervalMs), 1)} millisecond)`,
  ),
  timeGroup: withArgs(2, (_, [column, length]) => startOfSecond(column!, durationSeconds(length!))),
  interval_s: (context) => `${seconds(context)}`,
  interval_ms: ({ intervalMs }) => `${Math.floor(intervalMs)}`,
  interval: ({ intervalMs }) => shortDuration(intervalMs),
};

/** They rewrite whole statements; nothing of ours uses them. */
const STATEMENT_MACROS = /\$__(columns|rateColumns|perSecondColumns|increaseColumns|lttb)\b/;

/** The SQL that the datasource's backend sends. Macros that it does not know stay as they are. */
export function expandMacros(sql: string, context: MacroContext): string {
  let expanded = blankComments(sql);
  if (STATEMENT_MACROS.test(expanded)) throw new Error('statement macros are not expanded here');
  // Longest first, one after the other, as the backend does.
  const names = Object.keys(MACROS).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  for (const name of names) expanded = expandMacro(expanded, name, MACROS[name]!, context);
  return expanded;
}

function expandMacro(sql: string, name: string, macro: Macro, context: MacroContext): string {
  const token = `$__${name}`;
  let before = '';
  let rest = sql;
  for (let at = rest.indexOf(token); at !== -1; at = rest.indexOf(token)) {
    const after = at + token.length;
    if (/[A-Za-z0-9_]/.test(rest[after] ?? '')) {
      before += rest.slice(0, after);
      rest = rest.slice(after);
      continue;
    }
    before += rest.slice(0, at);
    rest = rest.slice(after);
    const end = rest.startsWith('(') ? closingParenthesis(rest) : -1;
    const args = end === -1 ? [] : splitArgs(rest.slice(1, end));
    if (end !== -1) rest = rest.slice(end + 1);
    try {
      before += macro(context, args);
    } catch (error) {
      throw new Error(`macro ${token}(${args.join(', ')}): ${(error as Error).message}`);
    }
  }
  return before + rest;
}

/** Of the one that opens at 0; -1 where there is none. */
function closingParenthesis(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "'" || char === '"') at = endOfQuoted(text, at) - 1;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
  }
  return -1;
}

function splitArgs(text: string): string[] {
  if (text.trim() === '') return [];
  const args: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "'" || char === '"') at = endOfQuoted(text, at) - 1;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ',' && depth === 0) {
      args.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...args, text.slice(start).trim()];
}

/** The index after the quote that closes; a doubled quote or a backslash goes on. */
function endOfQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** Comments become blanks of the same length; what is quoted is left alone. */
function blankComments(sql: string): string {
  let out = '';
  let at = 0;
  while (at < sql.length) {
    const start = at;
    if (/['"`]/.test(sql[at]!)) {
      at = endOfQuoted(sql, at);
      out += sql.slice(start, at);
    } else if (sql.startsWith('--', at)) {
      at += sql.slice(at).search(/[\n\r]|$/);
      out += ' '.repeat(at - start);
    } else if (sql.startsWith('/*', at)) {
      const end = sql.indexOf('*/', at + 2);
      at = end === -1 ? sql.length : end + 2;
      out += ' '.repeat(at - start);
    } else {
      out += sql[at++];
    }
  }
  return out;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** A Go duration: 5m, 1h30m; days are not among its units. */
function durationSeconds(text: string): number {
  const plain = text.replaceAll(/^['"]|['"]$/g, '');
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_SECONDS[unit!]!, 0);
  if (parts.map(([part]) => part).join('') !== plain || Math.round(total) <= 0)
    throw new Error(`invalid interval "${plain}"`);
  return Math.round(total);
}

function shortDuration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** `$x`, `${x}`, `${x:format}`. Names without a value stay as they are, as in Grafana. */
export function expandVariables(sql: string, values: Readonly<Record<string, VariableValue>>): string {
  return sql.replaceAll(/\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g, (whole, bare, braced, format) => {
    const value = values[bare ?? braced];
    if (value === undefined) return whole;
    if (typeof value === 'object' && 'allValue' in value) return value.allValue;
    return formatValue(value, format ?? 'datasource');
  });
}

type Render = (value: string | readonly string[]) => string;

const listOf = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value);
const escapeRegex = (text: string) => text.replaceAll(/[\\^$*+?.()|[\]{}/]/g, '\\$&');

const FORMATS: Readonly<Record<string, Render>> = {
  /** What the ClickHouse datasource does where no format is given. */
  datasource: (value) => (typeof value === 'string' ? value : `'${value.join("','")}'`),
  raw: (value) => String(value),
  csv: (value) => listOf(value).join(','),
  pipe: (value) => listOf(value).join('|'),
  regex: (value) => {
    const escaped = listOf(value).map(escapeRegex);
    return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
  },
  singlequote: (value) =>
    listOf(value)
      .map((one) => `'${one.replaceAll("'", "\\'")}'`)
      .join(','),
  sqlstring: (value) =>
    listOf(value)
      .map((one) => `'${one.replaceAll("'", "''")}'`)
      .join(','),
};

function formatValue(value: string | readonly string[], format: string): string {
  const render = FORMATS[format];
  if (render === undefined) throw new Error(`format "${format}" is not expanded here`);
  return render(value);
}
