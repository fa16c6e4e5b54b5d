/**
 * What `plumbline coverage` reports. Enters: KPIs, rows of kpi_coverage and of metrics without a rule; leaves: for each KPI
 * what feeds it, what cannot and what would, and for each of those metrics a rule. Asks nothing and shows nothing.
 */
import type { SuggestRule, UnplacedMetric } from '../classify/suggest-rule.js';
import { type PlacedTerm, placeTerms } from '../kpi/kpi-terms.js';
import type { Kpi, Source } from '../model/kpi.js';
import { describeWanted, findInstrumentation, listRecorders } from './metric-origins.js';

export interface CoverageRow {
  metric: string;
  kpi: string;
  source: string;
  term: string;
  series: number;
  services: string[];
  /** Milliseconds since the epoch; undefined where there are no series. */
  lastSeenMs: number | undefined;
  usable: boolean;
  reason: string;
  types: string[];
  units: string[];
  rules: string[];
}

export interface KpiCoverage {
  kpi: Kpi;
  /** Sources that can be measured, the one that goes before first. */
  fedSources: string[];
  feeds: CoverageRow[];
  /** Series that are asked for by name, or by one that resembles theirs, and cannot be used. */
  unusable: CoverageRow[];
  /** What would feed it, where nothing does: each source with all that it needs. */
  wanted: { source: string; metrics: WantedMetric[] }[];
}

export interface WantedMetric {
  term: string;
  metric: string;
  instrument: string;
  unit: string;
  /** Calls of the recorder library. */
  recorders: readonly string[];
  /** What sends it by itself; '' where only code of one's own does. */
  instrumentation: string;
  /** Why what there is does not do; '' where nobody sends it. */
  reason: string;
}

export interface UnclassifiedMetric extends UnplacedMetric {
  series: number;
  services: string[];
  scopes: string[];
  lastSeenMs: number | undefined;
  suggestion: ReturnType<SuggestRule>;
}

export function readCoverageRow(row: Record<string, unknown>): CoverageRow {
  const series = Number(row.series);
  return {
    metric: String(row.metric),
    kpi: String(row.kpi),
    source: String(row.source),
    term: String(row.term),
    series,
    services: row.services as string[],
    lastSeenMs: series === 0 ? undefined : readTime(row.last_seen),
    usable: Boolean(Number(row.usable)),
    reason: String(row.reason),
    types: row.types as string[],
    units: row.units as string[],
    rules: row.rules as string[],
  };
}

export function readUnclassified(
  rows: readonly Record<string, unknown>[],
  suggest: SuggestRule,
): UnclassifiedMetric[] {
  // One rule for a name: it takes all types and units of it.
  const suggestions = new Map<string, ReturnType<SuggestRule>>();
  return rows.map((row) => {
    const metric: UnplacedMetric = {
      name: String(row.metric_name),
      type: row.type as UnplacedMetric['type'],
      unit: String(row.unit),
      isMonotonic: Boolean(Number(row.is_monotonic)),
    };
    const suggestion = suggestions.get(metric.name) ?? suggest(metric);
    suggestions.set(metric.name, suggestion);
    return {
      ...metric,
      series: Number(row.series),
      services: row.services as string[],
      scopes: row.scopes as string[],
      lastSeenMs: readTime(row.last_seen),
      suggestion,
    };
  });
}

function readTime(value: unknown): number {
  return Date.parse(`${String(value).slice(0, 23).replace(' ', 'T')}Z`);
}

export function buildCoverage(kpis: readonly Kpi[], rows: readonly CoverageRow[]): KpiCoverage[] {
  return kpis.map((kpi) => {
    const own = rows.filter((row) => row.kpi === kpi.name);
    const terms = placeTerms(kpi);
    const isFed = ({ source, role }: PlacedTerm) =>
      own.some((row) => row.usable && row.source === source.name && row.term === role);
    const fedSources = kpi.sources
      .filter((source) =>
        hasEnough(
          source,
          terms.filter((term) => term.source === source),
          isFed,
        ),
      )
      .map(({ name }) => name);
    return {
      kpi,
      fedSources,
      feeds: own.filter(({ usable }) => usable),
      unusable: own.filter(({ usable, series }) => !usable && series > 0),
      wanted: fedSources.length > 0 ? [] : listWanted(kpi, own),
    };
  });
}

/** Whether a source has what its value needs. A numerator may have no series: nothing failed so far. */
function hasEnough(
  { formula }: Source,
  terms: readonly PlacedTerm[],
  isFed: (term: PlacedTerm) => boolean,
): boolean {
  if (formula.kind === 'weighted_score') return terms.some(isFed);
  return terms.filter(({ role }) => role !== 'numerator').every(isFed);
}

/** Every source with the metrics that it asks for; what feeds it already is left out. */
export function listWanted(kpi: Kpi, rows: readonly CoverageRow[]): KpiCoverage['wanted'] {
  const terms = placeTerms(kpi);
  return kpi.sources.map((source) => ({
    source: source.name,
    metrics: terms
      .filter((term) => term.source === source)
      .flatMap((placed) => {
        const own = rows.filter((row) => row.source === source.name && row.term === placed.role);
        if (own.some(({ usable }) => usable)) return [];
        const metrics = new Set(placed.term.selectors.map(({ metric }) => metric));
        return [...metrics].map((metric) => {
          const found = own.find((row) => row.metric === metric);
          const reason = found === undefined || found.reason === 'no series' ? '' : found.reason;
          return { ...describeWantedMetric(kpi, placed, metric), reason };
        });
      }),
  }));
}

export function describeWantedMetric(
  kpi: Kpi,
  placed: PlacedTerm,
  metric: string,
): Omit<WantedMetric, 'reason'> {
  return {
    term: placed.role,
    metric,
    ...describeWanted(kpi, placed, metric),
    recorders: listRecorders(metric),
    instrumentation: findInstrumentation(metric) ?? '',
  };
}
