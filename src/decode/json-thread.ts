/**
 * Large requests in JSON are turned into protobuf away from the event loop. Enters: requests; leaves: their protobuf bytes,
 * one at a time and in order. The thread ends when nothing is left to do, and its memory with it.
 */
import { Worker } from 'node:worker_threads';
import { PermanentError, RetryableError } from '../model/errors.js';
import type { ThreadReply } from './json-thread-program.js';

interface Job {
  json: Uint8Array;
  done: (protobuf: Buffer) => void;
  fail: (error: Error) => void;
}

const RETRY_MS = 1_000;

const jobs: Job[] = [];
let worker: Worker | undefined;

/** @throws PermanentError 'malformed' with the path of what is wrong. */
export function jsonToProtobufInThread(json: Uint8Array): Promise<Buffer> {
  return new Promise((done, fail) => {
    jobs.push({ json, done, fail });
    if (jobs.length === 1) startFirst();
  });
}

function startFirst(): void {
  try {
    worker ??= startThread();
    worker.postMessage(jobs[0]!.json);
  } catch (error) {
    failFirst(error as Error);
  }
}

/** The request is not to blame for a thread that cannot be started, or that ended: its sender is asked to retry. */
function failFirst({ message }: Error): void {
  worker = undefined;
  jobs.shift()?.fail(new RetryableError(`the thread that reads large JSON failed: ${message}`, RETRY_MS));
  if (jobs.length > 0) startFirst();
}

function startThread(): Worker {
  const thread = new Worker(programUrl());
  /** Of a thread that was replaced nothing is heard any more. */
  const fail = (error: Error) => {
    if (thread !== worker) return;
    void thread.terminate();
    failFirst(error);
  };
  thread.on('message', ({ protobuf, malformed }: ThreadReply) => {
    const { done, fail } = jobs.shift()!;
    if (protobuf === undefined) fail(new PermanentError('malformed', malformed!));
    else done(Buffer.from(protobuf.buffer, protobuf.byteOffset, protobuf.byteLength));
    if (jobs.length > 0) startFirst();
    else endThread(thread);
  });
  thread.on('error', fail);
  thread.on('messageerror', fail);
  thread.on('exit', (code) => fail(new Error(`it ended with code ${code}`)));
  thread.unref();
  return thread;
}

/** A thread does not inherit the loader for TypeScript that runs the project from its sources. */
function programUrl(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./json-thread-program.js', import.meta.url);
  const program = new URL('./json-thread-program.ts', import.meta.url).href;
  const loader = import.meta.resolve('tsx/esm/api');
  const start = `const { register } = await import(${JSON.stringify(loader)}); register(); await import(${JSON.stringify(program)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(start)}`);
}

function endThread(thread: Worker): void {
  worker = undefined;
  void thread.terminate();
}
