/**
 * Storage as one component: brings the schema up to date, then starts what works on it. Where a ClickHouse server is
 * away at the start it goes on without it, and catches up as soon as the server answers: points wait in the spool.
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

export interface Storage extends Component {
  /** The schema is up to date and the workers run. */
  isReady(): boolean;
}

/** `workers` are started in their order, and shut down in reverse. */
export function createStorage(
  clickhouse: ClickHouse,
  workers: readonly Component[],
  log: StorageLog,
): Storage {
  const stopping = new AbortController();
  let catchingUp: Promise<void> | undefined;
  let isReady = false;

  async function prepare(): Promise<void> {
    for (const name of await applyMigrations(clickhouse)) log.info(`migration ${name} applied`);
    for (const worker of workers) await worker.start();
    isReady = true;
  }

  async function catchUp(): Promise<void> {
    await pRetry(prepare, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 250,
      maxTimeout: RETRY_MAX_MS,
      signal: stopping.signal,
      shouldRetry: ({ error }) => !(error instanceof UserError),
      onFailedAttempt: ({ error }) => {
        if (!isUnreachable(error)) log.warn(`ClickHouse is not ready: ${error.message}`);
      },
    });
    log.info('ClickHouse answers; the spool is being drained');
  }

  return {
    isReady: () => isReady,
    async start() {
      try {
        await prepare();
      } catch (error) {
        if (clickhouse.kind === 'embedded' || !(error instanceof ClickHouseError)) throw error;
        if (!isUnreachable(error)) {
          throw new UserError(
            `ClickHouse refused: ${error.message} (${error.type}); ` +
              `check CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD${clickhouse.cluster === undefined ? '' : ', CLICKHOUSE_CLUSTER'} and CLICKHOUSE_DATABASE`,
          );
        }
        log.warn(
          `ClickHouse cannot be reached (${error.message}); points are kept in the spool until it can`,
        );
        catchingUp = catchUp().catch((failure: Error) => {
          if (!stopping.signal.aborted)
            log.error(`the schema cannot be brought up to date: ${failure.message}`);
        });
      }
    },
    async shutdown(deadlineMs) {
      stopping.abort();
      await catchingUp;
      if (!isReady) return;
      for (const worker of [...workers].reverse()) await worker.shutdown(deadlineMs);
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ClickHouseError && error.type === 'NETWORK';
}
