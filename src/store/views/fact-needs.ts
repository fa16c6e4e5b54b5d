/**
 * What an answer of facts needs to read: families, columns of chains, and whether rows have to know the ones before. Enters: a
 * FactsQuery; leaves: what metric-facts.ts writes SQL from.
 */
import { BUCKET_COLUMNS, type FactColumn, type FactsQuery, type ValidRange } from '../../model/facts.js';
import { SHAPES, type Shape } from '../rollup-marks.js';
import { type ChainColumn, COUNTED, type Family, NUMBERS } from './fact-families.js';

/** Those of all shapes, which are given where none are asked for. */
const SHARED_COLUMNS: readonly FactColumn[] = [
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

/** In the order in which they are given. */
export const ALL_COLUMNS: readonly FactColumn[] = [...SHARED_COLUMNS, ...BUCKET_COLUMNS];

/** What a query reads: the engine takes a while to analyse each expression, so nothing is written that nobody uses. */
export interface Needs {
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
  /** Of what counts since its start, the shapes whose restarts may show in something else than the count. */
  falling: readonly Shape[];
}

export function needsOf(query: FactsQuery): Needs {
  const { shapes = SHAPES, columns = SHARED_COLUMNS, isAsSent = false } = query;
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
    falling: shapes.filter((shape) => shape !== 'number'),
  };
}

export function chainColumns({ has, isChained, isNumber, isCounted, probed, falling }: Needs): ChainColumn[] {
  const needed: [ChainColumn, boolean][] = [
    ['epoch', isChained],
    ['is_chained', isChained],
    ['may_fall', isChained && isNumber],
    ['first_a', isChained],
    ['last_a', isChained],
    ['inside_a', isCounted && has('count')],
    ['first_b', isChained && (isNumber || has('sum') || falling.includes('summary'))],
    ['last_b', isChained && (isNumber || has('sum') || falling.includes('summary'))],
    ['inside_b', has('sum', 'increase')],
    ['has_sum', isCounted && (has('has_sum') || falling.includes('summary'))],
    [
      'levels',
      probed !== undefined ||
        (isNumber && has('level_count')) ||
        has('last', 'begun_time', 'last_time', 'is_ended', 'bounds', 'bucket_counts', 'is_mixed'),
    ],
    ['level_total', isNumber && has('level_sum')],
    ['value', has('last')],
    ['least', probed !== undefined],
    ['most', probed !== undefined],
    ['row_bounds', has('bounds', 'bucket_counts', 'is_mixed')],
    ['layout', has('is_mixed') || falling.includes('histogram')],
    ['first_buckets', has('bucket_counts') || falling.includes('histogram')],
    ['last_buckets', has('bucket_counts') || falling.includes('histogram')],
    ['first_exponential', falling.includes('exponential_histogram')],
    ['last_exponential', falling.includes('exponential_histogram')],
    ['is_summary', falling.includes('summary')],
    ['inside_buckets', has('bucket_counts')],
    ['row_lowest', has('lowest')],
    ['row_highest', has('highest')],
    ['row_points', has('points')],
    ['row_resets', has('resets')],
    ['first_time', true],
    ['row_last_time', isChained || has('last', 'last_time', 'begun_time', 'is_ended')],
    ['row_ended_time', has('is_ended')],
  ];
  return needed.filter(([, isNeeded]) => isNeeded).map(([column]) => column);
}
