/** What runs in the thread of json-thread.ts. Enters: a request in JSON; leaves: its protobuf bytes, or why there are none. */
import { parentPort } from 'node:worker_threads';
import { PermanentError } from '../model/errors.js';
import { jsonToProtobuf } from './json-decoder.js';

/** One of the two is set. */
export interface ThreadReply {
  protobuf?: Uint8Array;
  malformed?: string;
}

parentPort!.on('message', (json: Uint8Array) => parentPort!.postMessage(answer(json)));

function answer(json: Uint8Array): ThreadReply {
  try {
    return { protobuf: jsonToProtobuf(json) };
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    return { malformed: error.message };
  }
}
