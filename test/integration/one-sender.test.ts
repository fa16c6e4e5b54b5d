/**
 * One sender against all others: while the server works on a request that was made to cost as much as can be, /healthz and a
 * small export are answered as before. Times are compared with those of the same server when nothing else is going on.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callRaw, openSession } from '../testkit/grpc-call.js';
import { buildTsbsRequest, keyValue, WireWriter } from '../testkit/otlp-workload.js';
import { readStatus } from '../testkit/receiver-fixture.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const MIB = 1024 * 1024;
/** The longest answer during an attack against the longest without: the machine may be busy with other things too. */
const RATIO_MAX = 100;
/** Answers that came within this time count as if they had taken so long, milliseconds. */
const FLOOR_MS = 10;
const QUIET_PROBES = 50;
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const data = makeDataDirectory();
let server: RunningServer;
let quietMs: { health: number; export: number };
const nowS = () => Math.floor(Date.now() / 1000);
const nano = (second: number) => BigInt(second) * 1_000_000_000n;

beforeAll(async () => {
  server = await startServer(data.path);
  // The first answers compile what answers.
  for (let i = 0; i < QUIET_PROBES; i++) await probe();
  quietMs = { health: FLOOR_MS, export: FLOOR_MS };
  for (let i = 0; i < QUIET_PROBES; i++) {
    const { health, export: exported } = await probe();
    quietMs.health = Math.max(quietMs.health, health);
    quietMs.export = Math.max(quietMs.export, exported);
  }
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

async function timed(work: () => Promise<Response>): Promise<number> {
  const from = performance.now();
  const response = await work();
  await response.arrayBuffer();
  expect(response.status).toBe(200);
  return performance.now() - from;
}

async function probe(): Promise<{ health: number; export: number }> {
  const body = buildTsbsRequest({
    timeUnixNano: nano(nowS()),
    startUnixNano: 0n,
    host: 0,
    points: 10,
    random: () => 0.5,
  });
  return {
    health: await timed(() => fetch(`http://${server.web}/healthz`)),
    export: await timed(() => post(body)),
  };
}

function post(body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });
}

/** Probes until the attack has its answer; expects them to have been quick. */
async function probeWhile<Answer>(attack: Promise<Answer>): Promise<Answer> {
  let isOver = false;
  const over = attack.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  const longest = { health: 0, export: 0 };
  while (!isOver) {
    const { health, export: exported } = await probe();
    longest.health = Math.max(longest.health, health);
    longest.export = Math.max(longest.export, exported);
  }
  expect(longest.health, 'ms for /healthz').toBeLessThan(RATIO_MAX * quietMs.health);
  expect(longest.export, 'ms for a small export').toBeLessThan(RATIO_MAX * quietMs.export);
  return over;
}

const field = (number: number, ...parts: Uint8Array[]) => join(number, parts);
const join = (number: number, parts: readonly Uint8Array[]) =>
  new WireWriter().field(number, Buffer.concat(parts)).finish();
const COUNT_DESCRIBED = `SELECT count() AS points FROM number_points
  WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = 'new.series')`;
/** Field after field, up to 60 MiB. */
const repeated = (...bytes: number[]) => Buffer.alloc(60 * MIB - 1024, Buffer.from(bytes));
const requestOf = (...metrics: Uint8Array[]) => field(1, join(2, metrics));
const gauge = (name: string, points: readonly Uint8Array[]) =>
  field(2, new WireWriter().field(1, name).field(5, Buffer.concat(points)).finish());
const point = (...attributes: Uint8Array[]) => {
  const writer = new WireWriter().fixed64(3, nano(nowS())).fixed64(6, 1n);
  for (const attribute of attributes) writer.field(7, attribute);
  return field(1, writer.finish());
};
/** In field 15, which no message has: 1. */
const UNKNOWN = [0x78, 1];

interface Attack {
  name: string;
  body: () => Buffer;
  headers?: Record<string, string>;
  status: number;
  /** Points that are said to be rejected. */
  rejected?: number;
  message?: string;
}

const ATTACKS: Attack[] = [
  {
    name: '60 MiB of empty resources',
    body: () => repeated(0x0a, 0),
    status: 413,
    message: 'more than 5000000 protobuf messages',
  },
  {
    name: 'two million empty scopes',
    body: () => field(1, Buffer.alloc(4 * MIB, Buffer.from([0x12, 0]))),
    status: 200,
  },
  {
    name: 'two million empty metrics',
    body: () => requestOf(Buffer.alloc(4 * MIB, Buffer.from([0x12, 0]))),
    status: 200,
  },
  { name: 'millions of unknown fields in the request', body: () => repeated(...UNKNOWN), status: 200 },
  {
    name: 'millions of unknown fields in a resource',
    body: () => field(1, field(1, repeated(...UNKNOWN))),
    status: 200,
  },
  {
    name: 'millions of unknown fields in a metric, beside a point',
    body: () => requestOf(field(2, repeated(...UNKNOWN), gauge('beside.unknown', [point()]).subarray(2))),
    status: 200,
  },
  {
    name: 'a scope of which the last byte is missing',
    body: () => field(1, field(2, repeated(0x12, 0))).subarray(0, -1),
    status: 400,
  },
  {
    name: 'a point with millions of exemplars',
    body: () => requestOf(gauge('exemplars', [field(1, Buffer.alloc(8 * MIB, Buffer.from([0x2a, 0])))])),
    status: 200,
    rejected: 1,
    message: 'point_too_large',
  },
  {
    name: 'a resource with a text of 60 MiB',
    body: () =>
      field(
        1,
        field(1, field(1, keyValue('a', 'x'.repeat(60 * MIB - 1024)))),
        field(2, gauge('large.resource', [point()])),
      ),
    status: 200,
    rejected: 1,
    message: 'attributes_too_large',
  },
  {
    name: 'many points of a metric with a name of 8 MiB',
    body: () => requestOf(gauge('n'.repeat(8 * MIB), new Array<Buffer>(200_000).fill(point()))),
    status: 200,
    rejected: 200_000,
    message: 'attributes_too_large',
  },
  {
    name: 'a rejected point each of 300,000 metrics',
    body: () =>
      field(
        1,
        join(
          2,
          Array.from({ length: 300_000 }, (_, i) => gauge(`rejected_${i}`, [field(1)])),
        ),
      ),
    status: 200,
    message: 'value_missing',
  },
];

describe('while one sender attacks, others are answered as before', () => {
  for (const { name, body, headers, status, rejected, message } of ATTACKS) {
    it(`with ${name}`, async () => {
      const attack = gzipSync(body(), { level: 1 });
      const response = await probeWhile(post(attack, { 'content-encoding': 'gzip', ...headers }));
      const answer = Buffer.from(await response.arrayBuffer());
      expect(response.status).toBe(status);
      if (message !== undefined) expect(answer.toString()).toContain(message);
      if (status !== 200) expect(readStatus(answer).code).toBe(status === 413 ? 8 : 3);
      if (rejected !== undefined) expect(answer.toString()).toContain(`${rejected} point`);
    });
  }

  it('with 61 KB of gzip over gRPC', async () => {
    const session = await openSession(server.grpc);
    const attack = gzipSync(repeated(0x0a, 0));
    expect(attack.length).toBeLessThan(65_536);
    const answer = await probeWhile(callRaw(session, attack, { encoding: 'gzip' }));
    expect(answer.code).toBe(8);
    expect(answer.message).toContain('PLUMBLINE_REQUEST_MESSAGES_MAX');
    session.destroy();
  });

  it('with 200,000 new series in one request, all of which are stored with what describes them', async () => {
    const points = Array.from({ length: 200_000 }, (_, i) => point(keyValue('user', `user_${i}`)));
    const response = await probeWhile(post(requestOf(gauge('new.series', points))));
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(0);
    const stored = async () => {
      const [row] = await querySql<{ points: string }>(server, COUNT_DESCRIBED);
      return Number(row!.points);
    };
    await waitUntil(stored, (count) => count === 200_000, 60_000);
  });

  it('with a large request in JSON', async () => {
    const dataPoints = Array.from({ length: 200_000 }, () => ({
      timeUnixNano: String(nano(nowS())),
      asInt: '1',
    }));
    const metrics = [{ name: 'json.points', gauge: { dataPoints } }];
    const body = Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
    const response = await probeWhile(post(body, { 'content-type': 'application/json' }));
    expect([response.status, await response.text()]).toEqual([200, '{}']);
  });
});
