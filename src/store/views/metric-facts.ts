/**
 * What every series of some metrics did in each step of a grid, whatever their shape, in rows that KPIs are made from: how
 * often and how much, and where it is asked for in which buckets. Enters: SQL of the metrics and of the grid; leaves: SQL text. The
 * rules of increases are those of docs/increase.md, and tests hold the answers against the views of one shape.
 */
import type { FactsQuery, FactsSql, QuantilesQuery, ValidRange, WaitingBuckets } from '../../model/facts.js';
import { quote } from '../../model/sql-literal.js';
import { SHAPES, type Shape } from '../rollup-marks.js';
import { asIs, difference, inBaseUnits, sumOf, value } from './base-units.js';
import { DATABASE_SINCE } from './chain-links.js';
import { END_TIME, START_TIME, STEP_S } from './chain-rows.js';
import { describedSeries } from './described-series.js';
import { readOf } from './fact-families.js';
import { chainColumns, type Needs, needsOf } from './fact-needs.js';
import {
  type Grid,
  gridAliases,
  isRefined,
  isTaken,
  mayTake,
  type Resolution,
  refinedAliases,
  TABLE_OF,
} from './grid-buckets.js';
import { HISTOGRAM_SHAPES, quantileRows } from './histogram-quantiles.js';
import { knownTimes, type Table } from './known-times.js';
import { type ChainRows, factColumns, linkAliases, linkedRows, togetherRows } from './linked-facts.js';
import { isInlying, isInside, isReached, outlyingAliases, withRange } from './valid-range.js';

function gridOf({ known, startsOnStep }: FactsQuery): Grid {
  const perSecond = 1;
  if (known !== undefined) return { start: known.startS, end: known.endS, step: known.stepS, perSecond };
  return startsOnStep
    ? { start: 'from_s', end: 'to_s', step: startsOnStep.stepS, perSecond, startsOnStep: true }
    : { start: 'from_s', end: 'to_s', step: 'step_s', perSecond };
}

const waitingOf = (shape: Shape) => `${shape}_waiting`;

/** WITH elements of `factRows`: the grid, and the buckets that are read finer. */
function factAliases(query: FactsQuery): string {
  const { shapes = SHAPES, known } = query;
  const grid = gridOf(query);
  const range = shapes.includes('number') ? leftOut(query) : undefined;
  const outlying = range
    ? `,${outlyingAliases(query, range, {
        mayTake: (r) => mayTake(grid, r),
        isTaken: (r) => isTaken(waitingOf('number'), r),
        isRefined: (r) => isRefined(waitingOf('number'), r),
      })}`
    : '';
  const refined = shapes
    .filter((shape) => timesOf(shape, query) === undefined)
    .map((shape) => refinedAliases(grid, waitingOf(shape), shape));
  return `
    ${known ? known.startS : `toUnixTimestamp(toDateTime(${query.start}, 'UTC'))`} AS from_s,
    ${known ? known.endS : `toUnixTimestamp(toDateTime(${query.end}, 'UTC'))`} AS to_s,
    ${known ? known.stepS : `toUInt32(${query.step})`} AS step_s,
    toDateTime(from_s, 'UTC') AS from_time,
    toDateTime(to_s, 'UTC') AS to_time${
      refined.length === 0
        ? ''
        : `,
    ${[gridAliases(grid), ...refined].join(',\n    ')}${outlying}`
    }`;
}

/** The range that values are left out of that lie outside. */
function leftOut({ validRange, isProbed }: FactsQuery): ValidRange | undefined {
  return isProbed ? undefined : validRange;
}

const NONE_WAIT: WaitingBuckets = { day: [], hour: [], minute: [] };

/** Times for which each table of a shape is read; undefined where SQL has to find that out. */
function timesOf(shape: Shape, query: FactsQuery): ReadonlyMap<Table, string> | undefined {
  const { known, waiting } = query;
  if (known === undefined || waiting === undefined || (shape === 'number' && leftOut(query)))
    return undefined;
  return knownTimes(known, waiting[shape] ?? NONE_WAIT, needsOf(query).isChained);
}

const named = (name: string, sql: string) => (sql === name ? name : `${sql} AS ${name}`);

/**
 * Rows (series_id and the columns above) that together hold every point of the shapes before the end once, of each family
 * what is selected and what from. Tables are read as they are and put together before anything is computed: the engine
 * analyses each expression once for each SELECT.
 */
function chainRows(needs: Needs, series: string, query: FactsQuery): ChainRows[] {
  const columns = chainColumns(needs);
  const { shapes = SHAPES } = query;
  return needs.families.map((family) => {
    const chain = columns.map((column) => [column, family.chain[column]] as const);
    const isRead = (name: string) => chain.some(([, sql]) => new RegExp(`\\b${name}\\b`).test(sql));
    const read = Object.entries(family.read).filter(([name]) => isRead(name));
    const tables = shapes
      .filter((shape) => (shape === 'number') === family.isNumber)
      .flatMap((shape) => readTables(shape, read, series, query, needs));
    const own = needs.isMixed ? `, ${family.isNumber} AS is_number` : '';
    return {
      columns: `series_id${own}, ${chain.map(([column, sql]) => named(column, sql)).join(', ')}`,
      from: `(${tables.join('\n            UNION ALL')})`,
    };
  });
}

function readTables(
  shape: Shape,
  read: readonly [name: string, ofPoint: string][],
  series: string,
  query: FactsQuery,
  { isChained }: Needs,
): string[] {
  const rolled = read.map(([name, sql]) => named(name, readOf(shape, name, sql).rolled));
  const single = read.map(([name, sql]) => named(name, readOf(shape, name, sql).single));
  const branch = (columns: readonly string[], table: string, ...conditions: string[]) => `
            SELECT series_id, ${columns.join(', ')}
            FROM ${shape}_${table}
            WHERE series_id IN (${series}) AND ${conditions.join('\n                AND ')}`;
  const times = timesOf(shape, query);
  if (times !== undefined)
    return [...times].map(([table, isThen]) =>
      table === 'point'
        ? branch(single, 'points FINAL', isThen)
        : branch(rolled, `${TABLE_OF[table]} FINAL`, isThen),
    );
  const waiting = waitingOf(shape);
  const range = shape === 'number' ? leftOut(query) : undefined;
  const from = (table: string) => (range ? withRange(table, query, range) : `${table} FINAL`);
  const refined = (r: Resolution) => isRefined(waiting, r);
  const reached = (r: Resolution) => (range ? isReached(r, refined(r), query, range) : refined(r));
  const bucket = (r: Resolution, ...conditions: string[]) =>
    branch(rolled, from(TABLE_OF[r]), 'time < to_time', isTaken(waiting, r, isChained), ...conditions);
  const inlying = range ? [isInlying(range)] : [];
  const inside = range ? [isInside(range)] : [];
  return [
    bucket('day', ...inlying),
    bucket('hour', reached('day'), ...inlying),
    bucket('minute', reached('hour'), ...inlying),
    branch(single, from('points'), "time < toDateTime64(to_s, 9, 'UTC')", reached('minute'), ...inside),
  ];
}

const STEP_OF = `toDateTime(from_s + intDiv(toUnixTimestamp(first_time) - from_s, step_s) * step_s, 'UTC')`;

/**
 * SELECT of (series_id, labels, time or times, and the columns of the query): count and sum of what histograms and
 * summaries recorded; increase of counters; level_…: values of numbers as they were sent, gauges above all. Needs
 * `factAliases`, as `aliases` where nothing around it has them.
 */
function factRows(query: FactsQuery, aliases?: string): string {
  const { metrics, labels = [], isWhole = false, hasFolded = true } = query;
  const needs = needsOf(query);
  const own = `SELECT series_id FROM series WHERE metric_name IN ${metrics}`;
  const series = hasFolded
    ? `${own} UNION ALL SELECT series_id FROM folded_series WHERE overflow_series_id IN (${own})`
    : own;
  const id = hasFolded ? 'shown_series_id' : 'series_id';
  const families = chainRows(needs, series, query);
  const rows = needs.isChained ? linkedRows(needs, families) : togetherRows(families);
  const within = [
    ...(aliases ? [aliases] : []),
    ...(needs.isChained ? [DATABASE_SINCE, ...linkAliases(needs)] : []),
  ];
  const carry = labels.map(({ name }) => `, any(${name}) AS ${name}`).join('');
  return `
    ${within.length === 0 ? '' : `WITH ${within.join(',\n        ')}\n    `}SELECT
        ${id} AS series_id${carry},
        ${isWhole ? `groupUniqArray(${STEP_OF})` : STEP_OF} AS ${isWhole ? 'times' : 'time'},
        ${factColumns(needs).join(',\n        ')}
    FROM (${rows}
    ) AS linked
    LEFT SEMI JOIN (${describedSeries(query, own, needs)}) AS described ON described.id = linked.series_id
    WHERE first_time >= toDateTime64(from_s, 9, 'UTC')
    GROUP BY ${id}${isWhole ? '' : ', time'}`;
}

function factQuantiles({ metrics, start, end, step, shapes, grouped }: QuantilesQuery): string {
  // Of no metric at all there would be no SQL; one that nobody sends finds nothing.
  const names = metrics.length > 0 ? metrics : [''];
  const increases = (shape: Shape) => {
    const steps = names.map(
      (metric) =>
        `SELECT * FROM ${shape}_increase(metric = ${quote(metric)}, start_time = toUnixTimestamp(${start}), end_time = toUnixTimestamp(${end}), step_s = ${step})`,
    );
    return `
            SELECT steps.*, labels.grp AS grp
            FROM (${steps.join(' UNION ALL ')}) AS steps
            INNER JOIN (${grouped}) AS labels USING (series_id)
            WHERE increase_count > 0`;
  };
  const there = HISTOGRAM_SHAPES.filter((shape) => shapes.includes(shape));
  return quantileRows(increases, there.length > 0 ? there : HISTOGRAM_SHAPES.slice(0, 1));
}

export const FACTS: FactsSql = {
  aliases: factAliases,
  rows: (query) => factRows(query),
  quantiles: factQuantiles,
};

const PARAMETERS: FactsQuery = {
  metrics: '{metrics:Array(String)}',
  start: START_TIME,
  end: END_TIME,
  step: STEP_S,
};

/** The view metric_facts(metrics, start_time, end_time, step_s), in base units; KPIs convert the rows of `factRows` to their own. */
export const METRIC_FACTS = `
CREATE OR REPLACE VIEW metric_facts AS${inBaseUnits(
  factRows(PARAMETERS, factAliases(PARAMETERS)),
  [
    ...['series_id', 'time', 'count'].map(asIs),
    sumOf('sum', 'count'),
    asIs('has_sum'),
    difference('increase'),
    asIs('level_count'),
    sumOf('level_sum', 'level_count'),
    value('last'),
    ...['begun_time', 'last_time', 'is_ended', 'points', 'resets'].map(asIs),
  ],
  `metric_name IN ${PARAMETERS.metrics}`,
)}`;
