/**
 * The Collector's configuration in README.md and docs/sending.md, as it stands: a Collector takes metrics on a socket and sends
 * them on. SQL says what arrived.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { waitUntil } from '../testkit/server.js';
import { collector } from './collector/toolchain.js';
import { readFence, readFences } from './markdown-fences.js';
import { addressOf, type Protocol, readStored, type Way } from './sender.js';

const PAGE = 'docs/sending.md';
const plumblines = inject('plumblines');

if (collector.missing !== undefined) console.warn(`${collector.language} is skipped: ${collector.missing}`);
describe.skipIf(collector.missing !== undefined)(collector.language, () => {
  let program: string;
  beforeAll(async () => {
    program = await collector.build();
  });

  it('sends over gRPC as the README says', async () => {
    await expectSent(readFence('README.md', 'OpenTelemetry Collector', 'yaml'), 'plain', 'grpc');
  });

  it('sends over gRPC', async () => {
    await expectSent(readFence(PAGE, 'Collector over gRPC', 'yaml'), 'plain', 'grpc');
  });

  it('sends over HTTP', async () => {
    await expectSent(readFence(PAGE, 'Collector over HTTP', 'yaml'), 'plain', 'http/protobuf');
  });

  const secured = readFence(PAGE, 'Collector with a token and certificates', 'yaml');

  it('sends over HTTP with a token and certificates', async () => {
    await expectSent(secured, 'tls', 'http/protobuf');
  });

  it('sends over gRPC with a token and certificates, with the name of the other exporter', async () => {
    await expectSent(secured.replaceAll('otlp_http', 'otlp_grpc'), 'tls', 'grpc');
  });

  async function expectSent(configuration: string, way: Way, protocol: Protocol): Promise<void> {
    const service = `collected-${crypto.randomUUID()}`;
    const address = addressOf(plumblines, way, protocol);
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-collector-'));
    const running = await startCollector(
      program,
      folder,
      configuration.replace(/127\.0\.0\.1:431[78]\b/, address),
    );
    try {
      expect(await post(running.socket, createRequest(service))).toBe(200);
      const read = () => readStored(plumblines[way], service);
      const rows = await waitUntil(read, (stored) => stored.length > 0, 15_000).catch(() => running.output());
      expect(rows).toMatchObject([
        { metric_name: 'orders', unit: '{order}', number: 'int', sum: '9007199254740993' },
      ]);
    } finally {
      await running.stop();
      rmSync(folder, { recursive: true });
    }
  }
});

it('has no configuration that is not run here', () => {
  const shown = readFences(PAGE).filter(({ language }) => language === 'yaml');
  expect(shown.map(({ section }) => section)).toEqual([
    'Collector over gRPC',
    'Collector over HTTP',
    'Collector with a token and certificates',
  ]);
});

/** Starts a Collector that takes metrics on a socket in `folder`. Resolves once it does. */
async function startCollector(program: string, folder: string, configuration: string) {
  const socket = join(folder, 'otlp.sock');
  const receives = `
receivers: { otlp: { protocols: { http: { transport: unix, endpoint: ${socket} } } } }
service: { telemetry: { metrics: { level: none } } }`;
  writeFileSync(join(folder, 'receives.yaml'), receives);
  writeFileSync(join(folder, 'sends.yaml'), configuration);
  const files = ['receives.yaml', 'sends.yaml'].flatMap((file) => ['--config', join(folder, file)]);
  const running = spawn(program, files, {
    cwd: plumblines.senderFolder,
    env: { PATH: process.env.PATH, OTLP_TOKEN: plumblines.secret },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => running.once('close', resolve));
  const output = await readUntilReady(running);
  const stop = () => {
    running.kill('SIGTERM');
    return ended;
  };
  return { socket, output, stop };
}

/** Resolves once it takes metrics, with what it has printed whenever that is asked. */
function readUntilReady(running: ChildProcess): Promise<() => string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text: string) => {
      output += text;
      if (output.includes('Everything is ready')) resolve(() => output);
    };
    running.stdout!.setEncoding('utf8').on('data', read);
    running.stderr!.setEncoding('utf8').on('data', read);
    running.once('error', reject);
    running.once('close', (code) => reject(new Error(`the Collector ended with ${code}\n${output}`)));
  });
}

/** A counter that a double cannot hold. */
function createRequest(service: string) {
  const nowNs = `${Date.now()}000000`;
  const point = { asInt: '9007199254740993', timeUnixNano: nowNs, startTimeUnixNano: nowNs };
  const sum = { isMonotonic: true, aggregationTemporality: 2, dataPoints: [point] };
  return {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeMetrics: [{ scope: { name: 'checkout' }, metrics: [{ name: 'orders', unit: '{order}', sum }] }],
      },
    ],
  };
}

function post(socketPath: string, body: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: '/v1/metrics', method: 'POST' };
    const sent = request({ ...options, headers: { 'Content-Type': 'application/json' } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });
}
