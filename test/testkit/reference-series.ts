/**
 * Which series a point of the reference decoder belongs to, as plain text instead of a hash, and when its row is due:
 * at first sight, and whenever its description changed since. Enters: decoded messages; leaves: rows.
 */
import type { Attribute, AttributeType, MetricType, Series, Temporality } from '../../src/model/series.js';
import type { BatchRows } from './batch-rows.js';

/** A decoded message: fields by lowerCamelCase name, 64-bit integers as Long. */
// biome-ignore lint/suspicious/noExplicitAny: what protobufjs gives by reflection has no static type
export type Message = any;

/** A Long, or a number where the field is unset. */
export function bigint(value: unknown): bigint {
  return BigInt(String(value ?? 0));
}

export interface Envelope {
  resourceMetrics: Message;
  scopeMetrics: Message;
  metric: Message;
}

type SeriesRowOf = BatchRows<string>['series'][number];

const CASES: Record<string, AttributeType> = {
  stringValue: 'string',
  boolValue: 'bool',
  intValue: 'int',
  doubleValue: 'double',
  bytesValue: 'bytes',
  arrayValue: 'array',
  kvlistValue: 'kvlist',
};
const METRIC_TYPES: Record<string, MetricType> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential_histogram',
  summary: 'summary',
};

/** What tests put in place of the taxonomy: tells whether the right series was shown to it. */
export function classifyForTests(series: Series) {
  return { category: series.metricName, subcategory: series.unit, rule: series.scopeName };
}

export class ReferenceSeries {
  /** Order of AttributeType in stored columns, as src/model/series.ts lists it. */
  static readonly TYPES: readonly AttributeType[] = [
    'empty',
    'string',
    'bool',
    'int',
    'double',
    'bytes',
    'array',
    'kvlist',
  ];
  /** Identity → description as last written. */
  private readonly written = new Map<string, string>();

  find(envelope: Envelope, point: Message, seenAtUnixNano: bigint): { id: string; newRow?: SeriesRowOf } {
    const series = seriesOf(envelope, point);
    const id = identityOf(series);
    const description = JSON.stringify([
      series.description,
      series.resourceSchemaUrl,
      series.scopeSchemaUrl,
      series.resourceDroppedAttributes,
      series.resourceEntityRefs,
      series.scopeDroppedAttributes,
      series.metadata,
    ]);
    if (this.written.get(id) === description) return { id };
    this.written.set(id, description);
    const ofResource = (key: string) => series.resource.find((a) => a.key === key)?.value;
    const newRow: SeriesRowOf = {
      series_id: id,
      series,
      classification: classifyForTests(series),
      sourceSystem: ofResource('service.name') || 'unknown_service',
      sourceComponent: series.scopeName || ofResource('service.component') || '',
      seenAtUnixNano,
    };
    return { id, newRow };
  }

  /** Sorted by key; of one key the last value counts. */
  static attributes(list: readonly Message[]): Attribute[] {
    const last = list.filter((kv, i) => !list.some((other, k) => k > i && other.key === kv.key));
    return last.map(attributeOf).sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** Everything that makes a stream itself, and nothing that only describes it. */
export function identityOf(s: Series): string {
  return JSON.stringify({
    resource: s.resource.map(attributeParts),
    scope: [s.scopeName, s.scopeVersion, s.scopeAttributes.map(attributeParts)],
    metric: [s.metricName, s.type, s.unit, s.temporality, s.isMonotonic],
    attributes: s.attributes.map(attributeParts),
  });
}

function attributeParts({ key, value, type }: Attribute): string[] {
  return [key, value, type];
}

function seriesOf({ resourceMetrics, scopeMetrics, metric }: Envelope, point: Message): Series {
  const { scope } = scopeMetrics;
  const data = metric[metric.data];
  const temporalities: Temporality[] = ['unspecified', 'delta', 'cumulative'];
  return {
    resource: ReferenceSeries.attributes(resourceMetrics.resource?.attributes ?? []),
    resourceSchemaUrl: resourceMetrics.schemaUrl,
    resourceDroppedAttributes: resourceMetrics.resource?.droppedAttributesCount ?? 0,
    resourceEntityRefs: entityRefsText(resourceMetrics.resource?.entityRefs ?? []),
    scopeName: scope?.name ?? '',
    scopeVersion: scope?.version ?? '',
    scopeAttributes: ReferenceSeries.attributes(scope?.attributes ?? []),
    scopeSchemaUrl: scopeMetrics.schemaUrl,
    scopeDroppedAttributes: scope?.droppedAttributesCount ?? 0,
    metricName: metric.name,
    description: metric.description,
    unit: metric.unit,
    type: METRIC_TYPES[metric.data]!,
    temporality: temporalities[data.aggregationTemporality ?? 0]!,
    isMonotonic: data.isMonotonic ?? false,
    metadata: ReferenceSeries.attributes(metric.metadata),
    attributes: ReferenceSeries.attributes(point.attributes),
  };
}

/** OTLP/JSON with every field; nothing where there are no references. */
function entityRefsText(refs: readonly Message[]): string {
  if (refs.length === 0) return '';
  return JSON.stringify(
    refs.map(({ schemaUrl, type, idKeys, descriptionKeys }) => ({
      schemaUrl,
      type,
      idKeys,
      descriptionKeys,
    })),
  );
}

function attributeOf({ key, value }: Message): Attribute {
  const type = CASES[value?.value] ?? 'empty';
  return { key, type, value: textOf(value ?? {}, type) };
}

function textOf(value: Message, type: AttributeType): string {
  if (type === 'empty') return '';
  if (type === 'array' || type === 'kvlist') return JSON.stringify(jsonOf(value));
  const [content] = Object.values(jsonOf(value));
  return String(content);
}

/** OTLP/JSON. */
function jsonOf(value: Message): Record<string, unknown> {
  switch (value.value) {
    case 'stringValue':
    case 'boolValue':
      return { [value.value]: value[value.value] };
    case 'intValue':
      return { intValue: bigint(value.intValue).toString() };
    case 'doubleValue':
      return { doubleValue: doubleToJson(value.doubleValue) };
    case 'bytesValue':
      return { bytesValue: Buffer.from(value.bytesValue).toString('base64') };
    case 'arrayValue':
      return { arrayValue: { values: value.arrayValue.values.map(jsonOf) } };
    case 'kvlistValue': {
      const values = value.kvlistValue.values.map((kv: Message) => ({
        key: kv.key,
        value: jsonOf(kv.value ?? {}),
      }));
      return { kvlistValue: { values } };
    }
    default:
      return {};
  }
}

/** JSON has no NaN, infinities or negative zero that all readers keep: those by name. */
function doubleToJson(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}
