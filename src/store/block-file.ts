/**
 * Native blocks in memory → one temporary file that the engine reads itself, because its binding takes statements as
 * text only. The file is gone again when `use` has finished; it is never fsynced (the spool holds the durable copy).
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

let filesMade = 0;

/** Write the blocks one after the other, hand the path to `use`, remove the file whatever happens. */
export async function withBlockFile<T>(
  directory: string,
  blocks: readonly Uint8Array[],
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, `blocks-${process.pid}-${++filesMade}.native`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await writeAll(file, blocks);
    } finally {
      await file.close();
    }
    return await use(path);
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

/** writev may write less than it was given. */
async function writeAll(file: FileHandle, blocks: readonly Uint8Array[]): Promise<void> {
  let rest = blocks.filter((block) => block.length > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    let whole = 0;
    while (whole < rest.length && bytesWritten >= rest[whole]!.length) bytesWritten -= rest[whole++]!.length;
    rest = rest.slice(whole);
    if (bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten);
  }
}
