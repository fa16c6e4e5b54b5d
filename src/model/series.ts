/**
 * A series (stream in OTel's data model) as people and rules see it. One object per series, made once when the
 * series is first seen; never one per point.
 */

export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';
export type Temporality = 'unspecified' | 'delta' | 'cumulative';
/** The AnyValue case an attribute value came as. */
export type AttributeType = 'empty' | 'string' | 'bool' | 'int' | 'double' | 'bytes' | 'array' | 'kvlist';

/**
 * One attribute. `value` is text without loss: strings verbatim, bool `true`/`false`, int in decimal, double in the
 * shortest form that reads back equal (`NaN`, `Infinity`, `-Infinity`), bytes in base64, array and kvlist as
 * OTLP/JSON, empty as ''.
 */
export interface Attribute {
  key: string;
  value: string;
  type: AttributeType;
}

/** What makes a series itself (otlp-spec "stream identity"), plus what describes it. Attributes are sorted by key. */
export interface Series {
  resource: readonly Attribute[];
  resourceSchemaUrl: string;
  /** How many attributes the sender left out of the resource. */
  resourceDroppedAttributes: number;
  /** Resource.entity_refs as an OTLP/JSON array; '' where there are none. */
  resourceEntityRefs: string;
  scopeName: string;
  scopeVersion: string;
  scopeAttributes: readonly Attribute[];
  scopeSchemaUrl: string;
  /** How many attributes the sender left out of the scope. */
  scopeDroppedAttributes: number;
  metricName: string;
  description: string;
  unit: string;
  type: MetricType;
  temporality: Temporality;
  isMonotonic: boolean;
  metadata: readonly Attribute[];
  attributes: readonly Attribute[];
}

/** Where a series stands in the taxonomy, and which rule put it there. */
export interface Classification {
  /** Title as in taxonomy.yaml, for example "System Performance"; `unclassified` where no rule matched. */
  category: string;
  /** Title of the subcategory; '' where only the category is known or the series is unclassified. */
  subcategory: string;
  /** Name of the rule, `attribute` where plumbline.category was set on the metric, '' where unclassified. */
  rule: string;
}

/** Called once per series, never per point. */
export type Classify = (series: Series) => Classification;

/** A row of the `series` table. */
export interface SeriesRow {
  seriesId: bigint;
  series: Series;
  classification: Classification;
  /** service.name, or `unknown_service`. */
  sourceSystem: string;
  /** Scope name, or the component attribute of the resource. */
  sourceComponent: string;
  /** When this receiver first saw it, nanoseconds since the epoch; the newest row of a series wins. */
  seenAtUnixNano: bigint;
}

/** Series of one metric and service that were active lately. */
export interface ActiveSeries {
  metricName: string;
  /** service.name, as SeriesRow.sourceSystem has it. */
  service: string;
  /** series_id of each: low word at 2i, high word at 2i + 1. */
  ids: Uint32Array;
}
