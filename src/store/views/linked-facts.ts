/**
 * Facts of the steps of a grid, from rows of chains that are linked one by one: each row sees the one before it. Enters: rows
 * as SQL; leaves: the linked rows, names for what the row before says, and what a step adds up of them.
 */
import type { FactColumn } from '../../model/facts.js';
import { type ChainColumn, ZERO_TIME } from './fact-families.js';
import { ALL_COLUMNS, type Needs } from './fact-needs.js';
import { isOutside } from './valid-range.js';

/** Columns of a row that the next one of its chain needs: those of the tuple `before`, one window function for all of them. */
function carriedOn({ isNumber, isCounted, has }: Needs): ChainColumn[] {
  return [
    'is_chained',
    'last_a',
    ...(isNumber || has('sum') ? (['last_b'] as const) : []),
    ...(isCounted && has('has_sum') ? (['has_sum'] as const) : []),
    ...(has('begun_time') ? (['row_last_time'] as const) : []),
    ...(has('bucket_counts') ? (['last_buckets'] as const) : []),
    ...(has('is_mixed') ? (['layout'] as const) : []),
  ];
}

/** Of the points that have values. */
const BOUNDS = 'anyIf(row_bounds, levels > 0)';

const beforeOf = (needs: Needs) => (column: ChainColumn) => `before.${carriedOn(needs).indexOf(column) + 1}`;

/** SQL of the columns that are asked for, over the rows of a series in a step. */
export function factColumns(needs: Needs): string[] {
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
    bounds: () => BOUNDS,
    bucket_counts: () => {
      const sum = (buckets: string) =>
        `arrayResize(sumForEachIf(${buckets}, levels > 0), max(length(row_bounds)) + 1)`;
      const known = `multiIf(goes_on, ${before('last_buckets')}, is_known, [], first_buckets)`;
      return `${sum('last_buckets')} + ${sum('inside_buckets')} - ${sum(known)}`;
    },
    lowest: () => 'min(row_lowest)',
    highest: () => 'max(row_highest)',
    is_mixed: () =>
      `minIf(layout, levels > 0) != maxIf(layout, levels > 0) OR empty(${BOUNDS}) OR max(goes_on AND layout != ${before('layout')})`,
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

/** Rows of chains, each with the one before. */
export function linkedRows(needs: Needs, families: readonly ChainRows[]): string {
  const only = families.length === 1 ? families[0] : undefined;
  const { columns, from } = only ?? { columns: '*', from: `(${togetherRows(families)})` };
  return `
        SELECT ${columns}, lagInFrame((${carriedOn(needs).join(', ')})) OVER chain AS before
        FROM ${from}
        WHERE is_chained OR first_time >= toDateTime64(from_s, 9, 'UTC')
        WINDOW chain AS (PARTITION BY series_id, epoch, is_chained ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`;
}

/** WITH elements of what the row before says: whether a row goes on from it, or else from a known start. */
export function linkAliases(needs: Needs): string[] {
  const { isMixed, isNumber } = needs;
  const before = beforeOf(needs);
  const risesAsNumber = `toFloat64(first_a - ${before('last_a')}) + (first_b - ${before('last_b')}) >= 0`;
  const risesAsCount = `first_a >= ${before('last_a')}`;
  const rises = isMixed
    ? `may_fall OR if(is_number, ${risesAsNumber}, ${risesAsCount})`
    : isNumber
      ? `may_fall OR ${risesAsNumber}`
      : risesAsCount;
  return [
    `${before('is_chained')} AND (${rises}) AS goes_on`,
    `${before('is_chained')} OR is_chained AND epoch > ${ZERO_TIME} AND epoch < first_time AND (epoch >= first_time - INTERVAL 1 DAY
            OR observed_since > ${ZERO_TIME} AND observed_since < first_time - INTERVAL 1 SECOND) AS is_known`,
  ];
}
