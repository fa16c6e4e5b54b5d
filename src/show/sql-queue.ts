/**
 * Who may run a statement of the SQL port now. A few run, some wait in order, the rest are told so at once: one busy
 * dashboard must not take the engine from the pipeline.
 */
import { ClickHouseError } from '../model/clickhouse.js';

export interface SqlQueue {
  /** Resolves with the function that gives the place back; rejects when the signal fires while waiting. */
  enter(signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

export function createSqlQueue(options: { concurrencyMax: number; waitingMax: number }): SqlQueue {
  const { concurrencyMax, waitingMax } = options;
  const waiting: (() => void)[] = [];
  let running = 0;

  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting.length;
    },
    async enter(signal) {
      signal.throwIfAborted();
      if (running < concurrencyMax) {
        running++;
        return leave;
      }
      if (waiting.length >= waitingMax) {
        const message =
          `Too many simultaneous queries: ${concurrencyMax} run (sqlConcurrencyMax) and ` +
          `${waitingMax} wait (sqlWaitingMax); try again later`;
        throw new ClickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message);
      }
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          waiting.splice(waiting.indexOf(start), 1);
          reject(signal.reason);
        };
        const start = () => {
          signal.removeEventListener('abort', giveUp);
          resolve(leave);
        };
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.push(start);
      });
    },
  };
}
