/**
 * The bytes of all requests under way, both protocols: on the wire as they arrive, decompressed as they are made, until
 * the answer. Enters: sizes; leaves: a RetryableError where the sum would pass PLUMBLINE_INFLIGHT_BYTES_MAX. A request
 * alone is never refused: its own limit is PLUMBLINE_REQUEST_BYTES_MAX.
 */
import { RetryableError } from '../model/errors.js';

/** How long a sender waits when there is no room, milliseconds. */
const BUSY_RETRY_MS = 1_000;

export class InflightBytes {
  readonly #bytesMax: number;
  #bytes = 0;
  /** Requests refused since the start. */
  refused = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The share of one request. */
  open(): InflightShare {
    return new InflightShare(this);
  }

  /** @throws RetryableError where `more` does not fit beside what others than the asking request (`own`) hold. */
  take(own: number, more: number): void {
    if (this.#bytes > own && this.#bytes + more > this.#bytesMax) {
      this.refused++;
      throw new RetryableError('too many requests at one time (PLUMBLINE_INFLIGHT_BYTES_MAX)', BUSY_RETRY_MS);
    }
    this.#bytes += more;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export class InflightShare {
  readonly #all: InflightBytes;
  #bytes = 0;
  #isReleased = false;
  #isInUse = false;

  constructor(all: InflightBytes) {
    this.#all = all;
  }

  /**
   * Counts `bytes` more. @throws RetryableError where there is no room for them, or once the share was released: what is
   * still being decompressed then is for nobody, and would be counted for ever.
   */
  add(bytes: number): void {
    if (this.#isReleased) throw new RetryableError('the request is over', BUSY_RETRY_MS);
    this.#all.take(this.#bytes, bytes);
    this.#bytes += bytes;
  }

  /** Keeps what is counted until `work` is over, also where `release` is called before: its sender went away, its bytes did not. */
  async keepDuring<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#isInUse = true;
    try {
      return await work();
    } finally {
      this.#isInUse = false;
      if (this.#isReleased) this.#giveBack();
    }
  }

  /** Gives everything back, as soon as nobody uses it; may be repeated. */
  release(): void {
    this.#isReleased = true;
    if (!this.#isInUse) this.#giveBack();
  }

  #giveBack(): void {
    this.#all.give(this.#bytes);
    this.#bytes = 0;
  }
}
