/**
 * A KPI from its checked keys: defaults filled in, durations as seconds, short forms written out. Enters: what the schema
 * let pass and what check-kpi.ts found nothing wrong with; leaves: a Kpi. Never refuses anything.
 */
import type { Formula, Kpi, KpiAlert, MetricShape, Selector, Source, Term } from '../model/kpi.js';
import { parseUnit } from '../model/unit.js';
import type { RawKpi } from './catalogue-schema.js';
import { readGroupLabel, readUnitPeriod } from './check-kpi.js';
import { parseDuration } from './duration.js';
import { FORMULA_KINDS, type RawSelector, type RawSource, type RawTerm } from './formula-schema.js';
import { TERM_ROLES, type TermRole } from './formula-terms.js';

const MINUTE_S = 60;
const DAY_S = 86_400;
const MONTH_S = parseDuration('1mo')!;

/** Where the KPI and its alerts stand in which file. */
export interface KpiPlace {
  file: string;
  line: number;
  alertLine: (i: number) => number;
}

export function readKpi(raw: RawKpi, { file, line, alertLine }: KpiPlace): Kpi {
  const sources = raw.sources.map((source) => readSource(source, raw.unit));
  const seconds = (text: string | null | undefined, otherwise: number) =>
    text == null ? otherwise : parseDuration(text)!;
  return {
    name: raw.name,
    title: raw.title,
    category: raw.category,
    subcategory: raw.subcategory,
    description: raw.description,
    owner: raw.owner ?? '',
    unit: raw.unit,
    direction: raw.direction,
    target: raw.target ?? undefined,
    warning: raw.warning ?? undefined,
    critical: raw.critical ?? undefined,
    windowS: seconds(raw.window, 5 * MINUTE_S),
    samplesMin: raw.samples_min ?? 1,
    completenessMin: raw.completeness_min ?? 0.5,
    staleAfterS: seconds(raw.stale_after, 5 * MINUTE_S),
    dataType: raw.data_type ?? guessDataType(raw.unit, sources[0]!.formula),
    calculationMethod: describeMethod(sources[0]!.formula),
    refreshS: seconds(raw.refresh, 30),
    visualisation: raw.visualisation ?? 'line',
    validMin: raw.valid?.min ?? undefined,
    validMax: raw.valid?.max ?? undefined,
    groupBy: (raw.group_by ?? []).map(readGroup),
    sources,
    alerts: (raw.alerts ?? []).map((alert, i): KpiAlert => {
      return {
        name: alert.name ?? `${raw.name}_${alert.level}`,
        level: alert.level,
        threshold: alert.threshold ?? undefined,
        severity: alert.severity,
        notify: alert.notify,
        forS: seconds(alert.for, 0),
        message: alert.message,
        line: alertLine(i),
      };
    }),
    sloObjective: raw.slo?.objective ?? undefined,
    sloWindowS: seconds(raw.slo?.window, 30 * DAY_S),
    runbook: raw.runbook ?? '',
    tags: raw.tags ?? [],
    file,
    line,
  };
}

function readSource(raw: RawSource, unit: string): Source {
  const formula = readFormula(raw, readUnitPeriod(parseUnit(unit)));
  return { name: raw.name, formula, ...(raw.fallback === true && { isFallback: true }) };
}

/** `periodS`: the time that the KPI's unit is per, where it is per time. */
function readFormula(raw: RawSource, periodS: number | undefined): Formula {
  const kind = FORMULA_KINDS.find((known) => raw[known] !== undefined)!;
  const term = (value: RawTerm, i = 0) => readTerm(value, TERM_ROLES[kind][i]!);
  const perS = (text: string | null | undefined) => (text == null ? undefined : parseDuration(text)!);
  switch (kind) {
    case 'average':
    case 'last':
    case 'uptime':
      return { kind, of: term(raw[kind]!) };
    case 'percentile': {
      const { of, quantile } = raw.percentile!;
      return { kind, of: term(of), quantile: readQuantile(quantile) };
    }
    case 'ratio': {
      const { of, to, complement } = raw.ratio!;
      return { kind, numerator: term(of, 0), denominator: term(to, 1), complement: complement ?? false };
    }
    case 'rate':
      return { kind, of: term(raw.rate!.of), perS: perS(raw.rate!.per) ?? periodS ?? 1 };
    case 'sum':
      return { kind, of: term(raw.sum!.of), perS: perS(raw.sum!.per) };
    case 'weighted_score': {
      const parts = raw.weighted_score!.parts.map(({ name, of, weight, scale }) => {
        return { name, of: term(of), weight, scale: scale ?? 1 };
      });
      return { kind, parts };
    }
    case 'per_user_cost': {
      const { cost, users, per } = raw.per_user_cost!;
      return { kind, cost: term(cost, 0), users: term(users, 1), perS: perS(per) ?? periodS ?? MONTH_S };
    }
    case 'roi':
      return { kind, gain: term(raw.roi!.gain, 0), cost: term(raw.roi!.cost, 1) };
  }
}

function readTerm(raw: RawTerm, role: TermRole): Term {
  const measure = role.measures[0];
  if (typeof raw === 'string') return { selectors: [readSelector(raw)], measure, across: 'average' };
  if (Array.isArray(raw)) return { selectors: raw.map(readSelector), measure, across: 'average' };
  const { any, measure: given, across, metric, ...conditions } = raw;
  // Conditions beside `any` hold for each of its selectors, unless that names its own.
  const own = any?.map((one) => ({ ...conditions, ...(typeof one === 'string' ? { metric: one } : one) }));
  const selectors = (own ?? [{ metric: metric!, ...conditions }]).map(readSelector);
  return { selectors, measure: given ?? measure, across: across ?? 'average' };
}

function readSelector(raw: RawSelector): Selector {
  if (typeof raw === 'string') return { metric: raw, where: {}, whereNot: {}, shapes: [] };
  const shapes: readonly MetricShape[] = raw.shapes ?? [];
  return {
    metric: raw.metric,
    where: readConditions(raw.where),
    whereNot: readConditions(raw.where_not),
    shapes,
  };
}

type RawConditions = Exclude<RawSelector, string>['where'];

function readConditions(raw: RawConditions): Record<string, readonly string[]> {
  const entries = Object.entries(raw ?? {}).map(
    ([name, value]) => [name, [value].flat().map(String)] as const,
  );
  return Object.fromEntries(entries);
}

/** p95 is 0.95, p999 is 0.999. */
function readQuantile(raw: number | string): number {
  return typeof raw === 'number' ? raw : Number(`0.${raw.slice(1)}`);
}

function readGroup(raw: NonNullable<RawKpi['group_by']>[number]): Kpi['groupBy'][number] {
  if (typeof raw === 'string') return { label: readGroupLabel(raw)!, attributes: [raw] };
  const [[label, attributes]] = Object.entries(raw) as [[string, string | string[]]];
  return { label, attributes: [attributes].flat() };
}

function guessDataType(unit: string, { kind }: Formula): Kpi['dataType'] {
  const { baseUnit, text } = parseUnit(unit);
  if (/\{(USD|EUR|GBP|JPY|CHF|CNY|INR)\}/.test(text)) return 'money';
  if (baseUnit === 's') return 'duration';
  if (baseUnit.endsWith('/s')) return 'rate';
  if (kind === 'weighted_score' || /rating|score/.test(text)) return 'score';
  if (kind === 'ratio' || kind === 'uptime' || kind === 'roi' || text === '%') return 'ratio';
  return 'count';
}

function describeMethod(formula: Formula): string {
  return formula.kind === 'percentile'
    ? `p${Number((formula.quantile * 100).toPrecision(12))}`
    : formula.kind;
}
