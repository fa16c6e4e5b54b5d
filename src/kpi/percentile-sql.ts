/**
 * Percentiles of KPIs in SQL: exactly from the quantiles of histograms, whatever their bounds; or, several times as fast,
 * from buckets that are added up, where all series of a group have the same. Enters: a placed term; leaves: SQL text.
 */
import { BUCKET_COLUMNS, type FactColumn, type FactsQuery, type FactsSql } from '../model/facts.js';
import type { Kpi } from '../model/kpi.js';
import { fromBaseSql } from '../model/unit-sql.js';
import type { KpiGrid } from './compile-kpi.js';
import { labelSql, type PlacedTerm, termSql } from './kpi-terms.js';
import { aggregateSql, numberLiteral, quoteList } from './sql-text.js';

const QUANTILE_COLUMNS: Readonly<Record<number, string>> = {
  0.5: 'p50',
  0.75: 'p75',
  0.9: 'p90',
  0.95: 'p95',
  0.99: 'p99',
  0.999: 'p999',
};

/** The rows of `inner` with a column q_K: the quantile of a percentile's term. Throws RangeError for a quantile of no view. */
export function joinQuantile(
  inner: string,
  placed: PlacedTerm,
  kpi: Kpi,
  facts: FactsSql,
  grid: KpiGrid,
  { shapes, where = 'true' }: FactsQuery,
): string {
  const { k, term, source } = placed;
  const column = source.formula.kind === 'percentile' ? QUANTILE_COLUMNS[source.formula.quantile] : undefined;
  if (column === undefined)
    throw new RangeError(
      `${kpi.name}: the quantile must be one of ${Object.keys(QUANTILE_COLUMNS).join(', ')}`,
    );
  const isSteps = grid.rows === 'steps';
  const all = [...new Set(term.selectors.map(({ metric }) => metric))];
  const metrics = all.filter((metric) => grid.there?.metrics.includes(metric) ?? true);
  const own = `toJSONString(CAST([${kpi.groupBy.map(labelSql).join(', ')}], 'Array(String)'))`;
  const keys = kpi.groupBy.length === 0 ? `['[]']` : `['[]', ${own}]`;
  const quantiles = facts.quantiles({
    metrics,
    start: grid.start,
    end: grid.end,
    step: isSteps
      ? grid.step
      : (grid.known && String(grid.known.endS - grid.known.startS)) ||
        `toUInt32(toUnixTimestamp(${grid.end}) - toUnixTimestamp(${grid.start}))`,
    shapes: shapes ?? [],
    grouped: `SELECT DISTINCT series_id, arrayJoin(${keys}) AS grp FROM series
            WHERE metric_name IN ${quoteList(metrics)} AND ${termSql(placed)} AND ${where}`,
  });
  return `
    SELECT g.*, q.quantile AS q_${k}
    FROM (${inner}) AS g
    LEFT JOIN (SELECT \`group\` AS quantile_group, toDateTime(time, 'UTC') AS quantile_time, ${fromBaseSql(column, kpi.unit)} AS quantile FROM (${quantiles})) AS q
        ON q.quantile_group = toJSONString(g.group)${isSteps ? ' AND q.quantile_time = g.time' : ''}`;
}

/** Columns of facts that `bucketColumns` needs. */
export const PERCENTILE_FACTS: readonly FactColumn[] = ['count', ...BUCKET_COLUMNS];

/**
 * Of the series of a term (`is`; undefined: all) in a group: how many values n_K, bounds d_K in the KPI's unit, values in each
 * bucket and up to its end (v_K, up_to_K), the rank of the quantile and the bucket that it lies in (rank_K, at_K), least and
 * greatest value (lo_K, hi_K), and whether the buckets cannot be added up so (mixed_K): of several layouts, or one that
 * shrank while the count grew (a broken exporter).
 */
export function bucketColumns({ k, source }: PlacedTerm, is: string | undefined, factor: string): string[] {
  if (source.formula.kind !== 'percentile') throw new TypeError(`${source.name} is no percentile`);
  const of = (name: string, value: string) => aggregateSql(name, value, is, 'f.count > 0');
  const layout = `cityHash64(f.bounds, ${factor}, isFinite(f.lowest), isFinite(f.highest))`;
  return [
    `${aggregateSql('sum', 'f.count', is)} AS n_${k}`,
    `arrayMap(b -> b * ${of('any', factor)}, ${of('any', 'f.bounds')}) AS d_${k}`,
    `${of('sumForEach', 'f.bucket_counts')} AS v_${k}`,
    `arrayCumSum(v_${k}) AS up_to_${k}`,
    `${numberLiteral(source.formula.quantile)} * up_to_${k}[-1] * (1 - 1e-12) AS rank_${k}`,
    `arrayFirstIndex(n -> n >= rank_${k}, up_to_${k}) AS at_${k}`,
    `${of('min', `f.lowest * ${factor}`)} AS lo_${k}`,
    `${of('max', `f.highest * ${factor}`)} AS hi_${k}`,
    `${of('max', 'f.is_mixed')} OR ${of('min', layout)} != ${of('max', layout)} OR ${of('min', 'arrayMin(f.bucket_counts)')} < 0 AS mixed_${k}`,
  ];
}

/**
 * Where the bucket of the quantile begins and ends (low_K, high_K), SQL AS name over the columns of `bucketColumns`.
 * Where nothing is known of the outermost buckets the first begins at 0 if its end is positive, else both lie at their
 * bound: the rules of docs/aggregates.md.
 */
export function bucketEdges({ k }: PlacedTerm): string[] {
  const [d, lo, hi, at] = ['d', 'lo', 'hi', 'at'].map((name) => `${name}_${k}`);
  const begin = `if(${at} > 1, ${d}[${at} - 1], multiIf(isFinite(${lo}), least(${lo}, ${d}[1]), ${d}[1] > 0, 0, ${d}[1]))`;
  const end = `if(${at} > length(${d}), if(isFinite(${hi}), greatest(${hi}, ${d}[-1]), ${d}[-1]), ${d}[${at}])`;
  return [
    `${end} AS end_${k}`,
    `greatest(${begin}, least(${lo}, end_${k})) AS low_${k}`,
    `least(end_${k}, greatest(${hi}, low_${k})) AS high_${k}`,
  ];
}

/** The quantile, the bucket spread evenly over its width, from what `bucketEdges` gave. */
export function quantileIn({ k }: PlacedTerm): string {
  return `low_${k} + (high_${k} - low_${k}) * least(1, (rank_${k} - up_to_${k}[at_${k}] + v_${k}[at_${k}]) / v_${k}[at_${k}])`;
}
