/**
 * One request to the SQL port from start to end: read it, wait for a place, run the statement, send the answer or the
 * error. A client that goes away takes its query with it. What a statement may do is enforced by the engine; this file
 * never looks into SQL.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClickHouseError } from '../model/clickhouse.js';
import { withBodyFile } from './sql-body.js';
import { openPacking } from './sql-encodings.js';
import type { SqlAnswer, SqlEngine } from './sql-engine.js';
import { findStatus, formatError, toSqlError } from './sql-errors.js';
import { buildHello, isHello } from './sql-hello.js';
import type { SqlQueue } from './sql-queue.js';
import { readSqlRequest, type SqlRequest } from './sql-request.js';
import { type AnswerOptions, sendAnswer } from './sql-response.js';

/** What the engine says about itself; asked once, at the start. */
export interface ServerFacts {
  displayName: string;
  version: string;
  timezone: string;
  contentTypes: ReadonlyMap<string, string>;
}

export interface SqlHandlerOptions {
  engine: SqlEngine;
  facts: ServerFacts;
  queue: SqlQueue;
  readOnly: boolean;
  password: string | undefined;
  queryBytesMax: number;
  insertBytesMax: number;
  stallMsMax: number;
  /** Settings of every statement unless it sets them itself. */
  defaults: Record<string, string | number>;
  newId: () => string;
}

/** Answers every request; rejects never. `signal` ends what is under way. */
export async function handleSql(
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  options: SqlHandlerOptions,
): Promise<void> {
  const { facts } = options;
  response.setHeader('X-ClickHouse-Server-Display-Name', facts.displayName);
  try {
    await answer(request, response, signal, options);
  } catch (error) {
    if (response.headersSent || signal.aborted) {
      if (!response.writableEnded && signal.aborted) response.destroy();
      return;
    }
    const sqlError = toSqlError(error);
    response.statusCode = findStatus(sqlError);
    response.removeHeader('Content-Encoding');
    // What is left of the request would be taken for the next one.
    if (!request.complete) response.setHeader('Connection', 'close');
    response.setHeader('X-ClickHouse-Exception-Code', sqlError.code);
    if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse SQL"');
    sendText(response, formatError(sqlError, facts.version));
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  options: SqlHandlerOptions,
): Promise<void> {
  const path = request.url!.split('?', 1)[0];
  if (path === '/ping' || path === '/replicas_status') return sendText(response, 'Ok.\n');
  if (path !== '/') return refusePath(response, path!);
  if (request.method === 'OPTIONS')
    return void response.writeHead(204, { Allow: 'GET, HEAD, POST, OPTIONS' }).end();
  if (!['GET', 'HEAD', 'POST'].includes(request.method!)) {
    response.writeHead(405, { Allow: 'GET, HEAD, POST, OPTIONS' });
    return void response.end();
  }
  const wanted = await readSqlRequest(request, options.queryBytesMax);
  checkPassword(wanted, options.password);
  if (wanted.sql.trim() === '') {
    if (request.method === 'POST') throw new ClickHouseError(62, 'SYNTAX_ERROR', 'Empty query');
    return sendText(response, 'Ok.\n');
  }
  response.setHeader('X-ClickHouse-Query-Id', wanted.queryId ?? options.newId());
  response.setHeader('X-ClickHouse-Timezone', options.facts.timezone);
  if (isHello(wanted.sql, wanted.protocolVersion)) {
    return sendHello(response, options.facts, describeAnswer(request, wanted, signal, options));
  }
  const leave = await options.queue.enter(signal);
  try {
    await run(request, response, wanted, signal, options);
  } finally {
    leave();
  }
}

async function run(
  request: IncomingMessage,
  response: ServerResponse,
  wanted: SqlRequest,
  signal: AbortSignal,
  options: SqlHandlerOptions,
): Promise<void> {
  const { engine } = options;
  // As with a server, GET asks and only POST may change something.
  const access = options.readOnly || request.method !== 'POST' ? 'read-only' : 'read-write';
  const { sql, format, database, settings, params } = wanted;
  const start = (dataPath?: string): Promise<SqlAnswer> =>
    engine.runStatement({
      sql,
      format,
      database,
      settings,
      params,
      access,
      defaults: options.defaults,
      dataPath,
      signal,
    });
  const { sendsBlocks } = wanted;
  const file = {
    directory: engine.temporaryDirectory,
    bytesMax: options.insertBytesMax,
    sendsBlocks,
    signal,
  };
  const started =
    wanted.hasData && access === 'read-write' ? await withBodyFile(request, file, start) : await start();
  try {
    const contentType = options.facts.contentTypes.get(started.format) ?? 'text/plain; charset=UTF-8';
    response.setHeader('Content-Type', contentType);
    response.setHeader('X-ClickHouse-Format', started.format);
    if (request.method === 'HEAD') return void response.end();
    await sendAnswer(response, started, describeAnswer(request, wanted, signal, options));
  } finally {
    await started.end();
  }
}

function checkPassword(wanted: SqlRequest, password: string | undefined): void {
  if (password === undefined || timingSafeEqual(hash(wanted.password), hash(password))) return;
  if (wanted.password === '') {
    throw new ClickHouseError(
      194,
      'REQUIRED_PASSWORD',
      `${wanted.user}: Authentication failed: password is required`,
    );
  }
  throw new ClickHouseError(
    516,
    'AUTHENTICATION_FAILED',
    `${wanted.user}: Authentication failed: password is incorrect`,
  );
}

/** Of equal length, so that they can be compared without telling by time how much is right. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function describeAnswer(
  request: IncomingMessage,
  { settings, wantsBlocks }: SqlRequest,
  signal: AbortSignal,
  options: SqlHandlerOptions,
): AnswerOptions {
  const accepted = request.headers['accept-encoding'];
  return {
    version: options.facts.version,
    exceptionTag: options.newId().replaceAll('-', '').slice(0, 16),
    stallMsMax: options.stallMsMax,
    openPacking: () => openPacking(accepted?.toString(), settings, wantsBlocks),
    signal,
  };
}

async function sendHello(
  response: ServerResponse,
  facts: ServerFacts,
  options: AnswerOptions,
): Promise<void> {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('X-ClickHouse-Format', 'Native');
  const bytes = buildHello(facts);
  const packing = options.openPacking();
  if (packing.stages.length === 0) response.setHeader('Content-Length', bytes.length);
  const chunks = [bytes];
  await sendAnswer(
    response,
    { next: async () => chunks.shift() },
    { ...options, openPacking: () => packing },
  );
}

function refusePath(response: ServerResponse, path: string): void {
  response.statusCode = 404;
  sendText(
    response,
    `There is no handle ${path}\n\nUse / or /ping for health checks.\nSend queries to / with POST.\n`,
  );
}

function sendText(response: ServerResponse, text: string): void {
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
