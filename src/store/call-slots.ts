/**
 * How many calls may run inside the engine at once. Each running call blocks one thread of Node's pool, the very
 * pool that fsyncs the spool, so reads must never take all of it. Callers beyond the limit wait in order;
 * beyond `waitingMax` they are refused. It never interrupts a call that has its slot.
 */
import { ClickHouseError } from '../model/clickhouse.js';

export interface CallSlots {
  /** Resolves with the function that gives the slot back; rejects with the signal's reason while still waiting. */
  acquire(signal?: AbortSignal): Promise<() => void>;
}

export function createCallSlots(options: { runningMax: number; waitingMax: number }): CallSlots {
  const waiting: (() => void)[] = [];
  let running = 0;

  function release(): void {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
  function makeRelease(): () => void {
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      release();
    };
  }
  return {
    async acquire(signal) {
      signal?.throwIfAborted();
      if (running < options.runningMax) {
        running++;
        return makeRelease();
      }
      if (waiting.length >= options.waitingMax) {
        const message = `Too many calls wait for the engine: ${options.runningMax} run, ${options.waitingMax} wait`;
        throw new ClickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message);
      }
      return new Promise((resolve, reject) => {
        const grant = () => {
          signal?.removeEventListener('abort', giveUp);
          resolve(makeRelease());
        };
        const giveUp = () => {
          waiting.splice(waiting.indexOf(grant), 1);
          reject(signal!.reason);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
        waiting.push(grant);
      });
    },
  };
}
