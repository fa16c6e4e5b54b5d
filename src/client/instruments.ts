/**
 * From a metric of the table to a measurement of the app's SDK. Enters: a metric, a value, attributes; leaves: a value on
 * an instrument of the meter that is in force at that moment. Instruments are made when first used, and anew when another
 * SDK takes over. Never registers an SDK.
 */
import { type Attributes, type Meter, type MeterProvider, metrics, ValueType } from '@opentelemetry/api';
import type { ClientMetric } from './client-metrics.js';
import { holdValue, isHoldingValues } from './held-values.js';

/** Takes a value whose arguments were checked and whose attributes are complete. */
export type Write = (metric: ClientMetric, value: number, attributes: Attributes) => void;

type WriteValue = (value: number, attributes: Attributes) => void;

/** Name of the meter, stored as source_component, unless the app chooses another. */
export const COMPONENT = 'plumbline/client';

/** Writes to one meter. */
export function createMeterWrite(meter: Meter): Write {
  const writes = new Map<string, WriteValue>();
  return (metric, value, attributes) => {
    let write = writes.get(metric.name);
    if (write === undefined) {
      write = createInstrument(meter, metric);
      writes.set(metric.name, write);
    }
    write(value, attributes);
  };
}

/** Writes to the global meter provider. It is asked each time: the API has no proxy for one that is registered later. */
export function createGlobalWrite(component: string): Write {
  let provider: MeterProvider | undefined;
  let write: Write = () => {};
  const writeNow: Write = (metric, value, attributes) => {
    const current = metrics.getMeterProvider();
    if (current !== provider) {
      provider = current;
      write = createMeterWrite(current.getMeter(component));
    }
    write(metric, value, attributes);
  };
  return (metric, value, attributes) => {
    if (isHoldingValues()) holdValue(() => writeNow(metric, value, attributes));
    else writeNow(metric, value, attributes);
  };
}

function createInstrument(meter: Meter, metric: ClientMetric): WriteValue {
  const options = {
    unit: metric.unit,
    description: metric.description,
    valueType: metric.isInteger ? ValueType.INT : ValueType.DOUBLE,
  };
  switch (metric.instrument) {
    case 'counter': {
      const counter = meter.createCounter(metric.name, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case 'gauge': {
      const gauge = meter.createGauge(metric.name, options);
      return (value, attributes) => gauge.record(value, attributes);
    }
    case 'histogram': {
      const advice = metric.bounds === undefined ? {} : { explicitBucketBoundaries: [...metric.bounds] };
      const histogram = meter.createHistogram(metric.name, { ...options, advice });
      return (value, attributes) => histogram.record(value, attributes);
    }
  }
}
