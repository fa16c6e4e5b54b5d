/** `plumbline demo` as a person starts it: help, mistakes, nobody listening, Ctrl-C. Each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as waitMs } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sumUp } from './arrived.js';
import { listDifferences } from './compare-truth.js';
import { createOtlpSink, type OtlpSink } from './otlp-sink.js';

const root = new URL('../..', import.meta.url).pathname;
/** What the entry of the command line does with errors, without loading the server. */
const ENTRY = `
  import { createDemoCommand } from './src/cli/demo.ts';
  import { UserError } from './src/model/errors.ts';
  try {
    await createDemoCommand().parseAsync(process.argv.slice(1), { from: 'user' });
  } catch (error) {
    console.error(error instanceof UserError ? 'plumbline: ' + error.message : error);
    process.exitCode = 1;
  }
`;

interface Running {
  child: ChildProcess;
  text: { out: string; err: string };
  exitCode: Promise<number | null>;
}

let directory: string;
let sink: OtlpSink;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-'));
  sink = await createOtlpSink();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await sink.close();
  await rm(directory, { recursive: true });
});

function start(args: string[], environment: Record<string, string> = {}): Running {
  const own = Object.entries(process.env).filter(([name]) => !/^(PLUMBLINE_|OTEL_)/.test(name));
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', ENTRY, '--', ...args],
    {
      cwd: root,
      env: { ...Object.fromEntries(own), ...environment },
    },
  );
  children.push(child);
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (text.out += chunk));
  child.stderr.on('data', (chunk) => (text.err += chunk));
  return { child, text, exitCode: new Promise((resolve) => child.on('close', resolve)) };
}

async function run(args: string[], environment: Record<string, string> = {}) {
  const running = start(args, environment);
  return { exitCode: await running.exitCode, ...running.text };
}

/** A port that nothing listens on. */
async function findClosedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('plumbline demo', () => {
  it('explains every option', async () => {
    const { exitCode, out } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const option of [
      'protocol',
      'endpoint',
      'rate',
      'duration',
      'wait',
      'temporality',
      'seed',
      'export-interval',
    ]) {
      expect(out).toContain(`--${option}`);
    }
    expect(out).toContain('--backfill-only');
    expect(out.replace(/\s+/g, ' ')).toContain(
      '(default: OTEL_EXPORTER_OTLP_PROTOCOL, else http/protobuf) (choices: "http/protobuf", "http/json", "grpc")',
    );
    expect(out).toMatch(/0 = until stopped \(default: 0\)/);
  });

  it.each([
    [['--rate', 'fast'], /--rate <n>' argument 'fast' is invalid. It must be a number from 0.1 to 5000/],
    [['--protocol', 'udp'], /Allowed choices are http\/protobuf, http\/json, grpc/],
    [['--endpoint', 'localhost:4318'], /'localhost:4318' is invalid. Write a URL with its scheme/],
  ])('refuses %j and says what to write', async (args, message) => {
    const { exitCode, err } = await run(args);
    expect(exitCode).toBe(1);
    expect(err).toMatch(message);
    expect(err).toContain('(plumbline demo --help lists every option)');
  });

  it('says how to start Plumbline when nothing listens, at the address of the settings', async () => {
    const port = String(await findClosedPort());
    const overHttp = await run(['--wait', '1s'], { PLUMBLINE_HTTP_PORT: port });
    expect(overHttp.exitCode).toBe(1);
    expect(overHttp.out).toContain(
      `Waiting up to 1s for Plumbline at http://127.0.0.1:${port} (plumbline serve).`,
    );
    expect(overHttp.err.trim()).toBe(
      `plumbline: nothing listens on http://127.0.0.1:${port} (ECONNREFUSED); start Plumbline first with "plumbline serve", or name its address with --endpoint`,
    );
    const overGrpc = await run(['--protocol', 'grpc', '--wait', '0'], {
      PLUMBLINE_GRPC_PORT: port,
      PLUMBLINE_HOST: '0.0.0.0',
    });
    expect(overGrpc.exitCode).toBe(1);
    expect(overGrpc.err).toContain(`nothing listens on http://127.0.0.1:${port} (ECONNREFUSED)`);
  });

  it('follows the standard variables of OpenTelemetry', async () => {
    const port = await findClosedPort();
    const { err } = await run(['--wait', '0'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    });
    expect(err).toContain(`nothing listens on http://127.0.0.1:${port} (ECONNREFUSED)`);
    const wrong = await run([], { OTEL_EXPORTER_OTLP_PROTOCOL: 'udp' });
    expect([wrong.exitCode, wrong.err]).toEqual([
      1,
      'plumbline: OTEL_EXPORTER_OTLP_PROTOCOL is udp; it must be one of http/protobuf, http/json, grpc\n',
    ]);
  });

  it('says at once that the truth file cannot be written', async () => {
    const { exitCode, err } = await run([
      '--endpoint',
      sink.httpUrl,
      '--truth-file',
      join(directory, 'no', 'where'),
    ]);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^plumbline: cannot write --truth-file .* name a path that you may write to/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'on %s flushes, ends with 0 and tells what it did',
    async (signal) => {
      const truthFile = join(directory, 'truth.json');
      const running = start(['--endpoint', sink.httpUrl, '--truth-file', truthFile, '--rate', '30']);
      for (let i = 0; i < 150 && !running.text.out.includes('shop is open'); i++) await waitMs(100);
      await waitMs(1_500);
      running.child.kill(signal);
      expect(await running.exitCode).toBe(0);
      const truth = JSON.parse(await readFile(truthFile, 'utf8'));
      const { requests, metrics } = truth.live;
      expect(running.text.out).toContain(`Stopped. ${requests.sent} requests in `);
      expect(requests.sent).toBeGreaterThan(10);
      expect(listDifferences(sumUp(sink.points), metrics)).toEqual([]);
      expect(running.text.err).toBe('');
    },
  );

  it('fails where the backend takes nothing at all, and says why', async () => {
    sink.refuseNext(1_000, 400, {});
    const { exitCode, err } = await run(['--endpoint', sink.httpUrl, '--duration', '1s']);
    expect(exitCode).toBe(1);
    expect(err).toContain('plumbline demo: an export failed: Bad Request');
    expect(err).toContain(`plumbline: ${sink.httpUrl} took no export at all`);
  });

  it('writes history first and then runs for as long as it is told', async () => {
    const truthFile = join(directory, 'truth.json');
    const times = ['--backfill', '1h', '--duration', '2s'];
    const { exitCode, out } = await run(['--endpoint', sink.httpUrl, '--truth-file', truthFile, ...times]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/History 100% .*\nHistory from .* to .*: 13,080 points of 218 series/);
    expect(out).toMatch(/Stopped\. \d+ requests in 2\.\d s/);
    const truth = JSON.parse(await readFile(truthFile, 'utf8'));
    expect(truth.history.points + truth.live.exports.points).toBe(sink.points.length);
  });

  it('with --backfill-only writes a week and stops, over the chosen protocol', async () => {
    const { port } = new URL(sink.grpcUrl);
    const args = ['--backfill-only', '--backfill-interval', '1h', '--protocol', 'grpc'];
    const { exitCode, out } = await run(args, { PLUMBLINE_GRPC_PORT: port });
    expect(exitCode).toBe(0);
    expect(out).toContain(`Writing 7d of history to ${sink.grpcUrl}`);
    expect(out).not.toContain('shop is open');
    expect(sink.points.length).toBe(7 * 24 * 218);
  });

  it('stopped while it writes history, tells how far it came and does not go live', async () => {
    const running = start(['--endpoint', sink.httpUrl, '--backfill', '30d']);
    for (let i = 0; i < 150 && sink.points.length === 0; i++) await waitMs(100);
    running.child.kill('SIGINT');
    expect(await running.exitCode).toBe(0);
    expect(running.text.out).toMatch(/Stopping: .*\n(.*\n)*History, stopped early, from .*: [\d,]+ points/);
    expect(running.text.out).not.toContain('shop is open');
    expect(sink.points.length).toBeLessThan(30 * 1440 * 218);
  });
});
