/**
 * Start times that senders lose, move or give of something else, and restarts that no count shows: each case of test/testkit/cases
 * from the socket to the answers of SQL and KPIs, and what is flagged of it.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCase } from '../testkit/case-file.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { makeDataDirectory } from '../testkit/server.js';

/** The start of a minute, in the middle of an hour. */
const BASE_MS = Date.UTC(2026, 10, 17, 9, 30);
const KPI = 'resource_utilization';
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

async function send(name: string): Promise<void> {
  const { status, json } = await receiver.post(readCase(name, BASE_MS), 'json');
  expect(status).toBe(200);
  expect(json).toEqual({});
}

const instant = (offsetS: number) => `fromUnixTimestamp64Milli(${BASE_MS + offsetS * 1000}, 'UTC')`;

/** Steps of a view as [second before or after the base, values…], the same raw and rolled up. */
async function steps(shape: string, metric: string, columns: string, stepS: number): Promise<number[][]> {
  const text = `SELECT toUnixTimestamp(time) - ${BASE_MS / 1000} AS at, ${columns}
    FROM ${shape}_increase(metric = '${metric}', start_time = ${instant(-1800)}, end_time = ${instant(1800)}, step_s = ${stepS})
    ORDER BY time`;
  const raw = await receiver.stored(text);
  const rolled = await receiver.sql(text);
  expect(rolled).toEqual(raw);
  return rolled.map((row) => Object.values(row).flat().map(Number));
}

const flagged = (metric: string) =>
  receiver.sql(
    `SELECT toString(reason) AS reason, kpi FROM flagged_points FINAL
     WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${metric}') ORDER BY reason`,
  );

describe('starts', () => {
  it('that are the time of the last report make one counter, which is flagged as such', async () => {
    await send('cumulative-start-is-last-report');
    expect(await steps('number', 'case.cpp', 'increase', 60)).toEqual([
      [-240, 110],
      [-180, 10],
      [-120, 10],
      [-60, 10],
      [0, 10],
    ]);
    expect(await steps('number', 'case.cpp', 'increase', 3600)).toEqual([[-1800, 150]]);
    expect(await flagged('case.cpp')).toEqual([{ reason: 'start_moves', kpi: '' }]);
  });

  it('that appear at the time of a point without one continue it', async () => {
    await send('unknown-start-then-start-is-previous-time');
    // Sent in milliseconds; views answer in base units, here seconds.
    expect(await steps('number', 'case.unknown_start', 'increase * 1000', 3600)).toEqual([
      [-1800, expect.closeTo(1, 9)],
    ]);
  });

  it('that are lost continue the counter, which is flagged as such', async () => {
    await send('start-lost');
    expect(await steps('number', 'case.start_lost', 'increase * 1000', 60)).toEqual([
      [-120, expect.closeTo(5, 9)],
      [-60, expect.closeTo(4, 9)],
      [0, expect.closeTo(3, 9)],
    ]);
    expect(await flagged('case.start_lost')).toEqual([{ reason: 'start_lost', kpi: '' }]);
  });
});

describe('restarts', () => {
  it('that show only in a bucket', async () => {
    await send('restart-seen-only-in-a-bucket');
    const columns = 'increase_count, increase_bucket_counts, resets';
    expect(await steps('histogram', 'case.restart', columns, 60)).toEqual([
      [-120, 0, 0, 0, 0],
      [-60, 20, 0, 20, 1],
      [0, 21, 1, 20, 0],
    ]);
    expect(await steps('histogram', 'case.restart', columns, 3600)).toEqual([[-1800, 41, 1, 40, 1]]);
  });

  it('that show only in an exponential bucket, with quantiles', async () => {
    await send('restart-seen-only-in-an-exponential-bucket');
    const columns = 'increase_count, resets';
    expect(await steps('exponential_histogram', 'case.restart_exp', columns, 60)).toEqual([
      [-60, 2, 0],
      [0, 2, 1],
    ]);
    const [row] = await receiver.sql<{ p50: number; count: number }>(
      `SELECT p50, count FROM histogram_quantiles(metric = 'case.restart_exp', start_time = ${instant(0)}, end_time = ${instant(60)},
         step_s = 60, group_by = '')`,
    );
    expect(Number(row!.count)).toBe(2);
    expect(row!.p50).toBeGreaterThan(0);
  });

  it('that show only in the sum of a summary', async () => {
    await send('summary-sum-falls');
    expect(await steps('summary', 'case.summary_drop', 'increase_count, increase_sum * 1000', 60)).toEqual([
      [-120, 0, 0],
      [-60, 3, expect.closeTo(30, 9)],
      [0, 6, expect.closeTo(66, 9)],
    ]);
  });
});

describe('counters of the whole machine', () => {
  it('sent with the start of the SDK: a saturated host is critical in every window', async () => {
    await send('cpu-time-since-boot-start-of-sdk');
    for (const at of [-90, -30, 60, 240]) {
      const rows = await receiver.sql<{ value: number; status: string }>(
        `SELECT value, toString(status) AS status FROM kpi_${KPI}_status(at_time = ${instant(at)}) WHERE value IS NOT NULL`,
      );
      expect(rows.length, `at ${at}`).toBeGreaterThan(0);
      for (const { value, status } of rows) {
        expect(value, `at ${at}`).toBeCloseTo(100, 6);
        expect(status).toBe('critical');
      }
    }
  });
});
