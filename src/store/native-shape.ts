/**
 * The name of a ClickHouse type → how its values lie in Native format, as far as their lengths go. Enters: a name such as
 * `Map(LowCardinality(String), UInt64)`; leaves: a tree of shapes. A type it does not know is an error.
 */
export type NativeShape =
  | { kind: 'fixed'; bytes: number }
  | { kind: 'text' }
  | { kind: 'nullable' | 'list' | 'tuple' | 'dictionary'; inner: readonly NativeShape[] };

const FIXED_BYTES: Readonly<Record<string, number>> = {
  ...{ UInt8: 1, Int8: 1, Bool: 1, Enum8: 1, Nothing: 1 },
  ...{ UInt16: 2, Int16: 2, Enum16: 2, Date: 2 },
  ...{ UInt32: 4, Int32: 4, Float32: 4, Date32: 4, DateTime: 4, IPv4: 4 },
  ...{ UInt64: 8, Int64: 8, Float64: 8, DateTime64: 8 },
  ...{ UInt128: 16, Int128: 16, UUID: 16, IPv6: 16 },
  ...{ UInt256: 32, Int256: 32 },
};

const known = new Map<string, NativeShape>();

export function readNativeShape(type: string): NativeShape {
  let shape = known.get(type);
  if (shape === undefined) {
    shape = parseShape(type);
    known.set(type, shape);
  }
  return shape;
}

function parseShape(type: string): NativeShape {
  const [, name = '', inside = ''] = /^(\w+)(?:\((.*)\))?$/s.exec(type) ?? [];
  const bytes = FIXED_BYTES[name];
  if (bytes !== undefined) return { kind: 'fixed', bytes };
  if (name === 'String') return { kind: 'text' };
  if (name === 'FixedString') return { kind: 'fixed', bytes: Number(inside) };
  const parts = splitParts(inside);
  switch (name) {
    case 'Nullable':
      return { kind: 'nullable', inner: parts.map(readNativeShape) };
    case 'Array':
    case 'Map':
      return { kind: 'list', inner: parts.map(readNativeShape) };
    case 'Tuple':
      return { kind: 'tuple', inner: parts.map((part) => readNativeShape(withoutName(part))) };
    case 'SimpleAggregateFunction':
      return readNativeShape(parts[1]!);
    case 'LowCardinality':
      // NULL is a place in the dictionary, not a map beside it.
      return {
        kind: 'dictionary',
        inner: [readNativeShape(parts[0]!.replace(/^Nullable\((.*)\)$/s, '$1'))],
      };
    default:
      throw new Error(`no length is known of values of the type ${type}`);
  }
}

/** At commas outside of parentheses; quoted texts (labels, time zones) are passed as a whole. */
function splitParts(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/'(?:[^'\\]|\\.)*'|[(),]|[^'(),]+/gs)) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}

/** Elements of a Tuple may have names: `a UInt8`. */
function withoutName(part: string): string {
  return part.replace(/^(?:`[^`]*`|\w+)\s+(?=\w)/, '');
}
