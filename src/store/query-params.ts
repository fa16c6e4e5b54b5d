/**
 * Values of `{name:Type}` placeholders → the text that ClickHouse reads for `param_name`, the same for both drivers.
 * A value at the top is escaped as in TabSeparated, a value inside an array or map is a literal. The placeholder's type
 * is applied by ClickHouse; nothing here ever becomes part of a statement.
 */
const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  "'": "\\'",
};

export function formatParams(params: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, formatTop(value)]));
}

function formatTop(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  return typeof value === 'string' ? escapeText(value) : formatValue(value);
}

function formatInside(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'string' ? `'${escapeText(value)}'` : formatValue(value);
}

function formatValue(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return formatSeconds(value);
  if (Array.isArray(value)) return `[${value.map(formatInside).join(',')}]`;
  if (typeof value === 'object') {
    const entries = value instanceof Map ? [...value] : Object.entries(value!);
    return `{${entries.map(([key, inner]) => `${formatInside(key)}:${formatInside(inner)}`).join(',')}}`;
  }
  throw new TypeError(`A ${typeof value} cannot be a query parameter`);
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Unix seconds: the one form of a time that no time zone can bend. A fraction only where there is one. */
function formatSeconds(date: Date): string {
  const seconds = Math.floor(date.getTime() / 1000);
  const milliseconds = date.getTime() - seconds * 1000;
  return milliseconds === 0 ? String(seconds) : `${seconds}.${String(milliseconds).padStart(3, '0')}`;
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\\t\n\r\0']/g, (char) => ESCAPES[char]!);
}

/** As a parameter of a DateTime or DateTime64 whose type names UTC. */
export function formatTime(unixS: number): string {
  return new Date(unixS * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
