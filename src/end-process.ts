/**
 * The end of this process where it cannot end by itself. Exiting waits for native queries of the embedded engine, and for
 * ever once one of its threads has crashed. Nothing is lost by a kill: what was acknowledged is in the spool.
 */
import { Worker } from 'node:worker_threads';

/** Ends the process at once, without any handler of its exit. Shells show the code 137. */
export function killProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** As text, so that it needs no file of its own. */
const WATCHDOG_SOURCE = `
const { workerData } = require('node:worker_threads');
setTimeout(() => process.kill(process.pid, 'SIGKILL'), workerData);
`;

/** Ends the process after this time, milliseconds, whatever its event loop does then. */
export function killProcessAfter(ms: number): void {
  new Worker(WATCHDOG_SOURCE, { eval: true, workerData: ms }).unref();
}

/** @returns Whether the work was done within the time, milliseconds. */
export async function isDoneWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), ms);
  });
  return Promise.race([work.then(() => true as const), late]).finally(() => clearTimeout(timer));
}
