/**
 * The setting additional_table_filters, as Grafana's ad-hoc filters use it: `{'table' : 'expression', …}`. Its expressions are SQL that
 * the engine's parser sees only when it plans, so they must be plain conditions, and on tables of ours.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { isPlain } from './plain-sql.js';

/** @throws ClickHouseError 452 where the value is anything else. */
export function checkTableFilters(value: string, database: string): void {
  const pairs = /^\{\s*(.*?)\s*\}$/s.exec(value)?.[1];
  const pair = /\s*'((?:[^'\\]|\\.)*)'\s*:\s*'((?:[^'\\]|\\.)*)'\s*(?:,|$)/gsy;
  let at = 0;
  while (pairs !== undefined && at < pairs.length) {
    pair.lastIndex = at;
    const found = pair.exec(pairs);
    if (found === null) break;
    at = pair.lastIndex;
    const [table, expression] = [readEscapes(found[1]!), readEscapes(found[2]!)];
    if (!isOwnTable(table, database) || !isPlain(expression, QUERIES)) break;
    if (at === pairs.length) return;
  }
  if (pairs === '') return;
  throw new ClickHouseError(
    452,
    'SETTING_CONSTRAINT_VIOLATION',
    `Setting additional_table_filters should not be changed here, but for plain conditions on tables of ${database}`,
  );
}

function readEscapes(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1');
}

function isOwnTable(table: string, database: string): boolean {
  const [first, second, third] = table.replaceAll('`', '').replaceAll('"', '').split('.');
  return (
    third === undefined &&
    (second === undefined ? /^\w+$/.test(first!) : first === database && /^\w+$/.test(second))
  );
}

/** A condition needs no query in it. */
const QUERIES: ReadonlySet<string> = new Set(['select', 'with']);
