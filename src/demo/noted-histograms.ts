/**
 * What an instrumentation package records in histograms, noted in the ground truth too. Enters a MeterProvider; leaves one
 * that makes the same instruments and notes what is recorded. Never changes a value.
 */
import type { Attributes, Histogram, Meter, MeterProvider } from '@opentelemetry/api';
import type { GroundTruth, NotedMetric } from './ground-truth.js';
import type { Program } from './metric-definition.js';

export function noteHistograms(provider: MeterProvider, program: Program, truth: GroundTruth): MeterProvider {
  return {
    getMeter(...args) {
      const meter = provider.getMeter(...args);
      // The meter itself, except for this one method.
      return Object.create(meter, {
        createHistogram: {
          value(...[name, options]: Parameters<Meter['createHistogram']>) {
            const metric: NotedMetric = {
              name,
              unit: options?.unit ?? '',
              instrument: 'histogram',
              program,
              bounds: options?.advice?.explicitBucketBoundaries,
            };
            return noteValues(meter.createHistogram(name, options), (value, attributes) =>
              truth.note(metric, value, attributes),
            );
          },
        },
      }) as Meter;
    },
  };
}

function noteValues(histogram: Histogram, note: (value: number, attributes: Attributes) => void): Histogram {
  return {
    record(value, attributes = {}, context) {
      histogram.record(value, attributes, context);
      // What has no value is not sent.
      const sent = Object.entries(attributes).filter(([, one]) => one !== undefined);
      note(value, Object.fromEntries(sent));
    },
  };
}
