/**
 * The decoder's part of a run, seen from outside: starts the thread, watches that it goes on and that memory stays
 * bounded, writes what it finds. Leaves counts and the paths of findings.
 */
import { Worker } from 'node:worker_threads';
import type { DecoderCounts } from './decoder-checks.js';
import { Finding, writeFinding } from './finding.js';

/** Requests that are drawn to be mutated, of which the smaller half is. The same number for the same seed: the same run. */
export const CORPUS_SIZE = 1_000;
/** Without a new request for so long the decoder hangs, milliseconds. */
const HANG_MS = 20_000;
/** Heap of the thread: the corpus, the reference and one batch. What leaks hits this soon. */
const HEAP_MIB_MAX = 400;
/** Of the whole process. */
export const DECODER_RSS_BYTES_MAX = 1024 * 1024 * 1024;
const CURRENT_BYTES_MAX = 1024 * 1024;

export interface DecoderCampaignOptions {
  requests: number;
  seed: number;
  endUnixMs: number;
  /** Each how-manieth request is compared with the reference. */
  compareEvery: number;
  findingsDirectory: string;
  onProgress: (counts: DecoderCounts, rssBytes: number) => void;
}

export interface ToDecoderWorker {
  seed: number;
  requests: number;
  compareEvery: number;
  endUnixMs: number;
  shared: SharedArrayBuffer;
}
export interface FromDecoderWorker {
  counts?: DecoderCounts;
  finding?: { kind: string; message: string; stack: string };
  bytes?: Uint8Array;
  number?: number;
  encoding?: string;
  mutations?: string[];
}

export interface CampaignResult {
  counts: Record<string, number>;
  /** What was found, one line each. */
  findings: string[];
  rssPeakBytes: number;
}

export function fuzzDecoder(options: DecoderCampaignOptions): Promise<CampaignResult> {
  const { seed, findingsDirectory } = options;
  const shared = new SharedArrayBuffer(16 + CURRENT_BYTES_MAX);
  const state = new Int32Array(shared, 0, 4);
  const result: CampaignResult = { counts: {}, findings: [], rssPeakBytes: 0 };
  const { requests, compareEvery, endUnixMs } = options;
  const workerData: ToDecoderWorker = { seed, requests, compareEvery, endUnixMs, shared };
  // A thread does not inherit the loader for TypeScript.
  const start = `const { register } = await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))});
    register();
    await import(${JSON.stringify(import.meta.resolve('./decoder-worker.ts'))});`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });

  const add = (
    finding: Finding,
    bytes: Uint8Array,
    number: number,
    encoding: string,
    mutations: string[],
  ) => {
    const path = writeFinding(findingsDirectory, finding, bytes, {
      part: 'decoder',
      seed,
      number,
      encoding,
      mutations,
    });
    result.findings.push(`${finding.kind}: ${finding.message} (request ${number}, ${path})`);
  };
  /** With the request that was being decoded. */
  const addCurrent = (finding: Finding) => {
    const bytes = new Uint8Array(shared, 16, Math.min(state[1]!, CURRENT_BYTES_MAX)).slice();
    add(finding, bytes, Atomics.load(state, 0), state[2] === 1 ? 'json' : 'protobuf', []);
  };
  worker.on('message', ({ counts, finding, bytes, number, encoding, mutations }: FromDecoderWorker) => {
    if (counts !== undefined) {
      result.counts = { ...counts };
      options.onProgress(counts, result.rssPeakBytes);
    }
    if (finding !== undefined) {
      const found = Object.assign(new Finding(finding.kind, finding.message), { stack: finding.stack });
      add(found, bytes!, number!, encoding!, mutations!);
    }
  });
  worker.on('error', (error) => addCurrent(new Finding('thread died', String(error), { cause: error })));

  let seen = -1;
  let seenAtMs = performance.now();
  const watch = setInterval(() => {
    const { rss } = process.memoryUsage();
    result.rssPeakBytes = Math.max(result.rssPeakBytes, rss);
    const number = Atomics.load(state, 0);
    if (number !== seen) {
      seen = number;
      seenAtMs = performance.now();
    }
    const isHung = performance.now() - seenAtMs > HANG_MS && state[1] !== 0;
    if (isHung) addCurrent(new Finding('hang', `no end after ${HANG_MS} ms`));
    else if (rss > DECODER_RSS_BYTES_MAX) addCurrent(new Finding('memory', `${rss} bytes resident`));
    else return;
    void worker.terminate();
  }, 250);
  return new Promise((resolve) => {
    worker.once('exit', () => {
      clearInterval(watch);
      resolve(result);
    });
  });
}
