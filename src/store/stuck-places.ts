/**
 * Places of statements that do not end though they were stopped: the engine looks at a stop between two blocks only. After
 * some time such a place is given to others, up to a limit, so that no reader can close the port to all.
 */

export interface StuckPlaces {
  /** Statements that were stopped and have not ended, and whose places others have. */
  readonly count: number;
  /** Calls `release` when the work has ended, or when it is stuck. */
  watch(work: Promise<unknown>, signal: AbortSignal | undefined, release: () => void): void;
}

const STUCK_AFTER_MS = 10_000;

export function createStuckPlaces(stuckMax: number): StuckPlaces {
  let count = 0;
  return {
    get count() {
      return count;
    },
    watch(work, signal, release) {
      let isStuck = false;
      let timer: NodeJS.Timeout | undefined;
      const giveUp = () => {
        if (count >= stuckMax) return;
        count++;
        isStuck = true;
        release();
      };
      const wait = () => {
        timer = setTimeout(giveUp, STUCK_AFTER_MS).unref();
      };
      if (signal?.aborted) wait();
      signal?.addEventListener('abort', wait, { once: true });
      const end = () => {
        signal?.removeEventListener('abort', wait);
        clearTimeout(timer);
        if (isStuck) count--;
        else release();
      };
      work.then(end, end);
    },
  };
}
