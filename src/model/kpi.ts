/**
 * What a KPI is: the entries of catalogue/kpis/*.yaml, read and checked. Types only; docs/catalogue.md says in prose what
 * each means. Values, targets and thresholds are in the KPI's own unit, durations in seconds.
 */

export type Direction = 'higher_is_better' | 'lower_is_better';
export type Visualisation = 'line' | 'gauge' | 'bar' | 'stat';
export type Severity = 'low' | 'medium' | 'high' | 'critical';
export type MetricShape = 'number' | 'histogram' | 'exponential_histogram' | 'summary';
/** What is taken of a series in a window: see docs/catalogue.md, "Measures". */
export type Measure = 'amount' | 'total' | 'average' | 'last';

/** Series of one metric, by name; further conditions must all hold. */
export interface Selector {
  metric: string;
  /** Attribute of the point, else of the resource → accepted values (globs with * allowed); empty list = must be absent. */
  where: Readonly<Record<string, readonly string[]>>;
  /** Attribute → values that exclude a series. */
  whereNot: Readonly<Record<string, readonly string[]>>;
  /** Only series of these shapes. */
  shapes: readonly MetricShape[];
}

/** Selectors whose series are taken together, and what is taken of them. */
export interface Term {
  selectors: readonly Selector[];
  measure: Measure;
  /** How the last values of several series become one; of `last` only. */
  across: 'average' | 'sum' | 'min' | 'max';
}

export type Formula =
  /** Mean of all values recorded, in the KPI's unit. */
  | { kind: 'average'; of: Term }
  /** quantile in (0, 1) of all values recorded. */
  | { kind: 'percentile'; of: Term; quantile: number }
  /** numerator / denominator, both as amounts unless their terms say otherwise. */
  | { kind: 'ratio'; numerator: Term; denominator: Term; complement: boolean }
  /** Amount per `perS` seconds. */
  | { kind: 'rate'; of: Term; perS: number }
  /** Amount in the window; with `perS` projected to that many seconds (a year: 31,557,600). */
  | { kind: 'sum'; of: Term; perS: number | undefined }
  /** The newest value. */
  | { kind: 'last'; of: Term }
  /** Share of good checks in measured time; time without a measurement is neither up nor down. */
  | { kind: 'uptime'; of: Term }
  /** Weighted mean of parts, each between 0 and its `scale`, as a share of 1; parts without data drop out with their weight. */
  | { kind: 'weighted_score'; parts: readonly { name: string; of: Term; weight: number; scale: number }[] }
  /** Cost in the window, projected to `perS` seconds, for each user. */
  | { kind: 'per_user_cost'; cost: Term; users: Term; perS: number }
  /** (gain - cost) / cost. */
  | { kind: 'roi'; gain: Term; cost: Term };

/** One way to measure a KPI. The first source that has data for a group in a step is the one that counts. */
export interface Source {
  name: string;
  formula: Formula;
  /** It sees what sources above it see too, so that it gives groups of a service only where none of these has data of the service. */
  isFallback?: boolean;
}

/** A label of groups and the attributes it is read from: the first that a series has. `service` is source_system. */
export interface GroupLabel {
  label: string;
  attributes: readonly string[];
}

export interface KpiAlert {
  /** Unique within the KPI: `high_response_time`. */
  name: string;
  level: 'warning' | 'critical';
  /** Overrides the KPI's own threshold of that level. */
  threshold: number | undefined;
  severity: Severity;
  /** Names of contact points: email, slack, phone. */
  notify: readonly string[];
  forS: number;
  message: string;
  /** Where it stands in the file of its KPI, for messages. */
  line: number;
}

export interface Kpi {
  name: string;
  title: string;
  category: string;
  subcategory: string;
  description: string;
  owner: string;
  /** UCUM; values of sources are converted to it. */
  unit: string;
  direction: Direction;
  target: number | undefined;
  warning: number | undefined;
  critical: number | undefined;
  /** Window of the status. */
  windowS: number;
  /** Fewer samples than this in a window: unknown. */
  samplesMin: number;
  /** Less of the window measured than this share: unknown. */
  completenessMin: number;
  /** The newest point may be this old before the status is unknown. */
  staleAfterS: number;
  dataType: 'duration' | 'ratio' | 'rate' | 'count' | 'money' | 'score';
  calculationMethod: string;
  refreshS: number;
  visualisation: Visualisation;
  /** Values outside are flagged as invalid, never used. In the KPI's unit. */
  validMin: number | undefined;
  validMax: number | undefined;
  groupBy: readonly GroupLabel[];
  sources: readonly Source[];
  alerts: readonly KpiAlert[];
  /** Share of good events that an SLO promises, of ratio and uptime KPIs; undefined = the target. */
  sloObjective: number | undefined;
  sloWindowS: number;
  runbook: string;
  tags: readonly string[];
  /** Where it stands: file and line, for messages. */
  file: string;
  line: number;
}

export interface Catalogue {
  /** By name, sorted. */
  kpis: readonly Kpi[];
  /** Folders it was read from, the built-in one first. */
  folders: readonly string[];
  /** Allowed but surely not meant, one text each with file and line. */
  warnings: readonly string[];
}
