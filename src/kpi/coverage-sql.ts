/**
 * Which series feed which KPI, as SQL. Enters: KPIs; leaves: a SELECT that says of each series what it feeds and why it
 * cannot, and the SELECT of view kpi_coverage. The selectors are data in it, not conditions: planning a condition for each
 * would take longer than everything else. A test holds it against the conditions that compile-kpi.ts selects series with.
 */
import type { Kpi, MetricShape, Selector } from '../model/kpi.js';
import { quote } from '../model/sql-literal.js';
import { parseUnit } from '../model/unit.js';
import { foldMetricName, foldMetricNameSql } from './folded-name.js';
import {
  attributeSql,
  hasAttributeSql,
  isMeasurableSql,
  type PlacedTerm,
  placeTerms,
  TYPES_OF_SHAPE,
} from './kpi-terms.js';
import { quoteList, toRegex } from './sql-text.js';

/** Series of one metric that a term of a KPI asks for. */
export interface Feed {
  kpi: Kpi;
  placed: PlacedTerm;
  metric: string;
}

/** Why a series that is asked for cannot be used; the smaller, the nearer it came. `unfit`: its attributes are not those asked for. */
export const FEED_CODES = { usable: 0, unit: 1, measure: 2, shape: 3, unfit: 4 } as const;

/** One for each metric of each term, in the order of the catalogue. SQL numbers them from 1. */
export function listFeeds(kpis: readonly Kpi[]): Feed[] {
  return kpis.flatMap((kpi) =>
    placeTerms(kpi).flatMap((placed) => {
      const metrics = new Set(placed.term.selectors.map(({ metric }) => metric));
      return [...metrics].map((metric) => ({ kpi, placed, metric }));
    }),
  );
}

export interface FedOptions {
  /** Asks by folded names, so of series whose names only resemble those that are asked for. */
  isFolded?: boolean;
  /** Keeps feeds that the series does not fit, and adds to each feed in words which attributes it lacks, '' where it fits. */
  withLacks?: boolean;
}

/**
 * SELECT of `columns` of `from` (rows of `series`) and fed, an Array(Tuple(UInt16, UInt8)): the feeds that ask for the
 * series, each with its code. What a KPI can use in one of its feeds is not held against it in another. Needs `feedAliases`.
 */
export function fedSeriesSql(
  feeds: readonly Feed[],
  columns: string,
  from: string,
  { isFolded = false, withLacks = false }: FedOptions = {},
): string {
  const names = attributesOf(feeds);
  const holds = `if(empty(c.exact) AND empty(c.patterns), NOT present[c.attribute],
                has(c.exact, values[c.attribute]) OR arrayExists(p -> match(values[c.attribute], p), c.patterns))`;
  const code = `arrayMin(s -> toUInt8(multiIf(
            arrayExists(c -> (${holds}) != c.wanted, s.conditions), ${FEED_CODES.unfit},
            notEmpty(s.types) AND NOT has(s.types, toString(metric_type)), ${FEED_CODES.shape},
            NOT (${MEASURES.map((measure) => `a.measure = '${measure}' AND ${isMeasurableSql(measure)}`).join(' OR ')}), ${FEED_CODES.measure},
            a.base_unit != '' AND a.base_unit != base_unit, ${FEED_CODES.unit},
            ${FEED_CODES.usable})), a.selectors)`;
  // Of the selectors that the series comes nearest to, with "or" between them.
  const lacked = `arrayMap(s -> arrayFilter(c -> (${holds}) != c.wanted, s.conditions), a.selectors)`;
  const nearest = `arrayFilter(l -> length(l) = arrayMin(m -> toUInt16(length(m)), ${lacked}), ${lacked})`;
  const inWords = `arrayMap(c -> if(c.wanted AND NOT present[c.attribute], concat('it has no attribute ', ${quoteList(names)}[c.attribute]), c.words), l)`;
  const lacks = `arrayStringConcat(arrayDistinct(arrayMap(l -> arrayStringConcat(${inWords}, ', '), ${nearest})), ', or ')`;
  const [key, asks] = isFolded
    ? [foldMetricNameSql('s.metric_name'), asksSql(feeds, names, foldMetricName)]
    : ['s.metric_name', asksSql(feeds, names)];
  return `
    SELECT * EXCEPT (named, used), arrayFilter(f -> f.2 = ${FEED_CODES.usable} OR NOT has(used, feed_kpis[f.1]), named) AS fed
    FROM
    (
        SELECT *, arrayMap(f -> feed_kpis[f.1], arrayFilter(f -> f.2 = ${FEED_CODES.usable}, named)) AS used
        FROM
        (
            SELECT ${columns}, arrayFilter(f -> ${withLacks ? 'true' : `f.2 != ${FEED_CODES.unfit}`}, arrayMap(a -> (a.id, ${code}${withLacks ? `, ${lacks}` : ''}), asks)) AS named
            FROM
            (
                SELECT
                    *,
                    CAST([${names.map(attributeSql).join(', ')}], 'Array(String)') AS values,
                    CAST([${names.map(hasAttributeSql).join(', ')}], 'Array(Bool)') AS present
                FROM ${from}
            ) AS s
            INNER JOIN (SELECT m.1 AS asked, m.2 AS asks FROM (SELECT arrayJoin(${asks}) AS m)) AS a ON ${key} = a.asked
        )
    )`;
}

const MEASURES = ['amount', 'total', 'average', 'last'] as const;

function attributesOf(feeds: readonly Feed[]): string[] {
  const selectors = feeds.flatMap(({ placed }) => placed.term.selectors);
  const names = selectors.flatMap(({ where, whereNot }) => [...Object.keys(where), ...Object.keys(whereNot)]);
  return [...new Set(names)].sort();
}

/** Array(Tuple(key of the metric, what is asked of its series)), read by the engine from one text. */
function asksSql(
  feeds: readonly Feed[],
  names: readonly string[],
  keyOf: (metric: string) => string = (metric) => metric,
): string {
  const byMetric = new Map<string, string[]>();
  for (const [i, { metric, placed }] of feeds.entries()) {
    const selectors = placed.term.selectors.filter((selector) => selector.metric === metric);
    const unit = placed.unit === undefined ? '' : parseUnit(placed.unit).baseUnit;
    const ask = `(${i + 1}, ${quote(placed.term.measure)}, ${quote(unit)}, [${selectors.map((s) => selectorText(s, names)).join(', ')}])`;
    byMetric.set(keyOf(metric), [...(byMetric.get(keyOf(metric)) ?? []), ask]);
  }
  const rows = [...byMetric].map(([metric, asks]) => `(${quote(metric)}, [${asks.join(', ')}])`);
  return `CAST(${quote(`[${rows.join(', ')}]`)}, '${ASKS_TYPE}')`;
}

const CONDITION_TYPE =
  'Tuple(attribute UInt16, wanted Bool, exact Array(String), patterns Array(String), words String)';
const SELECTOR_TYPE = `Tuple(types Array(String), conditions Array(${CONDITION_TYPE}))`;
const ASK_TYPE = `Tuple(id UInt16, measure String, base_unit String, selectors Array(${SELECTOR_TYPE}))`;
const ASKS_TYPE = `Array(Tuple(String, Array(${ASK_TYPE})))`;

function selectorText({ where, whereNot, shapes }: Selector, names: readonly string[]): string {
  const conditionText = (name: string, values: readonly string[], isWanted: boolean) => {
    const exact = values.filter((value) => !value.includes('*'));
    const patterns = values.filter((value) => value.includes('*')).map(toRegex);
    const words = describeLack(name, values, isWanted);
    return `(${names.indexOf(name) + 1}, ${isWanted}, ${quoteList(exact)}, ${quoteList(patterns)}, ${quote(words)})`;
  };
  const conditions = [
    ...Object.entries(where).map(([name, values]) => conditionText(name, values, true)),
    ...Object.entries(whereNot).map(([name, values]) => conditionText(name, values, false)),
  ];
  const types = shapes.flatMap((shape) => TYPES_OF_SHAPE[shape]);
  return `(${quoteList(types)}, [${conditions.join(', ')}])`;
}

/** Why a series that has the attribute does not meet a condition. */
function describeLack(name: string, values: readonly string[], isWanted: boolean): string {
  if (values.length === 0) return isWanted ? `it has attribute ${name}` : `it has no attribute ${name}`;
  const list = values.join(' or ');
  return isWanted
    ? `its attribute ${name} is not ${list}`
    : `its attribute ${name} is ${list}, which is left out`;
}

/** WITH elements that `fedSeriesSql` and `reasonSql` need: what each feed is, by its number. */
export function feedAliases(feeds: readonly Feed[]): string {
  return `
    ${quoteList(feeds.map(({ kpi }) => kpi.name))} AS feed_kpis,
    ${quoteList(feeds.map(describeWants))} AS feed_wants,
    ${quoteList(feeds.map(({ placed }) => placed.unit ?? ''))} AS feed_units`;
}

/** Words for a code, of columns of `series`; '' where the series can be used. */
export function reasonSql(feed: string, code: string): string {
  return `multiIf(
        ${code} = ${FEED_CODES.shape}, concat('it is ', type_words, ', and ', feed_wants[${feed}], ' is read'),
        ${code} = ${FEED_CODES.measure}, concat(type_words, ' has no ', feed_wants[${feed}], ' to be read'),
        ${code} = ${FEED_CODES.unit}, concat('unit ''', unit, ''' cannot be compared with ', feed_units[${feed}]),
        '')`;
}

/** `a gauge`, `an up-down counter`: the type of a series as people say it. */
export const TYPE_WORDS_SQL = `multiIf(metric_type = 'gauge', 'a gauge', metric_type = 'sum', if(is_monotonic, 'a counter', 'an up-down counter'),
        metric_type = 'histogram', 'a histogram', metric_type = 'exponential_histogram', 'an exponential histogram', 'a summary')`;

const MEASURE_WORDS = {
  amount: 'amount',
  total: 'total',
  average: 'single values',
  last: 'last value',
} as const;
const SHAPE_WORDS: Record<MetricShape, string> = {
  number: 'a gauge or counter',
  histogram: 'a histogram',
  exponential_histogram: 'an exponential histogram',
  summary: 'a summary',
};

/** Of a feed with shapes those, else what its measure takes. */
function describeWants({ placed, metric }: Feed): string {
  const { selectors, measure } = placed.term;
  const shapes = selectors.filter((selector) => selector.metric === metric).flatMap((s) => s.shapes);
  return shapes.length > 0 ? describeShapes(shapes) : MEASURE_WORDS[measure];
}

export function describeShapes(shapes: readonly MetricShape[]): string {
  return [...new Set(shapes)].map((shape) => SHAPE_WORDS[shape]).join(' or ');
}

/** Columns of the SELECT, in their order. */
export const COVERAGE_COLUMNS = [
  'metric',
  'kpi',
  'source',
  'term',
  'series',
  'services',
  'last_seen',
  'usable',
  'reason',
  'types',
  'units',
  'rules',
] as const;

/**
 * The SELECT of `COVERAGE_COLUMNS`: what each metric of the catalogue gives to each term that asks for it. A row with 0
 * series where none does; a row for each reason where some cannot be used; and one for each metric that no KPI asks for and
 * whose name resembles one that is asked for. Folded series count as the one that describes them. last_seen is some minutes
 * behind.
 */
export function coverageSql(kpis: readonly Kpi[]): string {
  const feeds = listFeeds(kpis);
  const asked = [...new Set(feeds.map(({ metric }) => metric))].sort();
  const metrics = quoteList(asked);
  const folded = quoteList([...new Set(asked.map(foldMetricName))].sort());
  return `WITH${feedAliases(feeds)},
    ${quoteList(feeds.map(({ placed }) => placed.source.name))} AS feed_sources,
    ${quoteList(feeds.map(({ placed }) => placed.role))} AS feed_terms,
    ${quoteList(feeds.map(({ metric }) => metric))} AS feed_metrics,
    (SELECT groupUniqArray(metric_name) FROM series WHERE metric_name IN ${metrics}) AS known_metrics,
    (
        SELECT groupUniqArray(metric_name)
        FROM (SELECT DISTINCT metric_name FROM series WHERE metric_name NOT IN ${metrics})
        WHERE ${foldMetricNameSql('metric_name')} IN ${folded}
    ) AS resembling_metrics
SELECT
    ${COVERAGE_COLUMNS.join(',\n    ')}
FROM
(
    SELECT
        id,
        feed_metrics[id] AS metric,
        feed_kpis[id] AS kpi,
        feed_sources[id] AS source,
        feed_terms[id] AS term,
        series,
        services,
        last_seen,
        series > 0 AND found_reason = '' AS usable,
        multiIf(series > 0, found_reason, has(known_metrics, metric), 'no series fits the conditions', 'no series') AS reason,
        types,
        units,
        rules
    FROM (SELECT toUInt16(number + 1) AS id FROM numbers(${feeds.length})) AS catalogue
    LEFT JOIN (${askedSql(feeds, metrics)}) AS found ON found.feed = catalogue.id
    UNION ALL
    SELECT
        feed AS id, metric, feed_kpis[feed] AS kpi, feed_sources[feed] AS source, feed_terms[feed] AS term,
        series, services, last_seen, false AS usable,
        concat('its name resembles ', feed_metrics[feed], if(found_reason = '', '', concat(', and ', found_reason))) AS reason,
        types, units, rules
    FROM (${resemblingSql(feeds)})
)
ORDER BY kpi, id, metric != feed_metrics[id], usable DESC, series DESC, reason`;
}

const SERIES_COLUMNS = `series_id, source_system, metric_type, unit, classification_rule, seen_at, ${TYPE_WORDS_SQL} AS type_words`;
/** What coverage says of series that have something in common. */
const ABOUT_SERIES = `
        count() AS series,
        arraySort(groupUniqArray(toString(source_system))) AS services,
        max(greatest(activity.last_time, seen_at)) AS last_seen,
        arraySort(groupUniqArray(toString(metric_type))) AS types,
        arraySort(groupUniqArray(toString(unit))) AS units,
        arraySort(groupUniqArray(toString(classification_rule))) AS rules`;

/**
 * SELECT of (feed, found_reason, …) of series whose metric is asked for. What does not fit the conditions is listed only where no
 * series of the metric fits any of the KPI's; not of a numerator, which has no series as long as nothing failed.
 */
function askedSql(feeds: readonly Feed[], metrics: string): string {
  const from = `(SELECT * FROM series FINAL WHERE metric_name IN ${metrics})`;
  const isUnfit = `(code = ${FEED_CODES.unfit})`;
  return `
    SELECT *
    FROM
    (
        SELECT *, max(NOT is_unfit) OVER (PARTITION BY feed_kpis[feed], feed_metrics[feed]) AS fits_any
        FROM
        (
            SELECT
                f.1 AS feed, f.2 AS code, ${isUnfit} AS is_unfit,
                if(is_unfit, f.3, ${reasonSql('feed', 'code')}) AS found_reason,${ABOUT_SERIES}
            FROM (${fedSeriesSql(feeds, SERIES_COLUMNS, from, { withLacks: true })}) AS s
            LEFT JOIN series_activity AS activity USING (series_id)
            ARRAY JOIN fed AS f
            GROUP BY feed, code, found_reason
        )
    )
    WHERE NOT is_unfit OR (NOT fits_any AND feed_terms[feed] != 'numerator')`;
}

/** SELECT of (metric, feed, found_reason, …) of series whose name only resembles one that is asked for; of each KPI the nearest feed. */
function resemblingSql(feeds: readonly Feed[]): string {
  const from = '(SELECT * FROM series FINAL WHERE metric_name IN (SELECT arrayJoin(resembling_metrics)))';
  const nearest = `arrayFilter(f -> NOT arrayExists(g -> feed_kpis[g.1] = feed_kpis[f.1] AND (g.2, g.1) < (f.2, f.1), fed), fed)`;
  return `
    SELECT
        toString(metric_name) AS metric, f.1 AS feed,
        ${reasonSql('f.1', 'f.2')} AS found_reason,${ABOUT_SERIES}
    FROM (${fedSeriesSql(feeds, `metric_name, ${SERIES_COLUMNS}`, from, { isFolded: true })}) AS s
    LEFT JOIN series_activity AS activity USING (series_id)
    ARRAY JOIN ${nearest} AS f
    GROUP BY metric, feed, found_reason`;
}
