/**
 * The files of a catalogue, entry by entry, as they were written. Enters: a folder that has kpis/*.yaml; leaves: each KPI
 * with its keys, its file and the lines of everything in it. Never judges what the keys say.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../model/errors.js';
import type { FileProblem } from '../model/file-problem.js';
import { readYaml, type YamlPath, type YamlSource } from '../model/yaml-source.js';

export interface CatalogueEntry {
  /** Index of its folder: later ones override earlier ones. */
  layer: number;
  file: string;
  yaml: YamlSource;
  /** Where it stands in its file: [] of a file with one KPI, [2] in a list. */
  path: YamlPath;
  /** As written; nothing is known of the values. */
  raw: Readonly<Record<string, unknown>>;
  name: string;
}

/** Files of a catalogue folder that others read. */
const OTHER_PARTS = /^(taxonomy|alerts|retention)\.ya?ml$/;
/** What may lie beside files without being meant as one of them. */
const IGNORED = /^\.|\.md$|^license$/i;

/**
 * The entries of every folder, in order of folders and file names. Problems are added to `problems`, files that are not read
 * and look as if they should be to `warnings`.
 */
export async function readCatalogueFiles(
  folders: readonly string[],
  problems: FileProblem[],
  warnings: FileProblem[],
): Promise<CatalogueEntry[]> {
  const entries: CatalogueEntry[] = [];
  for (const [layer, folder] of folders.entries()) {
    for (const file of await listFiles(folder, warnings)) {
      const text = await readFile(file, 'utf8');
      entries.push(...readEntries(text, file, layer, problems));
    }
  }
  return entries;
}

/** A folder may have other parts of a catalogue only. */
async function listFiles(folder: string, warnings: FileProblem[]): Promise<string[]> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new UserError(
      `the KPI catalogue ${folder} is no folder that can be read; PLUMBLINE_CATALOGUE names a folder with kpis/*.yaml in it`,
    );
  }
  const kpis = join(folder, 'kpis');
  const names = await readdir(kpis).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UserError(`cannot read ${kpis} (${error.code ?? error.message})`);
  });
  const yaml = names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'));
  for (const name of names.sort()) {
    if (!yaml.includes(name) && !IGNORED.test(name))
      warnings.push({
        file: join(kpis, name),
        line: 0,
        reason: 'is not read: files of KPIs end in .yaml or .yml',
      });
  }
  await warnOfFilesBeside(folder, yaml.length, warnings);
  return yaml.sort().map((name) => join(kpis, name));
}

/** YAML beside `kpis/`, and folders of which nothing is read: most likely a file or a path in the wrong place. */
async function warnOfFilesBeside(folder: string, kpiFiles: number, warnings: FileProblem[]): Promise<void> {
  const names = (await readdir(folder))
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .sort();
  const unread = names.filter((name) => !OTHER_PARTS.test(name));
  for (const name of unread) {
    const reason = `is not read: files of KPIs go to ${join(folder, 'kpis')}`;
    warnings.push({ file: join(folder, name), line: 0, reason });
  }
  if (kpiFiles + names.length === 0) {
    warnings.push({
      file: folder,
      line: 0,
      reason: 'nothing in this folder is read: KPIs go to kpis/*.yaml in it',
    });
  }
}

function readEntries(text: string, file: string, layer: number, problems: FileProblem[]): CatalogueEntry[] {
  const yaml = readYaml(text);
  problems.push(...yaml.syntaxProblems.map((problem) => ({ file, ...problem })));
  if (yaml.syntaxProblems.length > 0) return [];
  const { value } = yaml;
  const list = Array.isArray(value) ? value : [value];
  if (value == null || list.length === 0) {
    problems.push({ file, line: 1, reason: 'the file has no KPI in it' });
    return [];
  }
  return list.flatMap((raw: unknown, i) => {
    const path = Array.isArray(value) ? [i] : [];
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
      const { name } = raw as { name?: unknown };
      const fields = raw as Record<string, unknown>;
      return [{ layer, file, yaml, path, raw: fields, name: typeof name === 'string' ? name : '' }];
    }
    problems.push({ file, line: yaml.lineOf(path), reason: 'a KPI must be a map with name, title, unit …' });
    return [];
  });
}

/** Line of a key where the path ends in one, else of the value; of the nearest thing around it that exists. */
export function lineAt(entry: CatalogueEntry, path: YamlPath): number {
  const { yaml } = entry;
  const key = path.at(-1);
  const full = [...entry.path, ...path];
  return typeof key === 'string' ? yaml.lineOfKey(full.slice(0, -1), key) : yaml.lineOf(full);
}
