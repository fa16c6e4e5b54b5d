/** Damage that knows nothing of what the bytes mean. Each function leaves a new buffer and the given ones untouched. */
import type { Chance } from './chance.js';

type Mutation = (bytes: Buffer, chance: Chance, other: Buffer) => Buffer;

/** Bytes that mean something to varints, tags, texts and floating point. */
const INTERESTING = [0x00, 0x01, 0x02, 0x07, 0x08, 0x0a, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf0, 0xfe, 0xff];
const REPEATS_MAX = 64;

export const BYTE_MUTATIONS: Record<string, Mutation> = {
  'bits flipped': (bytes, chance) => {
    const copy = Buffer.from(bytes);
    for (let i = chance.size(12); i > 0; i--) copy[chance.below(copy.length)]! ^= 1 << chance.below(8);
    return copy;
  },
  'bytes replaced': (bytes, chance) => {
    const copy = Buffer.from(bytes);
    for (let i = chance.size(8); i > 0; i--) copy[chance.below(copy.length)] = chance.pick(INTERESTING);
    return copy;
  },
  'cut short': (bytes, chance) => bytes.subarray(0, chance.below(bytes.length)),
  'head lost': (bytes, chance) => bytes.subarray(chance.below(bytes.length)),
  'stretch lost': (bytes, chance) => {
    const from = chance.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + chance.size(bytes.length - from))]);
  },
  'stretch repeated': (bytes, chance) => {
    const from = chance.below(bytes.length);
    const stretch = bytes.subarray(from, from + chance.size(bytes.length - from));
    const repeats = Array.from({ length: chance.size(REPEATS_MAX) }, () => stretch);
    return Buffer.concat([bytes.subarray(0, from), ...repeats, bytes.subarray(from)]);
  },
  'noise put in': (bytes, chance) => {
    const from = chance.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), chance.bytes(chance.size(64)), bytes.subarray(from)]);
  },
  'overwritten by noise': (bytes, chance) => {
    const copy = Buffer.from(bytes);
    chance.bytes(chance.size(32)).copy(copy, chance.below(copy.length));
    return copy;
  },
  'spliced with another': (bytes, chance, other) =>
    Buffer.concat([
      bytes.subarray(0, chance.below(bytes.length)),
      other.subarray(chance.below(other.length)),
    ]),
  'another after it': (bytes, _chance, other) => Buffer.concat([bytes, other]),
};
