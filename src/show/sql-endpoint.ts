/**
 * The SQL port: ClickHouse's HTTP interface in front of the embedded engine, so that curl, Grafana and every ClickHouse
 * client work as with a server. This file has its settings and its life; one request is sql-handler.ts.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { ClickHouse } from '../model/clickhouse.js';
import type { Address, Component } from '../model/component.js';
import { createSqlAccess, type SqlAccessOptions } from './sql-access.js';
import type { DecodeWhole } from './sql-body.js';
import { asSqlEngine, type SqlEngine } from './sql-engine.js';
import { createFormReader } from './sql-form.js';
import { handleSql, type ServerFacts, type SqlHandlerOptions } from './sql-handler.js';
import { createSqlQueue, type SqlQueue } from './sql-queue.js';
import { createRunningQueries } from './sql-running.js';
import { createSqlSessions } from './sql-sessions.js';

export interface SqlEndpointOptions extends SqlAccessOptions {
  port: number;
  /** The embedded driver. */
  clickhouse: ClickHouse;
  /** Only questions; false lets POST change data (tests, trusted networks). */
  readOnly: boolean;
  /** Connections at once; further ones are closed. */
  connectionsMax?: number;
  /** Longest time for the head of a request to arrive, milliseconds. */
  headersTimeoutMs?: number;
  /** Statements at once; further ones wait. */
  sqlConcurrencyMax?: number;
  /** Statements that may wait; further ones are refused. */
  sqlWaitingMax?: number;
  /** Longest statement, bytes. */
  sqlQueryBytesMax?: number;
  /** Longest data of one INSERT, bytes. */
  sqlInsertBytesMax?: number;
  /** External data of one statement, bytes; all that are under way may have four times as much. */
  sqlExternalBytesMax?: number;
  /** max_execution_time of a statement that sets none, seconds. */
  sqlExecutionMaxS?: number;
  /** max_memory_usage of a statement that sets none, bytes. */
  sqlMemoryBytesMax?: number;
  /** max_threads of a statement that sets none: some processors stay free for the pipeline. */
  sqlThreadsMax?: number;
  /** A reader that takes nothing for this long is cut off. */
  sqlStallMaxMs?: number;
  /** Decompresses zstd and lz4 bodies; without it they are refused. */
  decodeWhole?: DecodeWhole;
  /** Stores what was acknowledged, before a question that may read it is asked; false where that takes too long. */
  flush?: () => Promise<boolean>;
  /** Makes query ids and exception tags. */
  newId?: () => string;
}

const MIB = 1024 * 1024;
/** URLs carry whole queries. */
const HEADER_BYTES_MAX = MIB;
/** Longest time for a request to arrive as a whole. */
const REQUEST_MAX_MS = 300_000;
/** How often Node looks for connections that are too slow, milliseconds. */
const CHECK_INTERVAL_MAX_MS = 30_000;
/** Clients keep connections for the next query; a dashboard refreshes within this time. */
const KEEP_ALIVE_MS = 65_000;

export interface SqlEndpoint extends Component {
  address(): Address;
  /** The engine is open: statements are answered from now on. Until then the port says that it is starting. */
  open(): Promise<void>;
  /** Asks what every client asks, in the same queue; why it was not answered within the time, if it was not. */
  findProblem(waitMaxMs: number): Promise<string | undefined>;
}

export function createSqlEndpoint(options: SqlEndpointOptions): SqlEndpoint {
  const engine = asSqlEngine(options.clickhouse);
  const queue = createSqlQueue({
    concurrencyMax: options.sqlConcurrencyMax ?? 4,
    waitingMax: options.sqlWaitingMax ?? 64,
  });
  const underWay = new Map<AbortController, Promise<void>>();
  let handlerOptions: SqlHandlerOptions | undefined;
  let stopping: Promise<void> | undefined;

  const admit = createSqlAccess(options);
  const headersTimeout = options.headersTimeoutMs ?? 15_000;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout,
      requestTimeout: REQUEST_MAX_MS,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MAX_MS, headersTimeout),
    },
    (request, response) => {
      if (!admit(request, response, handlerOptions?.facts.version ?? 'starting')) return;
      if (handlerOptions === undefined) return sayStarting(response);
      const controller = new AbortController();
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('The client went away'));
      });
      const handled = handleSql(request, response, controller.signal, handlerOptions);
      underWay.set(
        controller,
        handled.finally(() => underWay.delete(controller)),
      );
    },
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = options.connectionsMax ?? 500;

  async function stop(deadlineMs: number): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise((done) => server.close(done));
    server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const controller of underWay.keys()) controller.abort(new Error('The server is shutting down'));
    }, deadlineMs);
    await Promise.all(underWay.values());
    clearTimeout(timer);
    server.closeAllConnections();
    await closed;
  }

  return {
    async start() {
      if (!server.listening) await listen(server, options.port, options.host);
    },
    async open() {
      handlerOptions ??= buildHandlerOptions(options, engine, queue, await readFacts(engine));
    },
    async findProblem(waitMaxMs) {
      const signal = AbortSignal.timeout(waitMaxMs);
      try {
        const leave = await queue.enter(signal);
        await askForOne(engine, signal).finally(leave);
        return undefined;
      } catch (error) {
        if (!signal.aborted) return `the SQL port does not answer: ${(error as Error).message}`;
        const { running, waiting } = queue;
        return `the SQL port is blocked: SELECT 1 took more than ${waitMaxMs} ms (${running} statements run, ${waiting} wait)`;
      }
    },
    shutdown(deadlineMs) {
      stopping ??= stop(deadlineMs);
      return stopping;
    },
    address: () => ({ host: options.host, port: (server.address() as AddressInfo).port }),
  };
}

function buildHandlerOptions(
  options: SqlEndpointOptions,
  engine: SqlEngine,
  queue: SqlQueue,
  facts: ServerFacts,
): SqlHandlerOptions {
  const { readOnly, newId = randomUUID, flush = async () => true } = options;
  return {
    ...{ engine, facts, queue, readOnly, newId, flush },
    decodeWhole: options.decodeWhole,
    running: createRunningQueries(),
    sessions: createSqlSessions(),
    forms: createFormReader({
      directory: engine.temporaryDirectory,
      dataBytesMax: options.sqlExternalBytesMax ?? 64 * MIB,
    }),
    queryBytesMax: options.sqlQueryBytesMax ?? MIB,
    insertBytesMax: options.sqlInsertBytesMax ?? 1024 * MIB,
    stallMsMax: options.sqlStallMaxMs ?? 60_000,
    defaults: {
      max_execution_time: options.sqlExecutionMaxS ?? 60,
      max_memory_usage: options.sqlMemoryBytesMax ?? 2048 * MIB,
      max_threads: options.sqlThreadsMax ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    },
  };
}

/** A client tries again; ClickHouse itself is not listening yet at this point. */
function sayStarting(response: ServerResponse): void {
  response.writeHead(503, { 'Content-Type': 'text/plain; charset=UTF-8', 'Retry-After': '1' });
  response.end('Plumbline is starting: the embedded ClickHouse is being opened; try again in a moment\n');
}

async function askForOne(engine: SqlEngine, signal: AbortSignal): Promise<void> {
  const access = 'read-only';
  const statement = {
    sql: 'SELECT 1',
    format: 'TSV',
    access,
    defaults: {},
    settings: {},
    params: {},
  } as const;
  const answer = await engine.runStatement({ ...statement, signal });
  await answer.end();
}

async function readFacts(engine: SqlEngine): Promise<ServerFacts> {
  const sql = 'SELECT version() AS version, timezone() AS timezone';
  const [server] = await engine.query<{ version: string; timezone: string }>(sql);
  const formats = await engine.query<{ name: string; content_type: string }>(
    'SELECT name, content_type FROM system.formats WHERE is_output',
  );
  const contentTypes = new Map(formats.map((format) => [format.name, format.content_type]));
  return { displayName: 'plumbline', version: server!.version, timezone: server!.timezone, contentTypes };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      done();
    });
  });
}
