/**
 * Folders of a catalogue laid over each other. Enters: the entries of all folders; leaves: the KPIs that there are, each
 * with everything it takes from another by `extends`, and which of its keys are its own. Never judges what keys say.
 */

import type { FileProblem } from '../model/file-problem.js';
import { suggestName } from '../model/nearest-name.js';
import { type CatalogueEntry, lineAt } from './catalogue-files.js';

export interface LayeredKpi {
  entry: CatalogueEntry;
  /** Its keys and those it inherits; what it sets to null is not there. */
  raw: Readonly<Record<string, unknown>>;
  /** Keys that it gives itself; undefined where it inherits nothing. */
  ownKeys: ReadonlySet<string> | undefined;
}

/**
 * A KPI of a later folder stands for the one of the same name in an earlier folder, as a whole, or, with `extends`, in the
 * keys that it gives. `active: false` removes it. Entries that are replaced are layered too, so that their mistakes show.
 */
export function layCatalogue(
  entries: readonly CatalogueEntry[],
  problems: FileProblem[],
): { kpis: LayeredKpi[]; replaced: LayeredKpi[] } {
  const layers = indexByName(entries, problems);
  const kpis: LayeredKpi[] = [];
  const replaced: LayeredKpi[] = [];
  for (const entry of entries) {
    if (isOff(entry)) {
      checkSwitchedOff(entry, layers, problems);
      continue;
    }
    const ancestry = findAncestry(entry, layers);
    if (typeof ancestry === 'string') {
      const reason = `${entry.name}: ${ancestry}`;
      if (ancestry !== '') problems.push({ file: entry.file, line: lineAt(entry, ['extends']), reason });
      continue;
    }
    const isLast = layers.findLast((layer) => layer.has(entry.name))?.get(entry.name) === entry;
    (isLast || entry.name === '' ? kpis : replaced).push(inherit(ancestry));
  }
  return { kpis, replaced };
}

type Layers = readonly ReadonlyMap<string, CatalogueEntry>[];

function indexByName(entries: readonly CatalogueEntry[], problems: FileProblem[]): Layers {
  const layers: Map<string, CatalogueEntry>[] = [];
  for (const entry of entries) {
    while (layers.length <= entry.layer) layers.push(new Map());
    const layer = layers[entry.layer]!;
    const twin = layer.get(entry.name);
    if (twin !== undefined) {
      const reason = `KPI "${entry.name}" is defined twice (first in ${twin.file}:${lineAt(twin, ['name'])})`;
      problems.push({ file: entry.file, line: lineAt(entry, ['name']), reason });
    } else if (entry.name !== '') layer.set(entry.name, entry);
  }
  return layers;
}

/** A KPI, the one it extends, the one that extends …, or why that cannot be; '' where another entry is told so. */
function findAncestry(entry: CatalogueEntry, layers: Layers): CatalogueEntry[] | string {
  const ancestry = [entry];
  for (;;) {
    const heir = ancestry.at(-1)!;
    const { extends: extended } = heir.raw;
    const name = extended === true ? heir.name : extended;
    if (typeof name !== 'string') return ancestry;
    const base = findBase(heir, name, layers);
    if (base === undefined) return heir === entry ? describeMissingBase(entry, name, layers) : '';
    if (base === entry) return 'extends a KPI that extends it in turn';
    if (ancestry.includes(base)) return '';
    ancestry.push(base);
  }
}

function describeMissingBase(entry: CatalogueEntry, name: string, layers: Layers): string {
  const others = layers.slice(0, entry.layer + 1).flatMap((layer) => [...layer.keys()]);
  const where = name === entry.name ? ' in an earlier folder' : '';
  const near = others.filter((other) => other !== entry.name);
  return `there is no KPI "${name}"${where} to extend${suggestName(name, near)}`;
}

function inherit(ancestry: readonly CatalogueEntry[]): LayeredKpi {
  const [entry, ...bases] = ancestry;
  if (bases.length === 0) return { entry: entry!, raw: entry!.raw, ownKeys: undefined };
  let raw: Record<string, unknown> = {};
  for (const { raw: given } of [...bases.reverse(), entry!]) {
    const { active: _active, ...inherited } = raw;
    const { extends: _extends, ...own } = given;
    const kept = Object.entries({ ...inherited, ...own }).filter(([key]) => own[key] !== null);
    raw = Object.fromEntries(kept);
  }
  return { entry: entry!, raw, ownKeys: new Set(Object.keys(entry!.raw)) };
}

/** Of an earlier folder where it has the same name, else of the latest folder that has it. */
function findBase(entry: CatalogueEntry, name: string, layers: Layers): CatalogueEntry | undefined {
  const upTo = name === entry.name ? entry.layer : entry.layer + 1;
  const found = layers.slice(0, upTo).findLast((layer) => layer.has(name) && !isOff(layer.get(name)!));
  return found?.get(name);
}

function checkSwitchedOff(entry: CatalogueEntry, layers: Layers, problems: FileProblem[]): void {
  const { raw, name } = entry;
  // One with a body of its own is kept for later; one without is there to remove another.
  const isBare = Object.keys(raw).every((key) => key === 'name' || key === 'active');
  if (!isBare || layers.slice(0, entry.layer).some((layer) => layer.has(name))) return;
  const others = layers.slice(0, entry.layer).flatMap((layer) => [...layer.keys()]);
  const reason = `there is no KPI "${name}" to switch off${suggestName(name, others)}`;
  problems.push({ file: entry.file, line: lineAt(entry, ['name']), reason });
}

function isOff(entry: CatalogueEntry): boolean {
  return entry.raw.active === false;
}
