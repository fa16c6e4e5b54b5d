/**
 * SQL rows → export requests: what is stored, put back into the messages of OTLP by nothing but the columns that the
 * SQL port shows. Enters: a reader of SQL and which series are wanted; leaves: one resourceMetrics entry for each
 * resource, as plain objects of otlp-arbitrary.ts.
 */
import type { OtlpMessage, OtlpValue } from './otlp-arbitrary.js';
import { attributesOf, dataOf, type SeriesColumns, type TypedMap } from './stored-series.js';

export type ReadSql = <Row>(sql: string) => Promise<Row[]>;

interface PointColumns {
  id: string;
  point_time: string;
  point_start: string;
  flags: number;
  [column: string]: unknown;
}

/** 64 bits of a double as an unsigned integer, in text. */
const bits = (column: string) => `toString(reinterpretAsUInt64(${column}))`;
const optionalBits = (column: string) =>
  `if(isNull(p.${column}), NULL, ${bits(`assumeNotNull(p.${column})`)}) AS ${column}_bits`;
/** Nanoseconds since the epoch, unsigned as OTLP has them. */
const nano = (column: string) => `toString(reinterpretAsUInt64(toUnixTimestamp64Nano(${column})))`;
const texts = (column: string) => `arrayMap(x -> toString(x), p.${column}) AS ${column}_text`;
const listBits = (column: string) => `arrayMap(x -> ${bits('x')}, p.${column}) AS ${column}_bits`;
const VALUE = `toString(p.value_type) AS kind_of_value, toString(p.value_int) AS int_text, ${bits('p.value_double')} AS value_bits`;
const DISTRIBUTION = `toString(p.count) AS count_text, ${['sum', 'min', 'max'].map(optionalBits).join(', ')}`;

const POINT_TABLES: Record<string, { columns: string; read: (row: PointColumns) => OtlpMessage }> = {
  number_points: { columns: VALUE, read: readValue },
  histogram_points: {
    columns: `${DISTRIBUTION}, ${listBits('explicit_bounds')}, ${texts('bucket_counts')}`,
    read: (row) => ({
      ...readDistribution(row),
      explicitBounds: (row.explicit_bounds_bits as string[]).map(toDouble),
      bucketCounts: (row.bucket_counts_text as string[]).map(BigInt),
    }),
  },
  exponential_histogram_points: {
    columns: `${DISTRIBUTION}, p.scale, toString(p.zero_count) AS zero_count_text, ${bits('p.zero_threshold')} AS zero_threshold_bits,
      p.positive_offset, ${texts('positive_bucket_counts')}, p.negative_offset, ${texts('negative_bucket_counts')}`,
    read: (row) => ({
      ...readDistribution(row),
      scale: Number(row.scale),
      zeroCount: BigInt(row.zero_count_text as string),
      zeroThreshold: toDouble(row.zero_threshold_bits as string),
      positive: readBuckets(row.positive_offset, row.positive_bucket_counts_text),
      negative: readBuckets(row.negative_offset, row.negative_bucket_counts_text),
    }),
  },
  summary_points: {
    columns: `toString(p.count) AS count_text, ${bits('p.sum')} AS sum_bits, ${listBits('quantiles')}, ${listBits('quantile_values')}`,
    read: (row) => ({
      count: BigInt(row.count_text as string),
      sum: toDouble(row.sum_bits as string),
      quantileValues: (row.quantiles_bits as string[]).map((quantile, i) => ({
        quantile: toDouble(quantile),
        value: toDouble((row.quantile_values_bits as string[])[i]!),
      })),
    }),
  },
};

/** `where` is a condition on columns of `series`. */
export async function readStoredRequest(sql: ReadSql, where: string): Promise<OtlpMessage> {
  const series = await sql<SeriesColumns>(
    `SELECT toString(series_id) AS id, * FROM series FINAL WHERE ${where}`,
  );
  const points = await readPoints(sql, where);
  const resources = new Map<string, OtlpMessage>();
  const scopes = new Map<string, OtlpMessage>();
  const metrics = new Map<string, OtlpMessage>();
  for (const row of series) {
    const { resourceMetrics, scopeMetrics, metric, data } = dataOf(row);
    const resourceKey = keyOf(resourceMetrics);
    const scopeKey = `${resourceKey} ${keyOf(scopeMetrics)}`;
    const metricKey = `${scopeKey} ${keyOf(metric)} ${keyOf(data.fields)} ${data.name}`;
    const parent = place(resources, resourceKey, { ...resourceMetrics, scopeMetrics: [] });
    const scope = place(scopes, scopeKey, { ...scopeMetrics, metrics: [] }, parent, 'scopeMetrics');
    const whole = { ...metric, [data.name]: { ...data.fields, dataPoints: [] } };
    const placed = place(metrics, metricKey, whole, scope, 'metrics');
    const list = (placed[data.name] as OtlpMessage).dataPoints as OtlpValue[];
    const attributes = attributesOf(row.attributes, row.attribute_types);
    for (const point of points.get(row.id) ?? []) list.push({ ...point, attributes });
  }
  return { resourceMetrics: [...resources.values()] };
}

/** Points by series. */
async function readPoints(sql: ReadSql, where: string): Promise<Map<string, OtlpMessage[]>> {
  const wanted = `series_id IN (SELECT series_id FROM series WHERE ${where})`;
  const exemplars = await readExemplars(sql, wanted);
  const points = new Map<string, OtlpMessage[]>();
  for (const [table, { columns, read }] of Object.entries(POINT_TABLES)) {
    const rows = await sql<PointColumns>(
      `SELECT toString(p.series_id) AS id, ${nano('p.time')} AS point_time, ${nano('p.start_time')} AS point_start, p.flags, ${columns}
       FROM ${table} AS p FINAL WHERE ${wanted}`,
    );
    for (const row of rows) {
      const message: OtlpMessage = {
        timeUnixNano: BigInt(row.point_time),
        startTimeUnixNano: BigInt(row.point_start),
        flags: Number(row.flags),
        ...read(row),
      };
      const key = `${row.id} ${row.point_time}`;
      const own = exemplars.get(key);
      // Of two points with this time the first shows them.
      exemplars.delete(key);
      if (own !== undefined) message.exemplars = own;
      points.set(row.id, [...(points.get(row.id) ?? []), message]);
    }
  }
  return points;
}

/** Exemplars by series and time of the first point that carried them. */
async function readExemplars(sql: ReadSql, wanted: string): Promise<Map<string, OtlpMessage[]>> {
  const rows = await sql<PointColumns & { trace: string; span: string; exemplar_time: string } & TypedMap>(
    `SELECT toString(p.series_id) AS id, ${nano('p.point_time')} AS point_time, ${nano('p.time')} AS exemplar_time, ${VALUE},
       hex(p.trace_id) AS trace, hex(p.span_id) AS span,
       p.filtered_attributes AS attributes, p.filtered_attribute_types AS types
     FROM exemplars AS p FINAL WHERE ${wanted}`,
  );
  const found = new Map<string, OtlpMessage[]>();
  for (const row of rows) {
    const key = `${row.id} ${row.point_time}`;
    const exemplar = {
      ...readValue(row),
      timeUnixNano: BigInt(row.exemplar_time),
      traceId: idOf(row.trace),
      spanId: idOf(row.span),
      filteredAttributes: attributesOf(row.attributes, row.types),
    };
    found.set(key, [...(found.get(key) ?? []), exemplar]);
  }
  return found;
}

function readValue(row: Record<string, unknown>): OtlpMessage {
  if (row.kind_of_value === 'int') return { asInt: BigInt(row.int_text as string) };
  return row.kind_of_value === 'double' ? { asDouble: toDouble(row.value_bits as string) } : {};
}

function readDistribution(row: PointColumns): OtlpMessage {
  const message: OtlpMessage = { count: BigInt(row.count_text as string) };
  for (const name of ['sum', 'min', 'max']) {
    const value = row[`${name}_bits`];
    if (value !== null) message[name] = toDouble(value as string);
  }
  return message;
}

function readBuckets(offset: unknown, counts: unknown): OtlpMessage {
  return { offset: Number(offset), bucketCounts: (counts as string[]).map(BigInt) };
}

/** None where all bytes are zero. */
function idOf(hex: string): Uint8Array {
  return /[^0]/.test(hex) ? Buffer.from(hex, 'hex') : new Uint8Array();
}

function toDouble(unsigned: string): number {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(unsigned));
  return bytes.readDoubleLE();
}

function keyOf(message: OtlpMessage): string {
  return JSON.stringify(message, (_key, value) =>
    typeof value === 'bigint' || Object.is(value, -0) || Number.isNaN(value)
      ? `${typeof value} ${value}`
      : value,
  );
}

/** The message of this key; a new one is also put into its parent's list. */
function place(
  known: Map<string, OtlpMessage>,
  key: string,
  message: OtlpMessage,
  parent?: OtlpMessage,
  field?: string,
): OtlpMessage {
  const found = known.get(key);
  if (found !== undefined) return found;
  known.set(key, message);
  if (parent !== undefined) (parent[field!] as OtlpValue[]).push(message);
  return message;
}
