/** `plumbline series top` as a program of its own (dist/, so built before), against a pipeline with small budgets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { gauge, numberPoint, stringAttribute, toJson } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
let running: RunningPipeline;

function request(service: string, name: string, users: number, ageS: number): OtlpMessage {
  const points = Array.from({ length: users }, (_, i) =>
    numberPoint({
      timeUnixNano: BigInt(NOW_MS - ageS * 1000) * 1_000_000n,
      attributes: [stringAttribute('user', `u${i}`), stringAttribute('region', i % 2 ? 'eu' : 'us')],
    }),
  );
  const resource = { attributes: [stringAttribute('service.name', service)] };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ ...gauge(...points), name }] }] }] };
}

beforeAll(async () => {
  running = await startPipeline(() => NOW_MS, { PLUMBLINE_SERIES_PER_METRIC_MAX: '20' });
  for (const message of [
    request('shop', 'logins', 50, 10),
    request('shop', 'carts', 8, 10),
    request('bank', 'logins\u001b[31m', 3, 10),
  ]) {
    expect((await running.post(toJson(message), 'json')).status).toBe(200);
  }
  await running.pipeline.settle();
}, 60_000);
afterAll(() => running.stop());

async function run(args: string[], env: Record<string, string> = {}) {
  const { port } = new URL(`http://${running.pipeline.addresses().sql}`);
  const child = spawn(process.execPath, [main, 'series', 'top', ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      PLUMBLINE_SQL_PORT: port,
      PLUMBLINE_SERIES_PER_METRIC_MAX: '20',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { lines: stdout.split('\n'), stdout, stderr, code };
}

const cells = (line: string | undefined) => (line ?? '').trim().split(/ {2,}/);

describe('plumbline series top', () => {
  test('shows which metrics spend the budget, and what was folded beyond it', async () => {
    const { lines, stderr, code } = await run([]);
    expect([stderr, code]).toEqual(['', 0]);
    expect(lines[0]).toBe(
      '31 active series of 3,000,000 (<0.1 %) (a point in the last 1h), 30 folded beyond a budget, 31 known, 31 new in the last hour',
    );
    expect(lines[1]).toBe('Budget of each metric: 20');
    expect(cells(lines[3])).toEqual(['active', 'of budget', 'folded', 'known', 'new/1h', 'metric']);
    expect(lines.slice(4, 7).map(cells)).toEqual([
      ['20', '100.0 %', '30', '20', '20', 'logins'],
      ['8', '40.0 %', '0', '8', '8', 'carts'],
      ['3', '15.0 %', '0', '3', '3', 'logins·[31m'],
    ]);
  });

  test('groups by service, scope and category, and is limited', async () => {
    const services = await run(['--by', 'service', '--limit', '1']);
    expect(services.lines.slice(4).map(cells)).toEqual([['28', '<0.1 %', '30', '28', '28', 'shop'], ['']]);
    for (const by of ['scope', 'category']) {
      const { lines, code } = await run(['--by', by, '--limit', '1']);
      expect(code).toBe(0);
      expect(cells(lines[3]).at(-1)).toBe(by);
    }
  });

  test('answers in JSON', async () => {
    const report = JSON.parse((await run(['--json', '--limit', '1'])).stdout);
    expect(report).toMatchObject({
      by: 'metric',
      activeS: 3600,
      budget: 20,
      budgetOfAll: 3_000_000,
      all: { active: 31, folded: 30, total: 31, newInLastHour: 31 },
      rows: [{ name: 'logins', active: 20, folded: 30, total: 20, newInLastHour: 20 }],
    });
  });

  test('names the attributes that make series many', async () => {
    const { lines } = await run(['--by', 'attribute', '--metric', 'logins']);
    expect(lines[0]).toBe('Attributes of metric logins by their number of distinct values');
    // The overflow series is one of the 21.
    expect(lines.slice(3, 7).map((line) => cells(line).slice(0, 4))).toEqual([
      ['20', '20', 'point', 'user'],
      ['2', '20', 'point', 'region'],
      ['1', '21', 'resource', 'service.name'],
      ['1', '1', 'point', 'otel.metric.overflow'],
    ]);
    expect((await run(['--by', 'attribute', '--metric', 'none'])).stdout).toBe(
      'No series of metric none has attributes.\n',
    );
  });

  test('says what is wrong with an option, and when nothing listens', async () => {
    expect(await run(['--by', 'user'])).toMatchObject({ code: 1, stderr: expect.stringContaining('metric') });
    expect(await run(['--since', '5'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('with a unit'),
    });
    expect(await run(['--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing listens'),
    });
  });
});
