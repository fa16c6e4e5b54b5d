/**
 * Damage that keeps the form of protobuf and breaks its meaning, or breaks the form at one chosen place: fields moved,
 * repeated, exchanged between requests, of other types; lengths that lie; varints beyond their size; nesting without end.
 * Enters: bytes; leaves: other bytes, or undefined where they have no fields to damage.
 */
import { encodeVarint } from '../testkit/wire-writer.js';
import type { Chance } from './chance.js';

interface Field {
  number: number;
  wireType: number;
  /** What follows the tag; of a length-delimited field its content. */
  raw: Buffer;
  /** In place of `raw`, once something inside was looked at. */
  children?: Field[];
  /** Written in place of the true length. */
  length?: Buffer;
}

const DEPTH_MAX = 12;
const REPEATS_MAX = 300;
/**
 * Levels beyond which the reference and the decoder may differ: the reference recurses and gives up at some depth of
 * messages, the decoder at 64 groups.
 */
export const REFERENCE_LEVELS_MAX = 24;
const LEVELS_MAX = 4_000;

const HUGE_VARINTS = [
  ...[2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].map(
    (value) => encodeVarint(value),
  ),
  encodeVarint(0n, 10),
  encodeVarint(0n, 11),
  Buffer.from('ffffffffffffffffff02', 'hex'),
  Buffer.from('ffffffffffffffffffff01', 'hex'),
];
const FIXED64 = [
  '0000000000000000',
  'ffffffffffffffff',
  '000000000000f07f',
  '000000000000f87f',
  '0000000000000080',
].map((hex) => Buffer.from(hex, 'hex'));

export interface MutatedTree {
  bytes: Buffer;
  /** Levels of attribute values put in, 0 where none were. */
  levels: number;
  name: string;
}

export function mutateProtobuf(bytes: Buffer, other: Buffer, chance: Chance): MutatedTree | undefined {
  const root = parseFields(bytes);
  if (root === undefined) return undefined;
  const { siblings, index } = descend(root, chance);
  const name = chance.pick(Object.keys(TREE_MUTATIONS));
  const levels = TREE_MUTATIONS[name]!({ siblings, index, field: siblings[index]!, chance, other });
  return { bytes: encodeFields(root), levels: typeof levels === 'number' ? levels : 0, name };
}

interface Place {
  siblings: Field[];
  index: number;
}
interface Target extends Place {
  field: Field;
  chance: Chance;
  other: Buffer;
}

/** Each changes the siblings it is given; what nests says how deep. */
const TREE_MUTATIONS: Record<string, (target: Target) => unknown> = {
  'field lost': ({ siblings, index }) => {
    siblings.splice(index, 1);
  },
  'field doubled': ({ siblings, index, field }) => {
    siblings.splice(index, 0, field);
  },
  'field repeated often': ({ siblings, index, field, chance }) => {
    const repeats = Math.min(
      chance.size(REPEATS_MAX),
      Math.ceil(60_000 / (encodeFields([field]).length + 1)),
    );
    siblings.splice(index, 0, ...Array.from({ length: repeats }, () => field));
  },
  'fields in another order': ({ siblings, chance }) => {
    for (let i = siblings.length - 1; i > 0; i--) {
      const k = chance.below(i + 1);
      [siblings[i], siblings[k]] = [siblings[k]!, siblings[i]!];
    }
  },
  'field of another request': ({ siblings, index, chance, other }) => {
    const root = parseFields(other);
    if (root === undefined) return;
    const place = descend(root, chance);
    siblings[index] = place.siblings[place.index]!;
  },
  'field of another place': ({ siblings, index, field, chance }) => {
    const inner = childrenOf(field);
    if (inner !== undefined) siblings[index] = chance.pick(inner);
  },
  'field number changed': ({ field, chance }) => {
    field.number = chance.pick([0, 1, 2, 3, 5, 7, 9, 10, 11, 12, 15, 16, 2 ** 29 - 1, 2 ** 29, 2 ** 32]);
  },
  'wire type changed': ({ field, chance }) => {
    field.wireType = chance.below(8);
  },
  'huge varint': ({ siblings, index, field, chance }) => {
    siblings[index] = { number: field.number, wireType: 0, raw: chance.pick(HUGE_VARINTS) };
  },
  'fixed64 at its ends': ({ siblings, index, field, chance }) => {
    siblings[index] = { number: field.number, wireType: 1, raw: chance.pick(FIXED64) };
  },
  'length that lies': ({ field, chance }) => {
    if (field.wireType !== 2) return;
    const length = contentOf(field).length;
    const lies = [length + 1, length - 1, length * 2, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1].map((n) =>
      encodeVarint(BigInt(Math.max(n, 0))),
    );
    field.length = chance.pick([...lies, ...HUGE_VARINTS, encodeVarint(BigInt(length), 1 + chance.below(6))]);
  },
  'content replaced': ({ field, chance }) => {
    if (field.wireType !== 2) return;
    delete field.children;
    field.raw = chance.pick([
      Buffer.alloc(0),
      Buffer.from('c328ff', 'hex'),
      Buffer.alloc(chance.size(20_000), 0x61),
      chance.bytes(chance.size(40)),
    ]);
  },
  'group around it': ({ siblings, index, field, chance }) => {
    const groups = chance.size(70);
    const open = { number: 99, wireType: 3, raw: Buffer.alloc(0) };
    const close = { number: chance.happens(0.9) ? 99 : 98, wireType: 4, raw: Buffer.alloc(0) };
    siblings.splice(index, 1, ...Array(groups).fill(open), field, ...Array(groups).fill(close));
    return groups;
  },
  'attribute nested': ({ siblings, index, chance }) => {
    const levels = chance.size(LEVELS_MAX);
    siblings.splice(index, 0, {
      number: chance.pick([1, 7, 9, 12]),
      wireType: 2,
      raw: Buffer.concat([Buffer.from('0a0164', 'hex'), nestedValue(levels, chance)]),
    });
    return levels;
  },
};

/** KeyValue.value (field 2) holding arrays and lists of pairs inside each other. */
function nestedValue(levels: number, chance: Chance): Buffer {
  const headers: Buffer[] = [];
  let length = 0;
  const wrap = (tag: number, before = '') => {
    const header = Buffer.concat([
      Buffer.from(before, 'hex'),
      Buffer.from([tag]),
      encodeVarint(BigInt(length)),
    ]);
    headers.push(header);
    length += header.length;
  };
  const isMixed = chance.happens(0.5);
  for (let i = 0; i < levels; i++) {
    if (isMixed && chance.happens(0.5)) {
      wrap(0x12, '0a016b');
      wrap(0x0a);
      wrap(0x32);
    } else {
      wrap(0x0a);
      wrap(0x2a);
    }
  }
  wrap(0x12);
  return Buffer.concat(headers.reverse());
}

/** Some field at any depth. Only what lies on the way to it is parsed. */
function descend(root: Field[], chance: Chance): Place {
  let siblings = root;
  for (let depth = 0; ; depth++) {
    const index = chance.below(siblings.length);
    const inner = depth < DEPTH_MAX && chance.happens(0.8) ? childrenOf(siblings[index]!) : undefined;
    if (inner === undefined) return { siblings, index };
    siblings = inner;
  }
}

/** Anything that reads as fields is taken for a message: texts that do so by chance come out as they were. */
function childrenOf(field: Field): Field[] | undefined {
  if (field.wireType !== 2) return undefined;
  const children = field.children ?? parseFields(field.raw);
  if (children !== undefined) field.children = children;
  return children;
}

function contentOf(field: Field): Buffer {
  return field.children === undefined ? field.raw : encodeFields(field.children);
}

function encodeFields(fields: readonly Field[]): Buffer {
  const pieces: Buffer[] = [];
  for (const field of fields) {
    const content = contentOf(field);
    pieces.push(encodeNumber(field.number * 8 + field.wireType));
    if (field.wireType === 2) pieces.push(field.length ?? encodeNumber(content.length));
    pieces.push(content);
  }
  return Buffer.concat(pieces);
}

/** Tags and lengths, most of one byte. */
function encodeNumber(value: number): Buffer {
  return value < 0x80 ? ONE_BYTE[value]! : encodeVarint(BigInt(value));
}
const ONE_BYTE = Array.from({ length: 0x80 }, (_, byte) => Buffer.from([byte]));

/** The fields of a message, or nothing where there are none. */
function parseFields(bytes: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  let pos = 0;
  while (pos < bytes.length) {
    const tag = readVarint(bytes, pos);
    if (tag === undefined || tag.value < 8 || tag.value >= 2 ** 32) return undefined;
    const wireType = tag.value % 8;
    const length = wireType === 2 || wireType === 0 ? readVarint(bytes, tag.end) : undefined;
    const from = wireType === 2 ? length?.end : tag.end;
    const end = endOf(wireType, tag.end, length);
    if (from === undefined || end === undefined || end > bytes.length) return undefined;
    fields.push({ number: Math.floor(tag.value / 8), wireType, raw: bytes.subarray(from, end) });
    pos = end;
  }
  return fields.length === 0 ? undefined : fields;
}

function endOf(wireType: number, from: number, varint?: { value: number; end: number }): number | undefined {
  if (wireType === 0) return varint?.end;
  if (wireType === 2) return varint && varint.end + varint.value;
  if (wireType === 3 || wireType === 4) return from;
  return wireType === 1 ? from + 8 : wireType === 5 ? from + 4 : undefined;
}

function readVarint(bytes: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: from + i + 1 };
  }
  return undefined;
}
