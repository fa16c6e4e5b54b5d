/** Callers who wait for the next turn of a worker: one turn is under way, and all who ask during it share the next one. */

export interface TurnRequests {
  /** Somebody waits for the next turn. */
  readonly isAsked: boolean;
  /** Resolves with what the next turn answers; false after `waitMaxMs`. */
  ask(waitMaxMs: number): Promise<boolean>;
  /** A turn begins: who asks from now on waits for the next one. The returned function answers those who asked before. */
  begin(): (answer: boolean) => void;
}

export function createTurnRequests(): TurnRequests {
  let waiting: ((answer: boolean) => void)[] = [];
  return {
    get isAsked() {
      return waiting.length > 0;
    },
    ask: (waitMaxMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), waitMaxMs);
        waiting.push((answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
      }),
    begin() {
      const asked = waiting;
      waiting = [];
      return (answer) => {
        for (const tell of asked) tell(answer);
      };
    },
  };
}
