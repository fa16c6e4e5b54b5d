/** The value of X-ClickHouse-Summary and X-ClickHouse-Progress: numbers as texts in JSON, under ClickHouse's names. */
import type { StatementStatistics } from '../model/statement-statistics.js';

/** In ClickHouse's order; `elapsed_ns` stands between them. */
const NAMES: readonly [keyof StatementStatistics | 'elapsedNs', string][] = [
  ['readRows', 'read_rows'],
  ['readBytes', 'read_bytes'],
  ['writtenRows', 'written_rows'],
  ['writtenBytes', 'written_bytes'],
  ['totalRowsToRead', 'total_rows_to_read'],
  ['resultRows', 'result_rows'],
  ['resultBytes', 'result_bytes'],
  ['elapsedNs', 'elapsed_ns'],
  ['memoryUsage', 'memory_usage'],
];

/** What is not known is left out: a client takes 0 for a fact. */
export function formatSummary(statistics: StatementStatistics, elapsedMs: number): string {
  const values = { ...statistics, elapsedNs: Math.round(elapsedMs * 1e6) };
  const known = NAMES.filter(([key]) => values[key] !== undefined);
  return JSON.stringify(Object.fromEntries(known.map(([key, name]) => [name, String(values[key])])));
}
