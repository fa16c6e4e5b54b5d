/**
 * Statements in threads of their own, each in a fresh session: every result that is read as a stream, statements of a port
 * that may write, and answers to readers that are too large for memory. Those of readers were checked and come with a
 * session that is locked (reader-statements.ts). It never retries.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import type { ExternalTable } from '../model/external-table.js';
import { quote } from '../model/sql-literal.js';
import type { StatementStatistics } from '../model/statement-statistics.js';
import { makeDocument } from './answer-document.js';
import type { CallWatch } from './call-watch.js';
import { type EngineCalls, leaveOnAbort } from './engine-calls.js';
import { buildExternalTables, hidePaths } from './external-tables.js';
import { findStreamedFormat, type MeasureHeader } from './output-formats.js';
import { LOCK } from './reading-sessions.js';
import { renderStatement } from './render-statement.js';
import { buildSetStatement, quoteIdentifier, type Settings } from './session-settings.js';
import { type InspectedStatement, inspectStatement } from './statement-inspection.js';
import { readStatisticsTail, STATISTICS_TAIL_BYTES } from './statement-statistics.js';
import type { StreamChunk, StreamThread, StreamThreads } from './stream-threads.js';

/** A statement and what it runs with. */
export interface EngineStatement {
  sql: string;
  /** Output format where the statement names none. */
  format: string;
  /** Of a reader: only what is allowed, in a session that is locked. */
  access: 'read-only' | 'read-write';
  /** Set where it was checked already: what it is, and what makes its session. */
  inspected?: InspectedStatement;
  preparation?: readonly string[];
  /** Database of unqualified names; the driver's own where undefined. */
  database?: string | undefined;
  /** Set before the statement's rights are reduced; its own settings may override them. */
  defaults?: Settings;
  /** What the caller asks for; the engine refuses unknown and forbidden ones. */
  settings?: Settings;
  /** Parameters as HTTP text. */
  params?: Record<string, string>;
  /** Tables that only this statement has. */
  externalTables?: readonly ExternalTable[];
  /** A file with the data of an INSERT. */
  dataPath?: string | undefined;
  /** Waits for no place: a short one of the port's own, which must not queue behind what it ends. */
  isUrgent?: boolean;
  signal?: AbortSignal | undefined;
}

export interface StatementAnswer {
  /** The format of the chunks. */
  format: string;
  /** As far as the engine has told by now. */
  statistics(): StatementStatistics;
  /** The next chunk; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Must be called once, also after an error or half way; stops the engine's work. */
  end(): Promise<void>;
}

/** Resolves when the first chunk is there, so that most errors come as a rejection. */
export type RunStatement = (statement: EngineStatement) => Promise<StatementAnswer>;

interface OpenAnswer {
  format: string;
  /** What the answer itself tells. */
  told: StatementStatistics;
  first: Uint8Array | undefined;
  chunks: AsyncGenerator<Uint8Array, void>;
}

/** Room for a statement and for the literal in which it travels to its inspection. */
const QUERY_BYTES_MAX = 4 * 1024 * 1024;
/** Largest answer that has to be one document: max_result_bytes of such a statement unless it sets its own. */
const DOCUMENT_BYTES_MAX = 1024 * 1024 * 1024;

export function createStatementRunner(options: {
  database: string;
  temporaryDirectory: string;
  threads: StreamThreads;
  calls: EngineCalls;
}): RunStatement {
  const { database, temporaryDirectory, threads, calls } = options;

  return async (statement) => {
    const { signal } = statement;
    const callName = calls.nameCall();
    const preparation = buildPreparation(statement, callName, database);
    const finish = calls.begin();
    const thread = await threads.acquire(signal).catch((error) => {
      finish();
      throw error;
    });
    const takeBackStop = calls.stopOnAbort(callName, signal);
    const watch = calls.watch(callName);
    const opening = openAnswer(thread, statement, preparation, temporaryDirectory, watch);
    const end = async () => {
      const opened = await opening.catch(() => undefined);
      try {
        await opened?.chunks.return();
      } finally {
        watch.stop();
        await thread.end().finally(takeBackStop).finally(finish);
      }
    };
    try {
      const { format, told, first, chunks } = await leaveOnAbort(opening, signal);
      const statistics = () => ({ ...watch.seen(), ...told });
      return { format, statistics, next: createReader(first, chunks, signal), end };
    } catch (error) {
      // Not awaited: the engine may take a moment to stop, the caller need not.
      end().catch(() => undefined);
      throw signal?.aborted ? signal.reason : error;
    }
  };
}

/** The first chunk was read ahead; the others follow it. */
function createReader(
  first: Uint8Array | undefined,
  chunks: OpenAnswer['chunks'],
  signal: AbortSignal | undefined,
): StatementAnswer['next'] {
  let isFirst = true;
  return async () => {
    signal?.throwIfAborted();
    if (!isFirst) return (await leaveOnAbort(chunks.next(), signal)).value ?? undefined;
    isFirst = false;
    return first;
  };
}

/** Prepare the session, look at the statement, start it, wait for its first chunk. */
async function openAnswer(
  thread: StreamThread,
  statement: EngineStatement,
  preparation: readonly string[],
  temporaryDirectory: string,
  watch: CallWatch,
): Promise<OpenAnswer> {
  statement.signal?.throwIfAborted();
  await thread.prepare([...preparation, ...lockReader(statement)]).catch((error) => {
    throw hidePaths(error, statement.externalTables ?? []);
  });
  const inspected =
    statement.inspected ?? inspectStatement(await renderStatement((sql) => thread.ask(sql), statement.sql));
  if (inspected.words.has('OUTFILE'))
    throw new ClickHouseError(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
  const format = inspected.format ?? statement.format;
  const told: StatementStatistics = {};
  const chunks = readChunks(thread, statement, inspected, format, { temporaryDirectory, watch, told });
  const { value } = await chunks.next();
  return { format, told, first: value ?? undefined, chunks };
}

async function* readChunks(
  thread: StreamThread,
  statement: EngineStatement,
  inspected: InspectedStatement,
  format: string,
  {
    temporaryDirectory,
    watch,
    told,
  }: { temporaryDirectory: string; watch: CallWatch; told: StatementStatistics },
): AsyncGenerator<Uint8Array, void> {
  const { kind } = inspected;
  if (kind !== 'select' && kind !== 'question') {
    const text = await thread.run(buildRunnable(statement, inspected), format);
    if (text !== '') yield Buffer.from(text);
    return;
  }
  const measureHeader = findStreamedFormat(format, inspected, statement.settings ?? {});
  if (kind === 'select' && measureHeader) {
    await thread.stream(statement.sql, statement.format);
    for await (const { bytes, rows } of readStream(thread, measureHeader)) {
      watch.look();
      told.resultRows = (told.resultRows ?? 0) + rows;
      if (bytes.length > 0) yield bytes;
    }
    return;
  }
  const document = await makeDocument(temporaryDirectory, async (path) => {
    await thread
      .run(buildDocumentStatement(statement, inspected, format, path), format)
      .catch(explainDocumentLimit);
  });
  try {
    Object.assign(told, readStatisticsTail(format, await document.readEnd(STATISTICS_TAIL_BYTES)));
    for (let chunk = await document.next(); chunk; chunk = await document.next()) yield chunk;
  } finally {
    await document.close();
  }
}

/** The header comes with every chunk; it is wanted once. */
async function* readStream(
  thread: StreamThread,
  measureHeader: MeasureHeader,
): AsyncGenerator<StreamChunk, void> {
  let isFirst = true;
  for (let chunk = await thread.next(); chunk; chunk = await thread.next()) {
    const { bytes, rows } = chunk;
    yield { bytes: isFirst ? bytes : bytes.subarray(measureHeader(bytes)), rows };
    isFirst = false;
  }
}

/** What a locked session cannot set any more, and the lock. */
function lockReader(statement: EngineStatement): string[] {
  if (statement.preparation === undefined || statement.inspected === undefined) return [];
  const limit = hasDocumentLimit(statement, statement.inspected) ? [] : [SET_DOCUMENT_LIMIT];
  return [...(isStreamed(statement, statement.inspected) ? [] : limit), ...LOCK];
}

function isStreamed(statement: EngineStatement, inspected: InspectedStatement): boolean {
  const format = inspected.format ?? statement.format;
  return (
    inspected.kind === 'select' &&
    findStreamedFormat(format, inspected, statement.settings ?? {}) !== undefined
  );
}

function hasDocumentLimit({ settings = {} }: EngineStatement, { words }: InspectedStatement): boolean {
  return words.has(DOCUMENT_LIMIT) || DOCUMENT_LIMIT in settings;
}

/** The session's state; a reader's was made by whoever checked the statement. */
function buildPreparation(statement: EngineStatement, callName: string, database: string): string[] {
  const name = `SET log_comment = ${quote(callName)}`;
  if (statement.preparation !== undefined) return [name, ...statement.preparation];
  const ground = { max_query_size: QUERY_BYTES_MAX, implicit_select: 0, ...statement.defaults };
  const statements = [
    `USE ${quoteIdentifier(statement.database ?? database)}`,
    buildSetStatement(ground, {}),
    buildSetStatement(statement.settings ?? {}, statement.params ?? {}),
    name,
    ...buildExternalTables(statement.externalTables ?? []),
  ];
  return statements.filter((text) => text !== undefined);
}

/** Runs as the engine rendered it, so that what runs is what was inspected. */
function buildRunnable(statement: EngineStatement, { kind, text, clausesAt }: InspectedStatement): string {
  if (kind === 'set') return text;
  if (kind !== 'insert' || statement.dataPath === undefined) return statement.sql;
  return `${text.slice(0, clausesAt)} FROM INFILE ${quote(statement.dataPath)} ${text.slice(clausesAt)}`;
}

/** The statement with its output going to a file, in the one place where the grammar allows that. */
function buildDocumentStatement(
  statement: EngineStatement,
  inspected: InspectedStatement,
  format: string,
  path: string,
): string {
  if (!/^[A-Za-z0-9]+$/.test(format)) {
    throw new ClickHouseError(73, 'UNKNOWN_FORMAT', `Unknown format ${format}`);
  }
  const { text, formatAt } = inspected;
  const isSet = statement.preparation !== undefined || hasDocumentLimit(statement, inspected);
  const limit = isSet ? '' : `${SET_DOCUMENT_LIMIT}; `;
  const formatClause = text.slice(formatAt) || `FORMAT ${format}`;
  return `${limit}${text.slice(0, formatAt)} INTO OUTFILE ${quote(path)} ${formatClause}`;
}
const DOCUMENT_LIMIT = 'max_result_bytes';
const SET_DOCUMENT_LIMIT = `SET ${DOCUMENT_LIMIT} = ${DOCUMENT_BYTES_MAX}`;

/** @throws The error, with what to do where the answer is too large for one document. */
export function explainDocumentLimit(error: unknown): never {
  if (!(error instanceof ClickHouseError) || error.code !== 396) throw error;
  const advice = `set ${DOCUMENT_LIMIT}, or ask for a format without limit, such as TabSeparatedWithNames or JSONEachRow`;
  throw new ClickHouseError(error.code, error.type, `${error.message}; ${advice}`, { cause: error });
}
