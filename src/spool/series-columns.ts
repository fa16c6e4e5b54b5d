/** Rows of the `series` table as Native columns. Runs once per new series. */
import { Bytes, Lanes } from '../model/point-batch.js';
import type { Attribute, MetricType, Series, SeriesRow, Temporality } from '../model/series.js';
import { parseUnit, type UnitStatus } from '../model/unit.js';
import { appendNativeText, column, type NativeColumn } from './native-format.js';

const METRIC_TYPES: readonly MetricType[] = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'];
const TEMPORALITIES: readonly Temporality[] = ['unspecified', 'delta', 'cumulative'];
const UNIT_STATUSES: readonly UnitStatus[] = ['unknown', 'ucum', 'alias'];

export function seriesColumns(rows: readonly SeriesRow[]): NativeColumn[] {
  const text = (name: string, of: (row: SeriesRow) => string) =>
    column(name, 'String', textData(rows.map(of)));
  const byte = (name: string, type: string, of: (row: SeriesRow) => number) =>
    column(name, type, Uint8Array.from(rows, of));
  const map = (name: string, typesName: string, of: (series: Series) => readonly Attribute[]) => {
    const lists = rows.map((row) => of(row.series));
    const typed = lists.map((list) => list.filter((a) => a.type !== 'string'));
    return [mapColumn(name, lists, (a) => a.value), mapColumn(typesName, typed, (a) => a.type)];
  };
  const units = rows.map((row) => parseUnit(row.series.unit));
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

function mapColumn(
  name: string,
  lists: readonly (readonly Attribute[])[],
  textOf: (attribute: Attribute) => string,
): NativeColumn {
  const ends = new Lanes(Math.max(lists.length, 1));
  const flat: Attribute[] = [];
  for (const list of lists) {
    flat.push(...list);
    ends.push(flat.length, 0);
  }
  return column(
    name,
    'Map(String, String)',
    ends.bytes(),
    textData(flat.map((a) => a.key)),
    textData(flat.map(textOf)),
  );
}
