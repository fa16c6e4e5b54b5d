/**
 * Plumbline measures itself, in a running pipeline: what SQL says afterwards is exactly what was sent, its own points
 * not counted; the last counts are recorded on shutdown; and with an interval of 0 nothing is.
 */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { createPipeline, type Pipeline } from '../../src/pipeline.js';
import { openSpool } from '../../src/spool/spool.js';
import { gauge, numberPoint, request, stringAttribute, toProtobuf } from '../testkit/otlp-message.js';
import { makeDataDirectory, querySql, serverEnvironment, waitUntil } from '../testkit/server.js';

const GOOD_REQUESTS = 7;
const GOOD_POINTS = 5;
const PARTLY_REJECTED_REQUESTS = 3;
const MALFORMED_REQUESTS = 4;
/** Points of a damaged segment that is found at the first start. */
const DROPPED_POINTS = 3;
/** What each of two processes is to say; of the requests that are rejected in part three points are good, two too old. */
const COUNTS = {
  points: { accepted: GOOD_REQUESTS * GOOD_POINTS + PARTLY_REJECTED_REQUESTS * 3, rejected: 6 },
  requests: {
    answered: GOOD_REQUESTS + PARTLY_REJECTED_REQUESTS,
    malformed: MALFORMED_REQUESTS,
    refused: 0,
  },
};
const MEASURED_REQUESTS = GOOD_REQUESTS + PARTLY_REJECTED_REQUESTS;

const data = makeDataDirectory();
let pipeline: Pipeline;
let sequence = 0;

async function start(intervalMs: number): Promise<void> {
  const config = readConfig(
    serverEnvironment(data.path, {
      PLUMBLINE_DRAIN_INTERVAL_MS: '100',
      PLUMBLINE_SELF_METRICS_INTERVAL_MS: String(intervalMs),
    }),
  );
  const log = pino({ level: 'fatal' }, pino.destination({ dest: 2, sync: true }));
  pipeline = await createPipeline({ config, version: '1.2.3', log, nowUnixMs: Date.now });
  await pipeline.start();
}

async function post(body: Uint8Array, encoding = 'x-protobuf'): Promise<number> {
  const response = await fetch(`http://${pipeline.addresses().http}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': `application/${encoding}` },
    body: body as Uint8Array<ArrayBuffer>,
  });
  await response.arrayBuffer();
  return response.status;
}

/** A request of so many points, the last `old` of them from 1970. */
function build(points: number, old = 0): Buffer {
  const list = Array.from({ length: points }, (_, i) =>
    numberPoint({
      timeUnixNano: i < points - old ? BigInt(Date.now()) * 1_000_000n : 1n,
      attributes: [stringAttribute('point', String(sequence++))],
    }),
  );
  return toProtobuf(request(gauge(...list)));
}

async function sendEverything(): Promise<void> {
  for (let i = 0; i < GOOD_REQUESTS; i++) expect(await post(build(GOOD_POINTS))).toBe(200);
  for (let i = 0; i < PARTLY_REJECTED_REQUESTS; i++) expect(await post(build(5, 2))).toBe(200);
  for (let i = 0; i < MALFORMED_REQUESTS; i++) expect(await post(build(2).subarray(0, -3))).toBe(400);
}

const ask = <Row = Record<string, unknown>>(sql: string) => querySql<Row>(pipeline.addresses(), sql);

/** Rows that are whole for the spool, and that ClickHouse can never take. */
async function leaveSegmentWithoutBlock(): Promise<void> {
  const limits = { bytesMax: 1e9, segmentBytesMax: 1e9 };
  const spool = await openSpool({ directory: `${data.path}/spool`, ...limits, nowUnixMs: 0 });
  const pieces = [Buffer.from('no Native block')];
  await spool.append([{ table: 'number_points', rows: DROPPED_POINTS, pieces }]);
  await spool.seal();
}

/** Increases of a counter by outcome, of all processes together. */
async function readOutcomes(metric: string): Promise<Record<string, number>> {
  const rows = await ask<{ outcome: string; total: number }>(
    `SELECT s.attributes['outcome'] AS outcome, sum(i.increase) AS total
     FROM number_increase(metric = '${metric}', start_time = now() - INTERVAL 10 MINUTE,
       end_time = now() + INTERVAL 10 MINUTE, step_s = 3600) AS i
     INNER JOIN series AS s FINAL USING (series_id) GROUP BY outcome`,
  );
  return Object.fromEntries(rows.map(({ outcome, total }) => [outcome, total]));
}

async function readNumber(sql: string): Promise<number> {
  const [row] = await ask<{ n: string }>(sql);
  return Number(row!.n);
}

const countOwnPoints = () =>
  readNumber("SELECT count() AS n FROM performance_metrics WHERE source_system = 'plumbline'");

/** Requests whose duration is recorded, of each process up to its newest point. */
const countMeasured = () =>
  readNumber(
    'SELECT sum(n) AS n FROM (SELECT max(count) AS n FROM histogram_points GROUP BY series_id, start_time)',
  );

afterAll(async () => {
  await pipeline?.shutdown(10_000);
  data.remove();
});

describe('what Plumbline records of itself', () => {
  let elapsedMs = 0;

  beforeAll(async () => {
    await leaveSegmentWithoutBlock();
    // So long that only the end of the process records.
    await start(3_600_000);
    const beganMs = Date.now();
    await sendEverything();
    await pipeline.settle();
    expect((await pipeline.readStatus()).points.dropped).toBe(DROPPED_POINTS);
    await pipeline.shutdown(10_000);
    await start(300);
    await sendEverything();
    await waitUntil(countMeasured, (n) => n === 2 * MEASURED_REQUESTS, 20_000);
    elapsedMs = Date.now() - beganMs;
    // Were it to count itself, it would have by now.
    const before = await countOwnPoints();
    await waitUntil(countOwnPoints, (now) => now > before + 20, 20_000);
  }, 60_000);

  it('counts what came through the receivers exactly, itself not, and up to the end of a process', async () => {
    const twice = (counts: Record<string, number>) =>
      Object.fromEntries(Object.entries(counts).map(([outcome, count]) => [outcome, 2 * count]));
    const points = { ...twice(COUNTS.points), dropped: DROPPED_POINTS };
    expect(await readOutcomes('plumbline.points')).toEqual(points);
    expect(await readOutcomes('plumbline.requests')).toEqual(twice(COUNTS.requests));
    expect(await countMeasured()).toBe(2 * MEASURED_REQUESTS);
  });

  it('answers the KPIs as docs/self-metrics.md asks for them', async () => {
    const text = readFileSync(new URL('../../docs/self-metrics.md', import.meta.url), 'utf8');
    const statements = [...text.matchAll(/```sql\n([^`]+)```/g)].map((match) =>
      // Points of this very second too.
      match[1]!.replaceAll('end_time = now()', 'end_time = now() + INTERVAL 1 MINUTE'),
    );
    const answers: Record<string, unknown>[][] = [];
    for (const sql of statements) answers.push(await ask(sql));
    const [collection, [processing], storage, accuracy] = answers as [
      [{ collection_rate: number }],
      [{ mean_s: number; requests: string }],
      { store: string; utilization: number }[],
      unknown[],
    ];
    const { accepted, rejected } = COUNTS.points;
    expect(collection[0].collection_rate).toBeCloseTo(
      (2 * accepted - DROPPED_POINTS) / (2 * (accepted + rejected)),
      10,
    );
    expect(Number(processing.requests)).toBe(2 * MEASURED_REQUESTS);
    expect(processing.mean_s).toBeGreaterThan(0);
    expect(processing.mean_s).toBeLessThan(elapsedMs / 1000);
    const { blocks, bfree, bavail } = await statfs(data.path);
    expect(storage.map(({ store }) => store)).toEqual(['data', 'spool']);
    expect(Math.abs(storage[0]!.utilization - (blocks - bfree) / (blocks - bfree + bavail))).toBeLessThan(
      0.01,
    );
    expect(storage[1]!.utilization).toBeLessThan(0.01);
    // Nothing checks points here, and nothing is claimed.
    expect(accuracy).toHaveLength(1);
  });

  it('reads the other stages: rollups, series, memory', async () => {
    const rows = await ask<{ metric_name: string; value: number }>(
      `SELECT metric_name, argMax(metric_value, timestamp) AS value FROM performance_metrics
       WHERE source_system = 'plumbline' AND metric_name IN ('plumbline.rollups.waiting', 'plumbline.series.active',
         'plumbline.series.budget', 'plumbline.memory.rss') GROUP BY metric_name`,
    );
    const values = Object.fromEntries(rows.map((row) => [row.metric_name, Number(row.value)]));
    expect(Object.keys(values)).toHaveLength(4);
    expect(values['plumbline.rollups.waiting']).toBeGreaterThan(0);
    expect(values['plumbline.series.active']).toBeGreaterThanOrEqual(COUNTS.points.accepted);
    expect(values['plumbline.series.budget']).toBe(3_000_000);
    expect(values['plumbline.memory.rss']).toBeGreaterThan(50e6);
  });

  it('says who it is, and is placed in the taxonomy', async () => {
    const rows = await ask<Record<string, unknown>>(
      `SELECT metric_name, any(unit) AS unit, any(subcategory) AS place, any(metric_type) AS type, any(resource_attributes) AS resource
       FROM series FINAL WHERE source_system = 'plumbline' GROUP BY metric_name ORDER BY metric_name`,
    );
    const resource = {
      'service.name': 'plumbline',
      'service.instance.id': readFileSync(`${data.path}/receiver-id`, 'utf8').trim(),
      'service.version': '1.2.3',
    };
    const row = (metric_name: string, type: string, unit: string, place: string) => ({
      metric_name,
      unit,
      place,
      type,
      resource,
    });
    expect(rows).toEqual([
      row('plumbline.data.checked', 'sum', '{point}', 'Quality Scores'),
      row('plumbline.memory.rss', 'gauge', 'By', 'Resource Utilization'),
      row('plumbline.points', 'sum', '{point}', 'Throughput'),
      row('plumbline.processing.duration', 'histogram', 's', 'Response Times'),
      row('plumbline.requests', 'sum', '{request}', 'Throughput'),
      row('plumbline.rollups.waiting', 'gauge', '{bucket}', 'Throughput'),
      row('plumbline.series.active', 'gauge', '{series}', 'Resource Utilization'),
      row('plumbline.series.budget', 'gauge', '{series}', 'Resource Utilization'),
      row('plumbline.storage.utilization', 'gauge', '1', 'Resource Utilization'),
    ]);
  });

  it('records nothing where the interval is 0', async () => {
    await pipeline.shutdown(10_000);
    await start(0);
    const before = await countOwnPoints();
    await sendEverything();
    await pipeline.settle();
    expect(await countOwnPoints()).toBe(before);
  });
});
