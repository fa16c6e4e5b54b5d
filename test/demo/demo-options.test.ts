/** What people type for the demo, and the address it chooses by itself. */
import { describe, expect, it } from 'vitest';
import {
  chooseExport,
  describeDuration,
  describeLocalEndpoint,
  joinMetricsPath,
  parseDurationMs,
  parseEndpoint,
} from '../../src/demo/demo-options.js';

describe('times', () => {
  it('are read with their unit', () => {
    const read = (text: string) => parseDurationMs(text, 1, 1e12);
    expect(['500ms', '30s', '1.5h', '7d', '2w', '0'].map(read)).toEqual([
      500, 30_000, 5_400_000, 604_800_000, 1_209_600_000, 0,
    ]);
  });

  it('without a unit, or out of bounds, are refused with the fix', () => {
    expect(() => parseDurationMs('7', 1, 10)).toThrow(/with a unit/);
    expect(() => parseDurationMs('-3s', 1, 10)).toThrow(/with a unit/);
    expect(() => parseDurationMs('1d', 1_000, 60_000)).toThrow('It must lie between 1s and 1m.');
  });

  it('are written in their largest whole unit', () => {
    const written = [0, 1_500, 90_000, 120_000, 604_800_000].map(describeDuration);
    expect(written).toEqual(['0', '1500ms', '90s', '2m', '7d']);
  });
});

describe('addresses', () => {
  it('need a scheme and lose their last slash', () => {
    expect(parseEndpoint('https://metrics.example/otlp/')).toBe('https://metrics.example/otlp');
    expect(() => parseEndpoint('metrics.example:4318')).toThrow(/scheme/);
  });

  it('to listen on become addresses to call', () => {
    expect(describeLocalEndpoint('0.0.0.0', 4318)).toBe('http://127.0.0.1:4318');
    expect(describeLocalEndpoint('::', 4317)).toBe('http://[::1]:4317');
    expect(describeLocalEndpoint('10.0.0.7', 1)).toBe('http://10.0.0.7:1');
  });

  it('get the path of metrics once', () => {
    expect(joinMetricsPath('http://a:1')).toBe('http://a:1/v1/metrics');
    expect(joinMetricsPath('http://a:1/v1/metrics')).toBe('http://a:1/v1/metrics');
  });
});

describe('where metrics go', () => {
  const LOCAL = 'http://127.0.0.1:4318';
  const GRPC = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4317' };

  it('is the Plumbline on this machine over HTTP where nothing is said, also by empty variables', () => {
    for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_PROTOCOL: ' ' }]) {
      expect(chooseExport({}, env)).toEqual({ protocol: 'http/protobuf', endpoint: undefined });
    }
  });

  it('follows the standard variables, those of metrics before those of all signals', () => {
    expect(chooseExport({}, GRPC)).toEqual({ protocol: 'grpc', endpoint: 'http://otel:4317' });
    const metrics = {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics:4318/v1/metrics',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
    };
    expect(chooseExport({}, { ...GRPC, ...metrics })).toEqual({
      protocol: 'http/json',
      endpoint: 'http://metrics:4318/v1/metrics',
    });
  });

  it('follows the command line before any variable', () => {
    expect(chooseExport({ protocol: 'grpc', endpoint: LOCAL }, GRPC)).toEqual({
      protocol: 'grpc',
      endpoint: LOCAL,
    });
  });

  it('is not the port of HTTP where the command line wants gRPC, nor the other way round', () => {
    const http = { OTEL_EXPORTER_OTLP_ENDPOINT: LOCAL };
    expect(chooseExport({ protocol: 'grpc' }, http)).toEqual({ protocol: 'grpc', endpoint: undefined });
    expect(chooseExport({ protocol: 'http/json' }, GRPC)).toEqual({
      protocol: 'http/json',
      endpoint: undefined,
    });
    expect(chooseExport({ protocol: 'http/json' }, http)).toEqual({ protocol: 'http/json', endpoint: LOCAL });
  });

  it('names the variable that cannot be used', () => {
    expect(() => chooseExport({}, { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'udp' })).toThrow(
      'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL is udp; it must be one of http/protobuf, http/json, grpc',
    );
    expect(() => chooseExport({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'otel:4318' })).toThrow(
      'OTEL_EXPORTER_OTLP_ENDPOINT is otel:4318. Write a URL with its scheme',
    );
  });
});
