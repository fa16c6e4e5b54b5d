/**
 * `plumbline grafana render`: writes the files that Grafana is provisioned with, and removes those that it wrote before and
 * that are no longer to be there. Files of others in the same folder are left alone. Asks no server.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { renderFromFiles, withCatalogueOptions } from './grafana-catalogue.js';
import { checkOutputFolder, makeOutputFolder } from './output-folder.js';

interface RenderOptions {
  out: string;
  catalogue: string[];
  docsUrl: string;
  traceUrl: string;
  check: boolean;
}

export interface FolderChanges {
  added: string[];
  changed: string[];
  removed: string[];
  unchanged: number;
}

/** Words in the head of every file that is not JSON; dashboards are told by their name. */
const MARK = 'plumbline grafana render';
const DASHBOARD = /^dashboards\/plumbline-[^/]*\.json$/;

export function createGrafanaRenderCommand(): Command {
  const command = new Command('render')
    .description('writes dashboards, datasource, alert rules and contact points as files')
    .option('--out <folder>', 'where they are written', 'grafana');
  return withCatalogueOptions(command)
    .option('--check', 'write nothing; end with 1 where something would be written', false)
    .addHelpText('after', EXAMPLES)
    .action(runRender);
}

const EXAMPLES = `
Examples:
  plumbline grafana render                                   into ./grafana, from the built-in catalogue
  plumbline grafana render --catalogue my-catalogue --out my-grafana
  plumbline grafana render --check                           for CI: whether ./grafana is what the catalogue says
  plumbline grafana render --trace-url https://tempo.example.com/trace/`;

async function runRender({ out, catalogue, docsUrl, traceUrl, check }: RenderOptions): Promise<void> {
  await (check ? checkOutputFolder : makeOutputFolder)(out, '--out');
  const files = await renderFromFiles({ catalogues: catalogue, docsUrl, traceUrl });
  const changes = await compareFolder(out, files);
  const isStale = changes.added.length + changes.changed.length + changes.removed.length > 0;
  if (check) {
    if (isStale) process.exitCode = 1;
    process.stdout.write(
      isStale
        ? `${showChanges(changes, CHECKED)}${out} is stale: run plumbline grafana render\n`
        : `${out} is up to date\n`,
    );
    return;
  }
  await writeChanges(out, files, changes);
  process.stdout.write(
    `${showChanges(changes, WRITTEN)}${changes.unchanged} files of ${out} were as they are\n`,
  );
}

const CHECKED = { added: 'missing', changed: 'differs', removed: 'left over' };
const WRITTEN = { added: 'added', changed: 'changed', removed: 'removed' };

function showChanges(changes: FolderChanges, words: typeof CHECKED): string {
  const rows = (['added', 'changed', 'removed'] as const).flatMap((kind) =>
    changes[kind].map((path) => `${words[kind].padEnd(9)} ${path}\n`),
  );
  return rows.join('');
}

/** What would have to be done for a folder to hold exactly these files, and whatever is not ours. */
export async function compareFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<FolderChanges> {
  const changes: FolderChanges = { added: [], changed: [], removed: [], unchanged: 0 };
  for (const [path, text] of files) {
    const before = await readFile(join(folder, path), 'utf8').catch(() => undefined);
    if (before === undefined) changes.added.push(path);
    else if (before !== text) changes.changed.push(path);
    else changes.unchanged++;
  }
  for (const path of await listFiles(folder))
    if (!files.has(path) && (await isOurs(folder, path))) changes.removed.push(path);
  return changes;
}

async function listFiles(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length));
  return paths.map((path) => path.replaceAll('\\', '/')).sort();
}

async function isOurs(folder: string, path: string): Promise<boolean> {
  if (DASHBOARD.test(path)) return true;
  if (!/\.(yaml|md)$/.test(path)) return false;
  const text = await readFile(join(folder, path), 'utf8');
  return text.split('\n', 3).some((line) => line.includes(MARK));
}

export async function writeChanges(
  folder: string,
  files: ReadonlyMap<string, string>,
  { added, changed, removed }: FolderChanges,
): Promise<void> {
  for (const path of [...added, ...changed]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), files.get(path)!);
  }
  for (const path of removed) await rm(join(folder, path));
}
