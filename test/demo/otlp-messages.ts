/**
 * Reads OTLP export requests in tests, by reflection on the messages in proto/. Enters protobuf bytes; leaves messages
 * with the field names of OTLP/JSON. 64-bit fields become plain numbers: exact for the whole seconds and the counts that
 * the demo sends.
 */
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

protobuf.util.Long = undefined as never;
protobuf.configure();

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => fileURLToPath(new URL(`../../proto/${target}`, import.meta.url));
root.loadSync('opentelemetry/proto/collector/metrics/v1/metrics_service.proto');
const request = root.lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest');

export function decodeRequest(bytes: Uint8Array): JsonRequest {
  return request.decode(bytes) as unknown as JsonRequest;
}

export interface JsonRequest {
  resourceMetrics?: {
    resource?: { attributes?: JsonAttribute[] };
    scopeMetrics?: { scope?: { name?: string; version?: string }; metrics?: JsonMetric[] }[];
  }[];
}

export interface JsonAttribute {
  key: string;
  value: Record<string, string | boolean | number>;
}

export interface JsonMetric {
  name: string;
  description?: string;
  unit?: string;
  gauge?: JsonData;
  sum?: JsonData;
  histogram?: JsonData;
  exponentialHistogram?: JsonData;
}

interface JsonData {
  dataPoints?: JsonPoint[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

export interface JsonPoint {
  attributes?: JsonAttribute[];
  startTimeUnixNano?: number | string;
  timeUnixNano: number | string;
  asDouble?: number;
  asInt?: number | string;
  count?: number | string;
  sum?: number;
  min?: number;
  max?: number;
  bucketCounts?: (number | string)[];
  explicitBounds?: number[];
  scale?: number;
  zeroCount?: number | string;
  positive?: { offset?: number; bucketCounts?: (number | string)[] };
}
