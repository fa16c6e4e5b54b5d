/**
 * Records values by the name of the metric. Enters a name of the table, a value and attributes; leaves a measurement on
 * the right instrument and a note in the ground truth. Never makes an instrument that the table does not have.
 */
import { type Attributes, type Meter, type MetricOptions, ValueType } from '@opentelemetry/api';
import type { GroundTruth } from './ground-truth.js';
import type { MetricDefinition } from './metric-definition.js';
import { findMetric, METRIC_TABLE, type MetricName } from './metric-table.js';

export interface Observation {
  value: number;
  attributes: Attributes;
}

export interface Recorder {
  record(name: MetricName, value: number, attributes: Attributes): void;
  /** For observable instruments: `read` is called at each export. */
  observe(name: MetricName, read: () => readonly Observation[]): void;
}

type Write = (value: number, attributes: Attributes) => void;

export function createRecorder(findMeter: (metric: MetricDefinition) => Meter, truth: GroundTruth): Recorder {
  const writes = new Map<string, Write>();
  for (const metric of METRIC_TABLE) {
    const write = createWrite(findMeter(metric), metric);
    if (write !== undefined) writes.set(metric.name, write);
  }
  return {
    record(name, value, attributes) {
      const write = writes.get(name);
      if (write === undefined) throw new Error(`"${name}" is observed at each export, not recorded`);
      write(value, attributes);
      truth.note(findMetric(name), value, attributes);
    },
    observe(name, read) {
      const metric = findMetric(name);
      const gauge = findMeter(metric).createObservableGauge(metric.name, describeInstrument(metric));
      gauge.addCallback((result) => {
        for (const { value, attributes } of read()) {
          result.observe(value, attributes);
          truth.note(metric, value, attributes);
        }
      });
    },
  };
}

function createWrite(meter: Meter, metric: MetricDefinition): Write | undefined {
  const options = describeInstrument(metric);
  switch (metric.instrument) {
    case 'counter': {
      const counter = meter.createCounter(metric.name, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case 'updowncounter': {
      const counter = meter.createUpDownCounter(metric.name, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case 'histogram':
    case 'exponential_histogram': {
      const histogram = meter.createHistogram(metric.name, options);
      return (value, attributes) => histogram.record(value, attributes);
    }
    case 'gauge': {
      const gauge = meter.createGauge(metric.name, options);
      return (value, attributes) => gauge.record(value, attributes);
    }
    case 'observable_gauge':
      return undefined;
  }
}

function describeInstrument(metric: MetricDefinition): MetricOptions {
  return {
    unit: metric.unit,
    description: metric.description,
    valueType: metric.isInteger ? ValueType.INT : ValueType.DOUBLE,
    ...(metric.bounds === undefined ? {} : { advice: { explicitBucketBoundaries: [...metric.bounds] } }),
  };
}
