/**
 * ClickHouse Native → values, for tests: bytes in, blocks of named columns out. Written from the format's description, the
 * way a client reads it, and shares no code with what Plumbline writes. Unknown types and bytes left over are errors.
 */
import { type NativeType, parseNativeType } from './native-type.js';

export interface DecodedColumn {
  name: string;
  type: string;
  values: unknown[];
}

export interface DecodedBlock {
  rows: number;
  columns: DecodedColumn[];
}

/** Revision from which every column has a byte that says whether its data is stored in a way of its own. */
const CUSTOM_SERIALIZATION = 54_454;
/** The one version of dictionaries that clients know: each block brings its own. */
const DICTIONARY_VERSION = 1n;
const HAS_ADDITIONAL_KEYS = 1n << 9n;
const NEEDS_GLOBAL_DICTIONARY = 1n << 8n;

/** All blocks of an answer; `revision` is that of the protocol the answer was asked for in. */
export function decodeNative(bytes: Uint8Array, revision = 0): DecodedBlock[] {
  const reader = new Reader(bytes);
  const blocks: DecodedBlock[] = [];
  while (!reader.isAtEnd) blocks.push(readBlock(reader, revision));
  return blocks;
}

/** The rows of all blocks as objects. */
export function decodeRows<Row = Record<string, unknown>>(bytes: Uint8Array, revision = 0): Row[] {
  return decodeNative(bytes, revision).flatMap(({ rows, columns }) =>
    Array.from(
      { length: rows },
      (_, i) => Object.fromEntries(columns.map(({ name, values }) => [name, values[i]])) as Row,
    ),
  );
}

function readBlock(reader: Reader, revision: number): DecodedBlock {
  if (revision > 0) readBlockInfo(reader);
  const columnCount = reader.varint();
  const rows = reader.varint();
  const columns: DecodedColumn[] = [];
  for (let i = 0; i < columnCount; i++) {
    const name = reader.text();
    const type = reader.text();
    if (revision >= CUSTOM_SERIALIZATION && reader.uint8() !== 0)
      throw new Error(`column ${name} is stored in a way that no client reads`);
    const parsed = parseNativeType(type);
    if (rows > 0) readPrefix(reader, parsed);
    columns.push({ name, type, values: rows > 0 ? readValues(reader, parsed, rows) : [] });
  }
  return { rows, columns };
}

/** Pairs of field and value until field 0: 1 = is_overflows, 2 = bucket number. */
function readBlockInfo(reader: Reader): void {
  for (let field = reader.varint(); field !== 0; field = reader.varint()) {
    if (field === 1) reader.uint8();
    else if (field === 2) reader.take(4);
    else throw new Error(`unknown field ${field} of a block's info`);
  }
}

/** Before the data of a column: a version for each dictionary in it. */
function readPrefix(reader: Reader, type: NativeType): void {
  if (type.name === 'LowCardinality') {
    const version = reader.uint64();
    if (version !== DICTIONARY_VERSION) throw new Error(`dictionaries of version ${version}`);
  }
  for (const inner of type.types) readPrefix(reader, inner);
}

function readValues(reader: Reader, type: NativeType, rows: number): unknown[] {
  const simple = SIMPLE[type.name];
  if (simple) return Array.from({ length: rows }, () => simple(reader, type));
  const compound = COMPOUND[type.name];
  if (compound) return compound(reader, type, rows);
  throw new Error(`no decoder for the type ${type.name}`);
}

type ReadValue = (reader: Reader, type: NativeType) => unknown;
type ReadColumn = (reader: Reader, type: NativeType, rows: number) => unknown[];

const SIMPLE: Readonly<Record<string, ReadValue>> = {
  UInt8: (reader) => reader.uint8(),
  UInt16: (reader) => reader.view(2).getUint16(0, true),
  UInt32: (reader) => reader.view(4).getUint32(0, true),
  UInt64: (reader) => reader.uint64(),
  Int8: (reader) => reader.view(1).getInt8(0),
  Int16: (reader) => reader.view(2).getInt16(0, true),
  Int32: (reader) => reader.view(4).getInt32(0, true),
  Int64: (reader) => reader.view(8).getBigInt64(0, true),
  Float32: (reader) => reader.view(4).getFloat32(0, true),
  Float64: (reader) => reader.view(8).getFloat64(0, true),
  Bool: (reader) => readBool(reader),
  String: (reader) => reader.text(),
  FixedString: (reader, { parameters }) => Buffer.from(reader.take(Number(parameters[0]))),
  UUID: (reader) => readUuid(reader),
  Date: (reader) => showTime(BigInt(reader.view(2).getUint16(0, true)) * 86_400n, 0).slice(0, 10),
  DateTime: (reader) => showTime(BigInt(reader.view(4).getUint32(0, true)), 0),
  DateTime64: (reader, { parameters }) =>
    showTime(reader.view(8).getBigInt64(0, true), Number(parameters[0])),
  Enum8: (reader, type) => findLabel(type, reader.view(1).getInt8(0)),
  Enum16: (reader, type) => findLabel(type, reader.view(2).getInt16(0, true)),
  /** One byte, for NULL alone. */
  Nothing: (reader) => void reader.uint8(),
};

const COMPOUND: Readonly<Record<string, ReadColumn>> = {
  Nullable(reader, { types }, rows) {
    const isNull = Array.from({ length: rows }, () => reader.uint8() !== 0);
    return readValues(reader, types[0]!, rows).map((value, i) => (isNull[i] ? null : value));
  },
  Array: (reader, { types }, rows) =>
    readLists(reader, rows, (total) => readValues(reader, types[0]!, total)),
  Map(reader, { types }, rows) {
    const pairs = readLists(reader, rows, (total) => {
      const keys = total > 0 ? readValues(reader, types[0]!, total) : [];
      const values = total > 0 ? readValues(reader, types[1]!, total) : [];
      return keys.map((key, i) => [key, values[i]]);
    });
    return pairs.map((list) => new Map(list as [unknown, unknown][]));
  },
  Tuple(reader, { types }, rows) {
    const columns = types.map((type) => readValues(reader, type, rows));
    return Array.from({ length: rows }, (_, i) => columns.map((values) => values[i]));
  },
  LowCardinality: readDictionary,
  SimpleAggregateFunction: (reader, { types }, rows) => readValues(reader, types[0]!, rows),
};

/** Where each row ends, then all elements. */
function readLists(reader: Reader, rows: number, readAll: (total: number) => unknown[]): unknown[][] {
  const ends = Array.from({ length: rows }, () => Number(reader.uint64()));
  const total = ends.at(-1) ?? 0;
  const all = total > 0 ? readAll(total) : [];
  return ends.map((end, i) => all.slice(i === 0 ? 0 : ends[i - 1], end));
}

/** Flags and the width of the keys, the different values, then a key for each row. NULL is the first value. */
function readDictionary(reader: Reader, { types }: NativeType, rows: number): unknown[] {
  const flags = reader.uint64();
  if ((flags & NEEDS_GLOBAL_DICTIONARY) !== 0n || (flags & HAS_ADDITIONAL_KEYS) === 0n)
    throw new Error(`a dictionary with flags ${flags.toString(16)}`);
  const [inner] = types;
  const isNullable = inner!.name === 'Nullable';
  const known = readValues(reader, isNullable ? inner!.types[0]! : inner!, Number(reader.uint64()));
  const keyType = ['UInt8', 'UInt16', 'UInt32', 'UInt64'][Number(flags & 0xffn)];
  const keyCount = Number(reader.uint64());
  if (keyCount !== rows) throw new Error(`${keyCount} keys for ${rows} rows`);
  return Array.from({ length: rows }, () => {
    const key = Number(SIMPLE[keyType!]!(reader, inner!));
    if (key >= known.length) throw new Error(`key ${key} of a dictionary of ${known.length}`);
    return isNullable && key === 0 ? null : known[key];
  });
}

function readBool(reader: Reader): boolean {
  const value = reader.uint8();
  if (value > 1) throw new Error(`${value} is no Bool`);
  return value === 1;
}

/** Two halves, each with its lowest byte first. */
function readUuid(reader: Reader): string {
  const half = () => Buffer.from(reader.take(8)).reverse().toString('hex');
  return `${half()}${half()}`.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Ticks of 10^-scale seconds since the epoch → text in UTC, whatever time zone the type names. */
function showTime(ticks: bigint, scale: number): string {
  const perSecond = 10n ** BigInt(scale);
  const fraction = ((ticks % perSecond) + perSecond) % perSecond;
  const seconds = (ticks - fraction) / perSecond;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return scale === 0 ? text : `${text}.${String(fraction).padStart(scale, '0')}`;
}

function findLabel({ labels }: NativeType, value: number): string {
  const label = labels.get(value);
  if (label === undefined) throw new Error(`${value} is no value of the Enum`);
  return label;
}

class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length)
      throw new Error(`the answer ends at byte ${this.bytes.length}, ${end} are needed`);
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  view(length: number): DataView {
    const taken = this.take(length);
    return new DataView(taken.buffer, taken.byteOffset, length);
  }

  uint8(): number {
    return this.take(1)[0]!;
  }

  uint64(): bigint {
    return this.view(8).getBigUint64(0, true);
  }

  /** Seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.uint8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    return Buffer.from(this.take(this.varint())).toString('utf8');
  }
}
