/**
 * The name of a ClickHouse type, as a Native column carries it → its parts. For the decoder of the tests; knows nothing of
 * what each type looks like in bytes.
 */
export interface NativeType {
  name: string;
  /** Types inside: of an Array its elements', of a Map key and value, of a Tuple each element's. */
  types: NativeType[];
  /** Parameters that are no types: a length, a precision, a time zone. */
  parameters: string[];
  /** Of an Enum: value → label. */
  labels: Map<number, string>;
}

/** Types whose parameters are types. */
const WITH_TYPES = new Set([
  'Nullable',
  'Array',
  'Map',
  'Tuple',
  'LowCardinality',
  'SimpleAggregateFunction',
]);

export function parseNativeType(text: string): NativeType {
  const [, name, inside] = /^(\w+)(?:\((.*)\))?$/s.exec(text) ?? [];
  if (name === undefined) throw new Error(`'${text}' is no type`);
  const parts = inside === undefined ? [] : splitParts(inside);
  const type: NativeType = { name, types: [], parameters: [], labels: new Map() };
  if (/^Enum(8|16)$/.test(name)) type.labels = new Map(parts.map(parseLabel));
  // What comes first in a SimpleAggregateFunction is the function.
  else if (WITH_TYPES.has(name))
    type.types = (name === 'SimpleAggregateFunction' ? parts.slice(1) : parts).map((part) =>
      parseNativeType(dropElementName(part)),
    );
  else type.parameters = parts;
  return type;
}

/** At commas that stand outside of parentheses and quotes. */
function splitParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "'") i = findQuote(text, i + 1);
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return [...parts, text.slice(from).trim()];
}

function findQuote(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === "'") return i;
  }
  throw new Error(`a quote is left open in '${text}'`);
}

/** `name Type` in a Tuple with names. */
function dropElementName(part: string): string {
  return part.replace(/^(?:`[^`]*`|\w+)\s+(?=\w)/, '');
}

function parseLabel(part: string): [number, string] {
  const [, label, value] = /^'(.*)'\s*=\s*(-?\d+)$/s.exec(part)!;
  return [Number(value), label!.replaceAll(/\\(.)/gs, '$1')];
}
