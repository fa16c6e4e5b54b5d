/**
 * What one row of the demo's metric table says. Types only; the rows are in metric-table.ts.
 */
export type MetricCategory =
  | 'System Performance'
  | 'User Experience'
  | 'Operational Efficiency'
  | 'Business Impact'
  | 'Quality Indicators';

/** `exponential_histogram` is a histogram instrument under an exponential view. */
export type InstrumentKind =
  | 'counter'
  | 'updowncounter'
  | 'histogram'
  | 'exponential_histogram'
  | 'gauge'
  | 'observable_gauge';

/** The three programs of the shop; each exports under its own resource. */
export type Program = 'storefront' | 'browser' | 'backoffice';

export interface MetricDefinition {
  name: string;
  /** UCUM; `{…}` names a thing that is counted. */
  unit: string;
  instrument: InstrumentKind;
  /** Recorded as integers, exported as `as_int`. */
  isInteger: boolean;
  category: MetricCategory;
  program: Program;
  /** Name of the meter: the component of the program. */
  component: string;
  attributes: readonly string[];
  description: string;
  recordedHow: string;
  /** Upper bounds of the buckets, for explicit histograms. */
  bounds?: readonly number[];
}
