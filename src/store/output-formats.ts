/**
 * How the output of a SELECT may be read. The engine formats each chunk of a stream as a document of its own, so only
 * formats whose rows simply follow each other can be streamed; of those with a header, all but the first are cut off.
 * Everything else (JSON, Parquet, Pretty …) must be written as one document.
 */
import type { InspectedStatement } from './statement-inspection.js';

/** The bytes at the start of a chunk that belong to its header. */
export type MeasureHeader = (chunk: Uint8Array) => number;

const NO_HEADER: MeasureHeader = () => 0;

const STREAMED: ReadonlyMap<string, MeasureHeader> = new Map([
  ...['TabSeparated', 'TSV', 'TabSeparatedRaw', 'TSVRaw', 'TSKV', 'CSV', 'JSONEachRow', 'JSONLines', 'NDJSON']
    .concat(['JSONStringsEachRow', 'JSONCompactEachRow', 'JSONCompactStringsEachRow', 'RowBinary', 'Native'])
    .map((name) => [name, NO_HEADER] as const),
  ...['TabSeparated', 'TSV', 'JSONCompactEachRow', 'JSONCompactStringsEachRow', 'CSV'].flatMap((name) => [
    [`${name}WithNames`, (chunk: Uint8Array) => measureLines(chunk, 1, name === 'CSV')] as const,
    [`${name}WithNamesAndTypes`, (chunk: Uint8Array) => measureLines(chunk, 2, name === 'CSV')] as const,
  ]),
  ['RowBinaryWithNames', (chunk) => measureTexts(chunk, 1)],
  ['RowBinaryWithNamesAndTypes', (chunk) => measureTexts(chunk, 2)],
]);

/** Settings and clauses that put something around the rows, or change the header's layout. */
const WRAPPERS = [
  'TOTALS',
  'extremes',
  'output_format_json_array_of_rows',
  'output_format_binary_encode_types_in_binary_format',
];

/** How to join the chunks of a streamed SELECT; undefined where it has to be one document. */
export function findStreamedFormat(
  format: string,
  { words }: InspectedStatement,
  settings: Readonly<Record<string, unknown>>,
): MeasureHeader | undefined {
  if (WRAPPERS.some((name) => words.has(name) || name in settings)) return undefined;
  return STREAMED.get(format);
}

const NEWLINE = 10;
const QUOTE = 34;

/** CSV keeps newlines inside of double quotes as they are; the other formats write them as \\n. */
function measureLines(chunk: Uint8Array, lines: number, isCsv: boolean): number {
  let isQuoted = false;
  let left = lines;
  for (let i = 0; i < chunk.length; i++) {
    if (isCsv && chunk[i] === QUOTE) isQuoted = !isQuoted;
    else if (chunk[i] === NEWLINE && !isQuoted && --left === 0) return i + 1;
  }
  return chunk.length;
}

/** A count of columns, then `lists` times that many texts, each with its length in front. */
function measureTexts(chunk: Uint8Array, lists: number): number {
  let at = 0;
  const readVarint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = chunk[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  if (chunk.length === 0) return 0;
  const texts = readVarint() * lists;
  for (let i = 0; i < texts; i++) {
    const bytes = readVarint();
    at += bytes;
  }
  return at;
}
