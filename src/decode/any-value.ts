/**
 * AnyValue as a small tree, and its text without loss. Enters: a decoded AnyValue; leaves: an Attribute or OTLP/JSON.
 * Used once per series and per exemplar attribute, never per point.
 */
import type { Attribute, AttributeType } from '../model/series.js';

export type AnyValue =
  | { type: 'empty' }
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'int'; value: bigint }
  | { type: 'double'; value: number }
  | { type: 'bytes'; value: Uint8Array }
  | { type: 'array'; value: AnyValue[] }
  | { type: 'kvlist'; value: KeyValue[] };

export interface KeyValue {
  key: string;
  value: AnyValue;
}

/** Order of AttributeType in stored `*_types` columns. */
export const ATTRIBUTE_TYPES: readonly AttributeType[] = [
  'empty',
  'string',
  'bool',
  'int',
  'double',
  'bytes',
  'array',
  'kvlist',
];

/** Shortest decimal text that reads back as the same double; NaN, Infinity, -Infinity and -0 by name. */
export function formatDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Text of a value as model/series.ts promises it. */
export function formatAnyValue(value: AnyValue): string {
  switch (value.type) {
    case 'empty':
      return '';
    case 'string':
      return value.value;
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'int':
      return value.value.toString();
    case 'double':
      return formatDouble(value.value);
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'array':
    case 'kvlist':
      return JSON.stringify(anyValueToJson(value));
  }
}

/** OTLP/JSON of a value. */
function anyValueToJson(value: AnyValue): unknown {
  switch (value.type) {
    case 'empty':
      return {};
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: value.value.toString() };
    case 'double':
      return {
        doubleValue:
          Number.isFinite(value.value) && !Object.is(value.value, -0)
            ? value.value
            : formatDouble(value.value),
      };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: { values: value.value.map(anyValueToJson) } };
    case 'kvlist':
      return {
        kvlistValue: { values: value.value.map((kv) => ({ key: kv.key, value: anyValueToJson(kv.value) })) },
      };
  }
}

/** Attributes sorted by key, so that order does not matter to identity. Of one key sent twice the last counts. */
export function canonicalAttributes(list: readonly KeyValue[]): Attribute[] {
  if (list.length === 0) return NO_ATTRIBUTES;
  const all = list.map(({ key, value }) => ({ key, value: formatAnyValue(value), type: value.type }));
  // A stable sort, so that of one key the last one sent comes last.
  all.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const hasTwice = all.some((a, i) => i > 0 && a.key === all[i - 1]!.key);
  return hasTwice ? all.filter((a, i) => a.key !== all[i + 1]?.key) : all;
}
const NO_ATTRIBUTES: Attribute[] = [];
