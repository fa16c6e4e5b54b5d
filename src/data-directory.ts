/**
 * The data directory: its layout, its lock, and the name of this receiver. One process per directory: the lock is a
 * socket that listens as long as the process lives, so that it can never be left behind by kill -9. A directory on a full
 * disk can be opened, so that what is in it can be read.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { UserError } from './model/errors.js';
import { makeFolder } from './model/make-folder.js';

export interface DataDirectory {
  path: string;
  clickhouse: string;
  spool: string;
  temporary: string;
  /** Stays the same for the life of the directory. */
  receiver: string;
  unlock(): Promise<void>;
}

/** The disk has no room, or the user's share of it is used up. */
const FULL_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Creates what is missing and locks it. Nothing of a directory that another process works on is touched.
 * @throws UserError where it is in use or cannot be written.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory);
  const temporary = join(path, 'tmp');
  try {
    await makeFolder(path);
    const unlock = await lockDirectory(path);
    try {
      // Left over from inserts that a crash cut short; the spool still has their points.
      await rm(temporary, { recursive: true, force: true });
      await makeFolder(temporary);
      await checkWritable(temporary);
      const receiver = await readReceiverName(join(path, 'receiver-id'));
      return {
        path,
        clickhouse: join(path, 'clickhouse'),
        spool: join(path, 'spool'),
        temporary,
        receiver,
        unlock,
      };
    } catch (error) {
      await unlock();
      throw error;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = FULL_CODES.has(code)
      ? 'make room on its disk'
      : 'make it writable for this user, or set PLUMBLINE_DATA_DIR to another one';
    throw new UserError(`the data directory ${path} cannot be written (${code ?? message}); ${remedy}`);
  }
}

async function checkWritable(folder: string): Promise<void> {
  const file = join(folder, '.write-test');
  try {
    await writeFile(file, '');
    await rm(file);
  } catch (error) {
    if (!FULL_CODES.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

async function readReceiverName(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const name = randomUUID();
  await writeFile(file, `${name}\n`);
  return name;
}

/**
 * Two locks, for neither works everywhere. A socket with a name of the kernel's (Linux) needs no disk and no file system
 * with sockets; processes in other containers do not see it. One in the directory is seen by them too.
 */
async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const held: (() => Promise<void>)[] = [];
  const unlock = async () => {
    for (const release of held.splice(0)) await release();
  };
  try {
    if (process.platform === 'linux') {
      const { dev, ino } = await stat(path);
      held.push(await lockName(path, `\0plumbline-${dev}-${ino}`));
    }
    const release = await lockFile(path);
    if (release) held.push(release);
    if (held.length === 0) {
      throw new UserError(
        `the data directory ${path} cannot be locked: its path is too long, or its file system has no sockets; ` +
          'set PLUMBLINE_DATA_DIR to another one',
      );
    }
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function lockName(path: string, name: string): Promise<() => Promise<void>> {
  try {
    const server = await listen(name);
    return () => close(server);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw inUse(path);
    throw error;
  }
}

/** Undefined where the file system takes no socket now: it has none, or no room for one. */
async function lockFile(path: string): Promise<(() => Promise<void>) | undefined> {
  // A socket's path may have about 100 bytes; through the open directory it is short, however long the directory's is.
  const directory = await open(path, 'r');
  const base = process.platform === 'linux' ? `/proc/self/fd/${directory.fd}` : path;
  const socketPath = join(base, 'lock');
  const unlock = (server: Server) => async () => {
    // This removes the file, so the directory must be open still.
    await close(server);
    await directory.close();
  };
  try {
    for (let tries = 0; tries < 2; tries++) {
      try {
        return unlock(await listen(socketPath));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') break;
        if (await isAnswered(socketPath)) throw inUse(path);
        await rm(socketPath, { force: true }).catch(() => undefined);
      }
    }
  } catch (error) {
    await directory.close();
    throw error;
  }
  await directory.close();
  return undefined;
}

function inUse(path: string): UserError {
  return new UserError(
    `the data directory ${path} is in use by another Plumbline; stop that one, ` +
      'or set PLUMBLINE_DATA_DIR to another directory',
  );
}

function listen(socketPath: string): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => socket.end());
    server.unref();
    server.once('error', fail);
    server.listen(socketPath, () => done(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
