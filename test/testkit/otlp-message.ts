/** Small requests for tests of one rule each: a point, a metric or a whole request, as plain objects and as bytes. */
import { NOW_UNIX_MS, type OtlpMessage, type OtlpValue } from './otlp-arbitrary.js';
import { encodePlain } from './otlp-encoding.js';
import { encodeJson } from './otlp-json.js';
import { EXPORT_REQUEST_TYPE } from './reference-decoder.js';

export const NOW_UNIX_NANO = BigInt(NOW_UNIX_MS) * 1_000_000n;

export function stringAttribute(key: string, stringValue: string): OtlpMessage {
  return { key, value: { stringValue } };
}

/** A valid number point; `fields` replaces what it names. */
export function numberPoint(fields: OtlpMessage = {}): OtlpMessage {
  const value = 'asDouble' in fields ? {} : { asInt: 1n };
  return { timeUnixNano: NOW_UNIX_NANO, ...value, ...fields };
}

export type Metric = OtlpMessage;

export function gauge(...dataPoints: OtlpMessage[]): Metric {
  return { name: 'a', gauge: { dataPoints } };
}

export function sum(...dataPoints: OtlpMessage[]): Metric {
  return { name: 'a', sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } };
}

export function histogram(fields: OtlpMessage): Metric {
  const dataPoints = [{ timeUnixNano: NOW_UNIX_NANO, ...fields }];
  return { name: 'a', histogram: { dataPoints, aggregationTemporality: 2 } };
}

export function exponentialHistogram(fields: OtlpMessage): Metric {
  const dataPoints = [{ timeUnixNano: NOW_UNIX_NANO, ...fields }];
  return { name: 'a', exponentialHistogram: { dataPoints, aggregationTemporality: 2 } };
}

export function summary(fields: OtlpMessage): Metric {
  return { name: 'a', summary: { dataPoints: [{ timeUnixNano: NOW_UNIX_NANO, ...fields }] } };
}

/** One resource and one scope around the metrics. */
export function request(...metrics: OtlpMessage[]): OtlpMessage {
  return { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
}

export function toProtobuf(message: OtlpMessage): Buffer {
  return encodePlain(EXPORT_REQUEST_TYPE, message);
}

export function toJson(message: OtlpMessage): Buffer {
  return encodeJson(EXPORT_REQUEST_TYPE, message);
}

/** A value inside `levels` arrays. */
export function nestedArrays(levels: number): OtlpMessage {
  let value: OtlpMessage = { stringValue: 'x' };
  for (let i = 0; i < levels; i++) value = { arrayValue: { values: [value] as OtlpValue[] } };
  return value;
}
