/**
 * A request as the points and exemplars that it holds, each with everything around it, in one text each: two requests are equal
 * where these lists are. An exemplar belongs to its series, where it counts once, however many points carry it. What protobuf itself cannot tell apart is made one: an unset field without presence and its
 * default, an absent message and an empty one; attributes are a set.
 */
import protobuf from 'protobufjs';
import type { OtlpMessage, OtlpValue } from './otlp-arbitrary.js';
import { EXPORT_REQUEST_TYPE } from './reference-decoder.js';
import { doubleBits } from './wire-writer.js';

const ATTRIBUTE_LISTS = new Set(['attributes', 'filteredAttributes', 'metadata']);

/** Sorted texts, one for each data point and one for each exemplar of a series. */
export function listPoints(request: OtlpMessage): string[] {
  const points: string[] = [];
  const exemplars = new Set<string>();
  const types = {
    resource: typeAt('resourceMetrics'),
    scope: typeAt('resourceMetrics', 'scopeMetrics'),
    metric: typeAt('resourceMetrics', 'scopeMetrics', 'metrics'),
  };
  for (const resourceMetrics of items(request, 'resourceMetrics')) {
    const resource = canonical(types.resource, without(resourceMetrics, 'scopeMetrics'));
    for (const scopeMetrics of items(resourceMetrics, 'scopeMetrics')) {
      const scope = canonical(types.scope, without(scopeMetrics, 'metrics'));
      for (const metric of items(scopeMetrics, 'metrics')) {
        const texts = textsOf(types.metric, metric);
        points.push(...texts.points.map((point) => `${resource}\n${scope}\n${point}`));
        for (const exemplar of texts.exemplars) exemplars.add(`${resource}\n${scope}\n${exemplar}`);
      }
    }
  }
  return [...points, ...exemplars].sort();
}

function textsOf(type: protobuf.Type, metric: OtlpMessage): { points: string[]; exemplars: string[] } {
  const name = type.oneofs.data!.oneof.find((each) => metric[each] !== undefined);
  if (name === undefined) return { points: [], exemplars: [] };
  const data = metric[name] as OtlpMessage;
  const dataType = type.fields[name]!.resolve().resolvedType as protobuf.Type;
  const pointType = dataType.fields.dataPoints!.resolve().resolvedType as protobuf.Type;
  const head = canonical(type, without(metric, name));
  const kind = `${name} ${canonical(dataType, without(data, 'dataPoints'))}`;
  const points = items(data, 'dataPoints');
  return {
    points: points.map((point) => `${head}\n${kind}\n${canonical(pointType, without(point, 'exemplars'))}`),
    exemplars: points.flatMap((point) => {
      const series = `${head}\n${kind}\n${canonical(pointType, { attributes: point.attributes ?? [] })}`;
      return items(point, 'exemplars').map((exemplar) => {
        const exemplarType = pointType.fields.exemplars!.resolve().resolvedType as protobuf.Type;
        return `${series}\nexemplar ${canonical(exemplarType, exemplar)}`;
      });
    }),
  };
}

function canonical(type: protobuf.Type, message: OtlpMessage): string {
  const parts: string[] = [];
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value === undefined) continue;
    const text = field.repeated ? canonicalList(field, value as OtlpValue[]) : canonicalItem(field, value);
    // A case of a oneof and an optional field are there even when they are 0.
    const isPresent =
      field.resolve().hasPresence && !(field.resolvedType instanceof protobuf.Type && !isCase(field));
    if (isPresent || !isDefault(text)) parts.push(`${field.name}: ${text}`);
  }
  return `{${parts.join(', ')}}`;
}

function isCase(field: protobuf.Field): boolean {
  return field.partOf !== null && field.partOf.oneof.length > 1;
}

function canonicalList(field: protobuf.Field, list: readonly OtlpValue[]): string {
  const texts = list.map((item) => canonicalItem(field, item));
  if (ATTRIBUTE_LISTS.has(field.name)) texts.sort();
  return `[${texts.join(', ')}]`;
}

function canonicalItem(field: protobuf.Field, value: OtlpValue): string {
  const inner = field.resolve().resolvedType;
  if (inner instanceof protobuf.Type) return canonical(inner, value as OtlpMessage);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('hex')}"`;
  if (field.type === 'double') return Number.isNaN(value) ? 'NaN' : String(doubleBits(value as number));
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function isDefault(text: string): boolean {
  return text === '0' || text === '""' || text === 'false' || text === '[]' || text === '{}';
}

function items(message: OtlpMessage, field: string): OtlpMessage[] {
  return (message[field] ?? []) as OtlpMessage[];
}

function without(message: OtlpMessage, field: string): OtlpMessage {
  const { [field]: _left, ...rest } = message;
  return rest;
}

function typeAt(...path: string[]): protobuf.Type {
  return path.reduce<protobuf.Type>(
    (type, name) => type.fields[name]!.resolve().resolvedType as protobuf.Type,
    EXPORT_REQUEST_TYPE,
  );
}
