/** A row of `series` → resource, scope and metric as OTLP has them, without points. Reads columns and nothing else. */
import type { OtlpMessage } from './otlp-arbitrary.js';

type TextMap = Record<string, string>;
/** Attributes as columns have them: their text, and their type where it is not string. */
export interface TypedMap {
  attributes: TextMap;
  types: TextMap;
}

export interface SeriesColumns {
  id: string;
  metric_name: string;
  description: string;
  unit: string;
  metric_type: string;
  temporality: string;
  is_monotonic: boolean;
  attributes: TextMap;
  attribute_types: TextMap;
  resource_attributes: TextMap;
  resource_attribute_types: TextMap;
  resource_dropped_attributes_count: number;
  resource_entity_refs: string;
  resource_schema_url: string;
  scope_name: string;
  scope_version: string;
  scope_attributes: TextMap;
  scope_attribute_types: TextMap;
  scope_dropped_attributes_count: number;
  scope_schema_url: string;
  metadata: TextMap;
  metadata_types: TextMap;
}

const DATA_NAMES: Record<string, string> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exponentialHistogram',
  summary: 'summary',
};

export interface StoredEnvelope {
  resourceMetrics: OtlpMessage;
  scopeMetrics: OtlpMessage;
  metric: OtlpMessage;
  /** The case of Metric.data and its fields, without points. */
  data: { name: string; fields: OtlpMessage };
}

export function dataOf(row: SeriesColumns): StoredEnvelope {
  const data: OtlpMessage = {};
  if (row.temporality !== 'unspecified') data.aggregationTemporality = row.temporality === 'delta' ? 1 : 2;
  if (row.metric_type === 'sum') data.isMonotonic = row.is_monotonic;
  return {
    resourceMetrics: {
      resource: {
        attributes: attributesOf(row.resource_attributes, row.resource_attribute_types),
        droppedAttributesCount: Number(row.resource_dropped_attributes_count),
        entityRefs: JSON.parse(row.resource_entity_refs || '[]') as OtlpMessage[],
      },
      schemaUrl: row.resource_schema_url,
    },
    scopeMetrics: {
      scope: {
        name: row.scope_name,
        version: row.scope_version,
        attributes: attributesOf(row.scope_attributes, row.scope_attribute_types),
        droppedAttributesCount: Number(row.scope_dropped_attributes_count),
      },
      schemaUrl: row.scope_schema_url,
    },
    metric: {
      name: row.metric_name,
      description: row.description,
      unit: row.unit,
      metadata: attributesOf(row.metadata, row.metadata_types),
    },
    data: { name: DATA_NAMES[row.metric_type]!, fields: data },
  };
}

export function attributesOf(values: TextMap, types: TextMap): OtlpMessage[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: anyValueOf(Object.hasOwn(types, key) ? types[key]! : 'string', value),
  }));
}

function anyValueOf(type: string, text: string): OtlpMessage {
  switch (type) {
    case 'string':
      return { stringValue: text };
    case 'bool':
      return { boolValue: text === 'true' };
    case 'int':
      return { intValue: BigInt(text) };
    case 'double':
      return { doubleValue: Number(text) };
    case 'bytes':
      return { bytesValue: Buffer.from(text, 'base64') };
    case 'array':
    case 'kvlist':
      return fromJson(JSON.parse(text) as JsonValue);
    default:
      return {};
  }
}

/** AnyValue in OTLP/JSON. */
interface JsonValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: { values: JsonValue[] };
  kvlistValue?: { values: { key: string; value: JsonValue }[] };
}

function fromJson(value: JsonValue): OtlpMessage {
  if (value.intValue !== undefined) return { intValue: BigInt(value.intValue) };
  if (value.doubleValue !== undefined) return { doubleValue: Number(value.doubleValue) };
  if (value.bytesValue !== undefined) return { bytesValue: Buffer.from(value.bytesValue, 'base64') };
  if (value.arrayValue) return { arrayValue: { values: value.arrayValue.values.map(fromJson) } };
  if (value.kvlistValue) {
    const values = value.kvlistValue.values.map((kv) => ({ key: kv.key, value: fromJson(kv.value) }));
    return { kvlistValue: { values } };
  }
  return { ...value } as OtlpMessage;
}
