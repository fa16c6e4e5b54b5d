/**
 * Statements that come from outside (the SQL port), and every result that is read as a stream. Each runs in a fresh
 * session, so nothing one statement sets is seen by the next. Read-only is enforced three times over: by kind (the
 * engine's parser must see exactly one question), by rights (no role: the engine refuses to write, and to read files,
 * URLs or other servers, wherever in the query they hide), and by the setting readonly = 2, which the session cannot
 * take back. It never retries.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { type EngineCalls, leaveOnAbort } from './engine-calls.js';
import { buildSetStatement, quoteIdentifier, quoteString, type Settings } from './session-settings.js';
import { type InspectedStatement, inspectStatement } from './statement-inspection.js';
import type { StreamThread, StreamThreads } from './stream-threads.js';

/** A statement and what it runs with. */
export interface EngineStatement {
  sql: string;
  /** Output format where the statement names none. */
  format: string;
  access: 'trusted' | 'read-only' | 'read-write';
  /** Database of unqualified names; the driver's own where undefined. */
  database?: string | undefined;
  /** Set before the statement's rights are reduced; its own settings may override them. */
  defaults?: Settings;
  /** What the caller asks for; the engine refuses unknown and forbidden ones. */
  settings?: Settings;
  /** Parameters as HTTP text. */
  params?: Record<string, string>;
  /** A file with the data of an INSERT. */
  dataPath?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface StatementAnswer {
  /** The format of the chunks. */
  format: string;
  /** The next chunk; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Must be called once, also after an error or half way; stops the engine's work. */
  end(): Promise<void>;
}

/** Resolves when the first chunk is there, so that most errors come as a rejection. */
export type RunStatement = (statement: EngineStatement) => Promise<StatementAnswer>;

/** Room for a statement and for the literal in which it travels to its inspection. */
const QUERY_BYTES_MAX = 4 * 1024 * 1024;

export function createStatementRunner(options: {
  database: string;
  threads: StreamThreads;
  calls: EngineCalls;
}): RunStatement {
  const { threads, calls } = options;

  return async (statement) => {
    const finish = calls.begin();
    const thread = await threads.acquire(statement.signal).catch((error) => {
      finish();
      throw error;
    });
    const callName = calls.nameCall();
    const takeBackStop = calls.stopOnAbort(callName, statement.signal);
    const end = async () => {
      takeBackStop();
      await thread.end().finally(finish);
    };
    try {
      statement.signal?.throwIfAborted();
      const started = startStatement(thread, statement, callName, options.database);
      return await leaveOnAbort(readAhead(thread, started, statement.signal, end), statement.signal);
    } catch (error) {
      // Not awaited: the engine may take a moment to stop, the caller need not.
      end().catch(() => undefined);
      throw statement.signal?.aborted ? statement.signal.reason : error;
    }
  };
}

/** Prepare the session, look at the statement, start it. Resolves with the format of its output. */
async function startStatement(
  thread: StreamThread,
  statement: EngineStatement,
  callName: string,
  database: string,
): Promise<string> {
  await thread.prepare(buildPreparation(statement, callName, database));
  if (statement.access === 'trusted') {
    await thread.stream(statement.sql, statement.format);
    return statement.format;
  }
  const inspected = inspectStatement(await renderStatement(thread, statement.sql));
  refuseForbidden(statement, inspected);
  if (inspected.kind === 'select') await thread.stream(statement.sql, statement.format);
  else await thread.run(buildRunnable(statement, inspected), statement.format);
  return inspected.format ?? statement.format;
}

/** The statement as the engine's parser understands it; exactly one, or the parser's error. */
async function renderStatement(thread: StreamThread, sql: string): Promise<string> {
  const question = `SELECT ${RENDER}(${quoteString(sql)})`;
  const text = await thread.ask(question).catch((error) => {
    if (!(error instanceof ClickHouseError)) throw error;
    // Our question around the statement is nothing its author should read.
    const message = error.message.split(`: In scope SELECT ${RENDER}(`, 1)[0]!;
    throw new ClickHouseError(error.code, error.type, message, { cause: error });
  });
  return text.trimEnd();
}
const RENDER = 'formatQuerySingleLine';

/** The session's state, in the order that matters: limits, then fewer rights, then what the caller asks for. */
function buildPreparation(statement: EngineStatement, callName: string, database: string): string[] {
  const isForeign = statement.access !== 'trusted';
  const ground = isForeign
    ? { max_query_size: QUERY_BYTES_MAX, implicit_select: 0, ...statement.defaults }
    : {};
  const wanted = { ...statement.settings, log_comment: callName };
  const statements = [
    `USE ${quoteIdentifier(statement.database ?? database)}`,
    buildSetStatement(ground, {}),
    ...(statement.access === 'read-only' ? ['SET ROLE NONE', 'SET readonly = 2'] : []),
    buildSetStatement(wanted, statement.params ?? {}),
  ];
  return statements.filter((text) => text !== undefined);
}

function refuseForbidden(statement: EngineStatement, inspected: InspectedStatement): void {
  if (inspected.hasOutfile) {
    throw new ClickHouseError(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
  }
  if (statement.access === 'read-write') return;
  if (inspected.kind === 'insert' || inspected.kind === 'other') {
    const message =
      'Cannot execute query in readonly mode: this port answers SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS';
    throw new ClickHouseError(164, 'READONLY', message);
  }
}
/** Questions run as the engine rendered them, so that what runs is what was inspected. */
function buildRunnable(statement: EngineStatement, { kind, text, clausesAt }: InspectedStatement): string {
  if (kind === 'question' || kind === 'set') return text;
  if (kind !== 'insert' || statement.dataPath === undefined) return statement.sql;
  return `${text.slice(0, clausesAt)} FROM INFILE ${quoteString(statement.dataPath)} ${text.slice(clausesAt)}`;
}

/** Wait for the first chunk, then hand out that one and the ones after it. */
async function readAhead(
  thread: StreamThread,
  started: Promise<string>,
  signal: AbortSignal | undefined,
  end: () => Promise<void>,
): Promise<StatementAnswer> {
  const format = await started;
  let first: Uint8Array | undefined = await thread.next();
  let isFirst = true;
  return {
    format,
    async next() {
      signal?.throwIfAborted();
      if (!isFirst) return leaveOnAbort(thread.next(), signal);
      const chunk = first;
      isFirst = false;
      first = undefined;
      return chunk;
    },
    end,
  };
}
