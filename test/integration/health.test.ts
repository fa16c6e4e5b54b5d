/** Health that can be believed, a start during which nothing is refused, and an end that always comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  serverEnvironment,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const spoiledProcess = new URL('../testkit/spoiled-process.mjs', import.meta.url).pathname;
const running: { stop(signal: NodeJS.Signals): Promise<unknown> }[] = [];
const directories: { remove: () => void }[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop('SIGKILL');
  for (const directory of directories.splice(0)) directory.remove();
});

function newDirectory(): string {
  const directory = makeDataDirectory();
  directories.push(directory);
  return directory.path;
}

async function start(extra: Record<string, string> = {}, dataDir = newDirectory()): Promise<RunningServer> {
  const server = await startServer(dataDir, extra);
  running.push(server);
  return server;
}

interface StartingServer {
  http: string;
  web: string;
  sql: string;
  stdout: () => string;
  process: ChildProcess;
  /** Resolves at the ready line. */
  ready: Promise<void>;
}

/** Resolves as soon as the server takes metrics. */
function startEarly(dataDir: string, extra: Record<string, string> = {}): Promise<StartingServer> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: serverEnvironment(dataDir, extra),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  running.push({
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
  });
  let stdout = '';
  let sayReady = () => {};
  const ready = new Promise<void>((resolve) => {
    sayReady = resolve;
  });
  return new Promise((resolve, reject) => {
    void exited.then((code) => reject(new Error(`ended with ${code}\n${stdout}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const taking = /^plumbline takes metrics grpc=\S+ http=(\S+) sql=(\S+) web=(\S+)$/m.exec(stdout);
      if (/^plumbline ready /m.test(stdout)) sayReady();
      if (taking === null) return;
      const [, http, sql, web] = taking as unknown as string[];
      resolve({ http: http!, sql: sql!, web: web!, stdout: () => stdout, process: child, ready });
    });
  });
}

function send(server: { http: string }, host: number, points = 100): Promise<Response> {
  return fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: buildTsbsRequest({
      timeUnixNano: BigInt(Date.now() - 60_000) * 1_000_000n,
      startUnixNano: 0n,
      host,
      points,
      random: () => 0.5,
    }),
  });
}

async function get(server: { web: string }, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${server.web}${path}`);
  return { status: response.status, text: await response.text() };
}

describe('a start', () => {
  it('takes points before the engine is open, says so, and stores them', async () => {
    const server = await startEarly(newDirectory());
    const [answer, ingest, all, sql] = await Promise.all([
      send(server, 0),
      get(server, '/readyz?for=ingest'),
      get(server, '/readyz'),
      fetch(`http://${server.sql}/ping`),
    ]);
    expect(answer.status).toBe(200);
    expect(ingest).toEqual({ status: 200, text: 'ready\n' });
    expect(all.status).toBe(503);
    expect(all.text).toMatch(/^starting: /);
    expect(sql.status).toBe(503);
    expect(server.stdout()).not.toContain('plumbline ready');
    await server.ready;
    expect(await get(server, '/readyz')).toEqual({ status: 200, text: 'ready\n' });
    await waitUntil(
      async () =>
        (await querySql<{ n: string }>(server, 'SELECT count() AS n FROM number_points FINAL'))[0]!.n,
      (n) => Number(n) === 100,
      10_000,
    );
  });

  it('is over when every view, definition and KPI is there', async () => {
    const server = await start({ PLUMBLINE_CATALOGUE_BUILT_IN: 'true' });
    const rows = await querySql<{ n: string }>(
      server,
      `SELECT count() AS n FROM system.completions WHERE belongs = 'plumbline' AND match(word, '^kpi_.*_status$')
       UNION ALL SELECT uniqExact(metric_name) FROM metric_definitions`,
    );
    expect(rows.map(({ n }) => Number(n))).toEqual([26, 26]);
    expect(await get(server, '/readyz')).toEqual({ status: 200, text: 'ready\n' });
  }, 60_000);

  it('keeps the places of active series from the first request on', async () => {
    const dataDir = newDirectory();
    const budget = { PLUMBLINE_SERIES_MAX: '100' };
    const first = await start(budget, dataDir);
    expect((await send(first, 0)).status).toBe(200);
    await first.stop('SIGKILL');
    const second = await startEarly(dataDir, budget);
    // Others come first, before ClickHouse can be asked whose places are taken.
    expect((await send(second, 10)).status).toBe(200);
    expect((await send(second, 0)).status).toBe(200);
    expect(second.stdout()).not.toContain('plumbline ready');
    const status = JSON.parse((await get(second, '/api/status')).text);
    expect(status).toMatchObject({
      points: { accepted: 200, folded: 100 },
      series: { active: 100, budget: 100 },
    });
  });
});

describe('/readyz', () => {
  it('says that the SQL port is blocked, and sends senders on', async () => {
    const server = await start();
    const stop = new AbortController();
    const slow = 'SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1';
    const statements = Array.from({ length: 4 }, () =>
      fetch(`http://${server.sql}/?query=${encodeURIComponent(slow)}`, { signal: stop.signal })
        .then((response) => response.text())
        .catch(() => ''),
    );
    const blocked = await waitUntil(
      () => get(server, '/readyz'),
      ({ status }) => status === 503,
      20_000,
    );
    expect(blocked.text).toContain('the SQL port is blocked');
    expect(await get(server, '/readyz?for=ingest')).toEqual({ status: 200, text: 'ready\n' });
    stop.abort();
    await Promise.all(statements);
    await waitUntil(
      () => get(server, '/readyz'),
      ({ text }) => text === 'ready\n',
      20_000,
    );
  }, 60_000);

  it('refuses a purpose that it does not know', async () => {
    const server = await start();
    expect(await get(server, '/readyz?for=sql')).toEqual({
      status: 400,
      text: 'for=sql: must be all or ingest\n',
    });
  });
});

describe('an end', () => {
  it('comes by itself when the engine has crashed, with the reason, and nothing acknowledged is lost', async () => {
    const dataDir = newDirectory();
    const server = await start(
      { NODE_OPTIONS: `--import=${spoiledProcess}`, SPOIL: 'crash', PLUMBLINE_DRAIN_INTERVAL_MS: '50' },
      dataDir,
    );
    server.process.kill('SIGUSR2');
    let acknowledged = 0;
    let host = 0;
    const exited = new Promise<NodeJS.Signals | null>((resolve) =>
      server.process.once('exit', (_code, signal) => resolve(signal)),
    );
    await waitUntil(
      async () => {
        const status = await send(server, host++).then(
          (response) => response.status,
          () => undefined,
        );
        if (status === 200) acknowledged += 100;
        return status;
      },
      (status) => status === undefined,
      30_000,
    );
    expect(await exited).toBe('SIGKILL');
    expect(server.stderr()).toContain('the embedded ClickHouse has failed and cannot go on');
    const again = await start({}, dataDir);
    await waitUntil(
      async () =>
        Number((await querySql<{ n: string }>(again, 'SELECT count() AS n FROM number_points FINAL'))[0]!.n),
      (n) => n === acknowledged,
      20_000,
    );
  }, 90_000);

  it('comes within PLUMBLINE_SHUTDOWN_MS though the event loop is blocked', async () => {
    const server = await start({
      NODE_OPTIONS: `--import=${spoiledProcess}`,
      SPOIL: 'block',
      PLUMBLINE_SHUTDOWN_MS: '1500',
    });
    server.process.kill('SIGUSR2');
    await waitUntil(
      async () => server.stderr(),
      (printed) => printed.includes('spoiled'),
      10_000,
    );
    expect(await server.stop()).toBe(null);
  });

  it('comes while the server is starting', async () => {
    const dataDir = newDirectory();
    const server = await startEarly(dataDir);
    expect((await send(server, 0)).status).toBe(200);
    const exited = new Promise<number | null>((resolve) => server.process.once('exit', resolve));
    server.process.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(existsSync(join(dataDir, 'lock'))).toBe(false);
  });
});
