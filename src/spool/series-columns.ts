/** Rows of the `series` table as Native columns. Runs once per new series. */
import { readMetricUnit } from '../model/metric-unit.js';
import { Bytes, Lanes } from '../model/point-batch.js';
import type { Attribute, MetricType, Series, SeriesRow, Temporality } from '../model/series.js';
import type { UnitStatus } from '../model/unit.js';
import { appendNativeText, column, type NativeColumn } from './native-format.js';

const METRIC_TYPES: readonly MetricType[] = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];
const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative'];
const UNIT_STATUSES: readonly UnitStatus[] = ['unknown', 'ucum', 'alias', 'name'];

export function seriesColumns(rows: readonly SeriesRow[]): NativeColumn[] {
  const text = (name: string, of: (row: SeriesRow) => string) =>
    column(name, 'String', textData(rows.map(of)));
  const byte = (name: string, type: string, of: (row: SeriesRow) => number) =>
    column(name, type, Uint8Array.from(rows, of));
  const map = (name: string, typesName: string, of: (series: Series) => readonly Attribute[]) =>
    mapColumns(
      name,
      typesName,
      rows.map((row) => of(row.series)),
    );
  const units = rows.map(({ series }) => readMetricUnit(series.metricName, series.unit));
  return [
    column('series_id', 'UInt64', laneData(rows.map((r) => r.seriesId))),
    text('metric_name', (r) => r.series.metricName),
    text('description', (r) => r.series.description),
    text('unit', (r) => r.series.unit),
    byte('metric_type', 'Int8', (r) => METRIC_TYPES.indexOf(r.series.type) + 1),
    byte('temporality', 'Int8', (r) => TEMPORALITIES.indexOf(r.series.temporality)),
    byte('is_monotonic', 'Bool', (r) => (r.series.isMonotonic ? 1 : 0)),
    text('category', (r) => r.classification.category),
    text('subcategory', (r) => r.classification.subcategory),
    text('classification_rule', (r) => r.classification.rule),
    text('source_system', (r) => r.sourceSystem),
    text('source_component', (r) => r.sourceComponent),
    ...map('attributes', 'attribute_types', (s) => s.attributes),
    ...map('resource_attributes', 'resource_attribute_types', (s) => s.resource),
    text('resource_schema_url', (r) => r.series.resourceSchemaUrl),
    column(
      'resource_dropped_attributes_count',
      'UInt32',
      wordData(rows.map((r) => r.series.resourceDroppedAttributes)),
    ),
    text('resource_entity_refs', (r) => r.series.resourceEntityRefs),
    text('scope_name', (r) => r.series.scopeName),
    text('scope_version', (r) => r.series.scopeVersion),
    ...map('scope_attributes', 'scope_attribute_types', (s) => s.scopeAttributes),
    text('scope_schema_url', (r) => r.series.scopeSchemaUrl),
    column(
      'scope_dropped_attributes_count',
      'UInt32',
      wordData(rows.map((r) => r.series.scopeDroppedAttributes)),
    ),
    ...map('metadata', 'metadata_types', (s) => s.metadata),
    column('base_unit', 'String', textData(units.map((u) => u.baseUnit))),
    column('unit_factor', 'Float64', doubleData(units.map((u) => u.factor))),
    column('unit_offset', 'Float64', doubleData(units.map((u) => u.offset))),
    column(
      'unit_status',
      'Int8',
      Uint8Array.from(units, (u) => UNIT_STATUSES.indexOf(u.status)),
    ),
    column('seen_at', "DateTime64(9, 'UTC')", laneData(rows.map((r) => r.seenAtUnixNano))),
  ];
}

function laneData(values: readonly bigint[]): Uint8Array {
  const lanes = new Lanes(Math.max(values.length, 1));
  for (const value of values) lanes.pushBigInt(value);
  return lanes.bytes();
}

function wordData(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function doubleData(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}

function textData(texts: readonly string[]): Uint8Array {
  const bytes = new Bytes();
  for (const text of texts) appendNativeText(bytes, text);
  return bytes.bytes();
}

/** Two Map columns: of all values, and of the types of those that are not strings. */
function mapColumns(
  name: string,
  typesName: string,
  lists: readonly (readonly Attribute[])[],
): NativeColumn[] {
  const values = new MapData(lists.length);
  const types = new MapData(lists.length);
  let last: readonly Attribute[] | undefined;
  for (const list of lists) {
    if (list === last) {
      // Resource and scope are one list for all series below them.
      values.repeatLast();
      types.repeatLast();
      continue;
    }
    last = list;
    values.begin();
    types.begin();
    for (const { key, value, type } of list) {
      values.add(key, value);
      if (type !== 'string') types.add(key, type);
    }
    values.end();
    types.end();
  }
  return [values.column(name), types.column(typesName)];
}

/** Data of a Map(String, String) column, written map by map. */
class MapData {
  private readonly ends: Lanes;
  private readonly keys = new Bytes(4096);
  private readonly values = new Bytes(4096);
  private entries = 0;
  /** Where the map written last begins: its entries, its keys, its values. */
  private from = { entries: 0, keys: 0, values: 0 };

  constructor(maps: number) {
    this.ends = new Lanes(Math.max(maps, 1));
  }

  begin(): void {
    this.from = { entries: this.entries, keys: this.keys.length, values: this.values.length };
  }

  add(key: string, value: string): void {
    appendNativeText(this.keys, key);
    appendNativeText(this.values, value);
    this.entries++;
  }

  end(): void {
    this.ends.push(this.entries, 0);
  }

  repeatLast(): void {
    const { entries, keys, values } = this.from;
    const count = this.entries - entries;
    this.begin();
    repeat(this.keys, keys);
    repeat(this.values, values);
    this.entries += count;
    this.end();
  }

  column(name: string): NativeColumn {
    const { ends, keys, values } = this;
    return column(name, 'Map(String, String)', ends.bytes(), keys.bytes(), values.bytes());
  }
}

/** Append what stands from `from` to the end once more. */
function repeat(bytes: Bytes, from: number): void {
  const count = bytes.length - from;
  bytes.reserve(count);
  bytes.data.copyWithin(bytes.length, from, bytes.length);
  bytes.length += count;
}
