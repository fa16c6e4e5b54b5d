/** What people type for the demo, and the address it chooses by itself. */
import { describe, expect, it } from 'vitest';
import {
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
