/** A hundred requests that are wrong in every way: a right answer each, no crash, and valid neighbours unharmed. */
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSdkRequest, buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const NEIGHBOUR_POINTS = 100;

const data = makeDataDirectory();
let server: RunningServer;
const client = () => new Client(server.grpc, credentials.createInsecure());

beforeAll(async () => {
  server = await startServer(data.path, { PLUMBLINE_REQUEST_BYTES_MAX: String(1024 * 1024) });
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

interface Case {
  name: string;
  body: Buffer;
  type?: string;
  encoding?: string;
  method?: string;
  path?: string;
  status: number;
}

function listCases(nowS: number): Case[] {
  const valid = buildSdkRequest({
    timeUnixNano: BigInt(nowS) * 1_000_000_000n,
    startUnixNano: BigInt(nowS - 60) * 1_000_000_000n,
    host: 1,
    points: 20,
    random: () => 0.5,
  });
  const cases: Case[] = [];
  const add = (name: string, status: number, rest: Partial<Case>) =>
    cases.push({ name, status, body: valid, ...rest });
  for (let i = 1; i <= 30; i++) {
    const length = Math.floor((valid.length * i) / 31);
    add(`protobuf cut at ${length}`, 400, { body: valid.subarray(0, length) });
  }
  for (let i = 0; i < 15; i++) {
    // The tag of the first field becomes one of wire types that cannot be there, or field 0.
    const body = Buffer.from(valid);
    body[0] = [0x06, 0x07, 0x00, 0x01, 0x02, 0x0e, 0x0f, 0x0c, 0x16, 0x17, 0x1e, 0x1f, 0x03, 0x04, 0x05][i]!;
    add(`protobuf with first tag ${body[0]}`, 400, { body });
  }
  for (const length of [0xff, 0xfe, 0xfd]) {
    const body = Buffer.concat([Buffer.from([0x0a, length, 0xff, 0xff, 0xff, 0x0f]), valid]);
    add(`protobuf with a length of ${length}`, 400, { body });
  }
  const jsons = [
    '',
    '{',
    '}',
    '[]',
    'null',
    '1',
    '"x"',
    '{"resourceMetrics":',
    '{"resourceMetrics":{}}',
    '{"resourceMetrics":[1]}',
    '{"resourceMetrics":[{"scopeMetrics":"x"}]}',
    '{"resourceMetrics":[]} trailing',
    '{"resourceMetrics":[}',
    '\ufffe{}',
    "{'resourceMetrics':[]}",
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":1}]}]}]}',
    '[[[[',
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":"x"}]}}]}]}]}',
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":1.5}]}}]}]}]}',
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":"abc"}]}}]}]}]}',
  ];
  for (const text of jsons) {
    add(`JSON ${text.slice(0, 40)}`, 400, { body: Buffer.from(text), type: JSON_TYPE });
  }
  add('JSON in invalid UTF-8', 400, {
    body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    type: JSON_TYPE,
  });
  add('deep JSON', 400, { body: Buffer.from('['.repeat(500_000)), type: JSON_TYPE });
  add('protobuf said to be JSON', 400, { type: JSON_TYPE });
  add('JSON said to be protobuf', 400, { body: Buffer.from('{"resourceMetrics":[]}') });
  for (let i = 0; i < 8; i++) {
    const zipped = gzipSync(valid);
    zipped[[0, 1, 2, 20, 40, 60, zipped.length - 6, zipped.length - 2][i]!]! ^= 0x55;
    add(`gzip with damage ${i}`, 400, { body: zipped, encoding: 'gzip' });
  }
  for (let i = 0; i < 5; i++) {
    add(`gzip cut at ${i}/5`, 400, { body: gzipSync(valid).subarray(0, i * 40), encoding: 'gzip' });
  }
  add('gzip that is none', 400, { encoding: 'gzip' });
  add('a bomb', 413, { body: gzipSync(Buffer.alloc(20_000_000)), encoding: 'gzip' });
  add('too large', 413, { body: Buffer.alloc(1024 * 1024 + 1) });
  for (const encoding of ['br', 'compress', 'gzip, gzip']) add(`encoding ${encoding}`, 415, { encoding });
  for (const type of ['text/plain', 'application/octet-stream', 'x', '']) add(`type ${type}`, 415, { type });
  for (const method of ['GET', 'PUT', 'DELETE'])
    add(`method ${method}`, 405, { method, body: Buffer.alloc(0) });
  for (const path of ['/', '/v1/traces', '/v1/logs', '/v1/metrics/x']) add(`path ${path}`, 404, { path });
  return cases;
}

async function post(which: Case): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${server.http}${which.path ?? '/v1/metrics'}`, {
    method: which.method ?? 'POST',
    headers: {
      'Content-Type': which.type ?? PROTOBUF,
      ...(which.encoding !== undefined && { 'Content-Encoding': which.encoding }),
    },
    ...(which.body.length > 0 && which.method !== 'GET' && { body: which.body }),
  });
  return { status: response.status, text: await response.text() };
}

function exportGrpc(body: Buffer): Promise<number> {
  const sender = client();
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    const path = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
    sender.makeUnaryRequest(path, asIs, asIs, body, new Metadata(), {}, (error: ServiceError | null) => {
      sender.close();
      resolve(error?.code ?? 0);
    });
  });
}

it('answers each as the specification says, and stores every valid neighbour', {
  timeout: 60_000,
}, async () => {
  const nowS = Math.floor(Date.now() / 1000);
  const cases = listCases(nowS);
  expect(cases.length).toBeGreaterThanOrEqual(100);
  let neighbours = 0;
  const sendNeighbour = async () => {
    const body = buildTsbsRequest({
      timeUnixNano: BigInt(nowS - 3_600 + neighbours++) * 1_000_000_000n,
      startUnixNano: 0n,
      host: 0,
      points: NEIGHBOUR_POINTS,
      random: () => 0.25,
    });
    return (await post({ name: '', body, status: 200 })).status;
  };
  const wrong: string[] = [];
  for (const which of cases) {
    // Side by side, so that they share a group commit.
    const [before, answer, after] = await Promise.all([sendNeighbour(), post(which), sendNeighbour()]);
    if (before !== 200 || after !== 200) wrong.push(`${which.name}: a neighbour got ${before}, ${after}`);
    if (answer.status !== which.status)
      wrong.push(`${which.name}: ${answer.status} ${answer.text.slice(0, 200)}`);
    if (answer.text === '' && which.method !== 'HEAD')
      wrong.push(`${which.name}: an answer without a reason`);
    if (which.status === 400 && (which.type ?? PROTOBUF) === PROTOBUF && which.encoding === undefined) {
      const code = await exportGrpc(which.body);
      if (code !== 3) wrong.push(`${which.name}: gRPC code ${code}`);
    }
  }
  expect(wrong).toEqual([]);
  const rows = await waitUntil(
    async () => {
      const sql = `SELECT count() AS n, countDistinct(time) AS times, countIf(value != 25) AS odd FROM number_points FINAL`;
      const [row] = await querySql<{ n: string; times: string; odd: string }>(server, sql);
      return { n: Number(row!.n), times: Number(row!.times), odd: Number(row!.odd) };
    },
    ({ n }) => n >= neighbours * NEIGHBOUR_POINTS,
    10_000,
  );
  expect(rows).toEqual({ n: neighbours * NEIGHBOUR_POINTS, times: neighbours, odd: 0 });
  const status = (await (await fetch(`http://${server.web}/api/status`)).json()) as {
    points: { accepted: number; rejected: number; dropped: number };
  };
  expect(status.points).toMatchObject({ accepted: neighbours * NEIGHBOUR_POINTS, rejected: 0, dropped: 0 });
});
