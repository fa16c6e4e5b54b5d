/**
 * Long work beside short work: a task that would hold the event loop is done in slices, and all such tasks together get one
 * slice for each turn of the event loop. Between two slices whatever has arrived is served.
 */

import { RetryableError } from './model/errors.js';

/** Resolves when the next slice may be done; it must be done at once, before anything else is awaited. */
export type Turn = () => Promise<void>;

/** Tasks that wait hold their requests in memory, those whose sender has gone too. */
const WAITING_MAX = 8;
const FULL_RETRY_MS = 1_000;
const CLOSED_RETRY_MS = 5_000;

interface WaitingTask {
  start: () => void;
  refuse: (error: Error) => void;
}

export class Turns {
  private last: Promise<void> = Promise.resolve();
  private free: number;
  private waiting: WaitingTask[] = [];
  private isClosed = false;

  /** @param tasksMax Tasks under way at one time, which bounds their memory; further ones wait in order. */
  constructor(tasksMax: number) {
    this.free = tasksMax;
  }

  /**
   * Does a task that awaits `turn` before each of its slices.
   * @throws RetryableError where too many tasks wait already, or `close` was called before the task's last turn.
   */
  async run<Result>(task: (turn: Turn) => Promise<Result>): Promise<Result> {
    if (this.isClosed) throw closedError();
    if (this.free === 0 && this.waiting.length >= WAITING_MAX)
      throw new RetryableError('too many large requests are waiting to be decoded', FULL_RETRY_MS);
    if (this.free > 0) this.free--;
    else await new Promise<void>((start, refuse) => this.waiting.push({ start, refuse }));
    try {
      return await task(() => this.next());
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next.start();
    }
  }

  /** Gives up the tasks that wait, and each task under way at its next turn; takes no further ones. */
  close(): void {
    this.isClosed = true;
    for (const { refuse } of this.waiting) refuse(closedError());
    this.waiting = [];
  }

  private async next(): Promise<void> {
    this.last = this.last.then(() => new Promise((done) => setImmediate(done)));
    await this.last;
    if (this.isClosed) throw closedError();
  }
}

function closedError(): RetryableError {
  return new RetryableError('the server is shutting down', CLOSED_RETRY_MS);
}
