/**
 * What every series of some metrics did in each step of a grid, whatever their shape, in rows that KPIs are made from: how
 * often and how much, without buckets and quantiles. Enters: SQL of the metrics and of the grid; leaves: SQL text. The
 * rules of increases are those of docs/increase.md, and tests hold the answers against the views of one shape.
 */
import type {
  FactColumn,
  FactsQuery,
  FactsSql,
  QuantilesQuery,
  ValidRange,
  WaitingBuckets,
} from '../../model/facts.js';
import { quote } from '../../model/sql-literal.js';
import { SHAPES, type Shape } from '../rollup-marks.js';
import { END_TIME, START_TIME, STEP_S } from './chain-rows.js';
import { describedSeries } from './described-series.js';
import { type ChainColumn, COUNTED, type Family, isCumulative, NUMBERS, ZERO_TIME } from './fact-families.js';
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
import { isInlying, isInside, isOutside, isReached, outlyingAliases, withRange } from './valid-range.js';

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

const ALL_COLUMNS: readonly FactColumn[] = [
  'count',
  'sum',
  'has_sum',
  'increase',
  'level_count',
  'level_sum',
  'last',
  'begun_time',
  'last_time',
  'is_ended',
  'points',
  'resets',
];

/** What a query reads: the engine takes a while to analyse each expression, so nothing is written that nobody uses. */
interface Needs {
  families: readonly Family[];
  /** Both families: rows say which they are of. */
  isMixed: boolean;
  isNumber: boolean;
  isCounted: boolean;
  has: (...columns: FactColumn[]) => boolean;
  /** Column `outlying` counts what lies outside. */
  probed: ValidRange | undefined;
  /** Whether a row has to know the one before. */
  isChained: boolean;
}

function needsOf(query: FactsQuery): Needs {
  const { shapes = SHAPES, columns = ALL_COLUMNS, isAsSent = false } = query;
  const isNumber = shapes.includes('number');
  const isCounted = shapes.some((shape) => shape !== 'number');
  return {
    families: [...(isNumber ? [NUMBERS] : []), ...(isCounted ? [COUNTED] : [])],
    isMixed: isNumber && isCounted,
    isNumber,
    isCounted,
    has: (...wanted) => wanted.some((column) => columns.includes(column)),
    probed: query.isProbed && isNumber ? query.validRange : undefined,
    isChained: isCounted || !isAsSent,
  };
}

function chainColumns({ has, isChained, isNumber, isCounted, probed }: Needs): ChainColumn[] {
  const needed: [ChainColumn, boolean][] = [
    ['epoch', isChained],
    ['is_chained', isChained],
    ['may_fall', isChained && isNumber],
    ['first_a', isChained],
    ['last_a', isChained],
    ['inside_a', isCounted && has('count')],
    ['first_b', isChained && (isNumber || has('sum'))],
    ['last_b', isChained && (isNumber || has('sum'))],
    ['inside_b', has('sum', 'increase')],
    ['has_sum', isCounted && has('has_sum')],
    [
      'levels',
      probed !== undefined ||
        (isNumber && has('level_count')) ||
        has('last', 'begun_time', 'last_time', 'is_ended'),
    ],
    ['level_total', isNumber && has('level_sum')],
    ['value', has('last')],
    ['least', probed !== undefined],
    ['most', probed !== undefined],
    ['row_points', has('points')],
    ['row_resets', has('resets')],
    ['first_time', true],
    ['row_last_time', has('last', 'last_time', 'begun_time', 'is_ended')],
    ['row_ended_time', has('is_ended')],
  ];
  return needed.filter(([, isNeeded]) => isNeeded).map(([column]) => column);
}

const named = (name: string, sql: string) => (sql === name ? name : `${sql} AS ${name}`);

/**
 * Rows (series_id and the columns above) that together hold every point of the shapes before the end once. Tables are read
 * as they are and put together before anything is computed: the engine analyses each expression once for each SELECT.
 */
function chainRows(needs: Needs, series: string, query: FactsQuery): string {
  const columns = chainColumns(needs);
  const { shapes = SHAPES } = query;
  return needs.families
    .map((family) => {
      const chain = columns.map((column) => [column, family.chain[column]] as const);
      const isRead = (name: string) => chain.some(([, sql]) => new RegExp(`\\b${name}\\b`).test(sql));
      const read = Object.entries(family.read).filter(([name]) => isRead(name));
      const tables = shapes
        .filter((shape) => (shape === 'number') === family.isNumber)
        .flatMap((shape) => readTables(shape, read, series, query, needs));
      const own = needs.isMixed ? `, ${family.isNumber} AS is_number` : '';
      return `
        SELECT series_id${own}, ${chain.map(([column, sql]) => named(column, sql)).join(', ')}
        FROM (${tables.join('\n            UNION ALL')})`;
    })
    .join('\n        UNION ALL');
}

function readTables(
  shape: Shape,
  read: readonly [name: string, ofPoint: string][],
  series: string,
  query: FactsQuery,
  { isChained }: Needs,
): string[] {
  const rolled = read.map(([name]) => named(name, name === 'is_cumulative' ? isCumulative(shape) : name));
  const single = read.map(([name, sql]) => named(name, name === 'is_cumulative' ? isCumulative(shape) : sql));
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
    branch(single, from('points'), 'time < to_time', reached('minute'), ...inside),
  ];
}

const STEP_OF = `toDateTime(from_s + intDiv(toUnixTimestamp(first_time) - from_s, step_s) * step_s, 'UTC')`;

/**
 * SELECT of (series_id, labels, time or times, and the columns of the query): count and sum of what histograms and
 * summaries recorded; increase of counters; level_…: values of numbers as they were sent, gauges above all. Needs
 * `factAliases`.
 */
function factRows(query: FactsQuery): string {
  const { metrics, labels = [], isWhole = false, hasFolded = true } = query;
  const needs = needsOf(query);
  const own = `SELECT series_id FROM series WHERE metric_name IN ${metrics}`;
  const series = hasFolded
    ? `${own} UNION ALL SELECT series_id FROM folded_series WHERE overflow_series_id IN (${own})`
    : own;
  const id = hasFolded ? 'shown_series_id' : 'series_id';
  const rows = chainRows(needs, series, query);
  const described = describedSeries(query, own, needs);
  const from = needs.isChained
    ? `
    (${linkedRows(needs, rows, described)}
    )`
    : ` (${rows}
    ) AS linked
    LEFT SEMI JOIN (${described}) AS described ON described.id = linked.series_id
    WHERE first_time >= from_time`;
  const carry = labels.map(({ name }) => `, any(${name}) AS ${name}`).join('');
  return `
    SELECT
        ${id} AS series_id${carry},
        ${isWhole ? `groupUniqArray(${STEP_OF})` : STEP_OF} AS ${isWhole ? 'times' : 'time'},
        ${factColumns(needs).join(',\n        ')}
    FROM${from}
    GROUP BY ${id}${isWhole ? '' : ', time'}`;
}

/** Columns of a row that the next one of its chain needs: those of the tuple `before`, one window function for all of them. */
function carriedOn({ isNumber, isCounted, has }: Needs): ChainColumn[] {
  return [
    'is_chained',
    'last_a',
    ...(isNumber || has('sum') ? (['last_b'] as const) : []),
    ...(isCounted && has('has_sum') ? (['has_sum'] as const) : []),
    ...(has('begun_time') ? (['row_last_time'] as const) : []),
  ];
}

const beforeOf = (needs: Needs) => (column: ChainColumn) => `before.${carriedOn(needs).indexOf(column) + 1}`;

/** SQL of the columns that are asked for, over the rows of a series in a step. */
function factColumns(needs: Needs): string[] {
  const { isMixed, isNumber, isCounted, isChained, has, probed } = needs;
  const before = beforeOf(needs);
  const grown = (part: 'a' | 'b') =>
    `multiIf(goes_on, first_${part} - ${before(`last_${part}`)}, is_known, first_${part}, 0)`;
  const [counted, number] = isMixed ? ['If', 'If'] : ['', ''];
  const [ofCounted, ofNumber] = isMixed ? [', NOT is_number', ', is_number'] : ['', ''];
  const columns: Record<FactColumn, () => string> = {
    count: () => (isCounted ? `sum${counted}(${grown('a')} + inside_a${ofCounted})` : 'toInt64(0)'),
    sum: () => (isCounted ? `sum${counted}(${grown('b')} + inside_b${ofCounted})` : 'toFloat64(0)'),
    has_sum: () => (isCounted ? `min(has_sum AND (NOT goes_on OR ${before('has_sum')}))` : 'true'),
    increase: () =>
      isNumber && isChained
        ? `sum${number}(toFloat64(${grown('a')}) + (${grown('b')} + inside_b)${ofNumber})`
        : 'toFloat64(0)',
    level_count: () => (isNumber ? `sum${number}(levels${ofNumber})` : 'toUInt64(0)'),
    level_sum: () => (isNumber ? `sum${number}(level_total${ofNumber})` : 'toFloat64(0)'),
    last: () => 'argMaxIf(value, row_last_time, levels > 0)',
    begun_time: () =>
      isChained
        ? `minIf(multiIf(${before('is_chained')}, ${before('row_last_time')}, is_known, epoch, first_time), levels > 0)`
        : 'minIf(first_time, levels > 0)',
    last_time: () => 'maxIf(row_last_time, levels > 0)',
    is_ended: () => 'max(row_ended_time) > maxIf(row_last_time, levels > 0)',
    points: () => 'sum(row_points)',
    resets: () =>
      isChained ? `sum(row_resets + (${before('is_chained')} AND NOT goes_on))` : 'sum(row_resets)',
  };
  const outlying = probed
    ? [`countIf(is_ranged AND levels > 0 AND ${isOutside(probed, 'least', 'most')}) AS outlying`]
    : [];
  return [
    ...ALL_COLUMNS.filter((column) => has(column)).map((column) => `${columns[column]()} AS ${column}`),
    ...outlying,
  ];
}

/** Rows of chains with what the row before says: whether they go on from it, or else from a known start. */
function linkedRows(needs: Needs, rows: string, described: string): string {
  const { isMixed, isNumber } = needs;
  const before = beforeOf(needs);
  const risesAsNumber = `toFloat64(first_a - ${before('last_a')}) + (first_b - ${before('last_b')}) >= 0`;
  const risesAsCount = `first_a >= ${before('last_a')}`;
  const rises = isMixed
    ? `may_fall OR if(is_number, ${risesAsNumber}, ${risesAsCount})`
    : isNumber
      ? `may_fall OR ${risesAsNumber}`
      : risesAsCount;
  return `
        SELECT
            *,
            ${before('is_chained')} AND (${rises}) AS goes_on,
            ${before('is_chained')} OR is_chained AND epoch > ${ZERO_TIME} AND epoch < first_time AND (epoch >= first_time - INTERVAL 1 DAY
                OR observed_since > ${ZERO_TIME} AND observed_since < first_time - INTERVAL 1 SECOND) AS is_known
        FROM
        (
            SELECT *, lagInFrame((${carriedOn(needs).join(', ')})) OVER chain AS before
            FROM (${rows}
            )
            WHERE is_chained OR first_time >= from_time
            WINDOW chain AS (PARTITION BY series_id, epoch, is_chained ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        ) AS linked
        LEFT SEMI JOIN (${described}) AS described ON described.id = linked.series_id
        WHERE first_time >= from_time`;
}

function factQuantiles({ metrics, start, end, step, shapes, grouped }: QuantilesQuery): string {
  // Of no metric at all there would be no SQL; one that nobody sends finds nothing.
  const names = metrics.length > 0 ? metrics : [''];
  const increases = (shape: Shape) => {
    const steps = names.map(
      (metric) =>
        `SELECT * FROM ${shape}_increase(metric = ${quote(metric)}, start_time = ${start}, end_time = ${end}, step_s = ${step})`,
    );
    return `
            SELECT steps.*, labels.grp AS grp, labels.factor AS factor
            FROM (${steps.join(' UNION ALL ')}) AS steps
            INNER JOIN (${grouped}) AS labels USING (series_id)
            WHERE increase_count > 0`;
  };
  const there = HISTOGRAM_SHAPES.filter((shape) => shapes.includes(shape));
  return quantileRows(increases, there.length > 0 ? there : HISTOGRAM_SHAPES.slice(0, 1));
}

export const FACTS: FactsSql = { aliases: factAliases, rows: factRows, quantiles: factQuantiles };

const PARAMETERS: FactsQuery = {
  metrics: '{metrics:Array(String)}',
  start: START_TIME,
  end: END_TIME,
  step: STEP_S,
};

/** The view metric_facts(metrics, start_time, end_time, step_s). */
export const METRIC_FACTS = `
CREATE OR REPLACE VIEW metric_facts AS
WITH ${factAliases(PARAMETERS)}
${factRows(PARAMETERS)}`;
