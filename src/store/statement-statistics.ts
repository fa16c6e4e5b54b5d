/** Where the engine says what a statement has done: at the end of some formats, and in system.processes while it runs. */
import type { StatementStatistics } from '../model/statement-statistics.js';

/** The end of an answer that has the engine's statistics in it fits into these. */
export const STATISTICS_TAIL_BYTES = 512;

const TAIL =
  /"rows":\s*(\d+),(?:\s*"rows_before_\w+":\s*\d+,)*\s*"statistics":\s*\{\s*"elapsed":\s*[\d.e+-]+,\s*"rows_read":\s*(\d+),\s*"bytes_read":\s*(\d+)\s*\}\s*\}\s*$/;

/** The engine ends these formats with what it read. */
const FORMATS_WITH_STATISTICS: ReadonlySet<string> = new Set([
  ...['JSON', 'JSONStrings', 'JSONCompact', 'JSONCompactStrings', 'JSONColumnsWithMetadata'],
]);

/** What the last bytes of an answer say; nothing where its format says nothing, or was told not to. */
export function readStatisticsTail(format: string, answer: Uint8Array): StatementStatistics {
  if (!FORMATS_WITH_STATISTICS.has(format)) return {};
  const tail = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).subarray(
    -STATISTICS_TAIL_BYTES,
  );
  const found = TAIL.exec(tail.toString('latin1'));
  if (found === null) return {};
  const [resultRows, readRows, readBytes] = found.slice(1).map(Number) as [number, number, number];
  return { resultRows, readRows, readBytes };
}

/** Of the statement with this name, while it runs. */
export function buildProgressQuestion(quotedName: string): string {
  const columns = 'read_rows, read_bytes, total_rows_approx, written_rows, written_bytes, peak_memory_usage';
  return `SELECT ${columns} FROM system.processes WHERE Settings['log_comment'] = ${quotedName}`;
}

/** The engine's answer to that, as TSV; undefined where the statement does not run. */
export function readProgress(text: string): StatementStatistics | undefined {
  if (text === '') return undefined;
  const [readRows, readBytes, totalRowsToRead, writtenRows, writtenBytes, memoryUsage] = text
    .trim()
    .split('\t')
    .map(Number);
  return {
    readRows: readRows!,
    readBytes: readBytes!,
    totalRowsToRead: totalRowsToRead!,
    writtenRows: writtenRows!,
    writtenBytes: writtenBytes!,
    memoryUsage: Math.max(0, memoryUsage!),
  };
}
