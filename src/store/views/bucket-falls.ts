/**
 * Whether a cumulative histogram was restarted between two of its points although its count grew: a bucket of the later one
 * holds less than it held. Enters: SQL of the buckets of both; leaves: a condition, the same for views and rollups.
 */

/**
 * Explicit buckets of the same bounds. A scrape of a Prometheus client is not atomic: it may show a bucket without events that
 * the running totals up to later bounds have already, so that the bucket seems to shrink by a few. That is no restart as
 * long as no running total shrinks and no bucket loses more than a hundredth.
 */
export function bucketsFall(earlier: string, later: string): string {
  return `arrayExists((a, b, a_total, b_total) -> b < a AND (b_total < a_total OR (a - b) * 100 > a),
            ${earlier}, ${later}, arrayCumSum(${earlier}), arrayCumSum(${later}))`;
}

/** SQL of each part of an exponential histogram. */
export interface ExponentialBuckets {
  scale: string;
  zeroThreshold: string;
  zeroCount: string;
  positiveOffset: string;
  positiveCounts: string;
  negativeOffset: string;
  negativeCounts: string;
}

/** Apart from all indexes of buckets, positive and negative. */
const ZERO_KEY = 'toInt64(1099511627776)';
const NEGATIVE_KEYS = 'toInt64(8589934592)';

/** Exponential buckets at the smaller scale and the larger zero threshold of the two. */
export function exponentialBucketsFall(earlier: ExponentialBuckets, later: ExponentialBuckets): string {
  const aligned = (
    offset: 'positiveOffset' | 'negativeOffset',
    counts: 'positiveCounts' | 'negativeCounts',
  ) => {
    const shift = `toInt64(${earlier[offset]}) - toInt64(${later[offset]})`;
    return `arrayExists((a, b) -> b < a, ${earlier[counts]}, arrayResize(if(${shift} >= 0, arraySlice(${later[counts]}, ${shift} + 1),
                arrayConcat(arrayWithConstant(least(greatest(0 - (${shift}), 0), length(${earlier[counts]})), toUInt64(0)), ${later[counts]})), length(${earlier[counts]})))`;
  };
  const scale = `least(${earlier.scale}, ${later.scale})`;
  const threshold = `greatest(${earlier.zeroThreshold}, ${later.zeroThreshold})`;
  const cut = `if(${earlier.zeroThreshold} = ${later.zeroThreshold}, toInt64(-4294967296),
                toInt64(ceil(log2(if(${threshold} > 0, ${threshold}, 1)) * exp2(${scale}) - 1e-6)) - 1)`;
  const keys = (b: ExponentialBuckets, offset: string, counts: string, base: string) =>
    `arrayMap(b -> if(b <= ${cut}, ${ZERO_KEY}, b + ${base}),
                arrayMap(i -> bitShiftRight(toInt64(${offset}) + i - 1, ${b.scale} - ${scale}), arrayEnumerate(${counts})))`;
  const allKeys = (b: ExponentialBuckets) =>
    `arrayConcat(${keys(b, b.positiveOffset, b.positiveCounts, 'toInt64(0)')}, ${keys(b, b.negativeOffset, b.negativeCounts, NEGATIVE_KEYS)}, [${ZERO_KEY}])`;
  const allCounts = (b: ExponentialBuckets, sign: string) =>
    `arrayMap(c -> ${sign}toInt64(c), arrayConcat(${b.positiveCounts}, ${b.negativeCounts}, [${b.zeroCount}]))`;
  return `if(${earlier.scale} = ${later.scale} AND ${earlier.zeroThreshold} = ${later.zeroThreshold},
            ${later.zeroCount} < ${earlier.zeroCount} OR ${aligned('positiveOffset', 'positiveCounts')} OR ${aligned('negativeOffset', 'negativeCounts')},
            arrayExists(c -> c < 0, tupleElement(arrayReduce('sumMap',
                [${allKeys(later)}, ${allKeys(earlier)}],
                [${allCounts(later, '')}, ${allCounts(earlier, '-')}]), 2)))`;
}

/** Of the columns of exponential_histogram_points and of rows of its rollups; `counts` names those that rollups have a first and a last of. */
export function exponentialColumns(named: (column: string) => string, counts = named): ExponentialBuckets {
  return {
    scale: named('scale'),
    zeroThreshold: named('zero_threshold'),
    zeroCount: counts('zero_count'),
    positiveOffset: named('positive_offset'),
    positiveCounts: counts('positive_bucket_counts'),
    negativeOffset: named('negative_offset'),
    negativeCounts: counts('negative_bucket_counts'),
  };
}
