/**
 * What exporters in the wild send although the specification says otherwise, from the socket to the answers of SQL: each case of
 * test/testkit/cases has the right one.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readCase } from '../testkit/case-file.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { makeDataDirectory } from '../testkit/server.js';

// Views with parameters are planned for each question, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

/** The start of a minute, so that every step of a question is a whole one. */
const BASE_MS = Date.UTC(2026, 10, 17, 9, 30);

/** Only the KPI that is asked for: views of all of them take a while to make. */
const KPI = 'user_interaction';
const catalogue = makeDataDirectory();

let receiver: RunningPipeline;
beforeAll(async () => {
  mkdirSync(`${catalogue.path}/kpis`, { recursive: true });
  const file = `kpis/${KPI}.yaml`;
  cpSync(new URL(`../../catalogue/${file}`, import.meta.url), `${catalogue.path}/${file}`);
  receiver = await startPipeline(() => BASE_MS + 3_600_000, { PLUMBLINE_CATALOGUE: catalogue.path });
}, 120_000);
afterAll(async () => {
  await receiver?.stop();
  catalogue.remove();
});

interface Partial {
  rejectedDataPoints: string;
  errorMessage: string;
}

/** Sends the case; what its sender was told besides "all taken". */
async function send(name: string): Promise<Partial | undefined> {
  const { status, json } = await receiver.post(readCase(name, BASE_MS), 'json');
  expect(status).toBe(200);
  return (json as { partialSuccess?: Partial }).partialSuccess;
}

const instant = (offsetS: number) => `fromUnixTimestamp64Milli(${BASE_MS + offsetS * 1000}, 'UTC')`;

interface Quantiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  count: number;
  sum: number;
}

async function readQuantiles(metric: string): Promise<Quantiles[]> {
  return receiver.sql<Quantiles>(
    `SELECT p50, p95, p99, count, sum FROM histogram_quantiles(metric = '${metric}', start_time = ${instant(-3600)},
       end_time = ${instant(3600)}, step_s = 7200, group_by = '')`,
  );
}

/** Rows of a table of points, of one metric. */
async function readPoints(table: string, metric: string, columns: string): Promise<unknown[]> {
  return receiver.stored(
    `SELECT ${columns} FROM ${table} FINAL
     WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${metric}')`,
  );
}

describe('bounds at infinity', () => {
  it('+Inf with as many counts as bounds is dropped, and nothing is lost', async () => {
    expect(await send('histogram-inf-bound-n-counts')).toBeUndefined();
    const columns =
      'explicit_bounds AS bounds, arrayMap(c -> toString(c), bucket_counts) AS counts, toString(count) AS n';
    expect(await readPoints('histogram_points', 'http_request_duration_seconds', columns)).toEqual([
      { bounds: [0.1, 0.5], counts: ['1', '2', '3'], n: '6' },
    ]);
    const [row] = await readQuantiles('http_request_duration_seconds');
    // Three of six lie above the last finite bound, where nothing more is known.
    expect(row).toMatchObject({ count: 6, sum: 1.5, p95: 0.5, p99: 0.5 });
    expect(row!.p50).toBeGreaterThan(0.1);
    expect(row!.p50).toBeLessThanOrEqual(0.5);
  });

  it('+Inf and −Inf with one count more than bounds give the quantiles of the histogram without them', async () => {
    expect(await send('histogram-inf-bound-n-plus-1-counts')).toBeUndefined();
    expect(await send('histogram-minus-inf-bound')).toBeUndefined();
    for (const metric of ['case.inf.bound.plus1', 'case.inf.bound.plus1_minus']) {
      const [row] = await readQuantiles(metric);
      expect(row).toMatchObject({ count: 6, sum: 30, p95: 0.5, p99: 0.5 });
      expect(row!.p50).toBeGreaterThan(0.1);
      expect(row!.p50).toBeLessThanOrEqual(0.5);
    }
  });

  it('a KPI that rests on such a histogram is critical where most of it is too slow', async () => {
    expect(await send('interaction-inf-bound')).toBeUndefined();
    const rows = await receiver.sql<{ grp: string[]; value: number; status: string }>(
      `SELECT group AS grp, value, toString(status) AS status FROM kpi_${KPI}_status(at_time = ${instant(60)})`,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { value, status } of rows) {
      expect(value).toBeGreaterThanOrEqual(500);
      expect(status).toBe('critical');
    }
  });
});

describe('start times', () => {
  it('of a gauge mean nothing: the point is kept, and its sender hears nothing', async () => {
    expect(await send('gauge-with-impossible-start')).toBeUndefined();
    const columns = 'toString(value_int) AS value, toUnixTimestamp64Nano(start_time) = 0 AS has_no_start';
    expect(await readPoints('number_points', 'case.async_gauge', columns)).toEqual([
      { value: '123', has_no_start: 1 },
    ]);
    const [row] = await receiver.sql<{ last: number }>(
      `SELECT last FROM number_values(metric = 'case.async_gauge', start_time = ${instant(-60)}, end_time = ${instant(60)}, step_s = 120)`,
    );
    expect(row!.last).toBe(123);
  });
});

describe('counts and buckets that do not fit', () => {
  it('a count that is missing is that of the buckets', async () => {
    const told = await send('histogram-without-count');
    expect(told!.rejectedDataPoints).toBe('0');
    expect(told!.errorMessage).toContain('"case.count_missing" kept and flagged (count_below_buckets)');
    const [row] = await readQuantiles('case.count_missing');
    expect(row!.count).toBe(15);
    // Milliseconds came, seconds are the answer.
    expect(row!.p50).toBeGreaterThan(0.001);
    expect(row!.p50).toBeLessThanOrEqual(0.002);
  });

  it('a count above the buckets is kept, and quantiles are those of the buckets', async () => {
    const told = await send('exponential-buckets-below-count');
    expect(told!.rejectedDataPoints).toBe('0');
    expect(told!.errorMessage).toContain('"case.exp.mismatch" kept and flagged (count_above_buckets)');
    const [row] = await readQuantiles('case.exp.mismatch');
    expect(row).toMatchObject({ count: 10, sum: 20 });
    expect(row!.p50).toBeGreaterThan(1);
    expect(row!.p50).toBeLessThanOrEqual(2);
    for (const value of [row!.p95, row!.p99]) {
      expect(value).toBeGreaterThan(2);
      expect(value).toBeLessThanOrEqual(4);
    }
  });
});

describe('two writers of one series', () => {
  it('in one request: one point is kept, the others are reported with advice, and counted', async () => {
    const before = (await receiver.pipeline.readStatus()).points.rejected;
    const told = await send('two-writers-one-series');
    expect(told!.rejectedDataPoints).toBe('2');
    expect(told!.errorMessage).toContain('2 points of "case.clients" rejected (conflicting_point)');
    expect(told!.errorMessage).toContain('service.instance.id');
    expect(told!.errorMessage).toContain('enable_ip_only_aggregation');
    expect(await readPoints('number_points', 'case.clients', 'toString(value_int) AS value')).toEqual([
      { value: '10' },
    ]);
    expect((await receiver.pipeline.readStatus()).points.rejected).toBe(before + 2);
  });
});
