/**
 * What a language needs to run a program of a page: its tools, its locked packages, and a folder that keeps what was
 * downloaded and compiled. Enters: source text; leaves: the command that runs it.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Toolchain {
  /** "Python" */
  language: string;
  /** Why its programs cannot be run here; undefined where they can. */
  missing: string | undefined;
  /** Builds a program in a folder of its own, called `name`; returns program and arguments that run it. */
  build(name: string, code: string): Promise<string[]>;
}

export interface Ended {
  code: number | null;
  /** What it printed to stdout and stderr. */
  output: string;
}

/** Where packages and programs of a language are kept between runs. */
export function keptFolder(language: string): string {
  const folder = new URL(`../../.languages/${language}/`, import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Text of a file beside this one, such as `python/requirements.txt`. */
export function readOwn(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

/** Why `program` cannot be used: it is not there, or older than `atLeast` ([major, minor]). Undefined where it can be. */
export function whyMissing(program: string, args: string[], atLeast: [number, number]): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) return `${program} is not installed`;
  if (status !== 0) return `${program} ${args.join(' ')} ended with ${status}`;
  const [, major, minor] = /(\d+)\.(\d+)/.exec(`${stdout}${stderr}`) ?? [];
  const found = [Number(major), Number(minor)] as const;
  const isNew = found[0] > atLeast[0] || (found[0] === atLeast[0] && found[1] >= atLeast[1]);
  return isNew ? undefined : `${program} is ${found.join('.')}, which is older than ${atLeast.join('.')}`;
}

/** Runs a tool of a language, which may download packages. Throws with its last lines where it fails. */
export async function runTool(language: string, command: string[], options: SpawnOptions): Promise<void> {
  const { code, output } = await run(command, options);
  if (code === 0) return;
  throw new Error(
    `${command.join(' ')} ended with ${code}. It takes packages of ${language} from their registry: ` +
      `is that reached from this machine?\n${output.split('\n').slice(-20).join('\n')}`,
  );
}

/** With `options.timeout` (milliseconds) it is killed then; what it had printed is there. */
export function run([program, ...args]: string[], options: SpawnOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, {
      killSignal: 'SIGKILL',
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (text: string) => {
      output += text;
    };
    child.stdout!.setEncoding('utf8').on('data', keep);
    child.stderr!.setEncoding('utf8').on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Runs `install` unless the folder has been installed from the same texts before. */
export async function installOnce(
  folder: string,
  texts: string[],
  install: () => Promise<void>,
): Promise<void> {
  const stamp = join(folder, '.installed');
  const wanted = createHash('sha256').update(texts.join('\0')).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await install();
  writeFileSync(stamp, wanted);
}
