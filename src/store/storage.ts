/**
 * Storage as one component: opens ClickHouse, brings the schema up to date, then starts what works on it. Where a ClickHouse
 * server is away at the start, or the disk is full, it goes on without, and catches up as soon as it can: points wait in the
 * spool.
 */
import pRetry from 'p-retry';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import { UserError } from '../model/errors.js';
import { applyMigrations } from './migrations.js';

const RETRY_MAX_MS = 5_000;

export interface StorageLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface StorageOptions {
  clickhouse: ClickHouse;
  /** Opens what is not open yet; called again after a failure. */
  open: () => Promise<void>;
  /** Started in their order, and shut down in reverse. */
  workers: readonly Component[];
  /** Whether the disk is full, so that a failure is no reason to give up. */
  isDiskFull: () => Promise<boolean>;
  log: StorageLog;
}

export interface Storage extends Component {
  /** The schema is up to date and the workers run. */
  isReady(): boolean;
  /** Why it is not, as one line. */
  findProblem(): string | undefined;
}

export function createStorage({ clickhouse, open, workers, isDiskFull, log }: StorageOptions): Storage {
  const stopping = new AbortController();
  let catchingUp: Promise<void> | undefined;
  let isReady = false;
  let starting: Promise<void> | undefined;
  const started = new Set<Component>();
  let stage = 'starting: ClickHouse is being opened';
  let lastFailure = '';

  async function prepare(): Promise<void> {
    await open();
    stopping.signal.throwIfAborted();
    stage = 'starting: the schema is being brought up to date';
    for (const name of await applyMigrations(clickhouse)) log.info(`migration ${name} applied`);
    for (const worker of workers) {
      stopping.signal.throwIfAborted();
      started.add(worker);
      await worker.start();
    }
    isReady = true;
  }

  /** Whether the failure may pass by itself. */
  async function mayPass(error: Error): Promise<boolean> {
    if (clickhouse.kind === 'embedded') return isRoomError(error) || (await isDiskFull());
    return !(error instanceof UserError);
  }

  async function catchUp(): Promise<void> {
    await pRetry(prepare, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 250,
      maxTimeout: RETRY_MAX_MS,
      signal: stopping.signal,
      shouldRetry: ({ error }) => mayPass(error),
      onFailedAttempt: ({ error }) => {
        if (!isUnreachable(error) && error.message !== lastFailure)
          log.warn(`ClickHouse is not ready: ${error.message}`);
        lastFailure = error.message;
      },
    });
    log.info('ClickHouse answers; the spool is being drained');
  }

  function explain(error: Error): Error {
    if (clickhouse.kind === 'embedded' || !(error instanceof ClickHouseError)) return error;
    return new UserError(
      `ClickHouse refused: ${error.message} (${error.type}); ` +
        `check CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD${clickhouse.cluster === undefined ? '' : ', CLICKHOUSE_CLUSTER'} and CLICKHOUSE_DATABASE`,
    );
  }

  return {
    isReady: () => isReady,
    findProblem() {
      if (isReady) return undefined;
      return lastFailure === '' ? stage : `nothing can be stored: ${lastFailure}`;
    },
    async start() {
      starting = prepare();
      try {
        await starting;
      } catch (error) {
        if (stopping.signal.aborted) throw error;
        const failure = error as Error;
        const passes = clickhouse.kind === 'embedded' ? await mayPass(failure) : isUnreachable(failure);
        if (!passes) throw explain(failure);
        lastFailure = failure.message;
        log.warn(
          isUnreachable(failure)
            ? `ClickHouse cannot be reached (${failure.message}); points are kept in the spool until it can`
            : `the embedded ClickHouse cannot be started (${failure.message}); it is tried again`,
        );
        catchingUp = catchUp().catch((last: Error) => {
          if (stopping.signal.aborted) return;
          lastFailure = `the schema cannot be brought up to date: ${last.message}`;
          log.error(lastFailure);
        });
      }
    },
    async shutdown(deadlineMs) {
      stopping.abort();
      await starting?.catch(() => undefined);
      await catchingUp;
      for (const worker of [...workers].reverse()) if (started.has(worker)) await worker.shutdown(deadlineMs);
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ClickHouseError && error.type === 'NETWORK';
}

/** ClickHouse codes for a full disk, and what its files say. */
function isRoomError(error: Error): boolean {
  return (
    error instanceof ClickHouseError &&
    (error.type === 'NOT_ENOUGH_SPACE' || /No space left on device|quota exceeded/i.test(error.message))
  );
}
