/**
 * Decompression of large zstd bodies away from the event loop. Enters: bodies; leaves: their content, one at a time and
 * in order. The thread ends when nothing is left to do, and its memory with it, which WebAssembly never gives back.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { RetryableError } from '../model/errors.js';

interface Job {
  wire: Buffer;
  room: number;
  done: (plain: Uint8Array) => void;
  fail: (error: Error) => void;
}

/** As text: a worker thread cannot load TypeScript when the project runs from its sources. */
const THREAD_SOURCE = `
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const ready = import(workerData.url).then(async ({ ZSTDDecoder }) => {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return decoder;
});
parentPort.on('message', async ({ wire, room }) => {
  const plain = (await ready).decode(wire, room);
  parentPort.postMessage(plain, [plain.buffer]);
});
`;

const RETRY_MS = 1_000;

const jobs: Job[] = [];
let worker: Worker | undefined;

/** Empty where the body is damaged or does not fit into `room` bytes. */
export function decodeInThread(wire: Buffer, room: number): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    jobs.push({ wire, room, done, fail });
    if (jobs.length === 1) startFirst();
  });
}

function startFirst(): void {
  const { wire, room } = jobs[0]!;
  try {
    worker ??= startThread();
    worker.postMessage({ wire, room });
  } catch (error) {
    failFirst(error as Error);
  }
}

/** The request is not to blame for a thread that cannot be started, or that ended: its sender is asked to retry. */
function failFirst({ message }: Error): void {
  worker = undefined;
  jobs
    .shift()
    ?.fail(new RetryableError(`the thread that decompresses large zstd bodies failed: ${message}`, RETRY_MS));
  if (jobs.length > 0) startFirst();
}

function startThread(): Worker {
  const url = pathToFileURL(createRequire(import.meta.url).resolve('zstddec')).href;
  const thread = new Worker(THREAD_SOURCE, { eval: true, workerData: { url } });
  /** Of a thread that was replaced nothing is heard any more. */
  const fail = (error: Error) => {
    if (thread !== worker) return;
    void thread.terminate();
    failFirst(error);
  };
  thread.on('message', (plain: Uint8Array) => {
    jobs.shift()!.done(plain);
    if (jobs.length > 0) startFirst();
    else endThread(thread);
  });
  thread.on('error', fail);
  thread.on('messageerror', fail);
  thread.on('exit', (code) => fail(new Error(`it ended with code ${code}`)));
  thread.unref();
  return thread;
}

function endThread(thread: Worker): void {
  worker = undefined;
  void thread.terminate();
}
