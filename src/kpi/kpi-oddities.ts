/**
 * KPIs that are allowed but surely not meant. Enters: KPIs without mistakes; leaves: a warning for each oddity, at its
 * place in the file. Never changes or refuses a KPI.
 */

import type { FileProblem } from '../model/file-problem.js';
import { termsOf } from '../model/formula-parts.js';
import type { Kpi, Selector } from '../model/kpi.js';
import { findNearestName } from '../model/nearest-name.js';
import { parseUnit } from '../model/unit.js';
import type { YamlPath } from '../model/yaml-source.js';
import { lineAt } from './catalogue-files.js';
import type { LayeredKpi } from './catalogue-layers.js';
import { formatDuration } from './duration.js';
import { SHARE_KINDS } from './formula-terms.js';

interface Oddity {
  path: YamlPath;
  reason: string;
}

/** Shorter names have too many neighbours. */
const NAME_CHARS_MIN = 8;
/** Wrong letters that are taken for a slip in a name that nobody knows. */
const NAME_EDITS_MAX = 2;

/** Of KPIs that are built in only what concerns their values; their names are known to be right. */
export async function listOddities(
  kpis: readonly Kpi[],
  layered: readonly LayeredKpi[],
  builtInLayer: number,
): Promise<FileProblem[]> {
  const byName = new Map(layered.map((kpi) => [kpi.entry.name, kpi]));
  const isBuiltIn = ({ name }: Kpi) => byName.get(name)!.entry.layer === builtInLayer;
  const known = kpis.every(isBuiltIn) ? new Set<string>() : await readKnownNames();
  for (const kpi of kpis) {
    if (!isBuiltIn(kpi)) continue;
    for (const name of [...metricsOf(kpi), ...attributesOf(kpi)]) known.add(name);
  }
  return kpis.flatMap((kpi) => {
    const { entry } = byName.get(kpi.name)!;
    const names = isBuiltIn(kpi) ? [] : findMisspeltNames(kpi, known);
    return [...findOddValues(kpi), ...findOddSources(kpi), ...names].map(({ path, reason }) => {
      return { file: entry.file, line: lineAt(entry, path), reason: `${kpi.name}: ${reason}` };
    });
  });
}

function findOddValues(kpi: Kpi): Oddity[] {
  const { target, warning, critical, unit, direction } = kpi;
  const odd: Oddity[] = [];
  if (target === undefined && warning === undefined && critical === undefined) {
    odd.push({ path: [], reason: 'has no target and no threshold, so it is always on target' });
  }
  if (warning !== undefined && warning === critical) {
    odd.push({ path: ['warning'], reason: `warning ${warning} is never seen: critical is the same` });
  }
  for (const [key, value] of Object.entries({ target, warning, critical })) {
    const isOutside =
      value !== undefined && (value < (kpi.validMin ?? value) || value > (kpi.validMax ?? value));
    if (isOutside)
      odd.push({ path: [key], reason: `${key} ${value} is outside of valid, so it can never be reached` });
  }
  const isShare = kpi.sources.some(({ formula }) => SHARE_KINDS.includes(formula.kind));
  if (isShare && target !== undefined && direction === 'higher_is_better') {
    const { factor } = parseUnit(unit);
    if (factor === 0.01 && target > 0 && target <= 1) {
      odd.push({
        path: ['target'],
        reason: `target ${target} is below 1 %: in unit "${unit}" write ${target * 100}`,
      });
    }
    if (factor === 1 && target > 1) {
      odd.push({
        path: ['target'],
        reason: `target ${target} is more than all of it: set unit: "%", or write ${target / 100}`,
      });
    }
  }
  if (kpi.refreshS > kpi.windowS) {
    const [refresh, window] = [kpi.refreshS, kpi.windowS].map(formatDuration);
    odd.push({
      path: ['refresh'],
      reason: `refresh ${refresh} is longer than window ${window}: some time is never looked at`,
    });
  }
  if (kpi.alerts.length > 0 && kpi.owner === '') {
    odd.push({ path: ['alerts'], reason: 'has alerts but no owner: nobody knows who is to act' });
  }
  return odd;
}

function findOddSources(kpi: Kpi): Oddity[] {
  const odd: Oddity[] = [];
  const seen = new Map<string, string>();
  for (const [i, { name, formula, isFallback }] of kpi.sources.entries()) {
    const text = JSON.stringify(formula);
    const twin = seen.get(text);
    if (twin !== undefined) {
      odd.push({
        path: ['sources', i],
        reason: `source "${name}" is the same as "${twin}" and never has a turn`,
      });
    }
    seen.set(text, name);
    if (isFallback && !kpi.groupBy.some(({ attributes }) => attributes.join() === 'service')) {
      odd.push({
        path: ['sources', i, 'fallback'],
        reason: `fallback has no effect on "${name}": group_by does not have service`,
      });
    }
    if (
      formula.kind === 'ratio' &&
      JSON.stringify(formula.numerator) === JSON.stringify(formula.denominator)
    ) {
      odd.push({ path: ['sources', i, 'ratio'], reason: `of and to are the same, so "${name}" is always 1` });
    }
  }
  return odd;
}

function findMisspeltNames(kpi: Kpi, known: ReadonlySet<string>): Oddity[] {
  const odd: Oddity[] = [];
  const look = (what: string, names: Iterable<string>, path: YamlPath) => {
    for (const name of new Set(names)) {
      const meant = known.has(name) ? undefined : findMeantName(name, known);
      if (meant !== undefined)
        odd.push({ path, reason: `nobody knows ${what} "${name}" (did you mean "${meant}"?)` });
    }
  };
  for (const [i, { formula }] of kpi.sources.entries()) {
    const selectors = termsOf(formula).flatMap((term) => term.selectors);
    look(
      'metric',
      selectors.map(({ metric }) => metric),
      ['sources', i],
    );
    look('attribute', selectors.flatMap(attributesOfSelector), ['sources', i]);
  }
  for (const [i, { attributes }] of kpi.groupBy.entries()) look('attribute', attributes, ['group_by', i]);
  return odd;
}

function findMeantName(name: string, known: ReadonlySet<string>): string | undefined {
  if (name.length < NAME_CHARS_MIN) return undefined;
  return findNearestName(name, known, (other) => (other.length < NAME_CHARS_MIN ? 0 : NAME_EDITS_MAX));
}

/** Metrics and attributes of the semantic conventions, old and new. Loaded only where somebody wrote a KPI. */
async function readKnownNames(): Promise<Set<string>> {
  const conventions = await import('@opentelemetry/semantic-conventions/incubating');
  const names = Object.entries(conventions).filter(([key]) => /^(ATTR|METRIC)_/.test(key));
  return new Set(names.flatMap(([, value]) => (typeof value === 'string' ? [value] : [])));
}

function metricsOf(kpi: Kpi): string[] {
  return kpi.sources.flatMap(({ formula }) =>
    termsOf(formula).flatMap((term) => term.selectors.map(({ metric }) => metric)),
  );
}

function attributesOf(kpi: Kpi): string[] {
  const selectors = kpi.sources.flatMap(({ formula }) => termsOf(formula).flatMap((term) => term.selectors));
  return [...kpi.groupBy.flatMap(({ attributes }) => attributes), ...selectors.flatMap(attributesOfSelector)];
}

function attributesOfSelector({ where, whereNot }: Selector): string[] {
  return [...Object.keys(where), ...Object.keys(whereNot)];
}
