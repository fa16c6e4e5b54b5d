/**
 * Moves a segment from one folder to another, which may lie on another volume. Enters: two paths; leaves: the file under
 * exactly one of them, or, where the process ended in between, the same file under both. It never writes over a file.
 */
import { copyFile, lstat, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './sync-directory.js';

/** Ends the name of a file that is not complete yet. */
export const NEW_SUFFIX = '.new';

/**
 * @throws ErrnoException: ENOENT where there is no such file, EEXIST where another one has that name already, and whatever
 * the system says of the move.
 */
export async function moveFile(from: string, to: string): Promise<void> {
  await lstat(from);
  if (await exists(to)) {
    if (!(await haveSameBytes(from, to))) {
      throw Object.assign(new Error(`another file has that name already: ${to}`), { code: 'EEXIST' });
    }
    // An earlier move ended between its two last steps.
    await unlink(from);
    return;
  }
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyOver(from, to);
    await unlink(from);
  }
  await syncDirectory(dirname(to));
}

/** To another volume. The name appears when everything is on disk. */
async function copyOver(from: string, to: string): Promise<void> {
  const copy = to + NEW_SUFFIX;
  try {
    await copyFile(from, copy);
    const file = await open(copy, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(copy, to);
    await syncDirectory(dirname(to));
  } catch (error) {
    await unlink(copy).catch(() => undefined);
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function haveSameBytes(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([lstat(one), lstat(other)]);
  if (!a.isFile() || !b.isFile() || a.size !== b.size) return false;
  return (await readFile(one)).equals(await readFile(other));
}
