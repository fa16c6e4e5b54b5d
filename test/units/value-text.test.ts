/** Values as people read them. */
import { describe, expect, it } from 'vitest';
import { formatValue } from '../../src/model/value-text.js';

describe('values for people', () => {
  it.each([
    [0.182, 's', 'duration', '182 ms'],
    [182, 'ms', 'duration', '182 ms'],
    [0.9996, 's', 'duration', '1 s'],
    [1.5, 's', 'duration', '1.5 s'],
    [0.00042, 's', 'duration', '420 µs'],
    [95, 's', 'duration', '95 s'],
    [600, 's', 'duration', '10 min'],
    [36_000, 's', 'duration', '10 h'],
    [0, 's', 'duration', '0 s'],
    [-0.02, 's', 'duration', '-20 ms'],
    [0.012, '1', 'ratio', '1.2 %'],
    [1.234, '%', 'ratio', '1.23 %'],
    [99.95, '%', 'ratio', '99.95 %'],
    [0.999987, '1', 'ratio', '99.9987 %'],
    [100, '%', 'ratio', '100 %'],
    [250, '%', 'score', '250 %'],
    [8.4, '{USD}', 'money', '$8.40'],
    [0.0123, '{USD}', 'money', '$0.0123'],
    [1234567.8, '{EUR}', 'money', '€1,234,568'],
    [8.4, '{USD}/mo', 'money', '$8.40/mo'],
    [-3, 'USD', 'money', '-$3.00'],
    [3_400_000, 'By', 'count', '3.4 MB'],
    [3.4, 'MiBy/s', 'rate', '3.57 MB/s'],
    [12.345, '{request}/s', 'rate', '12.3/s'],
    [1234567, '{user}', 'count', '1,234,567 user'],
    [0.82, '1', 'score', '0.82'],
    [4.256, '{point}', 'score', '4.26 point'],
    [21.5, 'Cel', 'count', '21.5 Cel'],
    [7, 'widgets', 'count', '7 widgets'],
    [Number.POSITIVE_INFINITY, '1', 'score', '∞'],
    [undefined, 's', 'duration', '–'],
  ])('%s %s (%s) is %s', (value, unit, dataType, text) => {
    expect(formatValue(value, { unit, dataType })).toBe(text);
  });
});
