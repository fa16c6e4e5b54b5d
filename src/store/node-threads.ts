/**
 * How many threads Node's pool really has. Calls into the engine, fsync and gzip share them. The size is fixed when the
 * pool is first used, which is before the first line of an ES module runs: setting UV_THREADPOOL_SIZE from inside the
 * program comes too late, so only the environment the process was started with counts.
 */
import { readFileSync } from 'node:fs';

const DEFAULT_THREADS = 4;

export function countNodeThreads(): number {
  try {
    const start = readFileSync('/proc/self/environ', 'utf8').split('\0');
    const setting = start.find((entry) => entry.startsWith('UV_THREADPOOL_SIZE='));
    return Number(setting?.split('=')[1]) || DEFAULT_THREADS;
  } catch {
    // No /proc here: assume what Node does when nothing is set, which is never too many.
    return DEFAULT_THREADS;
  }
}
