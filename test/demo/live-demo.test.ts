/** The live demo against a sink: everything it says it did arrives. Other protocols: test/integration/demo.test.ts. */
import { setTimeout as waitMs } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeSeries } from '../../src/demo/ground-truth.js';
import { createHistory } from '../../src/demo/history/history-steps.js';
import { type LiveDemo, type LiveDemoOptions, startLiveDemo } from '../../src/demo/live-demo.js';
import { METRIC_TABLE } from '../../src/demo/metric-table.js';
import { sumUp } from './arrived.js';
import { listDifferences, listSlotProblems, listTableProblems } from './compare-truth.js';
import { createOtlpSink, type OtlpSink } from './otlp-sink.js';

const clock = { unixMs: () => Date.now(), monotonicMs: () => performance.now() };

let sink: OtlpSink;
let demo: LiveDemo | undefined;
const notices: string[] = [];

beforeEach(async () => {
  notices.length = 0;
  sink = await createOtlpSink();
});
afterEach(async () => {
  await demo?.stop();
  demo = undefined;
  await sink.close();
});

async function start(options: Partial<LiveDemoOptions>): Promise<LiveDemo> {
  demo = await startLiveDemo({
    target: { protocol: 'http/protobuf', endpoint: sink.httpUrl, temporality: 'cumulative' },
    clock,
    ratePerSecond: 80,
    exportIntervalMs: 1_000,
    seed: 7,
    instanceId: 'test',
    onNotice: (text) => notices.push(text),
    ...options,
  });
  return demo;
}

/** Long enough for the first slow spell, which brings errors and slow answers. */
async function waitForTrouble(running: LiveDemo): Promise<void> {
  for (let i = 0; i < 120; i++) {
    await waitMs(100);
    if (i >= 25 && running.requests.errors > 0 && running.requests.slow > 0) return;
  }
}

async function stop(running: LiveDemo) {
  demo = undefined;
  return running.stop();
}

describe('the live demo', () => {
  it('delivers exactly what it did, with delta sums too', async () => {
    const running = await start({
      target: { protocol: 'http/protobuf', endpoint: sink.httpUrl, temporality: 'delta' },
    });
    await waitForTrouble(running);
    const report = await stop(running);

    expect(notices).toEqual([]);
    expect(listTableProblems(sink.points)).toEqual([]);
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
    expect(listSlotProblems(report.metrics)).toEqual([]);
    const { requests, metrics, exports } = report;
    expect(requests.errors).toBeGreaterThan(0);
    expect(requests.slow).toBeGreaterThan(0);
    expect(requests.answered).toBe(requests.sent);
    expect(metrics.throughput?.sum).toBe(requests.sent);
    expect(metrics.response_time?.count).toBe(requests.sent);
    expect(metrics.error_rate?.sum).toBe(requests.errors);
    expect(exports).toMatchObject({ failed: 0, rejectedPoints: 0, points: sink.points.length });
    const histograms = sink.points.filter((point) => point.type === 'histogram');
    expect(new Set(histograms.map((point) => point.isDelta))).toEqual(new Set([true]));
  });

  it('is measured by the instrumentations, only the shop is, and history has the same series', async () => {
    const running = await start({});
    await waitForTrouble(running);
    const { requests, metrics } = await stop(running);
    expect(listSlotProblems(metrics)).toEqual([]);
    expect(metrics['http.server.request.duration']!.count).toBe(requests.answered + requests.healthChecks);
    expect(metrics['http.client.request.duration']!.count).toBe(requests.paymentCalls);
    // Everything counts from the start of the program: no first value has an unknown start.
    const sums = sink.points.filter(({ type }) => type !== 'gauge');
    expect(new Set(sums.map(({ startMs }) => startMs)).size).toBe(1);
    expect(sums.every(({ startMs, timeMs }) => startMs < timeMs)).toBe(true);

    const series = [...sumUp(sink.points).values()];
    const countOf = (name: string): number =>
      series.filter(({ points }) => points[0]!.name === name).reduce((sum, { count }) => sum + count, 0);
    expect(countOf('http.server.request.duration')).toBe(requests.answered + requests.healthChecks);
    expect(requests.paymentCalls).toBeGreaterThan(0);
    expect(countOf('http.client.request.duration')).toBe(requests.paymentCalls);
    const server = sink.points.filter((point) => point.name === 'http.server.request.duration');
    expect(new Set(server.map((point) => point.attributes['http.route']))).toContain('/products/{id}');
    expect(server.every((point) => point.unit === 's' && point.attributes['http.route'] !== undefined)).toBe(
      true,
    );
    const scopes = new Set(sink.points.map((point) => point.scope));
    expect(scopes).toContain('@opentelemetry/instrumentation-runtime-node');
    expect(scopes).toContain('@opentelemetry/host-metrics');

    const known = listHistorySeries();
    const live = new Set(sink.points.filter(({ name }) => COMPARED.has(name)).map(({ series }) => series));
    expect([...live].filter((series) => !known.has(series))).toEqual([]);
    expect(live.size).toBeGreaterThan(100);
  });

  it('sends all five categories within five seconds, however long the export interval is', async () => {
    await start({ exportIntervalMs: 60_000, ratePerSecond: 20 });
    for (let i = 0; i < 50 && sink.requestBytes.length < 3; i++) await waitMs(100);
    const arrived = new Set(sink.points.map((point) => point.name));
    const categories = METRIC_TABLE.filter(({ name }) => arrived.has(name)).map(({ category }) => category);
    expect(new Set(categories).size).toBe(5);
  });

  it('carries on and says so when the backend goes away', async () => {
    const running = await start({ exportIntervalMs: 500 });
    sink.refuseNext(3, 400, {});
    await waitMs(1_500);
    const report = await stop(running);
    expect(report.exports.failed).toBe(3);
    expect(notices[0]).toMatch(/an export failed/);
    expect(listDifferences(sumUp(sink.points), report.metrics)).toEqual([]);
  });
});

/** Their attributes do not depend on the run; those of the client durations name a port. */
const COMPARED = new Set<string>([...METRIC_TABLE.map(({ name }) => name), 'http.server.request.duration']);

function listHistorySeries(): Set<string> {
  const toUnixMs = Date.UTC(2026, 0, 28);
  const history = createHistory({
    fromUnixMs: toUnixMs - 86_400_000,
    toUnixMs,
    intervalMs: 3_600_000,
    isDelta: false,
    ratePerSecond: 20,
    seed: 1,
    instanceId: 'test',
  });
  for (const _ of history.slices());
  return new Set(
    Object.entries(history.readTruth()).flatMap(([name, { series }]) =>
      series.map(({ attributes }) => describeSeries(name, attributes)),
    ),
  );
}
