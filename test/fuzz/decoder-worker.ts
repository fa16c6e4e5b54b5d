/**
 * The decoder's part of a run, in a thread of its own, so that the main thread sees when it stands still. Before each
 * request its number and bytes go into shared memory, where they are found after a hang or a crash of the process.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { buildCorpus } from './corpus.js';
import { CORPUS_SIZE, type FromDecoderWorker, type ToDecoderWorker } from './decoder-campaign.js';
import { DecoderChecks } from './decoder-checks.js';
import { Finding, shrink } from './finding.js';
import { type MutatedRequest, mutateRequest } from './mutated-request.js';

const PROGRESS_EVERY = 1_000;
/** A run that finds this many faults has said enough. */
const FINDINGS_MAX = 10;

const { seed, requests, compareEvery, endUnixMs, shared } = workerData as ToDecoderWorker;
const state = new Int32Array(shared, 0, 4);
const current = new Uint8Array(shared, 16);
const tell = (message: FromDecoderWorker) => parentPort!.postMessage(message);

const corpus = buildCorpus(seed, CORPUS_SIZE);
const checks = new DecoderChecks();
const kinds = new Set<string>();

for (let number = 0; number < requests && kinds.size < FINDINGS_MAX; number++) {
  if (number % PROGRESS_EVERY === 0) {
    tell({ counts: { ...checks.counts } });
    if (Date.now() > endUnixMs) break;
  }
  const request = mutateRequest(corpus, seed, number);
  show(request, number);
  try {
    checks.check(request, number % compareEvery === 0);
  } catch (error) {
    report(request, number, error as Error);
  }
}
checks.emptyBatch();
tell({ counts: { ...checks.counts } });

function show({ bytes, encoding }: MutatedRequest, number: number): void {
  current.set(bytes.subarray(0, current.length));
  state[1] = bytes.length;
  state[2] = encoding === 'json' ? 1 : 0;
  Atomics.store(state, 0, number);
}

/** The first of each kind, made small. */
function report(request: MutatedRequest, number: number, error: Error): void {
  const finding =
    error instanceof Finding ? error : new Finding(`crash ${error.name}`, error.message, { cause: error });
  if (kinds.has(finding.kind)) return;
  kinds.add(finding.kind);
  const bytes = shrink(request.bytes, (shorter) => {
    try {
      new DecoderChecks().check({ ...request, bytes: shorter }, true);
      return false;
    } catch (again) {
      return (again as Finding).kind === finding.kind;
    }
  });
  const { kind, message, stack = '', cause } = finding;
  const text = cause instanceof Error ? (cause.stack ?? String(cause)) : stack;
  tell({
    finding: { kind, message, stack: text },
    bytes,
    number,
    encoding: request.encoding,
    mutations: request.mutations,
  });
}
