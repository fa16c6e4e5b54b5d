/** How far a call is, by looks at system.processes now and then. Enters: the name of a call; leaves: what was last seen of it. */
import { quote } from '../model/sql-literal.js';
import type { StatementStatistics } from '../model/statement-statistics.js';
import { buildProgressQuestion, readProgress } from './statement-statistics.js';

export interface CallWatch {
  /** As last seen, a moment before the end at best; nothing of a call that was over before anybody looked. */
  seen(): StatementStatistics;
  /** Look now, unless that was done a moment ago. */
  look(): void;
  /** Must be called when the call has ended. */
  stop(): void;
}

/** A look takes 3 ms of CPU, so there are few: after a fifth more of the call's time each, within these. */
const LOOK_PAUSE_MIN_MS = 50;
const LOOK_PAUSE_MAX_MS = 500;
/** Most calls are over by then. */
const FIRST_LOOK_MS = 100;

/** @param ask Runs a statement without waiting for a place; its output is TSV. */
export function watchCall(callName: string, ask: (sql: string) => Promise<Uint8Array>): CallWatch {
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
    ask(question)
      .then((answer) => {
        // A later call may have the same name.
        if (!isOver) last = readProgress(Buffer.from(answer).toString('latin1')) ?? last;
      })
      .catch(() => undefined)
      .finally(() => {
        isAsking = false;
      });
  }

  function lookLater(): void {
    look();
    timer = setTimeout(lookLater, choosePause());
  }

  return {
    seen: () => last,
    look,
    stop() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
