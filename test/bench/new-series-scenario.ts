/**
 * Scenario "new-series": one point for each of many series never seen before, until all is stored, rolled up and merged;
 * then the same series once more, now known. What counts is CPU time and memory of the whole server process.
 */
import { gzipSync } from 'node:zlib';
import { keyValue, WireWriter } from '../testkit/otlp-workload.js';
import { makeDataDirectory, querySql, startServer, waitUntil } from '../testkit/server.js';
import { readCpuS, readPeakRssBytes, readRssBytes } from './process-cpu.js';
import { sendAll } from './request-sender.js';

export interface NewSeriesResult {
  series: number;
  /** CPU until the last answer, until stored, until rolled up and merged. */
  cpuS: { answered: number; stored: number; merged: number };
  /** CPU for one more point of each series, until stored. */
  knownCpuS: number;
  startRssBytes: number;
  rssBytes: number;
  peakRssBytes: number;
  /** Rows of tables `series` and `folded_series` on disk. */
  diskBytes: number;
  folded: number;
}

const POINTS_PER_REQUEST = 1_000;
const METRICS = 20;
const CONNECTIONS = 4;
const TIMEOUT_MS = 900_000;

interface Status {
  points: { stored: number; folded: number };
  rollups: { waiting: number };
}

export async function runNewSeries(
  series: number,
  settings: Record<string, string>,
): Promise<NewSeriesResult> {
  const data = makeDataDirectory();
  const server = await startServer(data.path, settings);
  try {
    const startRssBytes = readRssBytes(server.pid);
    const before = readCpuS(server.pid);
    const spent = () => readCpuS(server.pid) - before;
    const status = async () => (await (await fetch(`http://${server.web}/api/status`)).json()) as Status;
    const waitForMerges = async () => {
      let quiet = 0;
      const countQuiet = async () => {
        const [row] = await querySql<{ n: string }>(server, 'SELECT count() AS n FROM system.merges');
        quiet = Number(row!.n) === 0 ? quiet + 1 : 0;
        return quiet;
      };
      await waitUntil(countQuiet, (reads) => reads >= 20, TIMEOUT_MS);
    };
    const startUnixS = Math.floor(Date.now() / 60_000) * 60 - 3_600;
    await sendAll(server.http, buildRequests(series, startUnixS), CONNECTIONS);
    const answered = spent();
    await waitUntil(status, (s) => s.points.stored >= series, TIMEOUT_MS);
    const stored = spent();
    await waitUntil(status, (s) => s.rollups.waiting <= 2, TIMEOUT_MS);
    await waitForMerges();
    const merged = spent();
    const rssBytes = readRssBytes(server.pid);
    await sendAll(server.http, buildRequests(series, startUnixS + 10), CONNECTIONS);
    const { points } = await waitUntil(status, (s) => s.points.stored >= 2 * series, TIMEOUT_MS);
    const knownCpuS = spent() - merged;
    const [row] = await querySql<Record<string, string>>(
      server,
      `SELECT (SELECT count() FROM series_of_points WHERE is_folded OR attributes != map('otel.metric.overflow', 'true')) AS n,
              (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table IN ('series', 'folded_series')) AS bytes`,
    );
    if (Number(row!.n) !== series) throw new Error(`${row!.n} of ${series} series are there`);
    const cpuS = { answered, stored, merged };
    const memory = { startRssBytes, rssBytes, peakRssBytes: readPeakRssBytes(server.pid) };
    return { series, cpuS, knownCpuS, ...memory, diskBytes: Number(row!.bytes), folded: points.folded / 2 };
  } finally {
    await server.stop('SIGKILL');
    data.remove();
  }
}

/** SDK-like requests, each of 20 counters for 50 users nobody has seen before: five attributes and six of the resource. */
function buildRequests(series: number, timeUnixS: number): Buffer[] {
  const perMetric = POINTS_PER_REQUEST / METRICS;
  return Array.from({ length: Math.ceil(series / POINTS_PER_REQUEST) }, (_, i) =>
    gzipSync(buildRequest(i * perMetric, perMetric, i % 10, timeUnixS)),
  );
}

function buildRequest(firstUser: number, users: number, node: number, timeUnixS: number): Buffer {
  const resource = new WireWriter();
  for (const [key, value] of [
    ['service.name', 'checkout'],
    ['service.version', '1.2.3'],
    ['host.name', `node-${node}`],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.version', '2.12.1'],
  ] as const) {
    resource.field(1, keyValue(key, value));
  }
  const scope = new WireWriter().field(1, new WireWriter().field(1, 'checkout').field(2, '0.223.0').finish());
  for (let m = 0; m < METRICS; m++) {
    const sum = new WireWriter();
    for (let user = firstUser; user < firstUser + users; user++) {
      const point = new WireWriter()
        .field(7, keyValue('http.request.method', 'GET'))
        .field(7, keyValue('http.route', `/api/v1/resource/${user % 50}`))
        .field(7, keyValue('http.response.status_code', '200'))
        .field(7, keyValue('server.address', 'shop.example.com'))
        .field(7, keyValue('user.id', `user-${user}`))
        .fixed64(2, BigInt(timeUnixS - 600) * 1_000_000_000n)
        .fixed64(3, BigInt(timeUnixS) * 1_000_000_000n)
        .fixed64(6, BigInt(user % 1000));
      sum.field(1, point.finish());
    }
    sum.number(2, 2).number(3, 1);
    const metric = new WireWriter()
      .field(1, `http.server.activity_${m}`)
      .field(2, 'What the server did, counted by route and status.')
      .field(3, '{request}')
      .field(7, sum.finish());
    scope.field(2, metric.finish());
  }
  return new WireWriter()
    .field(1, new WireWriter().field(1, resource.finish()).field(2, scope.finish()).finish())
    .finish();
}
