/**
 * Loads the embedded engine (500 MB, so only where it is used) and opens its data directory: one engine and one directory
 * per process. What can go wrong because of the way Plumbline was started (directory in use, not writable, platform without
 * the engine) comes out as UserError with the way to mend it. It runs no statements.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Session } from 'chdb';
import { UserError } from '../model/errors.js';
import { makeFolder } from '../model/make-folder.js';
import { nameDirectory } from './directory-name.js';
import { type EngineXml, withAccessFiles } from './engine-access.js';

export interface OpenEngine {
  /** The data directory, by the name under which the engine has it: sessions of other threads open this one. */
  directory: string;
  /** A new session of its own; cheap (about half a millisecond). */
  openSession(): Session;
  /** The same for statements from outside: it has the settings of any ClickHouse. */
  openPlainSession(): Session;
  /** Resolves when nothing native is under way any more. */
  drain(): Promise<void>;
  /** Closes the directory; `openSession` must not be called afterwards. */
  close(): Promise<void>;
}

/** Where the engine's binding is installed, for threads that load it themselves. */
export function findBinding(): string {
  return createRequire(import.meta.url).resolve('chdb');
}

/** Settings of every session of ours. 64-bit integers must survive JSON. */
const SESSION_ARGUMENTS = ['--output_format_json_quote_64bit_integers=1'];

/**
 * Opening reads all of the directory's metadata and parts, which takes seconds where there are many and cannot be done in
 * pieces. So a thread does it, and keeps the session that it opened: sessions of the main thread find the engine open.
 * @throws UserError where the directory cannot be opened; nothing of the engine is left open then.
 */
export async function openEngine(
  directory: string,
  temporaryDirectory: string,
  xml: EngineXml = {},
): Promise<OpenEngine> {
  for (const folder of [directory, temporaryDirectory])
    await makeFolder(folder).catch((error) => refuse(folder, error));
  // The engine takes its time zone from the process when it is loaded, and `timezone` of its configuration does not change
  // that: times without a zone would mean something else on every machine.
  process.env.TZ = 'UTC';
  const named = await nameDirectory(directory);
  const keeper = await withAccessFiles(temporaryDirectory, xml, (configPath) =>
    openKeeper({ chdbPath: findBinding(), directory: named.path, configPath }),
  );
  if (keeper.error !== undefined) {
    await keeper.close();
    await named.close();
    throw keeper.isLoaded
      ? await explainOpenFailure(directory, new Error(keeper.error))
      : explainLoadFailure(new Error(keeper.error));
  }
  const chdb = await import('chdb').catch((error) => Promise.reject(explainLoadFailure(error)));
  return {
    directory: named.path,
    openSession: () => new chdb.Session(named.path, { connectionArgs: SESSION_ARGUMENTS }),
    openPlainSession: () => new chdb.Session(named.path),
    drain: () => chdb.drainPending(),
    async close() {
      await keeper.close();
      await named.close();
    },
  };
}

interface Keeper {
  /** Whether the binding could be loaded. */
  isLoaded: boolean;
  /** Why the directory is not open. */
  error?: string;
  close(): Promise<void>;
}

/** As text, see stream-thread-source.ts. The engine unloads the directory with its last session. */
const KEEPER_SOURCE = `
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { chdbPath, directory, configPath } = workerData;
let isLoaded = false, session;
try {
  const { Session } = require(chdbPath);
  isLoaded = true;
  session = new Session(directory, { connectionArgs: ['--config-file=' + configPath] });
  parentPort.postMessage({ isLoaded });
} catch (error) {
  parentPort.postMessage({ isLoaded, error: String(error && error.message || error) });
}
parentPort.once('message', () => {
  if (session) session.close();
  parentPort.close();
});
`;

async function openKeeper(workerData: {
  chdbPath: string;
  directory: string;
  configPath: string;
}): Promise<Keeper> {
  const worker = new Worker(KEEPER_SOURCE, { eval: true, workerData });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const opened = await new Promise<Omit<Keeper, 'close'>>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', ({ message }) => resolve({ isLoaded: false, error: message }));
    void exited.then(() => resolve({ isLoaded: false, error: 'its thread ended' }));
  });
  worker.unref();
  return {
    ...opened,
    close() {
      worker.ref();
      worker.postMessage('close');
      return exited;
    },
  };
}

function explainLoadFailure(error: Error): UserError {
  return new UserError(
    'The embedded ClickHouse engine could not be loaded on this machine ' +
      `(${process.platform} ${process.arch}): ${error.message}. It exists for Linux with glibc (x64, ` +
      'arm64) and macOS. Elsewhere, run a ClickHouse server and set CLICKHOUSE_URL.',
    { cause: error },
  );
}

function refuse(directory: string, error: Error): never {
  throw new UserError(`The directory ${directory} cannot be created: ${error.message}`, { cause: error });
}

/** The engine prints its reason to stderr and tells the binding nothing; its status file names who holds the directory. */
async function explainOpenFailure(directory: string, error: Error): Promise<UserError> {
  const status = await readFile(join(directory, 'status'), 'utf8').catch(() => '');
  const pid = Number(/^PID: (\d+)/m.exec(status)?.[1]);
  const text =
    pid > 0 && pid !== process.pid && isAlive(pid)
      ? `The data directory ${directory} is in use by another process (PID ${pid}). Only one Plumbline can work on ` +
        'it: stop that process, or choose another data directory.'
      : `The embedded engine could not open the data directory ${directory}: ${error.message}. The engine's own ` +
        'message is above. If another process or container works on this directory, stop it or choose another ' +
        'data directory; otherwise check that the directory is writable.';
  return new UserError(text, { cause: error });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
