/**
 * The files of a catalogue, entry by entry, as they were written. Enters: a folder that has kpis/*.yaml; leaves: each KPI
 * with its keys, its file and the lines of everything in it. Never judges what the keys say.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../model/errors.js';
import { readYaml, type YamlPath, type YamlSource } from '../model/yaml-source.js';

/** Something wrong, or odd, at a place in a file. */
export interface FileProblem {
  file: string;
  line: number;
  reason: string;
}

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

/** The entries of every folder, in order of folders and file names. Problems are added to `problems`. */
export async function readCatalogueFiles(
  folders: readonly string[],
  problems: FileProblem[],
): Promise<CatalogueEntry[]> {
  const entries: CatalogueEntry[] = [];
  for (const [layer, folder] of folders.entries()) {
    for (const file of await listFiles(folder)) {
      const text = await readFile(file, 'utf8');
      entries.push(...readEntries(text, file, layer, problems));
    }
  }
  return entries;
}

/** A folder may have other parts of a catalogue only. */
async function listFiles(folder: string): Promise<string[]> {
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
  return yaml.sort().map((name) => join(kpis, name));
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
