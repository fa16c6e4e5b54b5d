/**
 * How a person starts this program again from where they are, for texts that say what to do next: "plumbline" where it is
 * installed, "npx plumbline" below a checkout or a package that depends on it, else node and the path of the program.
 */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LINK = join('node_modules', '.bin', 'plumbline');

let known: string | undefined;

/** Of this process: looked up once. */
export function ownCommand(): string {
  const program = fileURLToPath(new URL('../start.cjs', import.meta.url));
  known ??= nameCommand(program, process.cwd(), process.env.PATH ?? '');
  return known;
}

/** `path`: folders of commands, as in PATH. Those that npm puts there for its scripts are not in the person's shell. */
export function nameCommand(program: string, cwd: string, path: string): string {
  const own = resolve(program);
  // As a part of another program: nothing here can be called by a path.
  if (own === undefined) return 'plumbline';
  const installed = path
    .split(delimiter)
    .filter((folder) => folder !== '' && !folder.endsWith(dirname(LINK)));
  if (installed.some((folder) => resolve(join(folder, 'plumbline')) === own)) return 'plumbline';
  if (resolve(join(findPackage(cwd), LINK)) === own) return 'npx plumbline';
  return `node ${/^[\w./-]+$/.test(own) ? own : `'${own.replaceAll("'", "'\\''")}'`}`;
}

function resolve(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Where npx looks: the nearest folder above that is a package. */
function findPackage(folder: string): string {
  const isPackage = ['package.json', 'node_modules'].some((name) => existsSync(join(folder, name)));
  return isPackage || dirname(folder) === folder ? folder : findPackage(dirname(folder));
}
