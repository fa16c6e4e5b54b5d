/**
 * Whether files of a catalogue changed. Enters: folders; leaves: a text that differs when a file came, went or was written.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export async function readFingerprint(folders: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const folder of folders) {
    const names = await readdir(join(folder, 'kpis')).catch(() => [] as string[]);
    for (const name of names.filter((file) => /\.ya?ml$/.test(file)).sort()) {
      const path = join(folder, 'kpis', name);
      const { size, mtimeMs, ino } = await stat(path);
      texts.push(`${path} ${size} ${mtimeMs} ${ino}`);
    }
  }
  return texts.join('\n');
}
