/**
 * ClickHouse inside this process: SQL and Native blocks in, rows and bytes out, on native threads. Results that are
 * read as a stream are planned and fetched in threads of their own, so that no query can stop the event loop.
 * A call that is aborted is also stopped inside the engine. It never touches the network.
 */
import { type CallOptions, type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { quote } from '../model/sql-literal.js';
import { withBlockFile } from './block-file.js';
import { type CallSlots, createCallSlots } from './call-slots.js';
import type { EngineXml } from './engine-access.js';
import { createEngineCalls, leaveOnAbort } from './engine-calls.js';
import { createSessionPool } from './engine-sessions.js';
import { createStatementRunner, type RunStatement } from './engine-statements.js';
import { buildNativeInsert } from './native-insert.js';
import { countNodeThreads } from './node-threads.js';
import { findBinding, type OpenEngine, openEngine } from './open-engine.js';
import { formatParams } from './query-params.js';
import { parseRows } from './query-rows.js';
import { createReader } from './reader-statements.js';
import { createReadingSessions } from './reading-sessions.js';
import { checkSchemaRoom } from './schema-room.js';
import { quoteIdentifier } from './session-settings.js';
import { createStreamThreads } from './stream-threads.js';
import { createStuckPlaces } from './stuck-places.js';
import { SYSTEM_TABLES } from './system-tables.js';

export interface EmbeddedOptions {
  /** Data directory; created where it does not exist. */
  directory: string;
  /** Created where it does not exist. */
  database: string;
  /** For files that live as long as one call. */
  temporaryDirectory: string;
  /** Called whenever an answer says that the engine has failed for good: only a new process can go on. */
  onDead?: (error: ClickHouseError) => void;
  /** For tests: clusters, for example. */
  engineXml?: EngineXml;
  /** Reads and commands inside the engine at once; each blocks a thread of Node's pool. */
  readsMax?: number;
  /** Streamed results that are computing their next chunk at once; each blocks a thread of Node's pool too. */
  fetchesMax?: number;
  /** Inserts inside the engine at once. */
  insertsMax?: number;
  /** Streamed results and statements of the SQL port under way at once; each has a thread of its own (about 12 MB). */
  streamsMax?: number;
  /** Callers that may wait for a place, of each kind. */
  waitingMax?: number;
}

/** The interface every stage uses, plus what the SQL port needs of the engine. */
export interface EmbeddedClickHouse extends ClickHouse {
  readonly kind: 'embedded';
  readonly temporaryDirectory: string;
  /** Opens the engine, off the event loop. @throws UserError where it cannot be opened; it may be tried again. */
  open(): Promise<void>;
  /** Run a statement that came from outside; see engine-statements.ts. */
  runStatement: RunStatement;
  /** Statements of readers that were stopped and have not ended; their places were given to others. */
  readonly stuckStatements: number;
}

/**
 * Two threads of Node's pool are left alone: one for inserts, one for the spool's fsync. The rest is halved between
 * our own reads and streamed results, so that no query of the SQL port holds up rollups.
 */
function halfOfThreads(): number {
  return Math.max(1, Math.floor((countNodeThreads() - 2) / 2));
}

/** One engine in a process. */
let isOpen = false;

/** Room for a statement and for the literal in which it travels to its inspection. */
const QUERY_BYTES_MAX = 8 * 1024 * 1024;
/** Statements that were stopped and do not end, whose places others may have. */
const STUCK_MAX = 4;

/** Opens it at once; see `createEmbeddedClickHouse`. */
export async function openEmbeddedClickHouse(options: EmbeddedOptions): Promise<EmbeddedClickHouse> {
  const clickhouse = createEmbeddedClickHouse(options);
  await clickhouse.open();
  return clickhouse;
}

/** The driver of an engine that is opened by `open`; until then it refuses every call. */
export function createEmbeddedClickHouse(options: EmbeddedOptions): EmbeddedClickHouse {
  const { directory, database, temporaryDirectory, waitingMax = 1000, onDead = () => {} } = options;
  let engine: OpenEngine | undefined;
  const readSlots = createCallSlots({ runningMax: options.readsMax ?? halfOfThreads(), waitingMax });
  const fetchSlots = createCallSlots({ runningMax: options.fetchesMax ?? halfOfThreads(), waitingMax });
  const insertSlots = createCallSlots({ runningMax: options.insertsMax ?? 1, waitingMax });
  const threadSlots = createCallSlots({ runningMax: options.streamsMax ?? 4, waitingMax });
  const sessions = createSessionPool({ database, openSession: () => requireOpen().openSession() });
  const calls = createEngineCalls((sql) => sessions.run(sql, { format: 'TSV', settings: {}, params: {} }));
  const stuck = createStuckPlaces(STUCK_MAX);
  const threads = createStreamThreads({
    chdbPath: findBinding(),
    directory: () => requireOpen().directory,
    ...{ threadSlots, fetchSlots, stuck },
  });

  function requireOpen(): OpenEngine {
    if (engine) return engine;
    throw new ClickHouseError(0, 'NOT_OPEN', 'the embedded ClickHouse is not open yet');
  }

  /** The error itself, after whoever runs this process was told that no call will work again. */
  function reportDead(error: unknown): unknown {
    if (isFatal(error)) onDead(error);
    return error;
  }

  const runInThread = createStatementRunner({ database, temporaryDirectory, threads, calls });
  const readingSessions = createReadingSessions({
    openSession: () => requireOpen().openPlainSession(),
    calls,
  });
  const runForReader = createReader({
    ...{ database, calls, stuck },
    sessions: readingSessions,
    slots: fetchSlots,
    ask: async (sql) =>
      Buffer.from(await run(sql, 'TSVRaw', { settings: { max_query_size: QUERY_BYTES_MAX } })).toString(
        'utf8',
      ),
    runLarge: runInThread,
  });

  const runStatement: RunStatement = async (statement) => {
    requireOpen();
    if (statement.access === 'read-write') await checkSchemaRoom(statement.sql, directory);
    const runStatement = statement.access === 'read-only' ? runForReader : runInThread;
    return runStatement(statement).catch((error) => {
      throw reportDead(error);
    });
  };

  async function acquireFor(sql: string, slots: CallSlots, signal: AbortSignal | undefined) {
    requireOpen();
    await checkSchemaRoom(sql, directory);
    return slots.acquire(signal);
  }

  async function run(
    sql: string,
    format: string,
    options: CallOptions,
    slots = readSlots,
  ): Promise<Uint8Array> {
    const { signal } = options;
    const end = calls.begin();
    const release = await acquireFor(sql, slots, signal).catch((error) => {
      end();
      throw error;
    });
    const callName = calls.nameCall();
    const takeBackStop = calls.stopOnAbort(callName, signal);
    const settings = signal ? { ...options.settings, log_comment: callName } : (options.settings ?? {});
    const result = sessions.run(sql, { format, settings, params: formatParams(options.params ?? {}) });
    return leaveOnAbort(
      result
        .finally(() => {
          takeBackStop();
          release();
          end();
        })
        .catch((error) => {
          throw reportDead(error);
        }),
      signal,
    );
  }

  async function open(): Promise<void> {
    if (isOpen) throw new UserError('The embedded engine is open in this process already; close it first.');
    isOpen = true;
    let opened: OpenEngine | undefined;
    try {
      opened = await openEngine(directory, temporaryDirectory, options.engineXml);
      await prepareDatabases(opened, database, directory);
      engine = opened;
    } catch (error) {
      await opened?.close();
      isOpen = false;
      throw error;
    }
  }

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    calls.refuseNew();
    await opening?.catch(() => undefined);
    if (engine === undefined) return;
    await calls.settle();
    sessions.close();
    readingSessions.close();
    await engine.drain();
    await engine.close();
    await threads.close();
    isOpen = false;
  }

  let opening: Promise<void> | undefined;
  return {
    kind: 'embedded',
    database,
    temporaryDirectory,
    runStatement,
    get stuckStatements() {
      return stuck.count;
    },
    open() {
      opening = open();
      return opening;
    },
    async command(sql, options = {}) {
      await run(sql, 'Null', options);
    },
    async query<Row extends object>(sql: string, options: CallOptions = {}) {
      return parseRows<Row>(await run(sql, 'JSONEachRow', options));
    },
    stream: (sql, format, options = {}) => streamChunks(runStatement, sql, format, options),
    async insertNative(table, blocks, insert) {
      if (blocks.length === 0) return;
      await withBlockFile(temporaryDirectory, blocks, async (path) => {
        const { sql, settings } = buildNativeInsert(table, insert, `FROM INFILE ${quote(path)}`);
        await run(sql, 'Null', { settings }, insertSlots);
      });
    },
    async ping() {
      await run('SELECT 1', 'Null', {});
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function prepareDatabases(engine: OpenEngine, database: string, directory: string): Promise<void> {
  const session = engine.openSession();
  try {
    await session.queryAsync(SYSTEM_TABLES.join(';'));
    const found = await session.queryAsync(`EXISTS DATABASE ${quoteIdentifier(database)}`, { format: 'TSV' });
    if (found.text().trim() === '1') return;
    const sql = `CREATE DATABASE ${quoteIdentifier(database)}`;
    await checkSchemaRoom(sql, directory);
    await session.queryAsync(sql);
  } finally {
    session.close();
  }
}

async function* streamChunks(
  runStatement: RunStatement,
  sql: string,
  format: string,
  { params = {}, settings = {}, signal }: CallOptions,
): AsyncGenerator<Uint8Array> {
  const answer = await runStatement({
    sql,
    format,
    access: 'read-write',
    settings,
    params: formatParams(params),
    signal,
  });
  try {
    for (let chunk = await answer.next(); chunk; chunk = await answer.next()) yield chunk;
  } finally {
    await answer.end();
  }
}

const ABORTED = 236;

/** A thread of the engine crashed: it refuses every statement from then on, and what that thread held is never released. */
function isFatal(error: unknown): error is ClickHouseError {
  return error instanceof ClickHouseError && error.code === ABORTED && /fatal error/.test(error.message);
}
