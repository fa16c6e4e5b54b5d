/**
 * The pool of stream threads: each carries one statement at a time, from `prepare` to `end`. Threads are made when
 * first needed and kept. It never decides which statements may run, and knows nothing of HTTP.
 */
import { Worker } from 'node:worker_threads';
import type { CallSlots } from './call-slots.js';
import { parseClickHouseError } from './clickhouse-errors.js';
import { STREAM_THREAD_SOURCE } from './stream-thread-source.js';
import type { StuckPlaces } from './stuck-places.js';

export interface StreamChunk {
  bytes: Uint8Array;
  rows: number;
}

/** One statement under way in a thread. Calls must not overlap, except `end`, which waits for the one before it. */
export interface StreamThread {
  /** A fresh session, with these statements run in it. */
  prepare(statements: readonly string[]): Promise<void>;
  /** The one value of a cheap query, as text. */
  ask(sql: string): Promise<string>;
  /** Start a single SELECT whose output comes chunk by chunk. */
  stream(sql: string, format: string): Promise<void>;
  /** Run any statement to its end; resolves with its output, as text. */
  run(sql: string, format: string): Promise<string>;
  /** The next chunk of `stream`; undefined at the end. */
  next(): Promise<StreamChunk | undefined>;
  /** Give up what is left, close the session, give the thread back. */
  end(): Promise<void>;
}

export interface StreamThreads {
  /** Waits for a free thread; rejects with the signal's reason while still waiting. */
  acquire(signal?: AbortSignal): Promise<StreamThread>;
  /** Ends every thread. Only after the engine's other sessions are closed: a thread that ends closes them all. */
  close(): Promise<void>;
}

interface Reply {
  value?: unknown;
  error?: string;
}

export function createStreamThreads(options: {
  chdbPath: string;
  /** The engine's data directory, once it is open. */
  directory: () => string;
  /** One slot a thread: how many statements may be under way. */
  threadSlots: CallSlots;
  stuck: StuckPlaces;
  /** One slot a fetch: each blocks a thread of Node's pool until its chunk is there. */
  fetchSlots: CallSlots;
}): StreamThreads {
  const idle: ThreadChannel[] = [];
  const all: ThreadChannel[] = [];

  function takeChannel(): ThreadChannel {
    const channel = idle.pop() ?? openChannel(options.chdbPath, options.directory());
    if (!all.includes(channel)) all.push(channel);
    return channel;
  }
  return {
    async acquire(signal) {
      const releaseThread = await options.threadSlots.acquire(signal);
      const channel = takeChannel();
      return {
        prepare: async (statements) => void (await channel.send({ step: 'prepare', statements })),
        ask: async (sql) => (await channel.send({ step: 'ask', sql })) as string,
        stream: async (sql, format) => void (await channel.send({ step: 'stream', sql, format })),
        run: async (sql, format) => (await channel.send({ step: 'run', sql, format })) as string,
        async next() {
          const release = await options.fetchSlots.acquire(signal);
          return (await channel.send({ step: 'next' }).finally(release)) as StreamChunk | undefined;
        },
        async end() {
          const ended = channel.send({ step: 'end' });
          options.stuck.watch(ended, signal, releaseThread);
          await ended.finally(() => idle.push(channel));
        },
      };
    },
    async close() {
      await Promise.all(all.map((channel) => channel.leave()));
    },
  };
}

interface ThreadChannel {
  send(message: object): Promise<unknown>;
  leave(): Promise<void>;
}

function openChannel(chdbPath: string, directory: string): ThreadChannel {
  const worker = new Worker(STREAM_THREAD_SOURCE, { eval: true, workerData: { chdbPath, directory } });
  const waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.unref();
  worker.on('message', (reply: Reply) => {
    const { resolve, reject } = waiting.shift()!;
    if (waiting.length === 0) worker.unref();
    if (reply.error === undefined) resolve(reply.value);
    else reject(parseClickHouseError(reply.error));
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.splice(0))
      reject(parseClickHouseError(`Stream thread failed: ${error.message}`));
  });

  function send(message: object): Promise<unknown> {
    // The thread's answers come in order only if it finishes one message before it sees the next.
    last = last
      .catch(() => undefined)
      .then(
        () =>
          new Promise((resolve, reject) => {
            waiting.push({ resolve, reject });
            worker.ref();
            worker.postMessage(message);
          }),
      );
    return last;
  }
  return {
    send,
    async leave() {
      // A thread that closes its port cannot answer any more: its end is the answer.
      worker.ref();
      worker.postMessage({ step: 'leave' });
      await exited;
    },
  };
}
