/**
 * What is wrong with a KPI beyond the shape of its keys: places, units, thresholds, formulas and alerts that do not fit
 * each other. Enters: the KPI as it stands in the file, whole or not; leaves: a problem for each, where it stands.
 */

import { parseUnit, type Unit } from '../model/unit.js';
import type { YamlPath } from '../model/yaml-source.js';
import { formatDuration, parseDuration } from './duration.js';
import { FORMULA_KINDS, type FormulaKind } from './formula-schema.js';
import {
  fieldOf,
  listOf,
  listRawTerms,
  PLAIN_KINDS,
  type PlacedRawTerm,
  SHARE_KINDS,
} from './formula-terms.js';

export interface KpiProblem {
  path: YamlPath;
  reason: string;
  /** Keys of the KPI that have a part in it, `path[0]` among them. */
  keys: readonly string[];
}

export type RawEntry = Readonly<Record<string, unknown>>;

/** A unit for a time may differ this much from the time itself: 30d is a month. */
const PERIOD_TOLERANCE = 0.05;

export function checkKpi(kpi: RawEntry): KpiProblem[] {
  return [
    ...checkThresholds(kpi),
    ...checkUnit(kpi),
    ...checkSources(kpi),
    ...checkAlerts(kpi),
    ...checkSlo(kpi),
    ...checkGroups(kpi),
  ];
}

function checkThresholds(kpi: RawEntry): KpiProblem[] {
  const { direction, target, warning, critical } = kpi;
  if (direction !== 'lower_is_better' && direction !== 'higher_is_better') return [];
  const isBetter = (a: number, b: number) => (direction === 'lower_is_better' ? a < b : a > b);
  const keys = ['critical', 'warning', 'target', 'direction'];
  const rule = direction === 'lower_is_better' ? 'lower is better' : 'higher is better';
  if (typeof critical !== 'number') return [];
  const problems: KpiProblem[] = [];
  if (typeof warning === 'number' && isBetter(critical, warning)) {
    const reason = `critical ${critical} is better than warning ${warning} (${rule}): swap them, or change direction`;
    problems.push({ path: ['critical'], reason, keys });
  }
  if (typeof target === 'number' && isBetter(critical, target)) {
    const reason = `critical ${critical} is better than target ${target} (${rule}): what meets the target would be critical`;
    problems.push({ path: ['critical'], reason, keys });
  }
  return problems;
}

function checkUnit(kpi: RawEntry): KpiProblem[] {
  if (typeof kpi.unit !== 'string' || kpi.unit.trim() === '') return [];
  const unit = parseUnit(kpi.unit);
  if (unit.status !== 'unknown') return [];
  const braced = /^[A-Za-z]+$/.test(kpi.unit)
    ? `; money and things that are counted are put in braces: {${kpi.unit}}`
    : '';
  const reason = `unit "${kpi.unit}" cannot be read${braced}. Units are UCUM: s, ms, %, 1, By, {request}/s`;
  return [{ path: ['unit'], reason, keys: ['unit'] }];
}

function checkSources(kpi: RawEntry): KpiProblem[] {
  const unit = typeof kpi.unit === 'string' ? parseUnit(kpi.unit) : undefined;
  const problems: KpiProblem[] = [];
  const names = new Set<unknown>();
  for (const [i, source] of listOf(kpi.sources).entries()) {
    const at = (...path: YamlPath) => ['sources', i, ...path];
    const name = fieldOf(source, 'name');
    if (typeof name === 'string' && names.has(name)) {
      problems.push({ path: at('name'), reason: `source name "${name}" is used twice`, keys: ['sources'] });
    }
    names.add(name);
    for (const term of listRawTerms(source)) {
      for (const { path, reason } of checkTerm(term)) {
        problems.push({ path: at(...path), reason, keys: ['sources'] });
      }
    }
    for (const kind of FORMULA_KINDS) {
      const formula = fieldOf(source, kind);
      const reason = formula !== undefined && unit && findUnitConflict(kind, formula, unit);
      if (reason) problems.push({ path: at(kind), reason, keys: ['sources', 'unit'] });
    }
  }
  return problems;
}

function checkTerm({ kind, path, role, value }: PlacedRawTerm): { path: YamlPath; reason: string }[] {
  const problems: { path: YamlPath; reason: string }[] = [];
  const measure = fieldOf(value, 'measure') ?? role.measures[0];
  const isMeasure = ['amount', 'total', 'average', 'last'].includes(measure as string);
  if (isMeasure && !(role.measures as readonly unknown[]).includes(measure)) {
    const reason = `${[kind, ...role.at].join('.')} cannot be of measure ${measure}, only ${role.measures.join(', ')}`;
    problems.push({ path: [...path, 'measure'], reason });
  }
  if (fieldOf(value, 'across') != null && measure !== 'last') {
    const reason = `across is of measure last only; ${measure} takes all values of all series together`;
    problems.push({ path: [...path, 'across'], reason });
  }
  const shapes = listOf(fieldOf(value, 'shapes'));
  if (
    kind === 'percentile' &&
    shapes.length > 0 &&
    !shapes.some((shape) => /histogram$/.test(String(shape)))
  ) {
    const reason = 'percentile is of histograms only: shapes must have histogram or exponential_histogram';
    problems.push({ path: [...path, 'shapes'], reason });
  }
  if (measure === 'last' && shapes.length > 0 && !shapes.includes('number')) {
    const reason = 'measure last is of gauges and counters only: shapes must have number';
    problems.push({ path: [...path, 'shapes'], reason });
  }
  return problems;
}

/** Why a formula cannot have a value in this unit. */
function findUnitConflict(kind: FormulaKind, formula: unknown, unit: Unit): string | undefined {
  if (unit.status === 'unknown') return undefined;
  if (PLAIN_KINDS.includes(kind) && unit.baseUnit !== '1') {
    return `unit "${unit.text}" cannot be that of ${kind}: use % or 1`;
  }
  const isPerTime = unit.baseUnit.endsWith('/s');
  if (kind === 'rate' && !isPerTime)
    return `unit "${unit.text}" cannot be that of a rate: use {request}/s, By/s or such`;
  if (kind !== 'rate' && kind !== 'per_user_cost') return undefined;
  if (kind === 'rate' && unit.baseUnit !== '1/s' && unit.factor !== 1) {
    return `unit "${unit.text}" cannot be that of a rate, which counts in ${unit.baseUnit}: use that`;
  }
  const per = fieldOf(formula, 'per');
  const seconds = typeof per === 'string' ? parseDuration(per) : undefined;
  const unitSeconds = readUnitPeriod(unit);
  if (seconds === undefined || unitSeconds === undefined) return undefined;
  if (Math.abs(seconds / unitSeconds - 1) <= PERIOD_TOLERANCE) return undefined;
  return `per: ${per} does not fit unit "${unit.text}": leave it out, or say per: ${formatDuration(unitSeconds)}`;
}

/** Seconds of the time that a unit is per: 60 of {request}/min. */
export function readUnitPeriod(unit: Unit): number | undefined {
  if (unit.baseUnit !== '1/s') return undefined;
  const seconds = 1 / unit.factor;
  return Math.abs(seconds - Math.round(seconds)) < 1e-6 ? Math.round(seconds) : seconds;
}

function checkAlerts(kpi: RawEntry): KpiProblem[] {
  const problems: KpiProblem[] = [];
  const names = new Set<unknown>();
  for (const [i, alert] of listOf(kpi.alerts).entries()) {
    const level = fieldOf(alert, 'level');
    if (level !== 'warning' && level !== 'critical') continue;
    if (kpi[level] == null && fieldOf(alert, 'threshold') == null) {
      const reason = `alerts[${i}] is raised by level ${level}, but there is no ${level} threshold: add ${level}, or threshold to the alert`;
      problems.push({ path: ['alerts', i, 'level'], reason, keys: ['alerts', level] });
    }
    const name = fieldOf(alert, 'name') ?? `${kpi.name}_${level}`;
    if (names.has(name)) {
      const reason = `alert name "${name}" is used twice: give each a name of its own`;
      problems.push({ path: ['alerts', i], reason, keys: ['alerts'] });
    }
    names.add(name);
  }
  return problems;
}

function checkSlo(kpi: RawEntry): KpiProblem[] {
  if (kpi.slo == null) return [];
  const sources = listOf(kpi.sources);
  const isShare = (source: unknown) => SHARE_KINDS.some((kind) => fieldOf(source, kind) !== undefined);
  const problems: KpiProblem[] = [];
  if (sources.length > 0 && !sources.some(isShare)) {
    const reason = 'slo is of ratio and uptime only: there are no good and bad events in the other formulas';
    problems.push({ path: ['slo'], reason, keys: ['slo', 'sources'] });
  }
  if (fieldOf(kpi.slo, 'objective') == null && kpi.target == null) {
    problems.push({
      path: ['slo'],
      reason: 'slo has no objective, and there is no target',
      keys: ['slo', 'target'],
    });
  }
  return problems;
}

function checkGroups(kpi: RawEntry): KpiProblem[] {
  const seen = new Set<string>();
  return listOf(kpi.group_by).flatMap((group, i) => {
    const label = readGroupLabel(group);
    if (label === undefined) return [];
    if (!seen.has(label)) {
      seen.add(label);
      return [];
    }
    return [{ path: ['group_by', i], reason: `group label "${label}" is used twice`, keys: ['group_by'] }];
  });
}

/** `http.route` alone is the label http_route. */
export function readGroupLabel(group: unknown): string | undefined {
  if (typeof group === 'string')
    return group
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '');
  if (typeof group !== 'object' || group === null) return undefined;
  return Object.keys(group)[0];
}
