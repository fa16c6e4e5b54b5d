/**
 * Facts of the steps of a grid, from rows of chains that are linked one by one: each row sees the one before it. Enters: rows
 * as SQL; leaves: the linked rows, names for what the row before says, and what a step adds up of them.
 */
import type { FactColumn } from '../../model/facts.js';
import type { Shape } from '../rollup-marks.js';
import { bucketsFall, type ExponentialBuckets, exponentialBucketsFall } from './bucket-falls.js';
import { followsLatest, IS_START_KNOWN } from './chain-links.js';
import type { ChainColumn } from './fact-families.js';
import { ALL_COLUMNS, type Needs } from './fact-needs.js';
import { isOutside } from './valid-range.js';

/** Columns of a row that the next one of its chain needs: those of the tuple `before`, one window function for all of them. */
function carriedColumns({ isNumber, isCounted, has, falling }: Needs): ChainColumn[] {
  return [
    'is_chained',
    'row_last_time',
    'epoch',
    'last_a',
    ...(isNumber || has('sum') || falling.includes('summary') ? (['last_b'] as const) : []),
    ...(isCounted && (has('has_sum') || falling.includes('summary')) ? (['has_sum'] as const) : []),
    ...(has('bucket_counts') || falling.includes('histogram') ? (['last_buckets', 'layout'] as const) : []),
    ...(falling.includes('exponential_histogram') ? (['last_exponential'] as const) : []),
  ];
}

/** Of the points that have values. */
const BOUNDS = 'anyIf(row_bounds, levels > 0)';

const carriedBy = (needs: Needs, row: string) => (column: ChainColumn) =>
  `${row}.${carriedColumns(needs).indexOf(column) + 1}`;
const beforeOf = (needs: Needs) => carriedBy(needs, 'before');

/** SQL of the columns that are asked for, over the rows of a series in a step. */
export function factColumns(needs: Needs): string[] {
  const { isMixed, isNumber, isCounted, isChained, has, probed } = needs;
  const before = beforeOf(needs);
  const grown = (part: 'a' | 'b') =>
    `multiIf(continues, first_${part} - ${before(`last_${part}`)}, is_known, first_${part}, 0)`;
  const [counted, number] = isMixed ? ['If', 'If'] : ['', ''];
  const [ofCounted, ofNumber] = isMixed ? [', NOT is_number', ', is_number'] : ['', ''];
  const columns: Record<FactColumn, () => string> = {
    count: () => (isCounted ? `sum${counted}(${grown('a')} + inside_a${ofCounted})` : 'toInt64(0)'),
    sum: () => (isCounted ? `sum${counted}(${grown('b')} + inside_b${ofCounted})` : 'toFloat64(0)'),
    has_sum: () => (isCounted ? `min(has_sum AND (NOT continues OR ${before('has_sum')}))` : 'true'),
    increase: () =>
      isNumber && isChained
        ? `sum${number}(greatest(toFloat64(${grown('a')}) + ${grown('b')}, if(continues OR may_fall, -inf, 0)) + inside_b${ofNumber})`
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
      isChained ? `sum(row_resets + (${before('is_chained')} AND NOT continues))` : 'sum(row_resets)',
    bounds: () => BOUNDS,
    bucket_counts: () => {
      const sum = (buckets: string) =>
        `arrayResize(sumForEachIf(${buckets}, levels > 0), max(length(row_bounds)) + 1)`;
      const known = `multiIf(continues, ${before('last_buckets')}, is_known, [], first_buckets)`;
      return `${sum('last_buckets')} + ${sum('inside_buckets')} - ${sum(known)}`;
    },
    lowest: () => 'min(row_lowest)',
    highest: () => 'max(row_highest)',
    is_mixed: () =>
      `minIf(layout, levels > 0) != maxIf(layout, levels > 0) OR empty(${BOUNDS}) OR max(continues AND layout != ${before('layout')})`,
  };
  const outlying = probed
    ? [`countIf(is_ranged AND levels > 0 AND ${isOutside(probed, 'least', 'most')}) AS outlying`]
    : [];
  return [
    ...ALL_COLUMNS.filter((column) => has(column)).map((column) => `${columns[column]()} AS ${column}`),
    ...outlying,
  ];
}

/** Rows of chains of one family: what is selected, and the subquery that it is selected from. */
export interface ChainRows {
  columns: string;
  from: string;
}

/** Rows that no other has to be known for. */
export function togetherRows(families: readonly ChainRows[]): string {
  return families
    .map(
      ({ columns, from }) => `
        SELECT ${columns}
        FROM ${from}`,
    )
    .join('\n        UNION ALL');
}

/** Rows of chains, each with the one before that it goes on from (chain-links.ts). */
export function linkedRows(needs: Needs, families: readonly ChainRows[]): string {
  const only = families.length === 1 ? families[0] : undefined;
  const { columns, from } = only ?? { columns: '*', from: `(${togetherRows(families)})` };
  const carried = `(${carriedColumns(needs).join(', ')})`;
  const rowOf = (name: string) => {
    const column = carriedBy(needs, name);
    return { exists: column('is_chained'), time: column('row_last_time'), epoch: column('epoch') };
  };
  return `
        SELECT *, if(${followsLatest(rowOf('same'), rowOf('latest'), risesFrom(needs, 'latest'))}, latest, same) AS before
        FROM
        (
            SELECT ${columns}, lagInFrame(${carried}) OVER chain AS same, lagInFrame(${carried}) OVER line AS latest,
                min(first_time) OVER (PARTITION BY series_id, is_chained) AS series_since
            FROM ${from}
            WHERE is_chained OR first_time >= toDateTime64(from_s, 9, 'UTC')
            WINDOW chain AS (PARTITION BY series_id, is_chained, epoch ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
                line AS (PARTITION BY series_id, is_chained ORDER BY first_time, epoch ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        )`;
}

/** Whether the first value of a row is not below the last of the row that is named. */
function risesFrom(needs: Needs, row: string): string {
  const { isMixed, isNumber } = needs;
  const before = carriedBy(needs, row);
  const asNumber = `toFloat64(first_a - ${before('last_a')}) + (first_b - ${before('last_b')}) >= 0`;
  const asCount = `first_a >= ${before('last_a')}`;
  if (isMixed) return `(may_fall OR if(is_number, ${asNumber}, ${asCount}))`;
  return isNumber ? `(may_fall OR ${asNumber})` : asCount;
}

/** Whether something else than the count fell since the row before, so that a new count began. */
function fallsFromBefore(needs: Needs): string[] {
  const before = beforeOf(needs);
  const conditions: Record<Shape, () => string> = {
    number: () => 'false',
    histogram: () =>
      `layout = ${before('layout')} AND ${bucketsFall(`arrayResize(${before('last_buckets')}, length(first_buckets))`, 'first_buckets')}`,
    exponential_histogram: () =>
      exponentialBucketsFall(partsOf(before('last_exponential')), partsOf('first_exponential')),
    // Not the fact of this name, which is made with the help of this condition.
    summary: () => `is_summary AND linked.has_sum AND ${before('has_sum')} AND first_b < ${before('last_b')}`,
  };
  return needs.falling.map((shape) => `(${conditions[shape]()})`);
}

function partsOf(tuple: string): ExponentialBuckets {
  const part = (n: number) => `tupleElement(${tuple}, ${n})`;
  return {
    scale: part(1),
    zeroThreshold: part(2),
    zeroCount: part(3),
    positiveOffset: part(4),
    positiveCounts: part(5),
    negativeOffset: part(6),
    negativeCounts: part(7),
  };
}

/** WITH elements of what the row before says: whether a row goes on from it, or else from a known start. */
export function linkAliases(needs: Needs): string[] {
  const isChained = beforeOf(needs)('is_chained');
  const falls = fallsFromBefore(needs);
  const goesOn = [
    isChained,
    risesFrom(needs, 'before'),
    ...(falls.length > 0 ? [`NOT (${falls.join(' OR ')})`] : []),
  ];
  return [
    `(${goesOn.join(' AND ')}) AS continues`,
    `(${isChained} OR is_chained AND ${IS_START_KNOWN}) AS is_known`,
  ];
}
