/** One mutated request of a run: a corpus, a seed and a number leave the same bytes each time. */

import { Chance } from './chance.js';
import type { Corpus } from './corpus.js';
import { BYTE_MUTATIONS } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import { mutateProtobuf } from './mutate-protobuf.js';

export interface MutatedRequest {
  bytes: Buffer;
  encoding: 'protobuf' | 'json';
  /** What was done, in order. */
  mutations: string[];
  /** Levels that were put in, of all mutations together. */
  levels: number;
}

/** Larger ones cost time and show nothing that smaller ones do not. */
const BYTES_MAX = 512 * 1024;
const JSON_SHARE = 0.3;

export function mutateRequest(corpus: Corpus, seed: number, number: number): MutatedRequest {
  const chance = new Chance(seed, number);
  const encoding = chance.happens(JSON_SHARE) ? 'json' : 'protobuf';
  const request: MutatedRequest = {
    bytes: chance.pick(corpus[encoding]),
    encoding,
    mutations: [],
    levels: 0,
  };
  do applyMutation(request, chance, corpus);
  while (chance.happens(0.4) && request.bytes.length < BYTES_MAX);
  return request;
}

function applyMutation(request: MutatedRequest, chance: Chance, corpus: Corpus): void {
  const { bytes, encoding, mutations } = request;
  const other = chance.pick(corpus[encoding]);
  if (chance.happens(0.65)) {
    if (encoding === 'json') {
      const mutated = mutateJson(bytes, other, chance);
      if (mutated !== undefined) {
        mutations.push(mutated.name);
        request.bytes = mutated.bytes;
        return;
      }
    } else {
      const mutated = mutateProtobuf(bytes, other, chance);
      if (mutated !== undefined) {
        mutations.push(mutated.name);
        request.bytes = mutated.bytes;
        request.levels += mutated.levels;
        return;
      }
    }
  }
  if (bytes.length === 0) return;
  const name = chance.pick(Object.keys(BYTE_MUTATIONS));
  mutations.push(name);
  request.bytes = BYTE_MUTATIONS[name]!(bytes, chance, other);
}
