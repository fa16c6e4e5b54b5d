/**
 * A name of a directory that says nothing of where it is, for the engine: it shows its paths to every reader, in system.tables,
 * system.parts, system.disks, system.server_settings and in errors.
 */
import { open, stat } from 'node:fs/promises';

export interface NamedDirectory {
  /** As long as it is not closed, in this process. */
  path: string;
  close(): Promise<void>;
}

/** Where /proc is not Linux's (macOS), a directory keeps its own name. @throws as `open` of node:fs. */
export async function nameDirectory(directory: string): Promise<NamedDirectory> {
  const handle = await open(directory, 'r');
  const path = `/proc/self/fd/${handle.fd}`;
  const [own, named] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  if (named?.ino === own.ino && named.dev === own.dev) return { path, close: () => handle.close() };
  await handle.close();
  return { path: directory, close: async () => {} };
}
