/**
 * Whether this process does its work, for whoever watches it. Enters: what the stages know, and questions asked of the disk,
 * ClickHouse and the SQL port; leaves: reasons, one line each, none where all is well. It changes nothing.
 *
 * Three questions are apart: is the process alive (`failure`); can points be taken (`ingest`), so that senders may be sent
 * here; and does everything work (`all`).
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskSpace } from './disk-space.js';
import type { ClickHouse } from './model/clickhouse.js';
import type { DrainLog } from './store/drain.js';

export type Purpose = 'all' | 'ingest';

export interface HealthOptions {
  spool: { readonly isFull: boolean };
  spoolDirectory: string;
  disk: DiskSpace;
  /** Why the last write to the spool failed, unless a later one worked. */
  readWriteFailure: () => string | undefined;
  storage: { findProblem(): string | undefined };
  clickhouse: ClickHouse;
  sql: { findProblem(waitMaxMs: number): Promise<string | undefined> } | undefined;
  catalogue: { isPublished(): boolean };
  nowUnixMs: () => number;
}

export interface Health {
  /** Why this process can do its work no more, once it is so. */
  failure: string | undefined;
  /** The process is ending: nobody should be sent here any more. */
  isStopping: boolean;
  findProblems(purpose: Purpose): Promise<string[]>;
  /** The log that the drain writes to, with an eye on whether anything is stored. */
  watch(log: DrainLog): DrainLog;
}

/** Longest wait for an answer of ClickHouse or of the SQL port. */
const ANSWER_MAX_MS = 3_000;
/** A first failure may be one that passes at once. */
const FAILED_TRIES_MIN = 3;
const PROBE_BYTES = 64 * 1024;

export function createHealth(options: HealthOptions): Health {
  const { spool, disk, storage, clickhouse, sql, catalogue, nowUnixMs } = options;
  let storingFailure: string | undefined;
  let failingSinceMs = 0;
  /** Those who ask at the same time share an answer. */
  const underWay = new Map<Purpose, Promise<string[]>>();

  async function findIngestProblems(): Promise<string[]> {
    if (health.isStopping) return ['stopping: nothing is taken any more'];
    const problems: (string | undefined)[] = [await disk.findProblem()];
    if (spool.isFull)
      problems.push('the spool is full (PLUMBLINE_SPOOL_BYTES_MAX): senders are asked to retry');
    // Nobody may be sending any more: what cannot be written is found out here too.
    if (options.readWriteFailure() !== undefined) problems.push(await probeSpool(options.spoolDirectory));
    return problems.filter((problem) => problem !== undefined);
  }

  async function findStorageProblems(): Promise<string[]> {
    const starting = storage.findProblem();
    if (starting !== undefined) return [starting];
    const found = await Promise.all([pingClickHouse(clickhouse), sql?.findProblem(ANSWER_MAX_MS)]);
    const publishing = catalogue.isPublished() ? undefined : 'starting: the KPIs are being published';
    return [storingFailure, ...found, publishing].filter((problem) => problem !== undefined);
  }

  async function find(purpose: Purpose): Promise<string[]> {
    if (health.failure !== undefined) return [health.failure];
    if (purpose === 'ingest') return findIngestProblems();
    return (await Promise.all([findIngestProblems(), findStorageProblems()])).flat();
  }

  const health: Health = {
    failure: undefined,
    isStopping: false,
    findProblems(purpose) {
      let answer = underWay.get(purpose);
      if (answer === undefined) {
        answer = find(purpose).finally(() => underWay.delete(purpose));
        underWay.set(purpose, answer);
      }
      return answer;
    },
    watch: (log) => ({
      ...log,
      onRetry(segment, error, attempt) {
        if (attempt === 1) failingSinceMs = nowUnixMs();
        if (attempt >= FAILED_TRIES_MIN) {
          const since = new Date(failingSinceMs).toISOString();
          storingFailure = `nothing can be stored since ${since}: ${error.message}`;
        }
        log.onRetry(segment, error, attempt);
      },
      onStored(segment, rowsByTable, times) {
        storingFailure = undefined;
        log.onStored(segment, rowsByTable, times);
      },
    }),
  };
  return health;
}

async function pingClickHouse(clickhouse: ClickHouse): Promise<string | undefined> {
  const signal = AbortSignal.timeout(ANSWER_MAX_MS);
  try {
    await clickhouse.query('SELECT 1', { signal });
    return undefined;
  } catch (error) {
    const name = clickhouse.kind === 'embedded' ? 'the embedded ClickHouse' : 'ClickHouse';
    return signal.aborted
      ? `${name} does not answer: SELECT 1 took more than ${ANSWER_MAX_MS} ms`
      : `${name} fails: ${(error as Error).message}`;
  }
}

async function probeSpool(directory: string): Promise<string | undefined> {
  const path = join(directory, '.probe');
  try {
    await writeFile(path, Buffer.alloc(PROBE_BYTES), { flush: true });
    return undefined;
  } catch (error) {
    return `the spool cannot be written: ${(error as Error).message}`;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
