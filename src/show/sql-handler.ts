/**
 * One request to the SQL port from start to end: read it, wait for a place, run the statement, send the answer or the
 * error. A client that goes away takes its query with it. What a statement may do is enforced by the engine; this file
 * never looks into SQL.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClickHouseError } from '../model/clickhouse.js';
import type { DecodeWhole } from './sql-body.js';
import type { SqlEngine } from './sql-engine.js';
import { findStatus, formatError, toSqlError } from './sql-errors.js';
import type { FormReader } from './sql-form.js';
import { buildHello, isHello } from './sql-hello.js';
import { readKill } from './sql-kill.js';
import type { SqlQueue } from './sql-queue.js';
import { type SqlRequest, withSqlRequest } from './sql-request.js';
import { sendAnswer } from './sql-response.js';
import { answerKill, describeAnswer, type Exchange, runInQueue } from './sql-run.js';
import type { RunningQueries } from './sql-running.js';
import type { SqlSessions } from './sql-sessions.js';

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
  queryBytesMax: number;
  insertBytesMax: number;
  stallMsMax: number;
  /** Settings of every statement unless it sets them itself. */
  defaults: Record<string, string | number>;
  newId: () => string;
  /** See SqlEndpointOptions. */
  flush: () => Promise<boolean>;
  decodeWhole?: DecodeWhole | undefined;
  forms: FormReader;
  running: RunningQueries;
  sessions: SqlSessions;
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
  const startedAtMs = performance.now();
  const { queryBytesMax, decodeWhole, forms } = options;
  const exchange = { request, signal, options, startedAtMs };
  await withSqlRequest(request, { queryBytesMax, decodeWhole, forms }, (wanted) =>
    answerStatement(response, wanted, exchange),
  );
}

async function answerStatement(
  response: ServerResponse,
  wanted: SqlRequest,
  exchange: Exchange,
): Promise<void> {
  const { request, options } = exchange;
  if (wanted.sql.trim() === '') {
    if (request.method === 'POST') throw new ClickHouseError(62, 'SYNTAX_ERROR', 'Empty query');
    return sendText(response, 'Ok.\n');
  }
  const queryId = wanted.queryId ?? options.newId();
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Timezone', options.facts.timezone);
  if (isHello(wanted.sql, wanted.protocolVersion)) return sendHello(response, wanted, exchange);
  const kill = request.method === 'POST' ? readKill(wanted.sql) : undefined;
  if (kill !== undefined) return answerKill(response, wanted, kill, exchange);
  await runInQueue(response, wanted, queryId, exchange);
}

async function sendHello(response: ServerResponse, wanted: SqlRequest, exchange: Exchange): Promise<void> {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('X-ClickHouse-Format', 'Native');
  const bytes = buildHello(exchange.options.facts);
  const chunks = [bytes];
  const { signal } = exchange;
  const answer = { next: async () => chunks.shift(), length: bytes.length };
  await sendAnswer(
    response,
    answer,
    describeAnswer(wanted, exchange, { signal, beforeEnd: () => undefined }, () => ({})),
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
