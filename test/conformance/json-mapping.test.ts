/** JSON mapping: what is sent as OTLP/JSON text over HTTP is what SQL answers. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

const TIME = `"timeUnixNano": "${NOW_UNIX_NANO}"`;
let metrics = 0;

/** Sends a metric whose data stands in the text; answers with its name, when all of it was taken. */
async function sendMetric(data: string, around = (metric: string) => metric): Promise<string> {
  const name = `json.${++metrics}`;
  const metric = around(`{"name": "${name}", ${data}}`);
  const body = `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [${metric}]}]}]}`;
  const { status, json } = await receiver.post(body, 'json');
  expect([status, json]).toEqual([200, {}]);
  return name;
}
const sendGauge = (points: string) => sendMetric(`"gauge": {"dataPoints": [${points}]}`);
const sendHistogram = (fields: string) =>
  sendMetric(`"histogram": {"aggregationTemporality": 1, "dataPoints": [{${TIME}, ${fields}}]}`);

/** Rows of a points table that belong to a metric. */
function rowsOf<Row = Record<string, unknown>>(name: string, table: string, columns: string): Promise<Row[]> {
  return receiver.stored<Row>(
    `SELECT ${columns} FROM ${table} AS p FINAL INNER JOIN (SELECT * FROM series FINAL) AS s USING (series_id)
     WHERE metric_name = '${name}' ORDER BY time`,
  );
}
/** Value of a gauge whose point has these fields. */
async function storedValue(fields: string): Promise<unknown> {
  const name = await sendGauge(`{${TIME}, ${fields}}`);
  const columns = `value_type, if(value_type = 'int', toString(value_int), toString(value_double)) AS value`;
  const [row] = await rowsOf<{ value_type: string; value: string }>(name, 'number_points', columns);
  return [row!.value_type, row!.value];
}

describe('JSON mapping', () => {
  line('json.integers', 'signed, as text and as number', async () => {
    expect(await storedValue('"asInt": "42"')).toEqual(['int', '42']);
    expect(await storedValue('"asInt": -42')).toEqual(['int', '-42']);
    expect(await storedValue('"asInt": 9007199254740993')).toEqual(['int', '9007199254740993']);
    expect(await storedValue('"asInt": "-9223372036854775808"')).toEqual(['int', '-9223372036854775808']);
    expect(await storedValue('"asInt": 9223372036854775807')).toEqual(['int', '9223372036854775807']);
  });

  line('json.integers', 'unsigned and times', async () => {
    const nano = NOW_UNIX_NANO + 1n;
    const counts = '"bucketCounts": [18446744073709551615, "9007199254740993"], "explicitBounds": [1]';
    const name = await sendMetric(
      `"histogram": {"aggregationTemporality": "2", "dataPoints":
       [{"timeUnixNano": ${nano}, "startTimeUnixNano": "${nano - 2n}", "count": 18446744073709551615, ${counts}}]}`,
    );
    const columns = `toString(count) AS count, arrayMap(c -> toString(c), bucket_counts) AS counts,
      toString(toUnixTimestamp64Nano(time)) AS time, toString(toUnixTimestamp64Nano(start_time)) AS start`;
    expect(await rowsOf(name, 'histogram_points', columns)).toEqual([
      {
        count: '18446744073709551615',
        counts: ['18446744073709551615', '9007199254740993'],
        time: String(nano),
        start: String(nano - 2n),
      },
    ]);
  });

  line('json.integers', 'one that does not fit makes the request malformed', async () => {
    const body = (value: string) =>
      `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "a", "gauge": {"dataPoints": [{${TIME}, "asInt": ${value}}]}}]}]}]}`;
    for (const value of ['9223372036854775808', '"1.5"', '"ten"', 'true']) {
      expect((await receiver.post(body(value), 'json')).status).toBe(400);
    }
  });

  line('json.enums', async () => {
    for (const [sent, stored] of [
      ['1', 'delta'],
      ['2', 'cumulative'],
      ['"AGGREGATION_TEMPORALITY_DELTA"', 'delta'],
    ]) {
      const name = await sendMetric(
        `"sum": {"aggregationTemporality": ${sent}, "dataPoints": [{${TIME}, "asInt": 1}]}`,
      );
      expect(await rowsOf(name, 'number_points', 'temporality')).toEqual([{ temporality: stored }]);
    }
  });

  line('json.unknown-fields', async () => {
    const junk = '"future": {"deep": [[{"x": [null, true, 1e400, "\\u0041"]}], {}], "name": "not this"}';
    const name = await sendMetric(
      `${junk}, "gauge": {${junk}, "dataPoints": [{${junk}, ${TIME}, "asInt": 7}]}`,
    );
    expect(await rowsOf(name, 'number_points', 'value')).toEqual([{ value: 7 }]);
  });

  line('json.names', async () => {
    const name = `json.${++metrics}`;
    const body = `{"resource_metrics": [{"schema_url": "u", "scope_metrics": [{"metrics": [{"name": "${name}", "sum":
      {"aggregation_temporality": 2, "is_monotonic": true, "data_points":
      [{"time_unix_nano": "${NOW_UNIX_NANO}", "as_double": 0.5}]}}]}]}]}`;
    expect((await receiver.post(body, 'json')).json).toEqual({});
    expect(await rowsOf(name, 'number_points', 'value, is_monotonic, resource_schema_url')).toEqual([
      { value: 0.5, is_monotonic: true, resource_schema_url: 'u' },
    ]);
  });

  line('json.doubles', async () => {
    expect(await storedValue('"asDouble": 0.1')).toEqual(['double', '0.1']);
    expect(await storedValue('"asDouble": "0.1"')).toEqual(['double', '0.1']);
    expect(await storedValue('"asDouble": 7')).toEqual(['double', '7']);
    expect(await storedValue('"asDouble": "1e300"')).toEqual(['double', '1e300']);
    expect(await storedValue('"asDouble": "NaN"')).toEqual(['double', 'nan']);
    expect(await storedValue('"asDouble": "Infinity"')).toEqual(['double', 'inf']);
    expect(await storedValue('"asDouble": "-Infinity"')).toEqual(['double', '-inf']);
    expect(await storedValue('"asDouble": -0.0')).toEqual(['double', '-0']);
  });

  line('json.bytes', async () => {
    const attribute = '{"key": "b", "value": {"bytesValue": "AP8Q+g=="}}';
    const name = await sendGauge(`{${TIME}, "asInt": 1, "attributes": [${attribute}]}`);
    const columns = `hex(base64Decode(attributes['b'])) AS bytes, attribute_types['b'] AS type`;
    expect(await rowsOf(name, 'number_points', columns)).toEqual([{ bytes: '00FF10FA', type: 'bytes' }]);
  });

  line('json.ids', async () => {
    const exemplar = (time: number, ids: string) => `{"timeUnixNano": "${time}", "asInt": "1"${ids}}`;
    const trace = '0AF7651916CD43DD8448EB211C80319C';
    const exemplars = [
      exemplar(1, `, "traceId": "${trace}", "spanId": "B7AD6B7169203331"`),
      exemplar(2, `, "traceId": "${trace.toLowerCase()}", "spanId": "b7ad6b7169203331"`),
      exemplar(3, ', "traceId": "", "spanId": ""'),
      exemplar(4, ''),
    ];
    const name = await sendGauge(`{${TIME}, "asInt": 1, "exemplars": [${exemplars.join(',')}]}`);
    const set = { trace_id_hex: trace.toLowerCase(), span_id_hex: 'b7ad6b7169203331' };
    const none = { trace_id_hex: '0'.repeat(32), span_id_hex: '0'.repeat(16) };
    expect(await rowsOf(name, 'exemplars', 'trace_id_hex, span_id_hex')).toEqual([set, set, none, none]);
  });

  line('json.null', async () => {
    const name = await sendMetric(
      `"unit": null, "sum": null, "metadata": null, "gauge": {"dataPoints":
       [{${TIME}, "asInt": 3, "asDouble": null, "attributes": [{"key": "k", "value": null}], "exemplars": null,
         "flags": null, "startTimeUnixNano": null}, null]}`,
    );
    expect(await rowsOf(name, 'number_points', 'value, attribute_types')).toEqual([
      { value: 3, attribute_types: { k: 'empty' } },
    ]);
  });

  line('json.null', 'a value that an SDK wrote as null costs its own point only', async () => {
    const name = `json.${++metrics}`;
    const points = `{${TIME}, "asDouble": null}, {${TIME}, "asDouble": 1, "attributes": [{"key": "k", "value": {"stringValue": "v"}}]}`;
    const body = `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "${name}", "gauge": {"dataPoints": [${points}]}}]}]}]}`;
    const { status, json } = await receiver.post(body, 'json');
    expect(status).toBe(200);
    expect(json).toMatchObject({ partialSuccess: { rejectedDataPoints: '1' } });
    expect(await rowsOf(name, 'number_points', 'value')).toEqual([{ value: 1 }]);
  });

  line('json.presence', async () => {
    const columns = 'sum, min, max';
    const unset = await sendHistogram('"count": 2, "bucketCounts": [2]');
    expect(await rowsOf(unset, 'histogram_points', columns)).toEqual([{ sum: null, min: null, max: null }]);
    const zero = await sendHistogram('"count": 2, "sum": 0, "min": 0, "max": 0');
    expect(await rowsOf(zero, 'histogram_points', columns)).toEqual([{ sum: 0, min: 0, max: 0 }]);
    const mixed = await sendHistogram('"count": 2, "sum": null, "min": "0"');
    expect(await rowsOf(mixed, 'histogram_points', columns)).toEqual([{ sum: null, min: 0, max: null }]);
  });
});
