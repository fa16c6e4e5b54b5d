/**
 * How long a request may take to arrive. Enters: signs of life; leaves: a SlowSenderError, once, where the pause between
 * two of them or the whole takes too long. Used by both protocols.
 */
import { RetryableError } from '../model/errors.js';

export interface ArrivalLimits {
  /** Longest time for a request to arrive as a whole, milliseconds. */
  requestTimeoutMs: number;
  /** Longest pause within it, milliseconds. */
  bodyIdleMs: number;
}

/** How long a sender whose request came too slowly waits, milliseconds. */
const SLOW_RETRY_MS = 1_000;

/** The request did not arrive in time. */
export class SlowSenderError extends RetryableError {}

export class ArrivalTimer {
  readonly #idle: NodeJS.Timeout;
  readonly #whole: NodeJS.Timeout;

  constructor({ requestTimeoutMs, bodyIdleMs }: ArrivalLimits, onSlow: (error: SlowSenderError) => void) {
    const expire = (setting: string, ms: number) => {
      this.stop();
      onSlow(new SlowSenderError(`the request came too slowly: ${setting} is ${ms} ms`, SLOW_RETRY_MS));
    };
    this.#idle = setTimeout(expire, bodyIdleMs, 'PLUMBLINE_BODY_IDLE_MS', bodyIdleMs);
    this.#whole = setTimeout(expire, requestTimeoutMs, 'PLUMBLINE_REQUEST_TIMEOUT_MS', requestTimeoutMs);
  }

  /** Bytes came. */
  touch(): void {
    this.#idle.refresh();
  }

  /** Everything came, or nobody waits any more; may be repeated. */
  stop(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#whole);
  }
}
