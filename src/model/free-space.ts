/** Room on the file system that a directory lies on. */
import { statfs } from 'node:fs/promises';

export interface FreeSpace {
  /** What this user may still write, bytes. */
  freeBytes: number;
  sizeBytes: number;
}

/** Undefined where it cannot be told: the directory cannot be looked at, or its file system counts no blocks. */
export async function readFreeSpace(directory: string): Promise<FreeSpace | undefined> {
  const found = await statfs(directory).catch(() => undefined);
  if (found === undefined || found.blocks === 0) return undefined;
  return { freeBytes: found.bavail * found.bsize, sizeBytes: found.blocks * found.bsize };
}
