/** Runs what may fail again and again, and tells of it once: when it begins to fail, until it works again. */
export class FailureLog {
  private readonly what: string;
  private readonly onError: (error: Error) => void;
  private isFailing = false;

  /** `what` begins the message. */
  constructor(what: string, onError: (error: Error) => void) {
    this.what = what;
    this.onError = onError;
  }

  /** The result, or nothing where it failed. */
  async watch<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.isFailing = false;
      return result;
    } catch (cause) {
      if (!this.isFailing) {
        this.isFailing = true;
        this.onError(new Error(`${this.what}: ${(cause as Error).message}`, { cause }));
      }
      return undefined;
    }
  }
}
