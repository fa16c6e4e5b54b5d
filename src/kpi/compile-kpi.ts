/**
 * A KPI as one ClickHouse SELECT: the value, what it rests on and how it is judged, in each step of a grid or over the
 * whole of it, for all series together and for each group. Enters: a Kpi and the SQL of facts; leaves: SQL text that page,
 * command line, views, dashboards and alert rules all use. Never asks ClickHouse anything itself.
 */
import type { FactColumn, FactsQuery, FactsSql, KnownGrid } from '../model/facts.js';
import { termsOf } from '../model/formula-parts.js';
import type { Kpi, Measure, Selector, Source } from '../model/kpi.js';
import { sourceColumns } from './formula-sql.js';
import { type JudgedBy, judgeSql } from './judge-sql.js';
import {
  conversionSql,
  labelSql,
  metricsOf,
  type PlacedTerm,
  placeTerms,
  rangedTermsOf,
  shapesOf,
  termSql,
} from './kpi-terms.js';
import type { KpiKinds } from './metric-kinds.js';
import { bucketColumns, bucketEdges, joinQuantile, PERCENTILE_FACTS, quantileIn } from './percentile-sql.js';
import { aggregateSql, numberLiteral, quoteList } from './sql-text.js';

export interface KpiGrid {
  /** SQL of two times on whole seconds. */
  start: string;
  end: string;
  /** SQL of the seconds of a step. */
  step: string;
  /** The same in seconds of the epoch, where it is known. */
  known?: KnownGrid;
  /** Buckets that wait to be rolled up, where they are known too. */
  waiting?: FactsQuery['waiting'];
  /**
   * The statement is planned several times faster and right for what is usual: no value outside of the valid range, buckets of one
   * layout in each group. A column `misread` says how often that does not hold; where it is not 0 the rows are wrong.
   */
  isProbed?: boolean;
  /** Where only the step is known, and that the start is a multiple of it. */
  startsOnStep?: { stepS: number };
  /** 'steps': a row for each step; 'whole': one row for the whole range. */
  rows: 'steps' | 'whole';
  /** Which of the KPI's metrics there are, where that is known: what is not there is not asked for. */
  there?: KpiKinds | undefined;
  /** Those in force unless said otherwise. */
  judgedBy?: JudgedBy | undefined;
  /** Condition on columns of `series`: only those that meet it count. */
  where?: string;
}

/** Columns of the SELECT, in their order. */
export const KPI_COLUMNS = [
  'time',
  'group',
  'value',
  'status',
  'reason',
  'source',
  'samples',
  'completeness',
  'age_s',
  'resets',
  'points',
  'target',
  'warning',
  'critical',
  'good',
  'total',
] as const;

/**
 * The SELECT of `KPI_COLUMNS`. group: values of the KPI's labels in their order, [] for all series together. good and
 * total: events of ratios of amounts and of uptime, whichever way the KPI counts; 0 where there is nothing to count. Unknown values are NULL.
 */
export function compileKpi(all: Kpi, facts: FactsSql, grid: KpiGrid): string {
  const kpi = { ...all, sources: sourcesThere(all, grid.there) };
  const terms = placeTerms(kpi);
  // One term alone is no matter of each row.
  const only = terms.length === 1 ? terms[0] : undefined;
  const units = [...new Set(terms.flatMap(({ unit }) => unit ?? []))];
  const wanted = shapesOf(kpi);
  const sent = wanted.filter((shape) => grid.there?.shapes.includes(shape) ?? true);
  // Where the metrics came in other shapes only, the first finds nothing: of no shape at all there would be no SQL.
  const shapes = sent.length > 0 ? sent : wanted.slice(0, 1);
  const areAddedUp = grid.isProbed === true && shapes.length === 1 && shapes[0] === 'histogram';
  const percentiles = terms.filter(({ source }) => source.formula.kind === 'percentile');
  const kinds: Kinds = {
    isCounted: shapes.some((shape) => shape !== 'number'),
    isNumber: shapes.includes('number'),
    addedUp: areAddedUp ? percentiles : [],
  };
  // Such percentiles are only multiplied.
  const isAllAddedUp = terms.length === kinds.addedUp.length;
  const query: FactsQuery = {
    metrics: quoteList(grid.there?.metrics ?? metricsOf(kpi)),
    start: grid.start,
    end: grid.end,
    step: grid.step,
    known: grid.known,
    waiting: grid.waiting,
    startsOnStep: grid.startsOnStep,
    hasFolded: grid.there?.hasFolded ?? true,
    validRange: validRangeOf(kpi, terms),
    isProbed: grid.isProbed ?? false,
    where: [grid.where, only && termSql(only)].filter((sql) => sql !== undefined).join(' AND ') || 'true',
    shapes,
    columns: columnsOf(terms, kinds),
    // Measures of values leave counters out.
    isAsSent: terms.every(({ term }) => term.measure === 'average' || term.measure === 'last'),
    labels: [
      ...(only
        ? []
        : [
            {
              name: 'terms',
              sql: `arrayFilter(k -> k >= 0, [${terms.map((term) => `if(${termSql(term)}, ${term.k}, -1)`).join(', ')}])`,
            },
          ]),
      { name: 'own_group', sql: `CAST([${kpi.groupBy.map(labelSql).join(', ')}], 'Array(String)')` },
      ...units.flatMap((unit, u) => {
        const { factor, offset } = conversionSql(unit);
        return [
          { name: `factor_${u}`, sql: factor },
          ...(isAllAddedUp ? [] : [{ name: `offset_${u}`, sql: offset }]),
        ];
      }),
    ],
  };
  const isOf = ({ k }: PlacedTerm) => (only ? undefined : `has(terms, ${k})`);
  const unitOf = ({ unit }: PlacedTerm) => (unit === undefined ? undefined : units.indexOf(unit));
  const isSteps = grid.rows === 'steps';
  const misreads =
    grid.isProbed === true && kinds.isNumber && query.validRange !== undefined
      ? ['sum(f.outlying)']
      : kinds.addedUp.map(({ k }) => `mixed_${k}`);
  const misread = misreads.length === 0 ? '' : `,\n        ${misreads.join(' OR ')} AS misread`;
  const groups = kpi.groupBy.length === 0 ? `[own_group]` : `[CAST([], 'Array(String)'), own_group]`;
  const steps = isSteps ? ', time' : '';
  const ofGroups = `
    SELECT
        group${steps},
        ${terms.map((term) => termColumns(term, isOf(term), unitOf(term), isSteps, kinds)).join(',\n        ')}${misread}
    FROM (${facts.rows({ ...query, isWhole: !isSteps })}) AS f
    ARRAY JOIN ${groups} AS group${only ? '' : '\n    WHERE notEmpty(f.terms)'}
    GROUP BY group${steps}`;
  const joined = areAddedUp ? [] : percentiles;
  const withQuantiles = joined.reduce(
    (inner, term) => joinQuantile(inner, term, kpi, facts, grid, query),
    ofGroups,
  );
  const seconds = isSteps ? 'least(step_s, to_s - toUnixTimestamp(time))' : '(to_s - from_s)';
  const sources = kpi.sources.map((source) =>
    sourceColumns(source, terms, kpi, `toFloat64(${seconds})`, areAddedUp ? quantileIn : ({ k }) => `q_${k}`),
  );
  return `WITH ${facts.aliases(query)}${judgeSql(
    kpi,
    {
      sources,
      from: withQuantiles,
      named: kinds.addedUp.flatMap(bucketEdges),
      carried: misread === '' ? [] : ['misread'],
    },
    isSteps,
    grid.judgedBy,
  )}`;
}

/** Numbers that are values of the KPI and outside of its valid range are no values. */
function validRangeOf(kpi: Kpi, terms: readonly PlacedTerm[]): FactsQuery['validRange'] {
  const ranged = rangedTermsOf(kpi, terms);
  if (ranged.length === 0) return undefined;
  const bound = (value: number | undefined) => (value === undefined ? undefined : numberLiteral(value));
  return {
    series: `metric_type IN ('gauge', 'sum') AND (${ranged.map((term) => `(${termSql(term)})`).join(' OR ')})`,
    ...conversionSql(kpi.unit),
    min: bound(kpi.validMin),
    max: bound(kpi.validMax),
  };
}

/** Sources that any metric is there for; where there is none, one that finds nothing. */
function sourcesThere({ sources }: Kpi, there: KpiKinds | undefined): readonly Source[] {
  if (there === undefined) return sources;
  const isThere = ({ metric }: Selector) => there.metrics.includes(metric);
  const own = sources.filter(({ formula }) =>
    termsOf(formula).some(({ selectors }) => selectors.some(isThere)),
  );
  return own.length > 0 ? own : sources.slice(0, 1);
}

const COLUMNS_OF: Record<Measure, { counted: readonly FactColumn[]; number: readonly FactColumn[] }> = {
  amount: { counted: ['count'], number: ['increase'] },
  total: { counted: ['count', 'sum'], number: ['increase'] },
  average: { counted: ['count', 'sum', 'has_sum'], number: ['level_count', 'level_sum'] },
  last: { counted: [], number: ['level_count', 'last'] },
};

function columnsOf(terms: readonly PlacedTerm[], { isCounted, isNumber, addedUp }: Kinds): FactColumn[] {
  const needed = terms.flatMap((placed) => {
    const columns = COLUMNS_OF[placed.term.measure];
    return [
      ...(isCounted ? (addedUp.includes(placed) ? PERCENTILE_FACTS : columns.counted) : []),
      ...(isNumber ? columns.number : []),
      ...(isProjected(placed.source) ? (['begun_time'] as const) : []),
    ];
  });
  return [...new Set<FactColumn>([...needed, 'last_time', 'points', 'resets'])];
}

/** Which kinds of series there are: what counts what was recorded, and numbers. */
interface Kinds {
  isCounted: boolean;
  isNumber: boolean;
  /** Percentiles that are made of buckets added up, not joined. */
  addedUp: readonly PlacedTerm[];
}

/** Whether a formula asks since when its amounts have been counted. */
function isProjected({ formula }: Source): boolean {
  return formula.kind === 'per_user_cost' || (formula.kind === 'sum' && formula.perS !== undefined);
}

/**
 * Of the series that belong to the term (`is`; undefined: all). a: amount or total, n and s: values and their sum, l: newest
 * value, p: points, r: resets, b and e: times of the first and the newest, c: slots with any.
 */
function termColumns(
  placed: PlacedTerm,
  is: string | undefined,
  u: number | undefined,
  isSteps: boolean,
  { isCounted, isNumber, addedUp }: Kinds,
): string {
  const { k, term, source } = placed;
  const of = (name: string, value: string, ...conditions: string[]) =>
    aggregateSql(name, value, is, ...conditions);
  const inUnit = (sum: string, count: string) =>
    u === undefined ? sum : `${sum} * factor_${u} + ${count} * offset_${u}`;
  const across = { average: 'avg', sum: 'sum', min: 'min', max: 'max' }[term.across];
  // Of what no series can have nothing is added.
  const both = (counted: string, number: string) =>
    isCounted && isNumber ? `(${counted} + ${number})` : isNumber ? number : counted;
  const value: Record<typeof term.measure, string[]> = {
    amount: [`${of('sum', both('f.count', 'f.increase'))} AS a_${k}`],
    total: [`${of('sum', inUnit(both('f.sum', 'f.increase'), isCounted ? 'f.count' : '0'))} AS a_${k}`],
    average: [
      `${of('sum', both('f.count', 'f.level_count'))} AS n_${k}`,
      `${of('sum', inUnit(both('f.sum', 'f.level_sum'), both('f.count', 'f.level_count')))} AS s_${k}`,
      isCounted ? `${of('count', '', 'NOT f.has_sum', 'f.count > 0')} AS u_${k}` : `toUInt64(0) AS u_${k}`,
    ],
    last: [`${of(across, inUnit('f.last', '1'), 'f.level_count > 0')} AS l_${k}`],
  };
  return [
    ...(addedUp.includes(placed) ? bucketColumns(placed, is, `factor_${u}`) : value[term.measure]),
    `${of('sum', 'f.points')} AS p_${k}`,
    `${of('sum', 'f.resets')} AS r_${k}`,
    ...(isProjected(source) ? [`${of('min', 'f.begun_time')} AS b_${k}`] : []),
    `${of('max', 'f.last_time')} AS e_${k}`,
    isSteps ? `toUInt64(1) AS c_${k}` : `length(${of('groupUniqArrayArray', 'f.times')}) AS c_${k}`,
  ].join(', ');
}
