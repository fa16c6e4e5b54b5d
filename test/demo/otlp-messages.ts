/**
 * The part of the OTLP metrics messages that the demo's exporters send, for reading requests in tests. Enters protobuf
 * bytes; leaves messages with the field names of OTLP/JSON. Field numbers are those of opentelemetry-proto 1.x.
 */
import protobuf from 'protobufjs';

const SCHEMA = `
syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message Scope { string name = 1; string version = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
}
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data {
    Numbers gauge = 5; Numbers sum = 7; Histograms histogram = 9; Exponentials exponential_histogram = 10;
  }
}
message Numbers { repeated NumberPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histograms { repeated HistogramPoint data_points = 1; int32 aggregation_temporality = 2; }
message Exponentials { repeated ExponentialPoint data_points = 1; int32 aggregation_temporality = 2; }
message NumberPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
}
message HistogramPoint {
  repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
  optional double min = 11; optional double max = 12;
}
message ExponentialPoint {
  repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7;
  Buckets positive = 8; Buckets negative = 9; optional double min = 12; optional double max = 13;
}
message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
`;

// 64-bit fields as plain numbers: exact for the whole seconds and the counts that the demo sends.
protobuf.util.Long = undefined as never;
protobuf.configure();

const request = protobuf.parse(SCHEMA).root.lookupType('Request');

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
