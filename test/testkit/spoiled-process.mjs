/**
 * Preloaded into a server under test (NODE_OPTIONS=--import): on SIGUSR2 it does what SPOIL says to its own process.
 *
 * crash: a thread of the embedded engine crashes, as a statement that nests too deeply makes it.
 * block: after the next SIGTERM the event loop stops.
 *
 * Says "spoiled" on stderr when that is set up.
 */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread, Worker } from 'node:worker_threads';

const CRASH = `
const { workerData } = require('node:worker_threads');
const { Session } = require(workerData.chdbPath);
const session = new Session(workerData.directory);
session.query('SET max_parser_depth=100000', 'Null');
session.query(workerData.sql, 'Null');
`;

/** Sessions open a directory by the name that the engine has for it, that of a descriptor (src/store/directory-name.ts). */
function findEngineName(directory) {
  const fds = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd') : [];
  const isOfDirectory = (path) => {
    try {
      return readlinkSync(path) === directory;
    } catch {
      return false;
    }
  };
  return fds.map((fd) => `/proc/self/fd/${fd}`).find(isOfDirectory) ?? directory;
}

function crash() {
  const sql = Array.from({ length: 800 }).reduce((inner) => `SELECT * FROM (${inner})`, 'SELECT 1');
  const chdbPath = createRequire(import.meta.url).resolve('chdb');
  const directory = findEngineName(`${process.env.PLUMBLINE_DATA_DIR}/clickhouse`);
  new Worker(CRASH, { eval: true, execArgv: [], workerData: { chdbPath, directory, sql } }).unref();
}

function block() {
  process.once('SIGTERM', () => {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 0);
  });
}

if (isMainThread) {
  process.on('SIGUSR2', () => {
    if (process.env.SPOIL === 'crash') crash();
    else block();
    console.error('spoiled');
  });
}
