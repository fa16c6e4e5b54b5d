/**
 * ClickHouse inside this process: SQL and Native blocks in, rows and bytes out, on native threads. Results that are
 * read as a stream are planned and fetched in threads of their own, so that no query can stop the event loop.
 * A call that is aborted is also stopped inside the engine. It never touches the network.
 */
import type { CallOptions, ClickHouse } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { quote } from '../model/sql-literal.js';
import { withBlockFile } from './block-file.js';
import { createCallSlots } from './call-slots.js';
import type { EngineXml } from './engine-access.js';
import { createEngineCalls, leaveOnAbort } from './engine-calls.js';
import { createSessionPool } from './engine-sessions.js';
import { createStatementRunner, type RunStatement } from './engine-statements.js';
import { buildNativeInsert } from './native-insert.js';
import { countNodeThreads } from './node-threads.js';
import { type OpenEngine, openEngine } from './open-engine.js';
import { formatParams } from './query-params.js';
import { parseRows } from './query-rows.js';
import { quoteIdentifier } from './session-settings.js';
import { createStreamThreads } from './stream-threads.js';

export interface EmbeddedOptions {
  /** Data directory; created where it does not exist. */
  directory: string;
  /** Created where it does not exist. */
  database: string;
  /** For files that live as long as one call. */
  temporaryDirectory: string;
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
  /** Run a statement that came from outside; see engine-statements.ts. */
  runStatement: RunStatement;
}

/**
 * Two threads of Node's pool are left alone: one for inserts, one for the spool's fsync. The rest is halved between
 * our own reads and streamed results, so that no query of the SQL port holds up rollups.
 */
function halfOfThreads(): number {
  return Math.max(1, Math.floor((countNodeThreads() - 2) / 2));
}

let isOpen = false;

export async function openEmbeddedClickHouse(options: EmbeddedOptions): Promise<EmbeddedClickHouse> {
  if (isOpen) throw new UserError('The embedded engine is open in this process already; close it first.');
  isOpen = true;
  let engine: OpenEngine | undefined;
  try {
    engine = await openEngine(options.directory, options.temporaryDirectory, options.engineXml);
    const setup = engine.openSession();
    await setup.queryAsync(`CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(options.database)}`);
    setup.close();
    return createDriver(options, engine);
  } catch (error) {
    engine?.close();
    isOpen = false;
    throw error;
  }
}

function createDriver(options: EmbeddedOptions, engine: OpenEngine): EmbeddedClickHouse {
  const { directory, database, temporaryDirectory, waitingMax = 1000 } = options;
  const readSlots = createCallSlots({ runningMax: options.readsMax ?? halfOfThreads(), waitingMax });
  const fetchSlots = createCallSlots({ runningMax: options.fetchesMax ?? halfOfThreads(), waitingMax });
  const insertSlots = createCallSlots({ runningMax: options.insertsMax ?? 1, waitingMax });
  const threadSlots = createCallSlots({ runningMax: options.streamsMax ?? 4, waitingMax });
  const sessions = createSessionPool({ database, openSession: engine.openSession });
  const calls = createEngineCalls((sql) => sessions.run(sql, { format: 'Null', settings: {}, params: {} }));
  const threads = createStreamThreads({
    chdbPath: engine.chdbPath,
    directory,
    threadSlots,
    fetchSlots,
  });
  const runStatement = createStatementRunner({ database, temporaryDirectory, threads, calls });

  async function run(
    sql: string,
    format: string,
    options: CallOptions,
    slots = readSlots,
  ): Promise<Uint8Array> {
    const { signal } = options;
    const end = calls.begin();
    const release = await slots.acquire(signal).catch((error) => {
      end();
      throw error;
    });
    const callName = calls.nameCall();
    const takeBackStop = calls.stopOnAbort(callName, signal);
    const settings = signal ? { ...options.settings, log_comment: callName } : (options.settings ?? {});
    const result = sessions.run(sql, { format, settings, params: formatParams(options.params ?? {}) });
    return leaveOnAbort(
      result.finally(() => {
        takeBackStop();
        release();
        end();
      }),
      signal,
    );
  }

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    calls.refuseNew();
    await calls.settle();
    sessions.close();
    engine.close();
    await engine.drain();
    await threads.close();
    isOpen = false;
  }

  return {
    kind: 'embedded',
    database,
    temporaryDirectory,
    runStatement,
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
