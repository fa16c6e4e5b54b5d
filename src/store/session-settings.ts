/**
 * Settings and parameters of one call → one SET statement for a session of the embedded engine.
 * Values become escaped literals of the SET; they never touch the text of the query itself, and what a
 * `{name:Type}` placeholder accepts is decided by the engine.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';

export type Settings = Record<string, string | number>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `SET a = '1', param_x = '…'`; undefined where there is nothing to set. `params` are already HTTP text. */
export function buildSetStatement(settings: Settings, params: Record<string, string>): string | undefined {
  const changes = Object.entries(settings).map(([name, value]) => {
    if (!NAME.test(name)) throw new ClickHouseError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`);
    return `${name} = ${quote(String(value))}`;
  });
  for (const [name, value] of Object.entries(params)) {
    if (!NAME.test(name))
      throw new ClickHouseError(36, 'BAD_ARGUMENTS', `Parameter name '${name}' is not an identifier`);
    changes.push(`param_${name} = ${quote(value)}`);
  }
  return changes.length === 0 ? undefined : `SET ${changes.join(', ')}`;
}

/** `SET a = DEFAULT, b = DEFAULT`: the way back for a session that is used again. */
export function buildResetStatement(names: Iterable<string>): string | undefined {
  const resets = [...names].map((name) => `${name} = DEFAULT`);
  return resets.length === 0 ? undefined : `SET ${resets.join(', ')}`;
}

export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** `table` or `database.table`, quoted. Anything else is refused rather than spliced into a statement. */
export function quoteTable(table: string): string {
  const parts = table.split('.');
  if (parts.length > 2 || parts.some((part) => !NAME.test(part))) {
    throw new ClickHouseError(36, 'BAD_ARGUMENTS', `'${table}' is not a table name`);
  }
  return parts.map(quoteIdentifier).join('.');
}
