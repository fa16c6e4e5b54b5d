/**
 * An answer that is read before its first byte is sent: `buffer_size` bytes of it into memory, all of it with
 * `wait_end_of_query=1`, what does not fit into memory into a file. An error that comes while it is read has a status of its
 * own then, and a complete answer has its length.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ClickHouseError } from '../model/clickhouse.js';
import type { SqlAnswer } from './sql-engine.js';

/** Most of an answer in memory, bytes, whatever buffer_size says. */
export const MEMORY_BYTES_MAX = 16 * 1024 * 1024;
/** Largest answer that is read to its end before it is sent. */
export const BUFFERED_BYTES_MAX = 1024 * 1024 * 1024;
const FILE_CHUNK_BYTES = 256 * 1024;

export interface BufferOptions {
  /** `buffer_size` of the request. */
  memoryBytes: number;
  /** `wait_end_of_query` of the request. */
  isWhole: boolean;
  bytesMax: number;
  /** For the file. */
  directory: string;
}

export interface BufferedAnswer {
  /** The next chunk; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Bytes of the whole answer, where it was read to its end. */
  length: number | undefined;
  /** Removes the file. Must be called once. */
  close(): Promise<void>;
}

let filesMade = 0;

/** Reads at least the first chunk. */
export async function bufferAnswer(
  answer: Pick<SqlAnswer, 'next'>,
  options: BufferOptions,
): Promise<BufferedAnswer> {
  const memoryBytes = Math.min(
    MEMORY_BYTES_MAX,
    Math.max(options.isWhole ? FILE_CHUNK_BYTES : 1, options.memoryBytes),
  );
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = await answer.next();
    if (chunk === undefined)
      return { next: async () => chunks.shift(), length, close: async () => undefined };
    chunks.push(chunk);
    length += chunk.length;
    if (length >= memoryBytes) break;
  }
  if (!options.isWhole) {
    const next = async () => chunks.shift() ?? answer.next();
    return { next, length: undefined, close: async () => undefined };
  }
  return writeToFile(answer, chunks, options);
}

async function writeToFile(
  answer: Pick<SqlAnswer, 'next'>,
  chunks: Uint8Array[],
  { directory, bytesMax }: BufferOptions,
): Promise<BufferedAnswer> {
  const path = join(directory, `buffered-${process.pid}-${++filesMade}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    // Nobody else needs the name, and a process that dies leaves no file behind.
    await unlink(path);
    let length = 0;
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift() ?? (await answer.next())) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      await file.writev([chunk]);
    }
    return { next: createFileReader(file), length, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function createFileReader(file: FileHandle): BufferedAnswer['next'] {
  let at = 0;
  return async () => {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(FILE_CHUNK_BYTES),
      0,
      FILE_CHUNK_BYTES,
      at,
    );
    at += bytesRead;
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  };
}

function tooLarge(bytesMax: number): ClickHouseError {
  const message =
    `Limit for the result exceeded: it is longer than ${bytesMax} bytes, ` +
    'the most that wait_end_of_query keeps back; ask for less, or without it';
  return new ClickHouseError(396, 'TOO_MANY_ROWS_OR_BYTES', message);
}
