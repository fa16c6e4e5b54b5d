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

export class Turns {
  private last: Promise<void> = Promise.resolve();
  private free: number;
  private readonly waiting: (() => void)[] = [];

  /** @param tasksMax Tasks under way at one time, which bounds their memory; further ones wait in order. */
  constructor(tasksMax: number) {
    this.free = tasksMax;
  }

  /**
   * Does a task that awaits `turn` before each of its slices.
   * @throws RetryableError where too many tasks wait already.
   */
  async run<Result>(task: (turn: Turn) => Promise<Result>): Promise<Result> {
    if (this.free === 0 && this.waiting.length >= WAITING_MAX)
      throw new RetryableError('too many large requests are waiting to be decoded', FULL_RETRY_MS);
    if (this.free > 0) this.free--;
    else await new Promise<void>((done) => this.waiting.push(done));
    try {
      return await task(() => this.next());
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }

  private next(): Promise<void> {
    this.last = this.last.then(() => new Promise((done) => setImmediate(done)));
    return this.last;
  }
}
