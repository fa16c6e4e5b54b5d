/**
 * The engine's own ceiling: a process of its own inserts the same rows from a Native file into the same table, with
 * nothing else of Plumbline running. Run as a program: <directory> <file> <DDL of the table>; prints CPU seconds.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ceiling {
  cpuS: number;
  wallS: number;
}

/** `createTable` makes table `ceiling`; `file` is in Native format with the columns of the table. */
export async function measureCeiling(directory: string, file: string, createTable: string): Promise<Ceiling> {
  const program = fileURLToPath(new URL('./engine-ceiling-program.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, directory, file, createTable], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`the engine ended with code ${code}`);
  return JSON.parse(printed) as Ceiling;
}
