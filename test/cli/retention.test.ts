/**
 * `plumbline retention` as a program of its own (dist/, so built before): against a running pipeline, whose engine only the
 * server may change, and against a ClickHouse server itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RetentionPlan } from '../../src/model/retention.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { applyMigrations } from '../../src/store/migrations.js';
import { readTables } from '../../src/store/retention-tables.js';
import { insertCounter, insertSeries } from '../testkit/aged-points.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { gauge, numberPoint, stringAttribute, toJson } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { makeDataDirectory, querySql } from '../testkit/server.js';
import { startSqlServer } from '../testkit/sql-server.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const DAY_MS = 86_400_000;
const LONG_AGO_MS = Math.floor((Date.now() - 100 * DAY_MS) / 1000) * 1000;
const OWN_FILE = 'categories:\n  business_impact:\n    raw: 200d\n';

let running: RunningPipeline;
/** The pipeline's clock: it lived 100 days ago, so that what it stored then is old. */
let clockMs = LONG_AGO_MS;
const catalogue = makeDataDirectory();

function send(category: string, subcategory: string, points: number, atMs: number): Promise<unknown> {
  const dataPoints = Array.from({ length: points }, (_, i) =>
    numberPoint({ timeUnixNano: BigInt(atMs - i * 1000) * 1_000_000n }),
  );
  const attributes = [
    stringAttribute('plumbline.category', category),
    stringAttribute('plumbline.subcategory', subcategory),
  ];
  const metrics: OtlpMessage[] = [{ ...gauge(...dataPoints), name: `of ${category}` }];
  const message = { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] };
  return running.post(toJson(message), 'json').then(({ status }) => expect(status).toBe(200));
}

beforeAll(async () => {
  writeFileSync(join(catalogue.path, 'retention.yaml'), OWN_FILE);
  running = await startPipeline(() => clockMs, { PLUMBLINE_CATALOGUE: catalogue.path });
  await send('business_impact', 'revenue_metrics', 20, LONG_AGO_MS);
  await send('system_performance', 'throughput', 30, LONG_AGO_MS);
  await running.pipeline.settle();
  clockMs = Date.now();
  await send('system_performance', 'throughput', 5, clockMs);
  await running.pipeline.settle();
}, 60_000);
afterAll(async () => {
  await running?.stop();
  catalogue.remove();
});

async function run(args: string[], env: Record<string, string> = {}) {
  const { port } = new URL(`http://${running.pipeline.addresses().web}`);
  const child = spawn(process.execPath, [main, 'retention', ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', PLUMBLINE_WEB_PORT: port, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { lines: stdout.split('\n').map((line) => line.trim().split(/ {2,}/)), stdout, stderr, code };
}

async function countPoints(): Promise<number> {
  const [row] = await querySql<{ n: string }>(
    running.pipeline.addresses(),
    'SELECT count() AS n FROM number_points FINAL',
  );
  return Number(row!.n);
}

describe('plumbline retention', () => {
  test('shows what is in force and what is stored', async () => {
    const { lines, stderr, code } = await run([]);
    expect([stderr, code]).toEqual(['', 0]);
    expect(lines[2]).toEqual(['category', 'raw', 'exemplars', '1m', '1h', '1d']);
    expect(lines[3]).toEqual(['(every other)', ...Array(5).fill('forever')]);
    const points = lines.filter(([table]) => table === 'number_points');
    expect(points.map((cells) => cells.slice(1, 4))).toEqual([
      ['Business Impact', 'forever', '20'],
      ['System Performance', 'forever', '35'],
    ]);
    expect(points[1]![5]).toBe(new Date(LONG_AGO_MS - 29_000).toISOString().slice(0, 19).replace('T', ' '));
  });

  test('plans without changing anything, with the file of the user laid over the one that came with it', async () => {
    const { stdout, lines, code } = await run(['plan']);
    expect(code).toBe(0);
    expect(lines).toContainEqual(['raw', '(every other)', 'forever', '30d', 'shorter']);
    expect(lines).toContainEqual(['raw', 'Business Impact', 'forever', '200d', 'shorter']);
    const deleted = lines.filter(([table]) => table === 'number_points');
    expect(deleted.map((cells) => cells.slice(0, 3))).toEqual([
      ['number_points', 'System Performance', '30'],
    ]);
    expect(stdout).toMatch(/In all 30 rows, about .*\.\n"plumbline retention apply" does it/);
    expect(await countPoints()).toBe(55);
  });

  test('applies nothing where nobody can be asked', async () => {
    const { stderr, code } = await run(['apply']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('add --yes')]);
    expect(await countPoints()).toBe(55);
  });

  test('is asked for on this machine alone, and changes nothing without the confirmation of a plan', async () => {
    const { web } = running.pipeline.addresses();
    const ask = (method: string, path: string, headers: Record<string, string>, body = '') =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`http://${web}${path}`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        sent.on('error', reject).end(body);
      });
    const path = '/api/retention';
    expect(await ask('GET', `${path}/plan`, {})).toBe(200);
    expect(await ask('GET', path, { host: 'attacker.example:4320' })).toBe(403);
    expect(await ask('GET', path, { 'x-forwarded-for': '127.0.0.1' })).toBe(403);
    const consent = JSON.stringify({ plannedAtMs: clockMs, confirmation: 'yes' });
    expect(await ask('POST', path, { origin: `http://${web}` }, consent)).toBe(403);
    expect(await ask('POST', path, {}, consent)).toBe(409);
    expect(await ask('POST', path, {}, '{"yes":true}')).toBe(400);
    expect(await countPoints()).toBe(55);
  });

  test('applies what it showed once it is agreed to', { timeout: 60_000 }, async () => {
    const { stdout, stderr, code } = await run(['apply', '--yes']);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/\nApplied\. Deleted: In all 30 rows/);
    expect(await countPoints()).toBe(25);
    const { lines, stdout: shown } = await run(['show']);
    expect(lines).toContainEqual(['Business Impact', '200d', '30d', '396d', '1827d', 'forever']);
    expect(shown).toContain('The file says the same.');
  });

  test('says which line of the file is wrong, and changes nothing', async () => {
    writeFileSync(join(catalogue.path, 'retention.yaml'), OWN_FILE.replace('200d', 'long'));
    const { stderr, code } = await run(['apply', '--yes']);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'retention.yaml:3: categories.business_impact.raw must be a duration such as 30d',
    );
  });

  test('says when nothing listens', async () => {
    const { stderr, code } = await run(['--url', 'http://127.0.0.1:1']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('nothing listens at http://127.0.0.1:1')]);
  });

  test('asks and changes the ClickHouse that CLICKHOUSE_URL names', { timeout: 60_000 }, async () => {
    const data = makeDataDirectory();
    const server = await startSqlServer(data.path);
    try {
      const clickhouse = await connectClickHouse({
        url: server.url,
        username: 'default',
        password: '',
        database: 'plumbline',
        requestTimeoutMs: 60_000,
      });
      await applyMigrations(clickhouse);
      await insertSeries(clickhouse, [{ id: 1, metric: 'sales', category: 'Business Impact' }]);
      await insertCounter(clickhouse, { ids: [1, 2], from: new Date(LONG_AGO_MS), minutes: 10 });
      const { stdout, stderr, code } = await run(['apply', '--yes', '--json'], {
        CLICKHOUSE_URL: server.url,
      });
      expect([stderr, code]).toEqual(['', 0]);
      const plan = JSON.parse(stdout) as RetentionPlan;
      expect(plan.deletions.map(({ table, category, rows }) => [table, category, rows])).toEqual([
        ['number_points', '', 10],
        ['number_points', 'Business Impact', 10],
      ]);
      const [points] = await readTables(clickhouse);
      expect([points!.rules, points!.isEmpty]).toEqual([{ default: 30, categories: {} }, true]);
      await clickhouse.close();
    } finally {
      await server.stop();
      data.remove();
    }
  });
});
