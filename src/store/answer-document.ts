/**
 * An answer that must be one document (JSON, Parquet, Pretty …): the engine writes it to a temporary file, and from
 * there it goes out chunk by chunk, so that its size never shows in memory. The file has no name from the moment it is
 * opened for reading: nothing is left behind, not even by a crash.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFreeSpace } from '../model/free-space.js';

const CHUNK_BYTES = 256 * 1024;
let filesMade = 0;

export interface AnswerDocument {
  /** Up to so many of its last bytes; it may be called before `next`. */
  readEnd(bytesMax: number): Promise<Uint8Array>;
  next(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** The engine reports no error where the disk is full, and leaves the file cut short: below this another place is taken. */
const FREE_BYTES_MIN = 16 * 1024 * 1024;

/** `write` fills the file at the path it is given. */
export async function makeDocument(
  directory: string,
  write: (path: string) => Promise<void>,
): Promise<AnswerDocument> {
  const path = join(await findRoom(directory), `answer-${process.pid}-${++filesMade}`);
  let file: FileHandle;
  try {
    await write(path);
    file = await open(path);
  } finally {
    await unlink(path).catch(() => undefined);
  }
  return {
    async readEnd(bytesMax) {
      const from = Math.max(0, (await file.stat()).size - bytesMax);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, from);
      return buffer.subarray(0, bytesRead);
    },
    async next() {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES));
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

async function findRoom(directory: string): Promise<string> {
  const found = await readFreeSpace(directory);
  return found !== undefined && found.freeBytes < FREE_BYTES_MIN ? tmpdir() : directory;
}
