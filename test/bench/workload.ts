/** The requests of a scenario: 1,000 points each, gzipped, in time order, every series every 10 s, all of one past day. */
import { gzipSync } from 'node:zlib';
import { buildSdkRequest, buildTsbsRequest } from '../testkit/otlp-workload.js';

export type ShapeName = 'tsbs' | 'sdk';

const POINTS_PER_REQUEST = 1_000;
/** Requests of one time step: each carries other series. */
const REQUESTS_PER_STEP = 10;
const STEP_S = 10;
const HOSTS_PER_TSBS_REQUEST = 100;

export interface Workload {
  bodies: Buffer[];
  points: number;
  series: number;
  plainBytes: number;
}

export function buildWorkload(shape: ShapeName, points: number, startUnixS: number): Workload {
  const requests = Math.ceil(points / POINTS_PER_REQUEST);
  const random = createRandom(42);
  const bodies: Buffer[] = [];
  let plainBytes = 0;
  for (let i = 0; i < requests; i++) {
    const step = Math.floor(i / REQUESTS_PER_STEP);
    const part = i % REQUESTS_PER_STEP;
    const common = {
      timeUnixNano: BigInt(startUnixS + (step + 1) * STEP_S) * 1_000_000_000n,
      startUnixNano: BigInt(startUnixS) * 1_000_000_000n,
      points: POINTS_PER_REQUEST,
      random,
    };
    const plain =
      shape === 'tsbs'
        ? buildTsbsRequest({ ...common, host: part * HOSTS_PER_TSBS_REQUEST })
        : buildSdkRequest({ ...common, host: part });
    plainBytes += plain.length;
    bodies.push(gzipSync(plain));
  }
  return {
    bodies,
    points: requests * POINTS_PER_REQUEST,
    series: Math.min(requests, REQUESTS_PER_STEP) * POINTS_PER_REQUEST,
    plainBytes,
  };
}

/** The same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
