/**
 * Senders that are refused because of their token, as an operator sees them. Enters: each refusal and the address that it
 * came from; leaves: a count, and a line in the log at once and then at most every minute. Tokens never get here.
 */
import type { TokenProblem } from './bearer-tokens.js';

export interface RefusedSendersOptions {
  warn: (message: string) => void;
  nowUnixMs: () => number;
}

/** Longest silence about refusals that go on, milliseconds. */
const LOG_EVERY_MS = 60_000;

const WORDS: Record<TokenProblem, string> = {
  token_missing: 'no bearer token',
  token_not_accepted: 'a token that is not accepted',
};

export class RefusedSenders {
  readonly #options: RefusedSendersOptions;
  readonly #unlogged: Record<TokenProblem, number> = { token_missing: 0, token_not_accepted: 0 };
  readonly #loggedMs: Partial<Record<TokenProblem, number>> = {};
  /** Requests refused since the start. */
  count = 0;

  constructor(options: RefusedSendersOptions) {
    this.#options = options;
  }

  /** @param peer Address of the sender. @param protocol For the log: `HTTP` or `gRPC`. */
  record(problem: TokenProblem, peer: string, protocol: string): void {
    const { warn, nowUnixMs } = this.#options;
    this.count++;
    this.#unlogged[problem]++;
    const now = nowUnixMs();
    if (now - (this.#loggedMs[problem] ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return;
    const requests = this.#unlogged[problem];
    warn(
      `${requests === 1 ? 'a request was' : `${requests} requests were`} refused: ${WORDS[problem]}; ` +
        `the last one came from ${peer} over ${protocol}`,
    );
    this.#unlogged[problem] = 0;
    this.#loggedMs[problem] = now;
  }
}
