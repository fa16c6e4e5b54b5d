/**
 * The program of one stream thread, as text: a worker thread cannot load TypeScript when the project runs from its
 * sources. It answers each message with exactly one message, in order, and holds at most one session of the engine.
 *
 * Why a thread at all: the engine plans a streamed query inside the call that starts it, and planning runs scalar
 * subqueries and IN sets. On the main thread a slow one would stop the receivers.
 */
export const STREAM_THREAD_SOURCE = `
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { Session } = require(workerData.chdbPath);
let session, chunks;

const steps = {
  // A fresh session in the wanted state; nothing of an earlier call is left in it.
  prepare({ statements }) {
    session = new Session(workerData.directory);
    session.query(statements.join(';'), 'Null');
  },
  // The text of a one-value query.
  ask({ sql }) {
    return session.query(sql, 'TSVRaw');
  },
  // A single SELECT, chunk by chunk. The engine refuses anything else here.
  stream({ sql, format }) {
    chunks = session.queryStream(sql, { format })[Symbol.asyncIterator]();
  },
  // Any statement to its end, with what little it answers. It holds this thread and none of Node's pool.
  run({ sql, format }) {
    return session.query(sql, format);
  },
  async next() {
    const step = await chunks.next();
    return step.done ? undefined : { bytes: step.value.raw(), rows: step.value.numRows };
  },
  async end() {
    try {
      if (chunks && chunks.return) await chunks.return();
    } finally {
      chunks = undefined;
      if (session) session.close();
      session = undefined;
    }
  },
  leave() {
    parentPort.close();
  },
};

parentPort.on('message', async (message) => {
  try {
    parentPort.postMessage({ value: await steps[message.step](message) });
  } catch (error) {
    parentPort.postMessage({ error: String(error && error.message || error) });
  }
});
`;
