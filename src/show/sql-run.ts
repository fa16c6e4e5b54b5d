/**
 * One statement from its place in the queue to the last byte of its answer: within its session, under its query id, with an end
 * when its client leaves or kills it. What a statement may do is enforced by the engine.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { quote } from '../model/sql-literal.js';
import { withBodyFile } from './sql-body.js';
import { BUFFERED_BYTES_MAX, bufferAnswer } from './sql-buffer.js';
import { openPacking } from './sql-encodings.js';
import type { SqlAnswer, SqlStatement } from './sql-engine.js';
import type { SqlHandlerOptions } from './sql-handler.js';
import { buildKillAnswer, type KillStatement } from './sql-kill.js';
import { mayReadPoints } from './sql-reads.js';
import { isOn, type SqlRequest } from './sql-request.js';
import { type AnswerOptions, sendAnswer } from './sql-response.js';
import { readSet, readUse, refuseTemporaryTables } from './sql-session-statements.js';
import { keepSetting, type SqlSession } from './sql-sessions.js';
import { formatSummary } from './sql-summary.js';
import { replaceCalls } from './sql-tokens.js';

/** A request, and what its answer needs. */
export interface Exchange {
  request: IncomingMessage;
  /** The client went away, or the server shuts down. */
  signal: AbortSignal;
  options: SqlHandlerOptions;
  /** Of a monotonic clock. */
  startedAtMs: number;
}

interface Ending {
  /** Ends the statement. */
  signal: AbortSignal;
  /** The client may send its next statement. */
  beforeEnd: () => void;
}

/** Registers the statement, waits for a place, runs it. */
export async function runInQueue(
  response: ServerResponse,
  wanted: SqlRequest,
  queryId: string,
  exchange: Exchange,
): Promise<void> {
  const { queue, running, sessions } = exchange.options;
  const { user, credential, sql } = wanted;
  const entered = running.begin({ id: queryId, user, credential, sql });
  let leaveSession = () => {};
  const beforeEnd = () => {
    leaveSession();
    entered.end();
  };
  const signal = AbortSignal.any([exchange.signal, entered.killed]);
  try {
    const opened = wanted.session && sessions.enter(wanted.session);
    if (opened) leaveSession = opened.leave;
    await storeAcknowledged(response, wanted, exchange);
    const leaveQueue = await queue.enter(signal);
    try {
      const found = nameQuery(applySession(wanted, opened?.session), queryId);
      await run(response, found, opened?.session, exchange, { signal, beforeEnd });
    } finally {
      leaveQueue();
    }
  } finally {
    beforeEnd();
  }
}

/** An answer holds every point that was acknowledged before its question was asked, or says that it may not. */
async function storeAcknowledged(
  response: ServerResponse,
  { sql }: SqlRequest,
  { options }: Exchange,
): Promise<void> {
  if (!mayReadPoints(sql) || (await options.flush())) return;
  response.setHeader('X-Plumbline-Behind', 'points that were acknowledged are still being stored');
}

/** What the session keeps, under what the request itself says. */
function applySession(wanted: SqlRequest, session: SqlSession | undefined): SqlRequest {
  if (session === undefined) return wanted;
  const kept = [...session.settings];
  const settings = kept.filter(([name]) => !name.startsWith(PARAM));
  const params = kept.filter(([name]) => name.startsWith(PARAM));
  return {
    ...wanted,
    database: wanted.database ?? session.database,
    settings: { ...Object.fromEntries(settings), ...wanted.settings },
    params: {
      ...Object.fromEntries(params.map(([name, value]) => [name.slice(PARAM.length), value])),
      ...wanted.params,
    },
  };
}
const PARAM = 'param_';

/** The engine has ids of its own, so that of the client takes the place of the functions that tell it; columns keep their name. */
function nameQuery(wanted: SqlRequest, queryId: string): SqlRequest {
  if (!/query_?id/i.test(wanted.sql)) return wanted;
  const id = quote(queryId);
  const calls = QUERY_ID_FUNCTIONS.map((name) => [name.toLowerCase(), `(${id} AS \`${name}()\`)`] as const);
  return { ...wanted, sql: replaceCalls(wanted.sql, new Map(calls)) };
}
const QUERY_ID_FUNCTIONS = ['queryID', 'query_id', 'initialQueryID', 'initial_query_id'];

async function run(
  response: ServerResponse,
  wanted: SqlRequest,
  session: SqlSession | undefined,
  exchange: Exchange,
  ending: Ending,
): Promise<void> {
  const { request, options } = exchange;
  // As with a server, GET asks and only POST may change something.
  const access = options.readOnly || request.method !== 'POST' ? 'read-only' : 'read-write';
  if (session && access === 'read-only') refuseTemporaryTables(wanted.sql);
  const changes = session && readSet(wanted.sql);
  const database = session && readUse(wanted.sql);
  const statement = buildStatement(wanted, access, database, ending.signal, options);
  const started = await start(request, wanted, statement, options);
  try {
    if (session && database !== undefined) session.database = database;
    for (const [name, value] of changes ?? []) keepSetting(session!, name, value);
    const answer = database === undefined ? started : { ...started, next: async () => undefined };
    await send(response, answer, wanted, exchange, ending);
  } finally {
    await started.end();
  }
}

/** Settings of ClickHouse's HTTP interface, which is here; the engine need not hear of them. */
const HTTP_SETTINGS = new Set([
  ...['enable_http_compression', 'http_zlib_compression_level', 'http_write_exception_in_output_format'],
  ...['network_compression_method', 'network_zstd_compression_level'],
  ...['send_progress_in_http_headers', 'http_headers_progress_interval_ms'],
  ...['http_wait_end_of_query', 'http_response_buffer_size'],
  ...['http_connection_timeout', 'http_receive_timeout', 'http_send_timeout'],
  ...['cancel_http_readonly_queries_on_client_close'],
]);

/** USE is a question in that database: the engine says whether there is one. */
function buildStatement(
  wanted: SqlRequest,
  access: SqlStatement['access'],
  usedDatabase: string | undefined,
  signal: AbortSignal,
  { defaults }: SqlHandlerOptions,
): SqlStatement {
  const { sql, format, database, params, externalTables } = wanted;
  const asked = Object.entries(wanted.settings);
  const settings = Object.fromEntries(asked.filter(([name]) => !HTTP_SETTINGS.has(name)));
  const statement = { sql, format, database, settings, params, externalTables, access, defaults, signal };
  return usedDatabase === undefined ? statement : { ...statement, sql: 'SELECT 1', database: usedDatabase };
}

async function start(
  request: IncomingMessage,
  { hasData, sendsBlocks }: SqlRequest,
  statement: SqlStatement,
  { engine, insertBytesMax, decodeWhole }: SqlHandlerOptions,
): Promise<SqlAnswer> {
  if (!hasData || statement.access === 'read-only') return engine.runStatement(statement);
  const { signal } = statement;
  const file = {
    directory: engine.temporaryDirectory,
    bytesMax: insertBytesMax,
    sendsBlocks,
    decodeWhole,
    signal,
  };
  return withBodyFile(request, file, (dataPath) => engine.runStatement({ ...statement, dataPath }));
}

async function send(
  response: ServerResponse,
  started: SqlAnswer,
  wanted: SqlRequest,
  exchange: Exchange,
  ending: Ending,
): Promise<void> {
  const { facts, engine } = exchange.options;
  const buffered = await bufferAnswer(started, {
    memoryBytes: wanted.bufferBytes,
    isWhole: wanted.waitsForEnd,
    bytesMax: BUFFERED_BYTES_MAX,
    directory: engine.temporaryDirectory,
  });
  try {
    const contentType = facts.contentTypes.get(started.format) ?? 'text/plain; charset=UTF-8';
    response.setHeader('Content-Type', contentType);
    response.setHeader('X-ClickHouse-Format', started.format);
    const options = describeAnswer(wanted, exchange, ending, started.statistics);
    if (isOn(wanted.settings.send_progress_in_http_headers)) {
      response.setHeader('X-ClickHouse-Progress', options.summarize());
    }
    if (exchange.request.method === 'HEAD') {
      ending.beforeEnd();
      return void response.end();
    }
    await sendAnswer(response, buffered, options);
  } finally {
    await buffered.close();
  }
}

export function describeAnswer(
  { settings, wantsBlocks }: SqlRequest,
  { request, signal: gone, options, startedAtMs }: Exchange,
  { signal, beforeEnd }: Ending,
  statistics: SqlAnswer['statistics'],
): AnswerOptions {
  const accepted = request.headers['accept-encoding']?.toString();
  return {
    version: options.facts.version,
    exceptionTag: options.newId().replaceAll('-', '').slice(0, 16),
    stallMsMax: options.stallMsMax,
    openPacking: () => openPacking(accepted, settings, wantsBlocks),
    summarize: () => formatSummary(statistics(), performance.now() - startedAtMs),
    ...{ signal, gone, beforeEnd },
  };
}

/** Ends the queries, and answers as the engine would for its own. It needs no place in the queue. */
export async function answerKill(
  response: ServerResponse,
  wanted: SqlRequest,
  kill: KillStatement,
  exchange: Exchange,
): Promise<void> {
  const { engine, defaults, running } = exchange.options;
  const { signal } = exchange;
  const queries = running.find(kill.ids, wanted.credential);
  const over = kill.mode === 'TEST' ? undefined : running.kill(queries);
  if (kill.mode === 'SYNC') await over;
  const format = kill.format ?? wanted.format;
  const sql = buildKillAnswer(queries, kill);
  const started = await engine.runStatement({
    ...{ sql, format, access: 'read-only', defaults, settings: {}, params: {}, signal },
    isUrgent: true,
  });
  try {
    await send(response, started, wanted, exchange, { signal, beforeEnd: () => undefined });
  } finally {
    await started.end();
  }
}
