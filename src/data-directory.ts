/**
 * The data directory: its layout, its lock, and the name of this receiver. One process per directory: the lock is a
 * socket that listens as long as the process lives, so that it can never be left behind by kill -9.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { UserError } from './model/errors.js';

export interface DataDirectory {
  path: string;
  clickhouse: string;
  spool: string;
  temporary: string;
  /** Stays the same for the life of the directory. */
  receiver: string;
  unlock(): Promise<void>;
}

/** Creates what is missing and locks it. Throws UserError where it is in use or cannot be written. */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory);
  const temporary = join(path, 'tmp');
  try {
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, '.write-test'), '');
  } catch (error) {
    throw new UserError(
      `the data directory ${path} cannot be written (${(error as NodeJS.ErrnoException).code}); ` +
        'make it writable for this user, or set PLUMBLINE_DATA_DIR to another one',
    );
  }
  const lock = await lockDirectory(path);
  // Left over from inserts that a crash cut short; the spool still has their points.
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  return {
    path,
    clickhouse: join(path, 'clickhouse'),
    spool: join(path, 'spool'),
    temporary,
    receiver: await readReceiverName(join(path, 'receiver-id')),
    unlock: () => new Promise((done) => (lock ? lock.close(() => done()) : done())),
  };
}

async function readReceiverName(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const name = randomUUID();
  await writeFile(file, `${name}\n`);
  return name;
}

/** Longest path a socket may have on every system we run on. */
const SOCKET_PATH_BYTES_MAX = 100;

async function lockDirectory(path: string): Promise<Server | undefined> {
  const absolute = join(path, 'lock');
  const nearer = relative(process.cwd(), absolute);
  const socketPath = nearer.length < absolute.length ? nearer : absolute;
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) return undefined;
  for (let tries = 0; tries < 2; tries++) {
    try {
      return await listen(socketPath);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A file system without sockets: go on without a lock of our own, the embedded engine has one too.
      if (code !== 'EADDRINUSE') return undefined;
      if (await isAnswered(socketPath)) break;
      await rm(socketPath, { force: true });
    }
  }
  throw new UserError(
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
