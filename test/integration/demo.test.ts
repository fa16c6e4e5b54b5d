/**
 * `npm start` in one shell and `npm run demo` in another: real server, real demo, over each protocol. All five
 * categories show within 30 s, nothing is unclassified, and SQL answers exactly what the demo says it did.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { MetricTruth } from '../../src/demo/ground-truth.js';
import { METRIC_TABLE } from '../../src/demo/metric-table.js';
import { listDifferences, listSlotProblems, type Totals } from '../demo/compare-truth.js';
import { readStored } from '../demo/stored.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  serverEnvironment,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const FIVE_CATEGORIES_MS = 30_000;
const CATEGORIES = [...new Set(METRIC_TABLE.map(({ category }) => category))].sort();

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function openServer(extra: Record<string, string> = {}): Promise<RunningServer> {
  const data = makeDataDirectory();
  undo.push(data.remove);
  const server = await startServer(data.path, extra);
  undo.push(() => server.stop());
  return server;
}

interface Demo {
  truthFile: string;
  out: () => string;
  exitCode: Promise<number | null>;
}

/** The demo as a person starts it, with the same settings as the server. */
function startDemo(args: string[], extra: Record<string, string> = {}): Demo {
  const directory = makeDataDirectory();
  const truthFile = join(directory.path, 'truth.json');
  const child = spawn(process.execPath, [main, 'demo', '--truth-file', truthFile, ...args], {
    env: serverEnvironment(directory.path, extra),
  });
  undo.push(directory.remove, () => child.kill('SIGKILL'));
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { truthFile, out: () => text, exitCode: new Promise((resolve) => child.once('close', resolve)) };
}

/** Ports that nothing listens on; both are held until both are known. */
async function findClosedPorts(): Promise<string[]> {
  const servers = [createServer(), createServer()];
  const ports: string[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push(String((server.address() as { port: number }).port));
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

const countByCategory = (server: RunningServer) =>
  querySql<{ category: string; points: string }>(
    server,
    'SELECT category, count() AS points FROM plumbline.performance_metrics GROUP BY category ORDER BY category',
  );

/** What SQL answers of a run, as soon as it equals what the run did; fails with the differences. */
async function waitUntilStored(
  server: RunningServer,
  instanceId: string,
  truth: Record<string, MetricTruth>,
): Promise<Map<string, Totals>> {
  const read = async () => listDifferences(await readStored(server, instanceId), truth);
  await waitUntil(read, (differences) => differences.length === 0, 20_000);
  return readStored(server, instanceId);
}

/** Sums over all series of one metric. */
function addUp(stored: ReadonlyMap<string, Totals>, name: string): Totals {
  const totals = { value: 0, count: 0, sum: 0 };
  for (const [series, { value, count, sum }] of stored) {
    if (!series.startsWith(`${name} `)) continue;
    totals.value += value;
    totals.count += count;
    totals.sum += sum;
  }
  return totals;
}

describe('plumbline demo against plumbline serve', () => {
  it.each([
    ['http/protobuf', 'cumulative'],
    ['grpc', 'cumulative'],
    ['http/json', 'delta'],
  ])(
    'over %s (%s) fills all five categories within 30 s, and SQL agrees with what it did',
    {
      timeout: 90_000,
    },
    async (protocol, temporality) => {
      const [http, grpc] = await findClosedPorts();
      const ports = { PLUMBLINE_HTTP_PORT: http!, PLUMBLINE_GRPC_PORT: grpc! };
      // First the demo, which waits for the server at the address of the settings.
      const args = ['--protocol', protocol, '--temporality', temporality, '--duration', '9s'];
      const demo = startDemo([...args, '--export-interval', '2s', '--wait', '20s'], ports);
      await waitUntil(
        async () => demo.out(),
        (text) => text.includes('Waiting up to 20s'),
        10_000,
      );
      const server = await openServer(ports);
      const counts = await waitUntil(
        () => countByCategory(server),
        (rows) => rows.length >= CATEGORIES.length,
        FIVE_CATEGORIES_MS,
      );
      expect(counts.map(({ category }) => category)).toEqual(CATEGORIES);
      expect(CATEGORIES.length).toBe(5);

      expect(await demo.exitCode, demo.out()).toBe(0);
      expect(demo.out()).not.toMatch(/failed|rejected/);
      const { instanceId, live } = JSON.parse(await readFile(demo.truthFile, 'utf8'));
      const stored = await waitUntilStored(server, instanceId, live.metrics);
      const points = (await countByCategory(server)).reduce((sum, row) => sum + Number(row.points), 0);
      expect(points).toBe(live.exports.points);

      // What the instrumentations measured agrees with what was sent, answered and failed.
      const { requests } = live;
      expect(requests.answered).toBe(requests.sent);
      expect(addUp(stored, 'throughput').value).toBe(requests.sent);
      expect(addUp(stored, 'error_rate').value).toBe(requests.errors);
      expect(addUp(stored, 'response_time').count).toBe(requests.sent);
      expect(addUp(stored, 'http.server.request.duration').count).toBe(requests.sent + requests.healthChecks);
      expect(await querySql(server, 'SELECT metric_name FROM unclassified_metrics')).toEqual([]);
    },
  );

  it('writes history that is complete, without gaps, equal to its truth and rolled up', {
    timeout: 90_000,
  }, async () => {
    const server = await openServer({ PLUMBLINE_ROLLUP_DELAY_MS: '0' });
    const demo = startDemo(['--endpoint', `http://${server.http}`, '--backfill', '6h', '--backfill-only']);
    expect(await demo.exitCode, demo.out()).toBe(0);
    expect(demo.out()).toContain('History 100%');
    const { instanceId, history } = JSON.parse(await readFile(demo.truthFile, 'utf8'));
    expect(history.points).toBe(history.series * 360);
    expect(listSlotProblems(history.metrics)).toEqual([]);

    const stored = await waitUntilStored(server, instanceId, history.metrics);
    expect(stored.size).toBe(history.series);
    const minutes = await querySql<{ n: number; series: number }>(
      server,
      `SELECT toUInt32(uniqExact(timestamp)) AS n, toUInt32(count() / n) AS series FROM performance_metrics
       GROUP BY category`,
    );
    expect(minutes.map(({ n }) => n)).toEqual([360, 360, 360, 360, 360]);
    expect(minutes.reduce((sum, { series }) => sum + series, 0)).toBe(history.series);
    expect(await querySql(server, 'SELECT metric_name FROM unclassified_metrics')).toEqual([]);

    // The last point opens a minute, and the last hour is open: those are rolled up when they end.
    const rolledUp = async (resolution: string) => {
      const shapes = ['number', 'histogram', 'exponential_histogram'];
      const parts = shapes.map((shape) => `(SELECT sum(points) FROM ${shape}_${resolution} FINAL)`);
      const [row] = await querySql<{ points: string }>(server, `SELECT ${parts.join(' + ')} AS points`);
      return Number(row!.points);
    };
    const atLeast = (minutes: number) => (points: number) => points >= history.series * minutes;
    await waitUntil(() => rolledUp('1m'), atLeast(359), 30_000);
    await waitUntil(() => rolledUp('1h'), atLeast(300), 30_000);
    expect(await rolledUp('1m')).toBeLessThanOrEqual(history.points);
    expect(await rolledUp('1h')).toBeLessThanOrEqual(history.points);
  });
});
