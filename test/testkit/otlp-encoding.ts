/**
 * Requests from otlp-arbitrary.ts as bytes: as protobuf in the plainest form, as protobuf in any other form that means
 * the same, and as JSON in any form that means the same. Reads field numbers and types from the .proto definitions.
 */
import protobuf from 'protobufjs';
import type { OtlpMessage, OtlpValue } from './otlp-arbitrary.js';
import { doubleBits, encodeFields, encodeFixed64, encodeVarint, type WireField } from './wire-writer.js';

/** 0 ≤ n < 1, as Math.random. */
export type Random = () => number;

/** The same sequence for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The plainest form: fields by number, scalars packed, nothing twice. */
export function encodePlain(type: protobuf.Type, message: OtlpMessage): Buffer {
  return encodeFields(type.fieldsArray.flatMap((field) => plainField(field, message[field.name])));
}

function plainField(field: protobuf.Field, value: OtlpValue | undefined): WireField[] {
  if (value === undefined) return [];
  const number = field.resolve().id;
  const inner = field.resolvedType;
  const items = field.repeated ? (value as OtlpValue[]) : [value];
  if (inner instanceof protobuf.Type) {
    return items.map((item) => ({ number, bytes: encodePlain(inner, item as OtlpMessage) }));
  }
  if (!field.repeated || isDelimited(field)) return items.map((item) => ({ number, ...scalar(field, item) }));
  return items.length === 0 ? [] : [{ number, bytes: Buffer.concat(items.map((i) => packedItem(field, i))) }];
}

/** Any other form with the same meaning, by the rules for merging, packing, oneofs and unknown fields. */
export function encodeVaried(type: protobuf.Type, message: OtlpMessage, random: Random): Buffer {
  return encodeFields(variedFields(type, message, random, 0));
}

function variedFields(type: protobuf.Type, message: OtlpMessage, random: Random, depth: number): WireField[] {
  /** Runs that keep their own order and may be mixed with each other. */
  const runs: WireField[][] = [];
  const oneofs = new Set<protobuf.OneOf>();
  for (const field of type.fieldsArray) {
    const oneof = field.partOf;
    if (oneof !== null && oneof.oneof.length > 1) {
      if (oneofs.has(oneof)) continue;
      oneofs.add(oneof);
      runs.push(variedOneof(oneof, message, random, depth));
    } else runs.push(variedField(field, message[field.name], random, depth));
  }
  const mixed = interleave(runs, random);
  while (random() < 0.15)
    mixed.splice(Math.floor(random() * (mixed.length + 1)), 0, unknownField(type, random));
  return mixed.map((field) => pad(field, random));
}

/** The case that counts comes last; cases before it are replaced. */
function variedOneof(
  oneof: protobuf.OneOf,
  message: OtlpMessage,
  random: Random,
  depth: number,
): WireField[] {
  const cases = oneof.fieldsArray;
  const set = cases.find((field) => message[field.name] !== undefined);
  if (set === undefined) return [];
  const fields = variedField(set, message[set.name], random, depth);
  if (random() > 0.15) return fields;
  const others = cases.filter((field) => field !== set);
  const other = others[Math.floor(random() * others.length)]!;
  return [...variedField(other, junk(other, random, 2), random, depth), ...fields];
}

function variedField(
  field: protobuf.Field,
  value: OtlpValue | undefined,
  random: Random,
  depth: number,
): WireField[] {
  const number = field.resolve().id;
  const inner = field.resolvedType;
  const isMessage = inner instanceof protobuf.Type;
  if (value === undefined) {
    // Without presence the default is as good as nothing, and takes back what came before it.
    const mayBeDefault = !field.repeated && !isMessage && !field.hasPresence && random() < 0.1;
    if (!mayBeDefault) return [];
    const before = random() < 0.5 ? [{ number, ...scalar(field, junk(field, random, 0)) }] : [];
    return [...before, { number, ...scalar(field, defaultOf(field)) }];
  }
  const items = field.repeated ? (value as OtlpValue[]) : [value];
  if (isMessage) {
    return items.flatMap((item) => {
      const fields = variedFields(inner, item as OtlpMessage, random, depth + 1);
      if (field.repeated || random() > 0.15) return [{ number, message: fields }];
      const cut = Math.floor(random() * (fields.length + 1));
      return [fields.slice(0, cut), fields.slice(cut)].map((part) => ({ number, message: part }));
    });
  }
  if (!field.repeated) {
    const before = random() < 0.1 ? [{ number, ...scalar(field, junk(field, random, 0)) }] : [];
    return [...before, ...items.map((item) => ({ number, ...scalar(field, item) }))];
  }
  return isDelimited(field)
    ? items.map((item) => ({ number, ...scalar(field, item) }))
    : variedPacking(field, items, random);
}

/** Packed, not packed, and both in turn. */
function variedPacking(field: protobuf.Field, items: OtlpValue[], random: Random): WireField[] {
  const fields: WireField[] = random() < 0.1 ? [{ number: field.id, bytes: new Uint8Array() }] : [];
  for (let i = 0; i < items.length; ) {
    const count = 1 + Math.floor(random() * (items.length - i));
    const run = items.slice(i, i + count);
    if (random() < 0.5)
      fields.push({ number: field.id, bytes: Buffer.concat(run.map((v) => packedItem(field, v))) });
    else fields.push(...run.map((item) => ({ number: field.id, ...scalar(field, item) })));
    i += count;
  }
  return fields;
}

function interleave(runs: WireField[][], random: Random): WireField[] {
  const rest = runs.filter((run) => run.length > 0).map((run) => [...run]);
  if (random() < 0.5) return rest.flat();
  const mixed: WireField[] = [];
  while (rest.length > 0) {
    const run = rest[Math.floor(random() * rest.length)]!;
    mixed.push(run.shift()!);
    if (run.length === 0) rest.splice(rest.indexOf(run), 1);
  }
  return mixed;
}

/** A field that no reader of `type` knows: a number of nobody, or a known one with a wire type that is not its own. */
function unknownField(type: protobuf.Type, random: Random): WireField {
  const known = type.fieldsArray[Math.floor(random() * type.fieldsArray.length)]!.resolve();
  const isOwn = random() < 0.5;
  const number = isOwn ? [15, 16, 1000, 2 ** 29 - 1][Math.floor(random() * 4)]! : known.id;
  const forms: WireField[] = [
    { number, varint: BigInt(Math.floor(random() * 2 ** 40)) },
    { number, fixed64: BigInt(Math.floor(random() * 2 ** 50)) },
    { number, fixed32: Math.floor(random() * 2 ** 32) },
    { number, bytes: Buffer.from('unknown'.slice(0, Math.floor(random() * 8))) },
    {
      number,
      group: [
        { number: 1, varint: 5n },
        { number: 2, group: [] },
        { number: 3, bytes: Buffer.from('g') },
      ],
    },
  ];
  if (isOwn) return forms[Math.floor(random() * forms.length)]!;
  const native = known.resolvedType instanceof protobuf.Type ? 'bytes' : wireKey(known);
  const foreign = forms.filter((form) => !(native in form) && !(known.repeated && 'bytes' in form));
  return foreign[Math.floor(random() * foreign.length)]!;
}

/** Now and then longer varints than needed: up to 5 bytes in tags and lengths, 10 in values. */
function pad(field: WireField, random: Random): WireField {
  if (random() > 0.05) return field;
  if ('varint' in field) return { ...field, varintBytes: 1 + Math.floor(random() * 10) };
  if ('bytes' in field || 'message' in field) {
    return { ...field, tagBytes: 1 + Math.floor(random() * 5), lengthBytes: 1 + Math.floor(random() * 5) };
  }
  return { ...field, tagBytes: 1 + Math.floor(random() * 5) };
}

/** Some value of the field's type, of no meaning. */
function junk(field: protobuf.Field, random: Random, depth: number): OtlpValue {
  const inner = field.resolve().resolvedType;
  if (inner instanceof protobuf.Type) {
    const message: OtlpMessage = {};
    if (depth === 0) return message;
    for (const each of inner.fieldsArray) {
      if (random() < 0.4)
        message[each.name] = each.repeated ? [junkItem(each, random, depth)] : junk(each, random, depth - 1);
    }
    return message;
  }
  return junkItem(field, random, depth);
}

function junkItem(field: protobuf.Field, random: Random, depth: number): OtlpValue {
  if (field.resolve().resolvedType instanceof protobuf.Type) return junk(field, random, depth - 1);
  if (field.type === 'string') return 'junk';
  if (field.type === 'bytes') return Buffer.from('junk');
  if (field.type === 'bool') return true;
  const number = 1 + Math.floor(random() * 100);
  return field.type.endsWith('64') ? BigInt(number) : number;
}

function defaultOf(field: protobuf.Field): OtlpValue {
  if (field.type === 'string') return '';
  if (field.type === 'bytes') return new Uint8Array();
  if (field.type === 'bool') return false;
  return field.type.endsWith('64') ? 0n : 0;
}

function isDelimited(field: protobuf.Field): boolean {
  return field.type === 'string' || field.type === 'bytes';
}

function wireKey(field: protobuf.Field): 'bytes' | 'fixed64' | 'varint' {
  if (isDelimited(field)) return 'bytes';
  return field.type === 'double' || field.type === 'fixed64' || field.type === 'sfixed64'
    ? 'fixed64'
    : 'varint';
}

function scalar(
  field: protobuf.Field,
  value: OtlpValue,
): { bytes: Uint8Array } | { fixed64: bigint } | { varint: bigint } {
  switch (field.type) {
    case 'string':
      return { bytes: Buffer.from(value as string) };
    case 'bytes':
      return { bytes: value as Uint8Array };
    case 'double':
      return { fixed64: doubleBits(value as number) };
    case 'fixed64':
    case 'sfixed64':
      return { fixed64: value as bigint };
    case 'bool':
      return { varint: value ? 1n : 0n };
    case 'sint32':
      return { varint: BigInt((((value as number) << 1) ^ ((value as number) >> 31)) >>> 0) };
    default:
      // int64, uint64, uint32, int32 and enums: a negative one takes ten bytes.
      return { varint: BigInt(value as bigint | number) };
  }
}

function packedItem(field: protobuf.Field, value: OtlpValue): Buffer {
  const form = scalar(field, value);
  if ('fixed64' in form) return encodeFixed64(form.fixed64);
  if ('varint' in form) return encodeVarint(form.varint);
  throw new Error(`${field.type} is never packed`);
}
