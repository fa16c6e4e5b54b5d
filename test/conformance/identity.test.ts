/** Identity of a stream: what makes another row of `series`, and what only describes the same one. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS);
});
afterAll(() => receiver.stop());

interface Stream {
  resource?: OtlpMessage;
  scope?: OtlpMessage;
  metric?: OtlpMessage;
  data?: OtlpMessage;
  point?: OtlpMessage;
  type?: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram';
}

let sent = 0;
/** One point of a stream that differs from the usual one in what is given; each call has a time of its own. */
function requestOf(
  name: string,
  { resource, scope, metric, data, point, type = 'sum' }: Stream,
): OtlpMessage {
  const timeUnixNano = NOW_UNIX_NANO - 1_000_000_000n + BigInt(++sent);
  const isNumber = type === 'sum' || type === 'gauge';
  const dataPoint = {
    timeUnixNano,
    attributes: [stringAttribute('method', 'GET'), stringAttribute('route', '/a')],
    ...(isNumber ? { asInt: 1n } : { count: 1n }),
    ...point,
  };
  const header = type === 'gauge' ? {} : { aggregationTemporality: 2 };
  const monotonic = type === 'sum' ? { isMonotonic: true } : {};
  const metrics = [
    { name, unit: '1', ...metric, [type]: { ...header, ...monotonic, ...data, dataPoints: [dataPoint] } },
  ];
  return {
    resourceMetrics: [
      {
        resource: { attributes: [stringAttribute('service.name', 'shop')], ...resource },
        scopeMetrics: [
          {
            scope: { name: 'lib', version: '1', attributes: [stringAttribute('a', 'b')], ...scope },
            metrics,
          },
        ],
      },
    ],
  };
}

/** How many streams and points SQL sees after the usual stream and these were sent. */
async function countStreams(name: string, streams: Stream[]): Promise<{ streams: number; points: number }> {
  for (const stream of [{}, ...streams]) await receiver.send(requestOf(name, stream));
  const tables = ['number_points', 'histogram_points', 'exponential_histogram_points'];
  const points = tables.map((table) => `SELECT series_id, time FROM ${table} FINAL`).join(' UNION ALL ');
  const [counted] = await receiver.stored<{ streams: string; points: string }>(
    `SELECT uniqExact(series_id) AS streams, count() AS points FROM (${points}) AS p
     INNER JOIN (SELECT series_id FROM series FINAL WHERE metric_name LIKE '${name}%') AS s USING (series_id)`,
  );
  return { streams: Number(counted!.streams), points: Number(counted!.points) };
}

describe('identity of a stream', () => {
  line('model.identity', async () => {
    const others: Stream[] = [
      { resource: { attributes: [stringAttribute('service.name', 'other')] } },
      { scope: { name: 'other' } },
      { scope: { version: '2' } },
      { scope: { attributes: [] } },
      { metric: { name: 'identity.makes.other' } },
      { metric: { unit: 's' } },
      { type: 'gauge' },
      { type: 'histogram' },
      { type: 'exponentialHistogram' },
      { data: { aggregationTemporality: 1 } },
      { data: { isMonotonic: false } },
      { point: { attributes: [stringAttribute('method', 'GET')] } },
      { point: { attributes: [] } },
    ];
    const all = others.length + 1;
    expect(await countStreams('identity.makes', others)).toEqual({ streams: all, points: all });
  });

  line('model.identity', 'the type of an attribute value counts too', async () => {
    const values: OtlpMessage[] = [
      { stringValue: '1' },
      { intValue: 1n },
      { doubleValue: 1 },
      { boolValue: true },
      {},
    ];
    const others = values.map((value): Stream => ({ point: { attributes: [{ key: 'k', value }] } }));
    expect(await countStreams('identity.type', others)).toEqual({ streams: 6, points: 6 });
  });

  line('model.attribute-order', async () => {
    const two = [stringAttribute('a', '1'), stringAttribute('b', '2')];
    const streams = [two, [...two].reverse()].map(
      (attributes): Stream => ({ resource: { attributes }, scope: { attributes }, point: { attributes } }),
    );
    expect(await countStreams('identity.order', streams)).toEqual({ streams: 2, points: 3 });
  });

  line('model.not-identity', 'description, metadata, dropped attributes, start time and flags', async () => {
    const same: Stream[] = [
      { metric: { description: 'other' } },
      { metric: { metadata: [stringAttribute('m', 'x')] } },
      { resource: { attributes: [stringAttribute('service.name', 'shop')], droppedAttributesCount: 3 } },
      { scope: { droppedAttributesCount: 3 } },
      { point: { startTimeUnixNano: NOW_UNIX_NANO - 5_000_000_000n } },
      { point: { flags: 1 } },
    ];
    expect(await countStreams('identity.described', same)).toEqual({ streams: 1, points: 7 });
  });

  line('model.not-identity', 'integer or double', async () => {
    await receiver.send(requestOf('identity.number', {}));
    const request = requestOf('identity.number', { point: { asDouble: 1.5 } });
    const [point] = pointsOf(request);
    delete point!.asInt;
    await receiver.send(request);
    expect(await receiver.stored(valuesOf('identity.number'))).toEqual([
      { value_type: 'int', value: 1, streams: '1' },
      { value_type: 'double', value: 1.5, streams: '1' },
    ]);
  });

  line('model.not-identity', 'bounds and scale', async () => {
    const histograms = [[1], [1, 2]].map(
      (explicitBounds): Stream => ({
        type: 'histogram',
        point: { explicitBounds, bucketCounts: [...explicitBounds.map(() => 0n), 1n] },
      }),
    );
    const exponentials = [0, 5].map((scale): Stream => ({ type: 'exponentialHistogram', point: { scale } }));
    expect(await countStreams('identity.shape', [...histograms, ...exponentials])).toEqual({
      streams: 3,
      points: 5,
    });
  });

  line('model.two-instances', async () => {
    const second = 1_000_000_000n;
    const points = [60n, 40n, 20n].flatMap((ageS, i) =>
      [1n, 2n].map((instance) => ({
        timeUnixNano: NOW_UNIX_NANO - ageS * second,
        startTimeUnixNano: NOW_UNIX_NANO - (100n + instance) * second,
        asInt: instance * 1_000n + BigInt(i) * 10n,
        attributes: [],
      })),
    );
    const request = requestOf('identity.instances', {});
    (dataOf(request) as { dataPoints: OtlpMessage[] }).dataPoints = points;
    await receiver.send(request);
    const from = NOW_UNIX_MS / 1000 - 3600;
    const [row] = await receiver.sql<{ total: number; least: number }>(
      `SELECT sum(increase) AS total, min(increase) AS least
       FROM number_increase(metric = 'identity.instances', start_time = toDateTime64(${from}, 9, 'UTC'),
         end_time = toDateTime64(${from + 7200}, 9, 'UTC'), step_s = 60)`,
    );
    // Each counts from its own start: 1020 and 2020, and nothing looks like a drop from 2000 to 1010.
    expect(row!.total).toBe(3040);
    expect(row!.least).toBeGreaterThanOrEqual(0);
  });
});

function dataOf(request: OtlpMessage): OtlpMessage {
  const [resourceMetrics] = request.resourceMetrics as OtlpMessage[];
  const [scopeMetrics] = resourceMetrics!.scopeMetrics as OtlpMessage[];
  const [metric] = scopeMetrics!.metrics as OtlpMessage[];
  return metric!.sum as OtlpMessage;
}

function pointsOf(request: OtlpMessage): OtlpMessage[] {
  return dataOf(request).dataPoints as OtlpMessage[];
}

function valuesOf(name: string): string {
  return `SELECT value_type, value, toString(uniqExact(series_id) OVER ()) AS streams
    FROM number_points AS p FINAL WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}') ORDER BY time`;
}
