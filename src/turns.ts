/**
 * Long work beside short work: a task that would hold the event loop is done in slices, and all such tasks together get one
 * slice for each turn of the event loop. Between two slices whatever has arrived is served.
 */

/** Resolves when the next slice may be done; it must be done at once, before anything else is awaited. */
export type Turn = () => Promise<void>;

export class Turns {
  private last: Promise<void> = Promise.resolve();
  private free: number;
  private readonly waiting: (() => void)[] = [];

  /** @param tasksMax Tasks under way at one time, which bounds their memory; further ones wait in order. */
  constructor(tasksMax: number) {
    this.free = tasksMax;
  }

  /** Does a task that awaits `turn` before each of its slices. */
  async run<Result>(task: (turn: Turn) => Promise<Result>): Promise<Result> {
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
