/** How many threads Node's pool has; calls into the engine, fsync and gzip share them. start.cts sets the number. */
const DEFAULT_THREADS = 4;

export function countNodeThreads(): number {
  return Number(process.env.UV_THREADPOOL_SIZE) || DEFAULT_THREADS;
}
