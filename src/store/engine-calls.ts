/**
 * Calls into the embedded engine as the rest of the program sees them: counted, waited for at the end, and stopped
 * inside the engine when their signal fires (the engine's binding alone would only look away). A call that is stopped
 * rejects at once with the signal's reason; its place is given back when the engine is really done with it.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';
import type { StatementStatistics } from '../model/statement-statistics.js';
import { buildProgressQuestion, readProgress } from './statement-statistics.js';

export interface EngineCalls {
  /** A name for one call, unique in this process; it travels as the setting `log_comment`. */
  nameCall(): string;
  /** Count a call; throws once `refuseNew` was called. The returned function must be called when it has ended. */
  begin(): () => void;
  /** Stop the call of that name when the signal fires. The returned function must be called when it has ended. */
  stopOnAbort(callName: string, signal: AbortSignal | undefined): () => void;
  /** Asks now and then how far the call of that name is. */
  watch(callName: string): CallWatch;
  refuseNew(): void;
  /** Resolves when no call is under way. */
  settle(): Promise<void>;
}

export interface CallWatch {
  /** As last seen, a moment before the end at best; nothing of a call that was over before anybody looked. */
  seen(): StatementStatistics;
  /** Look now, unless that was done a moment ago. */
  look(): void;
  /** Must be called when the call has ended. */
  stop(): void;
}

const KILL_INTERVAL_MS = 500;
/** A look takes 3 ms of CPU, so there are few: after a fifth more of the call's time each, within these. */
const LOOK_PAUSE_MIN_MS = 50;
const LOOK_PAUSE_MAX_MS = 500;
/** Most calls are over by then. */
const FIRST_LOOK_MS = 100;

/** `runNow` runs a statement without waiting for a place: a kill must not queue behind what it kills. Its output is TSV. */
export function createEngineCalls(runNow: (sql: string) => Promise<Uint8Array>): EngineCalls {
  let running = 0;
  let callsMade = 0;
  let isClosed = false;
  let wakeWaiters: (() => void)[] = [];

  function count(): () => void {
    let hasEnded = false;
    running++;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      if (--running > 0) return;
      for (const wake of wakeWaiters) wake();
      wakeWaiters = [];
    };
  }
  return {
    nameCall: () => `plumbline-call-${++callsMade}`,
    begin() {
      if (isClosed) throw new ClickHouseError(0, 'CLOSED', 'The embedded engine is closed');
      return count();
    },
    stopOnAbort(callName, signal) {
      const sql = `KILL QUERY WHERE Settings['log_comment'] = ${quote(callName)} ASYNC`;
      let timer: NodeJS.Timeout | undefined;
      // Again and again until the call has ended: it may be just about to start when the first one looks for it.
      const kill = () => {
        const end = count();
        runNow(sql).then(end, end);
        timer = setTimeout(kill, KILL_INTERVAL_MS);
      };
      signal?.addEventListener('abort', kill, { once: true });
      return () => {
        signal?.removeEventListener('abort', kill);
        clearTimeout(timer);
      };
    },
    watch(callName) {
      const question = buildProgressQuestion(quote(callName));
      const startedAtMs = performance.now();
      let last: StatementStatistics = {};
      let isOver = false;
      let isAsking = false;
      let lookAgainAtMs = 0;
      let timer = setTimeout(lookLater, FIRST_LOOK_MS);
      function choosePause(): number {
        const fifth = (performance.now() - startedAtMs) / 5;
        return Math.min(LOOK_PAUSE_MAX_MS, Math.max(LOOK_PAUSE_MIN_MS, fifth));
      }
      function look(): void {
        if (isOver || isAsking || performance.now() < lookAgainAtMs) return;
        isAsking = true;
        lookAgainAtMs = performance.now() + choosePause();
        const end = count();
        runNow(question)
          .then((answer) => {
            // A later call may have the same name.
            if (!isOver) last = readProgress(Buffer.from(answer).toString('latin1')) ?? last;
          })
          .catch(() => undefined)
          .finally(() => {
            end();
            isAsking = false;
          });
      }
      function lookLater(): void {
        look();
        timer = setTimeout(lookLater, choosePause());
      }
      function stop(): void {
        isOver = true;
        clearTimeout(timer);
      }
      return { seen: () => last, look, stop };
    },
    refuseNew() {
      isClosed = true;
    },
    async settle() {
      if (running > 0) await new Promise<void>((resolve) => wakeWaiters.push(resolve));
    },
  };
}

/** The promise, or the signal's reason as soon as it fires; what is left behind may end unheard. */
export async function leaveOnAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => undefined);
  let leave = () => {};
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', leave));
}
