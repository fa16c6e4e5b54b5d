/**
 * Values of many observations at once, as shares of the buckets of a histogram. Enters a shape (log-normal, or a list of
 * values) and bucket bounds; leaves, per bucket, its share and the mean of the values in it. No randomness here: the
 * series draws how many observations fall where.
 */
export interface Distribution {
  /** Probability of bucket i for an observation that is in none of the buckets before it. */
  conditional: Float64Array;
  /** Mean of the observations in bucket i. */
  mean: Float64Array;
}

interface Part {
  share: number;
  median: number;
  sigma: number;
}

/** A mixture of log-normal parts over buckets (lower, upper]. */
export function createLogNormal(parts: readonly Part[], bounds: readonly number[]): Distribution {
  const buckets = bounds.length + 1;
  const shares = new Float64Array(buckets);
  const moments = new Float64Array(buckets);
  for (const part of parts) {
    const mu = Math.log(part.median);
    const mean = part.median * Math.exp(part.sigma ** 2 / 2);
    let shareBelow = 0;
    let momentBelow = 0;
    for (let i = 0; i < buckets; i++) {
      const z = i < bounds.length ? (Math.log(bounds[i]!) - mu) / part.sigma : Number.POSITIVE_INFINITY;
      const share = readNormalShare(z);
      const moment = readNormalShare(z - part.sigma);
      shares[i]! += part.share * Math.max(0, share - shareBelow);
      moments[i]! += part.share * mean * Math.max(0, moment - momentBelow);
      shareBelow = share;
      momentBelow = moment;
    }
  }
  return finish(shares, moments, bounds);
}

/** Observations that take one of a few values. */
export function createDiscrete(
  values: readonly { value: number; weight: number }[],
  bounds: readonly number[],
): Distribution {
  const shares = new Float64Array(bounds.length + 1);
  const moments = new Float64Array(bounds.length + 1);
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of values) {
    const found = bounds.findIndex((bound) => value <= bound);
    const bucket = found === -1 ? bounds.length : found;
    shares[bucket]! += weight / total;
    moments[bucket]! += (weight / total) * value;
  }
  return finish(shares, moments, bounds);
}

/** Area under the normal curve left of z (Abramowitz and Stegun 26.2.17, good to 1e-7). */
export function readNormalShare(z: number): number {
  if (z === Number.POSITIVE_INFINITY) return 1;
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
  return z >= 0 ? 1 - tail : tail;
}

const NEGLIGIBLE = 1e-7;

function finish(shares: Float64Array, moments: Float64Array, bounds: readonly number[]): Distribution {
  const conditional = new Float64Array(shares.length);
  const mean = new Float64Array(shares.length);
  let left = 1;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i]!;
    conditional[i] = share < NEGLIGIBLE || left <= 0 ? 0 : Math.min(1, share / left);
    left -= share;
    mean[i] = clampToBucket(share > 0 ? moments[i]! / share : 0, i, bounds);
  }
  // What is in no other bucket is in the last one: no observation gets lost.
  conditional[conditional.findLastIndex((share) => share > 0)] = 1;
  return { conditional, mean };
}

/** Rounding must not push a mean out of its own bucket. */
function clampToBucket(value: number, bucket: number, bounds: readonly number[]): number {
  const lower = bucket === 0 ? 0 : bounds[bucket - 1]!;
  const upper = bucket < bounds.length ? bounds[bucket]! : Number.POSITIVE_INFINITY;
  if (value > lower && value <= upper) return value;
  return upper === Number.POSITIVE_INFINITY ? lower * 1.1 : (lower + upper) / 2;
}
