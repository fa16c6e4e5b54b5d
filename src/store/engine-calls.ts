/**
 * Calls into the embedded engine as the rest of the program sees them: counted, waited for at the end, and stopped
 * inside the engine when their signal fires (the engine's binding alone would only look away). A call that is stopped
 * rejects at once with the signal's reason; its place is given back when the engine is really done with it.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';
import { type CallWatch, watchCall } from './call-watch.js';

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

const KILL_INTERVAL_MS = 500;

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

  async function runCounted(sql: string): Promise<Uint8Array> {
    const end = count();
    return runNow(sql).finally(end);
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
        runCounted(sql).catch(() => undefined);
        timer = setTimeout(kill, KILL_INTERVAL_MS);
      };
      signal?.addEventListener('abort', kill, { once: true });
      return () => {
        signal?.removeEventListener('abort', kill);
        clearTimeout(timer);
      };
    },
    watch: (callName) => watchCall(callName, runCounted),
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
