/**
 * Threads that cannot be started, or that die: each costs the request that it was for, whose sender is asked to retry, and no
 * other. Real threads run other programs here, as they would run out of memory or be killed.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jsonToProtobufInThread } from '../../src/decode/json-thread.js';
import { PermanentError, RetryableError } from '../../src/model/errors.js';
import { decodeInThread } from '../../src/receive/zstd-thread.js';

const threads = createRequire(import.meta.url)('node:worker_threads') as typeof import('node:worker_threads');
const { Worker } = threads;

/** Every thread from now on runs this instead, or is not started where it is undefined. */
function replaceThreads(program: string | undefined): void {
  threads.Worker = class extends Worker {
    constructor() {
      if (program === undefined) throw new Error('no memory for a thread');
      super(program, { eval: true });
    }
  } as typeof Worker;
  syncBuiltinESMExports();
}

function restoreThreads(): void {
  threads.Worker = Worker;
  syncBuiltinESMExports();
}
afterEach(restoreThreads);

const FAILURES: [string, string | undefined][] = [
  ['cannot be started', undefined],
  ['throws', "throw new Error('out of memory')"],
  ['ends', 'process.exit(3)'],
  [
    'ends when it gets a request',
    "require('node:worker_threads').parentPort.on('message', () => process.exit(3))",
  ],
];

const json = Buffer.from('{"resourceMetrics":[]}');
const plain = Buffer.alloc(1000, 7);
let zstd: Buffer;
beforeAll(async () => {
  zstd = Buffer.from((await Zstd.load()).compress(plain));
});

describe.each([
  ['large JSON', () => jsonToProtobufInThread(json), 0],
  ['large zstd bodies', () => decodeInThread(zstd, plain.length), plain.length],
] as const)('the thread for %s', (_, work, length) => {
  it.each(FAILURES)(
    'that %s fails those requests, which may be repeated, and the next ones are served',
    async (__, program) => {
      replaceThreads(program);
      const answers = await Promise.allSettled([work(), work(), work()]);
      for (const answer of answers) {
        expect(answer.status).toBe('rejected');
        expect((answer as PromiseRejectedResult).reason).toBeInstanceOf(RetryableError);
      }
      restoreThreads();
      const served = await Promise.all([work(), work()]);
      expect(served.map((bytes) => bytes.length)).toEqual([length, length]);
    },
  );
});

it('a request that is wrong costs only itself', async () => {
  const [wrong, right] = await Promise.allSettled([
    jsonToProtobufInThread(Buffer.from('{"resourceMetrics":7}')),
    jsonToProtobufInThread(json),
  ]);
  expect((wrong as PromiseRejectedResult).reason).toBeInstanceOf(PermanentError);
  expect(right.status).toBe('fulfilled');
});
