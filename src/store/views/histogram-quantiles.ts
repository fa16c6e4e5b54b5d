/**
 * The view histogram_quantiles(metric, start_time, end_time, step_s, group_by): quantiles of what the explicit and
 * exponential histograms of a metric recorded in each step of a grid, all series of a group merged, whatever their bounds,
 * scales, zero thresholds and units, in the base unit. group_by: '' merges everything, 'series_id' nothing, else the name of an attribute of the
 * point or of the resource. How it is computed, the rank and the error bounds: docs/aggregates.md.
 */

import { ENVIRONMENT_ATTRIBUTES, environmentSql } from '../../model/environment.js';
import { quote } from '../../model/sql-literal.js';
import { MERGED_UNITS, unitColumns } from './base-units.js';
import { METRIC, STEP_S } from './chain-rows.js';
import { addColumns } from './histogram-increase.js';

const LEVELS = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 };
export const QUANTILE_NAMES = Object.keys(LEVELS);
export const QUANTILE_LEVELS = `[${Object.values(LEVELS).join(', ')}]`;
/** Elements of an array `quantiles` as columns. */
export const QUANTILE_COLUMNS = QUANTILE_NAMES.map((name, i) => `quantiles[${i + 1}] AS ${name}`).join(', ');

export const GROUP_BY = '{group_by:String}';

/** (series_id, grp, and `columns` of `series`) of the metric's series. */
export const groupedSeries = (...columns: string[]) => `
    SELECT series_id, multiIf(
        ${GROUP_BY} = '', '',
        ${GROUP_BY} = 'series_id', toString(series_id),
        ${GROUP_BY} IN (${ENVIRONMENT_ATTRIBUTES.map(quote).join(', ')}), ${environmentSql('attributes', 'resource_attributes')},
        mapContains(attributes, ${GROUP_BY}), attributes[${GROUP_BY}],
        resource_attributes[${GROUP_BY}]) AS grp${columns.map((column) => `, ${column}`).join('')}
    FROM series FINAL
    WHERE metric_name = ${METRIC}`;

/**
 * A view of its own, not its text: the engine walks a subquery again for every column that is grouped above it. Times are handed
 * on as they came: as texts of moments they would lose their zone.
 */
function increaseOf(shape: HistogramShape): string {
  return `${shape}_increase(metric = ${METRIC}, start_time = {start_time:String}, end_time = {end_time:String}, step_s = ${STEP_S})`;
}

export const HISTOGRAM_SHAPES = ['histogram', 'exponential_histogram'] as const;
type HistogramShape = (typeof HISTOGRAM_SHAPES)[number];

/**
 * What quantiles are made of: for each shape the SQL of its increases, in base units, each with `grp`; a series may come in several groups.
 */
type GroupedIncreases = (shape: HistogramShape) => string;

const OF_VIEW: GroupedIncreases = (shape) => `
            SELECT steps.*, labels.grp AS grp
            FROM ${increaseOf(shape)} AS steps
            INNER JOIN (${groupedSeries()}) AS labels USING (series_id)
            WHERE increase_count > 0`;

const TOTALS = `sum(increase_count) AS row_count,
            countIf(increase_sum IS NULL) = 0 AS row_has_sum,
            ifNull(sum(increase_sum), 0) AS row_sum,
            if(countIf(min IS NULL) = 0, min(min), NULL) AS row_min,
            if(countIf(max IS NULL) = 0, max(max), NULL) AS row_max,
            min(ifNull(lowest, -inf)) AS row_lowest,
            max(ifNull(highest, inf)) AS row_highest,
            ${MERGED_UNITS}`;

const ROW_COLUMNS =
  'time, grp, layout, is_exponential, row_count, row_has_sum, row_sum, row_min, row_max, row_lowest, row_highest, units, buckets';

/**
 * Explicit buckets of one layout, merged over series. Outermost buckets end at what is known of min and max. Where nothing
 * is known, as in Prometheus: the first begins at 0 if its end is positive, else all of it lies at its end; the last lies at
 * its beginning. A histogram without bounds lies between min and max, else at its mean, else nowhere.
 */
const explicitRows = (increases: GroupedIncreases) =>
  addColumns(
    `
        SELECT time, grp, explicit_bounds, cityHash64(explicit_bounds, is_low_known, is_high_known) AS layout, false AS is_exponential, ${TOTALS},
            sumForEach(increase_bucket_counts) AS counts
        FROM
        (
            SELECT *, lowest IS NOT NULL AS is_low_known, highest IS NOT NULL AS is_high_known
            FROM (${increases('histogram')})
        )
        GROUP BY time, grp, explicit_bounds, is_low_known, is_high_known`,
    `notEmpty(explicit_bounds) AS has_bounds,
            isFinite(row_lowest) AND isFinite(row_highest) OR has_bounds OR row_has_sum AS has_place,
            if(has_bounds, explicit_bounds[1], row_sum / row_count) AS first_bound,
            if(has_bounds, explicit_bounds[-1], row_sum / row_count) AS last_bound`,
    `multiIf(isFinite(row_lowest) AND (has_bounds OR isFinite(row_highest)), least(row_lowest, if(has_bounds, first_bound, inf)), has_bounds AND first_bound > 0, 0, first_bound) AS low_edge,
            if(isFinite(row_highest) AND (has_bounds OR isFinite(row_lowest)), greatest(row_highest, if(has_bounds, last_bound, -inf)), last_bound) AS high_edge`,
    `if(has_place, arrayMap((low, high, c) -> (low, high, c), arrayPushFront(explicit_bounds, low_edge), arrayPushBack(explicit_bounds, high_edge), counts),
            [(0., 0., toUInt64(0))]) AS buckets`,
  );

/** The largest double: where exponential buckets would reach beyond it. */
const DOUBLE_MAX = '1.7976931348623157e308';

function exponentialBuckets(sign: 'positive' | 'negative'): string {
  const edge = (index: string) =>
    `least(exp2((${sign}_offset + ${index}) / per_octave) * unit_factor, ${DOUBLE_MAX})`;
  const [from, to] =
    sign === 'positive' ? [edge('i - 1'), edge('i')] : [`-${edge('i')}`, `-${edge('i - 1')}`];
  const counts = `increase_${sign}_bucket_counts`;
  return `arrayMap((c, i) -> (${from} + unit_offset, ${to} + unit_offset, c), ${counts}, arrayEnumerate(${counts}))`;
}

/** Buckets of exponential histograms: bucket i is (2^(i/2^scale), 2^((i+1)/2^scale)]; the zero bucket as wide as its threshold. */
const exponentialRows = (increases: GroupedIncreases) => `
        SELECT time, grp, layout, true AS is_exponential, ${TOTALS}, groupArrayArray(own_buckets) AS buckets
        FROM (${addColumns(
          increases('exponential_histogram'),
          `cityHash64('exponential', scale, zero_threshold, unit_factor, unit_offset) AS layout,
            exp2(scale) AS per_octave,
            arraySum(increase_positive_bucket_counts) > 0 AS has_positive,
            arraySum(increase_negative_bucket_counts) > 0 AS has_negative`,
          `arrayConcat(${exponentialBuckets('positive')}, ${exponentialBuckets('negative')},
                [(if(has_positive AND NOT has_negative, 0, -zero_threshold * unit_factor) + unit_offset, if(has_negative AND NOT has_positive, 0, zero_threshold * unit_factor) + unit_offset, increase_zero_count)]) AS own_buckets`,
        )})
        GROUP BY time, grp, layout`;

/** Of `totals`: whether all that is merged has one base unit. */
const IS_ONE_UNIT = 'length(totals.7) = 1';

/** All rows of a step and a group, each with what is known of the whole. */
const whole = (increases: GroupedIncreases, shapes: readonly HistogramShape[]) =>
  addColumns(
    shapes
      .map((shape) => (shape === 'histogram' ? explicitRows : exponentialRows)(increases))
      .map((rows) => `\n    SELECT ${ROW_COLUMNS} FROM (${rows})`)
      .join('\n    UNION ALL'),
    // One tuple: the engine takes time for every column that passes a GROUP BY.
    `(sum(row_count) OVER whole,
        if(min(row_has_sum) OVER whole, sum(row_sum) OVER whole, NULL),
        if(countIf(row_min IS NULL) OVER whole = 0, min(row_min) OVER whole, NULL),
        if(countIf(row_max IS NULL) OVER whole = 0, max(row_max) OVER whole, NULL),
        min(row_lowest) OVER whole,
        max(row_highest) OVER whole,
        groupUniqArrayArray(units) OVER whole) AS totals`.replaceAll(
      'OVER whole',
      'OVER (PARTITION BY time, grp)',
    ),
  );

/**
 * Buckets of each layout, merged over series. No value lies beyond what is known of all: buckets end there. spread: how values
 * lie in them: all at one point; evenly (explicit and zero buckets); or exponentially, as many from 1 to 2 as from 2 to 4. A
 * bucket so wide that its ends have no finite ratio is even too.
 */
const layouts = (increases: GroupedIncreases, shapes: readonly HistogramShape[]) => `
    SELECT
        time, grp, layout, spread, totals,
        arraySort(groupArray((low, high, toFloat64(c)))) AS sorted
    FROM
    (
        SELECT time, grp, layout, totals, low, high, multiIf(low = high, 'point', is_exponential AND (bucket.1 > 0 OR bucket.2 < 0) AND isFinite(high / low), 'exponential', 'even') AS spread, sum(bucket.3) AS c
        FROM (${addColumns(
          `SELECT *, bucket FROM (${whole(increases, shapes)})
            ARRAY JOIN arrayPushBack(arrayFilter(b -> b.3 > 0, buckets), (buckets[1].1, buckets[1].1, toUInt64(0))) AS bucket`,
          'greatest(bucket.1, least(totals.5, bucket.2)) AS low',
          'least(bucket.2, greatest(totals.6, low)) AS high',
        )})
        GROUP BY time, grp, layout, totals, low, high, spread
    )
    GROUP BY time, grp, layout, spread, totals`;

/** How many values of a layout lie below and up to every edge of its group, those of each bucket spread over its width. */
const cumulated = (increases: GroupedIncreases, shapes: readonly HistogramShape[]) =>
  addColumns(
    layouts(increases, shapes),
    'arraySort(groupUniqArrayArray(arrayConcat(sorted.1, sorted.2)) OVER (PARTITION BY time, grp)) AS edges',
    // Buckets (by their beginning) and edges in one order: each edge sees the bucket that begins at or before it.
    `arraySort(arrayConcat(
            arrayMap((b, total) -> (b.1, 0, b.2, b.3, total - b.3), sorted, arrayCumSum(sorted.3)),
            arrayMap(e -> (e, 1, e, 0., 0.), edges))) AS marks`,
    'arrayFill(m -> m.2 = 0, marks) AS begun',
    `arrayMap((m, b) -> multiIf(
            m.1 >= b.3, 1.,
            spread = 'exponential', log(m.1 / b.1) / log(b.3 / b.1),
            (m.1 - b.1) / (b.3 - b.1)), marks, begun) AS shares`,
    `arrayFilter(s -> s.1 = 1, arrayMap((m, b, share) -> (
            m.2, (b.5 + if(spread = 'point' AND m.1 = b.1, 0, b.4 * share), b.5 + b.4 * share)), marks, begun, shares)).2 AS seen`,
  );

const quantiles = (increases: GroupedIncreases, shapes: readonly HistogramShape[]) =>
  addColumns(
    `
    SELECT
        time, grp, totals, edges,
        sumForEach(seen.1) AS below,
        sumForEach(seen.2) AS up_to,
        arrayResize(sumForEachIf(seen.2, spread = 'exponential'), length(edges)) AS exponential
    FROM (${cumulated(increases, shapes)})
    GROUP BY time, grp, totals, edges`,
    `arrayMap(q -> q * up_to[-1] * (1 - 1e-12), ${QUANTILE_LEVELS}) AS ranks`,
    'arrayMap(rank -> toInt64(arrayFirstIndex(n -> n >= rank, up_to)), ranks) AS places',
    // How far from the edge before to this one, and which share of the values between them is spread exponentially.
    `arrayMap((rank, k) -> least(1, greatest(0, (rank - up_to[k - 1]) / (below[k] - up_to[k - 1]))), ranks, places) AS shares,
        arrayMap(k -> least(1, (exponential[k] - exponential[k - 1]) / (below[k] - up_to[k - 1])), places) AS curved_shares`,
    `arrayMap((rank, k, share, curved) -> multiIf(
            up_to[-1] = 0 OR NOT ${IS_ONE_UNIT}, NULL,
            k <= 1, edges[1],
            below[k] < rank, edges[k],
            curved = 0, edges[k - 1] + (edges[k] - edges[k - 1]) * share,
            least(edges[k], curved * edges[k - 1] * pow(edges[k] / edges[k - 1], share) + (1 - curved) * (edges[k - 1] + (edges[k] - edges[k - 1]) * share))),
        ranks, places, shares, curved_shares) AS quantiles`,
  );

const COLUMNS = `
    time,
    grp AS \`group\`,
    totals.1 AS count,
    if(${IS_ONE_UNIT}, totals.2, NULL) AS sum,
    sum / totals.1 AS mean,
    if(${IS_ONE_UNIT}, totals.3, NULL) AS min,
    if(${IS_ONE_UNIT}, totals.4, NULL) AS max,
    ${QUANTILE_COLUMNS},
    ${unitColumns('totals.7')}`;

/** SELECT of the view's columns for other increases and groups. */
export function quantileRows(
  increases: GroupedIncreases,
  shapes: readonly HistogramShape[] = HISTOGRAM_SHAPES,
): string {
  return `
SELECT${COLUMNS}
FROM (${quantiles(increases, shapes)})`;
}

export const HISTOGRAM_QUANTILES = `
CREATE OR REPLACE VIEW histogram_quantiles AS${quantileRows(OF_VIEW)}`;
