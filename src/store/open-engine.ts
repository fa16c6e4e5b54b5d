/**
 * Loads the embedded engine and opens its data directory: one engine and one directory per process. What can go wrong
 * because of the way Plumbline was started (directory in use, not writable, platform without the engine) comes out as
 * UserError with the way to mend it. It runs no statements.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Session } from 'chdb';
import { UserError } from '../model/errors.js';
import { type EngineXml, withAccessFiles } from './engine-access.js';

export interface OpenEngine {
  /** A new session of its own; cheap (about half a millisecond). */
  openSession(): Session;
  /** Where the binding is installed, for threads that load it themselves. */
  chdbPath: string;
  /** Resolves when nothing native is under way any more. */
  drain(): Promise<void>;
  /** Closes the directory; `openSession` must not be called afterwards. */
  close(): void;
}

/** Settings of every session of ours. 64-bit integers must survive JSON. */
const SESSION_ARGUMENTS = ['--output_format_json_quote_64bit_integers=1'];

export async function openEngine(
  directory: string,
  temporaryDirectory: string,
  xml: EngineXml = {},
): Promise<OpenEngine> {
  await mkdir(directory, { recursive: true }).catch((error) => refuse(directory, error));
  await mkdir(temporaryDirectory, { recursive: true }).catch((error) => refuse(temporaryDirectory, error));
  const chdb = await loadEngine();
  // This one stays open until the end: the engine unloads the directory with its last session.
  const keeper = await withAccessFiles(temporaryDirectory, xml, (configPath) => {
    try {
      return new chdb.Session(directory, { connectionArgs: [`--config-file=${configPath}`] });
    } catch (error) {
      return error as Error;
    }
  });
  if (keeper instanceof Error) throw await explainOpenFailure(directory, keeper);
  return {
    openSession: () => new chdb.Session(directory, { connectionArgs: SESSION_ARGUMENTS }),
    chdbPath: createRequire(import.meta.url).resolve('chdb'),
    drain: () => chdb.drainPending(),
    close: () => keeper.close(),
  };
}

/**
 * Imported here and nowhere else, so that a process that talks to a ClickHouse server never loads 500 MB. The engine takes its
 * time zone from the process when it is loaded, and `timezone` of its configuration does not change that: times without a
 * zone would mean something else on every machine.
 */
async function loadEngine(): Promise<typeof import('chdb')> {
  process.env.TZ = 'UTC';
  try {
    return await import('chdb');
  } catch (error) {
    throw new UserError(
      'The embedded ClickHouse engine could not be loaded on this machine ' +
        `(${process.platform} ${process.arch}): ${(error as Error).message}. It exists for Linux with glibc (x64, ` +
        'arm64) and macOS. Elsewhere, run a ClickHouse server and set CLICKHOUSE_URL.',
      { cause: error },
    );
  }
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
