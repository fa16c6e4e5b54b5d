/**
 * The terms of a KPI's formulas, numbered: which series each takes, and what SQL makes of their facts. Enters: a Kpi;
 * leaves: selectors as conditions on columns of `series`, units as factors.
 */
import { environmentSql, isEnvironment } from '../model/environment.js';
import type { Formula, GroupLabel, Kpi, Measure, MetricShape, Selector, Source, Term } from '../model/kpi.js';
import { quote } from '../model/sql-literal.js';
import { parseUnit } from '../model/unit.js';
import { isOneOf, numberLiteral, quoteList } from './sql-text.js';

/** A term in its place: `k` numbers all terms of a KPI, sources and all. */
export interface PlacedTerm {
  k: number;
  source: Source;
  role: string;
  term: Term;
  /** Unit that values are brought to; undefined: amounts are counted, whatever their unit. */
  unit: string | undefined;
}

/** Every term of every source, in the order of the catalogue. */
export function placeTerms(kpi: Pick<Kpi, 'sources' | 'unit'>): PlacedTerm[] {
  const placed: PlacedTerm[] = [];
  for (const source of kpi.sources) {
    for (const { role, term, unit } of termsOf(source.formula, kpi.unit)) {
      placed.push({
        k: placed.length,
        source,
        role,
        term,
        unit: term.measure === 'amount' ? undefined : unit,
      });
    }
  }
  return placed;
}

function termsOf(formula: Formula, unit: string): { role: string; term: Term; unit: string }[] {
  switch (formula.kind) {
    case 'average':
    case 'percentile':
    case 'last':
    case 'uptime':
    case 'sum':
      return [{ role: 'of', term: formula.of, unit }];
    case 'rate':
      return [{ role: 'of', term: formula.of, unit: '1' }];
    case 'ratio':
      return [
        { role: 'numerator', term: formula.numerator, unit: '1' },
        { role: 'denominator', term: formula.denominator, unit: '1' },
      ];
    case 'weighted_score':
      return formula.parts.map(({ name, of }) => ({ role: name, term: of, unit: '1' }));
    case 'per_user_cost':
      return [
        { role: 'cost', term: formula.cost, unit: '1' },
        { role: 'users', term: formula.users, unit: '1' },
      ];
    case 'roi':
      return [
        { role: 'gain', term: formula.gain, unit: '1' },
        { role: 'cost', term: formula.cost, unit: '1' },
      ];
  }
}

/** Names of all metrics that a KPI may read. */
export function metricsOf(kpi: Pick<Kpi, 'sources' | 'unit'>): string[] {
  const terms = placeTerms(kpi).flatMap(({ term }) => term.selectors);
  return [...new Set(terms.map(({ metric }) => metric))].sort();
}

const NUMBERS: readonly Measure[] = ['last'];
const ALL_SHAPES: readonly MetricShape[] = ['number', 'histogram', 'exponential_histogram', 'summary'];

/** Shapes that a KPI may read. */
export function shapesOf(kpi: Kpi): MetricShape[] {
  const wanted = new Set<MetricShape>();
  for (const { term } of placeTerms(kpi)) {
    const can = NUMBERS.includes(term.measure) ? (['number'] as const) : ALL_SHAPES;
    for (const { shapes } of term.selectors)
      for (const shape of can) if (shapes.length === 0 || shapes.includes(shape)) wanted.add(shape);
  }
  return ALL_SHAPES.filter((shape) => wanted.has(shape));
}

const ENVIRONMENT_OF_SERIES = environmentSql('attributes', 'resource_attributes');

/** SQL of an attribute's value: of the point, else of the resource. '' where a series has none. */
export function attributeSql(name: string): string {
  if (name === 'service') return 'toString(source_system)';
  if (isEnvironment(name)) return ENVIRONMENT_OF_SERIES;
  const key = quote(name);
  return `if(mapContains(attributes, ${key}), attributes[${key}], resource_attributes[${key}])`;
}

export function hasAttributeSql(name: string): string {
  if (name === 'service') return `(source_system != '')`;
  if (isEnvironment(name)) return `(${ENVIRONMENT_OF_SERIES} != '')`;
  return `(mapContains(attributes, ${quote(name)}) OR mapContains(resource_attributes, ${quote(name)}))`;
}

/**
 * The value of a group label: of the first of its attributes that a series has. Several are searched as one list: planning a
 * condition for each would take longer than looking at the series.
 */
export function labelSql({ attributes }: GroupLabel): string {
  const [first, ...rest] = attributes;
  if (rest.length === 0) return attributeSql(first!);
  // The service's name is a column, and the environment is several attributes.
  if (attributes.some((name) => name === 'service' || isEnvironment(name))) {
    const tries = attributes.slice(0, -1).flatMap((name) => [hasAttributeSql(name), attributeSql(name)]);
    return `multiIf(${[...tries, attributeSql(attributes.at(-1)!)].join(', ')})`;
  }
  const found = `arrayFirst(k -> mapContains(attributes, k) OR mapContains(resource_attributes, k), ${quoteList(attributes)})`;
  return `arrayMap(k -> if(mapContains(attributes, k), attributes[k], resource_attributes[k]), [${found}])[1]`;
}

/** Types in `series.metric_type` of each shape. */
export const TYPES_OF_SHAPE: Record<MetricShape, readonly string[]> = {
  number: ['gauge', 'sum'],
  histogram: ['histogram'],
  exponential_histogram: ['exponential_histogram'],
  summary: ['summary'],
};

/** Condition on a row of `series`: of this metric, with these attributes. Shape, measure and unit apart. */
export function namesSql({ metric, where, whereNot }: Selector): string {
  const conditions = [`metric_name = ${quote(metric)}`];
  for (const [name, values] of Object.entries(where))
    conditions.push(
      values.length === 0 ? `NOT ${hasAttributeSql(name)}` : isOneOf(attributeSql(name), values),
    );
  for (const [name, values] of Object.entries(whereNot))
    conditions.push(
      values.length === 0 ? hasAttributeSql(name) : `NOT ${isOneOf(attributeSql(name), values)}`,
    );
  return conditions.join(' AND ');
}

/** Condition that a series has one of the shapes that a selector asks for. */
export function hasShapeSql({ shapes }: Selector): string {
  if (shapes.length === 0) return 'true';
  return `metric_type IN ${quoteList(shapes.flatMap((shape) => TYPES_OF_SHAPE[shape]))}`;
}

/** Condition that a series has what a measure takes: a gauge counts nothing, a counter has no values to be averaged. */
export function isMeasurableSql(measure: Measure, formula?: Formula): string {
  if (formula?.kind === 'percentile') return `metric_type IN ('histogram', 'exponential_histogram')`;
  if (measure === 'last') return `metric_type IN ('gauge', 'sum')`;
  return measure === 'average' ? `NOT (metric_type = 'sum' AND is_monotonic)` : `metric_type != 'gauge'`;
}

/** Condition that a series belongs to a term, can be measured as it says and has a unit that can be compared. */
export function termSql({ term, unit, source }: PlacedTerm): string {
  const selected = term.selectors
    .map((selector) => [namesSql(selector), hasShapeSql(selector)].filter((sql) => sql !== 'true'))
    .map((conditions) => `(${conditions.join(' AND ')})`)
    .join(' OR ');
  const usable = [
    isMeasurableSql(term.measure, source.formula),
    ...(unit === undefined ? [] : [hasUnitSql(unit)]),
  ];
  return `(${selected}) AND ${usable.join(' AND ')}`;
}

export function hasUnitSql(unit: string): string {
  return `base_unit = ${quote(parseUnit(unit).baseUnit)}`;
}

/** value × factor + offset is a value in `unit`, of a row of `series`: SQL of the two. */
export function conversionSql(unit: string): { factor: string; offset: string } {
  const wanted = parseUnit(unit);
  return {
    factor: wanted.factor === 1 ? 'unit_factor' : `unit_factor / ${numberLiteral(wanted.factor)}`,
    offset: `(unit_offset - ${numberLiteral(wanted.offset)}) / ${numberLiteral(wanted.factor)}`,
  };
}

/**
 * Terms whose numbers are values of the KPI itself, so that its valid range is theirs: not counts, parts or shares of it.
 * None where it has no range.
 */
export function rangedTermsOf(kpi: Kpi, terms: readonly PlacedTerm[]): PlacedTerm[] {
  if (kpi.validMin === undefined && kpi.validMax === undefined) return [];
  return terms.filter(
    ({ source, term }) =>
      ['average', 'last', 'uptime'].includes(source.formula.kind) &&
      term.selectors.some(({ shapes }) => shapes.length === 0 || shapes.includes('number')),
  );
}
