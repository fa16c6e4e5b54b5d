/**
 * The KPI catalogue. Enters: folders with kpis/*.yaml and the categories of the taxonomy;
 * leaves: a Catalogue that makes sense throughout, or one CatalogueError that lists everything wrong with file, line and
 * reason. Never asks ClickHouse anything: whether a metric exists is not known here.
 */
import { join } from 'node:path';
import { CatalogueError, describeProblem, type FileProblem } from '../model/file-problem.js';
import type { Catalogue, Kpi } from '../model/kpi.js';
import { describePath, listProblems } from '../model/schema-problems.js';
import { listPlaceProblems, type PlaceCategory } from '../model/taxonomy-place.js';
import { lineAt, readCatalogueFiles } from './catalogue-files.js';
import { type LayeredKpi, layCatalogue } from './catalogue-layers.js';
import { KNOWN_KEYS, kpiSchema } from './catalogue-schema.js';
import { checkKpi } from './check-kpi.js';
import { listOddities } from './kpi-oddities.js';
import { type KpiPlace, readKpi } from './read-kpi.js';

export interface LoadOptions {
  /** Later ones override earlier ones. */
  folders: readonly string[];
  /** The one of them that Plumbline came with, if it is among them. */
  builtInFolder?: string | undefined;
  categories: readonly PlaceCategory[];
}

export async function loadCatalogue(options: LoadOptions): Promise<Catalogue> {
  const { folders, categories } = options;
  const builtInLayer = folders.indexOf(options.builtInFolder ?? '');
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  const unread: FileProblem[] = [];
  const entries = await readCatalogueFiles(folders, problems, unread);
  // Nobody can add files to the one that Plumbline came with.
  warnings.push(...unread.filter(({ file }) => file !== options.builtInFolder));
  const { kpis: layered, replaced } = layCatalogue(entries, problems);
  for (const kpi of replaced) problems.push(...findProblems(kpi));
  const kpis: Kpi[] = [];
  for (const kpi of layered) {
    const found = findProblems(kpi);
    const places = findPlaceProblems(kpi, categories, builtInLayer);
    problems.push(...found, ...places.problems);
    warnings.push(...places.warnings);
    if (found.length > 0 || places.problems.length > 0 || places.warnings.length > 0) continue;
    const parsed = kpiSchema.safeParse(kpi.raw);
    if (parsed.success) kpis.push(readKpi(parsed.data, placeIn(kpi)));
  }
  refuse(sortByPlace(problems, folders));
  warnings.push(...(await listOddities(kpis, layered, builtInLayer)));
  kpis.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { kpis, folders, warnings: sortByPlace(warnings, folders).map(describeProblem) };
}

/** What it inherits is told of where it stands itself. */
function placeIn({ entry, ownKeys }: LayeredKpi): KpiPlace {
  const ownsAlerts = ownKeys === undefined || ownKeys.has('alerts');
  return {
    file: entry.file,
    line: lineAt(entry, []),
    alertLine: (i) => lineAt(entry, ownsAlerts ? ['alerts', i] : []),
  };
}

/** Everything wrong with a KPI in the keys that it gives itself: what it inherits is told where it was written. */
function findProblems(kpi: LayeredKpi): FileProblem[] {
  const { entry, raw, ownKeys } = kpi;
  const name = entry.name === '' ? 'a KPI without a name' : entry.name;
  const isOwn = (key: unknown) => ownKeys === undefined || ownKeys.has(String(key));
  const problems: FileProblem[] = [];
  for (const { path, key, reason } of listProblems(kpiSchema.safeParse(raw), [], KNOWN_KEYS)) {
    if (!isOwn(path[0] ?? key)) continue;
    const at = path.length === 0 ? '' : `${describePath(path)}${key === undefined ? ' ' : ': '}`;
    const line = lineAt(entry, key === undefined ? path : [...path, key]);
    problems.push({ file: entry.file, line, reason: `${name}: ${at}${reason}` });
  }
  for (const { path, reason, keys } of checkKpi(raw)) {
    const own = isOwn(path[0]) ? path[0] : keys.find(isOwn);
    if (own === undefined) continue;
    const line = lineAt(entry, own === path[0] ? path : [own]);
    problems.push({ file: entry.file, line, reason: `${name}: ${reason}` });
  }
  return problems;
}

/**
 * A category that does not exist is a mistake of who wrote it. A built-in KPI says nothing wrong: whoever has a taxonomy
 * of other categories has no place for it, and it is left out.
 */
function findPlaceProblems(
  kpi: LayeredKpi,
  categories: readonly PlaceCategory[],
  builtInLayer: number,
): { problems: FileProblem[]; warnings: FileProblem[] } {
  const { entry, raw, ownKeys } = kpi;
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  for (const { key, reason } of listPlaceProblems(categories, raw.category, raw.subcategory)) {
    const isInherited = ownKeys !== undefined && !ownKeys.has('category') && !ownKeys.has('subcategory');
    const problem = { file: entry.file, line: lineAt(entry, isInherited ? [] : [key]), reason: '' };
    if (entry.layer !== builtInLayer && !isInherited)
      problems.push({ ...problem, reason: `${entry.name}: ${reason}` });
    else warnings.push({ ...problem, reason: `KPI "${entry.name}" is left out: ${reason}` });
  }
  return { problems, warnings };
}

function refuse(problems: readonly FileProblem[]): void {
  if (problems.length > 0) throw new CatalogueError(problems);
}

/** By folder, file and line; the order of findings at one line stays. */
function sortByPlace(problems: readonly FileProblem[], folders: readonly string[]): FileProblem[] {
  const layerOf = ({ file }: FileProblem) =>
    folders.findIndex((folder) => file.startsWith(join(folder, '/')));
  return [...problems].sort((a, b) => {
    if (a.file === b.file) return a.line - b.line;
    return layerOf(a) - layerOf(b) || (a.file < b.file ? -1 : 1);
  });
}
