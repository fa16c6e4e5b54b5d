/**
 * Names of metrics without what differs between spellings of one name: `http.server.requests`, `httpServerRequests` and
 * `http_server_requests_seconds_total` are all folded to `http_server_requests`. Enters: a name, or SQL of one; leaves: the folded
 * name, or its SQL. The two must agree; a test compares them.
 */
import { quote } from '../model/sql-literal.js';

/** Replaced one after the other; the last two are what Prometheus adds: what was counted, and the unit. */
const REPLACEMENTS: readonly { pattern: string; by: string; bySql: string }[] = [
  { pattern: '([a-z0-9])([A-Z])', by: '$1_$2', bySql: '\\1_\\2' },
  { pattern: '[^A-Za-z0-9]+', by: '_', bySql: '_' },
  { pattern: '_([tT]otal|[cC]ount|[sS]um|[bB]ucket)$', by: '', bySql: '' },
  {
    pattern: '_(seconds|milliseconds|microseconds|nanoseconds|ms|us|ns|bytes|ratio|percent)$',
    by: '',
    bySql: '',
  },
];

export function foldMetricName(name: string): string {
  const fold = (text: string, { pattern, by }: (typeof REPLACEMENTS)[number]) =>
    text.replace(new RegExp(pattern, 'g'), by);
  return REPLACEMENTS.reduce(fold, name).toLowerCase();
}

/** SQL of the folded name of `sql`, a String. */
export function foldMetricNameSql(sql: string): string {
  const fold = (text: string, { pattern, bySql }: (typeof REPLACEMENTS)[number]) =>
    `replaceRegexpAll(${text}, ${quote(pattern)}, ${quote(bySql)})`;
  return `lower(${REPLACEMENTS.reduce(fold, `toString(${sql})`)})`;
}
