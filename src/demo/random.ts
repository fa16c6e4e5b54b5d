/**
 * Seeded randomness: the same seed gives the same numbers on every machine. Enters a seed; leaves draws from the few
 * distributions the shop needs. Never for secrets, never Math.random.
 */
export interface Random {
  /** In [0, 1). */
  uniform(): number;
  chance(probability: number): boolean;
  /** Mean 0, deviation 1. */
  normal(): number;
  exponential(mean: number): number;
  logNormal(median: number, sigma: number): number;
  poisson(mean: number): number;
  /** How many of `trials` succeed. */
  binomial(trials: number, probability: number): number;
  pick<T>(items: readonly T[]): T;
  pickWeighted<T extends { readonly weight: number }>(items: readonly T[]): T;
  /** A generator of its own, so that one consumer's draws never shift another's. */
  fork(label: string): Random;
}

export function createRandom(seed: number): Random {
  const uniform = createUniform(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    normal,
    chance: (probability) => uniform() < probability,
    exponential: (mean) => -mean * Math.log(1 - uniform()),
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    poisson: (mean) => drawPoisson(mean, uniform, normal),
    binomial: (trials, probability) => drawBinomial(trials, probability, uniform, normal),
    pick: (items) => items[Math.floor(uniform() * items.length)]!,
    pickWeighted: (items) => pickWeighted(items, uniform()),
    fork: (label) => createRandom(mixLabel(seed, label)),
  };
}

/** 32-bit generator of the xorshift-multiply family; the state advances by a Weyl constant. */
function createUniform(seed: number): () => number {
  let state = Math.imul(seed ^ 0x2c1b3c6d, 0x297a2d39) >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return ((word ^ (word >>> 15)) >>> 0) / 4_294_967_296;
  };
}

function mixLabel(seed: number, label: string): number {
  let hash = seed | 0;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function pickWeighted<T extends { readonly weight: number }>(items: readonly T[], share: number): T {
  let left = share * items.reduce((sum, item) => sum + item.weight, 0);
  for (const item of items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items[items.length - 1]!;
}

function drawPoisson(mean: number, uniform: () => number, normal: () => number): number {
  if (mean <= 0) return 0;
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
  let left = uniform();
  let probability = Math.exp(-mean);
  let count = 0;
  while (left > probability && count < 200) {
    left -= probability;
    count++;
    probability *= mean / count;
  }
  return count;
}

/** Exact below about a dozen expected successes, normal approximation above. */
function drawBinomial(
  trials: number,
  probability: number,
  uniform: () => number,
  normal: () => number,
): number {
  if (trials <= 0 || probability <= 0) return 0;
  if (probability >= 1) return trials;
  if (probability > 0.5) return trials - drawBinomial(trials, 1 - probability, uniform, normal);
  const mean = trials * probability;
  if (mean > 12) {
    const drawn = Math.round(mean + Math.sqrt(mean * (1 - probability)) * normal());
    return Math.min(trials, Math.max(0, drawn));
  }
  const odds = probability / (1 - probability);
  let left = uniform();
  let weight = (1 - probability) ** trials;
  let count = 0;
  while (left > weight && count < trials) {
    left -= weight;
    count++;
    weight *= (odds * (trials - count + 1)) / count;
  }
  return count;
}
