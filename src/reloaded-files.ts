/**
 * Files that may change while the server runs: certificates, keys, tokens. Enters: paths and how to read their bytes;
 * leaves: the value, and the new one whenever the files change. Files are read again every few seconds and compared,
 * which sees every way of replacing them (in place, by rename, by a link to another directory). Content that cannot be
 * used never takes the place of content that could.
 */
import { readFile } from 'node:fs/promises';
import { UserError } from './model/errors.js';
import type { Reloaded } from './model/reloaded.js';

export interface ReloadedFiles<T> extends Reloaded<T> {
  /** Looks at the files now; never throws. */
  reload(): Promise<void>;
  close(): void;
}

export interface ReloadedFilesOptions<T> {
  /** What the files are, for the log. */
  name: string;
  paths: readonly string[];
  /** Throws where the contents, in the order of the paths, cannot be used; its message never repeats a secret. */
  parse: (contents: Buffer[]) => T;
  /** Time between two looks, milliseconds. */
  everyMs: number;
  log: { info(message: string): void; error(message: string): void };
}

/** Reads the files for the first time. Throws UserError where they cannot be used. */
export async function openReloadedFiles<T>(options: ReloadedFilesOptions<T>): Promise<ReloadedFiles<T>> {
  const { name, paths, parse, log } = options;
  const listeners: ((value: T) => void)[] = [];
  let contents: Buffer[];
  let value: T;
  try {
    contents = await readAll(paths);
    value = parse(contents);
  } catch (error) {
    throw new UserError(`${name} cannot be used: ${(error as Error).message}`);
  }
  let lastProblem = '';
  let look = Promise.resolve();

  async function readAgain(): Promise<void> {
    try {
      const now = await readAll(paths);
      if (now.some((bytes, i) => !bytes.equals(contents[i]!))) {
        value = parse(now);
        contents = now;
        for (const listener of listeners) listener(value);
        log.info(`${name} changed; the new content is in use`);
      }
      lastProblem = '';
    } catch (error) {
      // Said once: the files are looked at again and again, and certificate and key are rarely replaced at one moment.
      const problem = (error as Error).message;
      if (problem !== lastProblem) {
        log.error(`${name} changed and cannot be used, what was read before stays in use: ${problem}`);
      }
      lastProblem = problem;
    }
  }

  /** One look after the other, so that a later one always sees what was there when it was asked for. */
  function reload(): Promise<void> {
    look = look.then(readAgain);
    return look;
  }

  const timer = setInterval(reload, options.everyMs).unref();
  return {
    current: () => value,
    onChange: (listener) => void listeners.push(listener),
    reload,
    close: () => clearInterval(timer),
  };
}

function readAll(paths: readonly string[]): Promise<Buffer[]> {
  return Promise.all(paths.map((path) => readFile(path)));
}
