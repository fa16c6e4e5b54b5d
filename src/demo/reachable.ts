/**
 * Waits until something listens at an address, so that the demo may be started before Plumbline is ready. Enters a URL
 * and how long to wait; leaves quietly, or throws a UserError that says how to start Plumbline. Sends nothing.
 */
import { connect } from 'node:net';
import { setTimeout as pauseMs } from 'node:timers/promises';
import { UserError } from '../model/errors.js';
import { ownCommand } from '../model/own-command.js';
import type { Clock } from './clock.js';

const CONNECT_MAX_MS = 3_000;
const TRY_EVERY_MS = 250;

export interface WaitOptions {
  clock: Clock;
  waitMs: number;
  /** Ends the wait; what is not reachable by then is an error. */
  signal: AbortSignal;
  /** Called once, when the first try finds nobody. */
  onWait(): void;
}

export async function waitUntilReachable(endpoint: string, options: WaitOptions): Promise<void> {
  const { clock, waitMs, signal, onWait } = options;
  const untilMs = clock.monotonicMs() + waitMs;
  for (let attempt = 1; ; attempt++) {
    const problem = await findProblem(new URL(endpoint));
    if (problem === undefined) return;
    if (signal.aborted || clock.monotonicMs() >= untilMs) {
      throw new UserError(
        `nothing listens on ${endpoint} (${problem}); start Plumbline first with "${ownCommand()} serve", or name its address with --endpoint`,
      );
    }
    if (attempt === 1) onWait();
    await pauseMs(TRY_EVERY_MS);
  }
}

function findProblem(url: URL): Promise<string | undefined> {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MAX_MS });
    const end = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.on('connect', () => end());
    socket.on('timeout', () => end(`no answer within ${CONNECT_MAX_MS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
