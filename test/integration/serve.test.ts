/** `plumbline serve` as a process: what it prints, how it ends, and what it says when it cannot start. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
const running: RunningServer[] = [];
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

async function start(dataDir: string, extra: Record<string, string> = {}): Promise<RunningServer> {
  const server = await startServer(dataDir, extra);
  running.push(server);
  return server;
}

/** Runs to the end; for starts that must fail. */
function runToEnd(
  dataDir: string,
  extra: Record<string, string> = {},
  args = ['serve'],
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: serverEnvironment(dataDir, extra), timeout: 30_000 };
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const send = (server: RunningServer, second: number) =>
  fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: buildTsbsRequest({
      timeUnixNano: BigInt(second) * 1_000_000_000n,
      startUnixNano: 0n,
      host: 0,
      points: 100,
      random: () => 0.5,
    }),
  });

describe('start', () => {
  it('prints a banner with every address and what to do next, and one line for machines', async () => {
    const server = await start(newDirectory());
    const printed = server.stdout();
    for (const address of [server.grpc, server.http, server.sql, server.web]) {
      expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
      expect(printed.split(address).length).toBeGreaterThan(2);
    }
    expect(printed).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=http://${server.http}`);
    expect(printed.trimEnd().split('\n').at(-1)).toMatch(/^plumbline ready grpc=/);
  });

  it('prints commands that work in another shell, whatever its ports are', async () => {
    const server = await start(newDirectory());
    const root = new URL('../..', import.meta.url).pathname;
    const [demo, sql] = [...server.stdout().matchAll(/^ {2}((?:npx plumbline|node) .*)$/gm)].map(
      ([, line]) => line!,
    );
    const shell = (command: string) =>
      promisify(execFile)('sh', ['-c', command], {
        cwd: root,
        env: { PATH: process.env.PATH, HOME: process.env.HOME },
      });
    expect((await shell(`${demo} --duration 1s --rate 1`)).stdout).toContain(`http://${server.http}`);
    expect((await shell(sql!)).stderr).toBe('');
  });

  it('has what was there on an existing data directory', async () => {
    const dataDir = newDirectory();
    const first = await start(dataDir);
    const now = Math.floor(Date.now() / 1000);
    expect((await send(first, now - 60)).status).toBe(200);
    expect(await first.stop()).toBe(0);
    const second = await start(dataDir);
    const [row] = await querySql<{ n: string }>(second, 'SELECT count() AS n FROM performance_metrics');
    expect(Number(row!.n)).toBe(100);
  });

  it('answers /healthz, /readyz, the status and a page on the web port', async () => {
    const server = await start(newDirectory());
    const get = async (path: string) => {
      const response = await fetch(`http://${server.web}${path}`);
      return [response.status, await response.text()] as const;
    };
    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([200, 'ready\n']);
    expect(JSON.parse((await get('/api/status'))[1])).toMatchObject({ points: { accepted: 0, dropped: 0 } });
    const [status, page] = await get('/');
    expect(status).toBe(200);
    expect(page).toContain('<html');
    const [found, runbook] = await get('/runbooks/error_rate');
    expect(found).toBe(200);
    expect(runbook).toContain('<h1');
    expect((await get('/nothing'))[0]).toBe(404);
  });

  it('says the ready line before /readyz would say otherwise, and listens on loopback only', async () => {
    const server = await start(newDirectory());
    expect(server.web.startsWith('127.0.0.1:')).toBe(true);
    expect((await fetch(`http://${server.web}/readyz`)).status).toBe(200);
  });
});

describe('end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'exits 0 on %s, and everything it acknowledged is stored',
    async (signal) => {
      const dataDir = newDirectory();
      const server = await start(dataDir);
      const now = Math.floor(Date.now() / 1000) - 3_600;
      let acknowledged = 0;
      const sender = (async () => {
        for (let i = 0; i < 2_000; i++) {
          const response = await send(server, now + i).catch(() => undefined);
          if (response?.status !== 200) return;
          acknowledged++;
        }
      })();
      await waitUntil(
        async () => acknowledged,
        (n) => n > 50,
        10_000,
      );
      expect(await server.stop(signal)).toBe(0);
      await sender;
      const again = await start(dataDir);
      const rows = await waitUntil(
        async () =>
          Number(
            (await querySql<{ n: string }>(again, 'SELECT count() AS n FROM number_points FINAL'))[0]!.n,
          ),
        (n) => n >= acknowledged * 100,
        10_000,
      );
      // One request may have been stored without its answer getting through.
      expect(rows).toBeLessThanOrEqual((acknowledged + 1) * 100);
    },
  );

  it('exits 0 with connections of idle clients open', async () => {
    const server = await start(newDirectory());
    const sockets = await Promise.all(
      [server.http, server.web, server.sql, server.grpc].map(async (address) => {
        const { connect } = await import('node:net');
        const [host, port] = address.split(':') as [string, string];
        return new Promise<import('node:net').Socket>((resolve) => {
          const socket = connect(Number(port), host, () => resolve(socket));
          socket.on('error', () => {});
        });
      }),
    );
    const begunMs = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - begunMs).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a start that cannot be', () => {
  it.each(['GRPC', 'HTTP', 'SQL', 'WEB'])(
    'names the port in use and the setting to change: %s',
    async (which) => {
      const taken = createServer();
      await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
      const { port } = taken.address() as { port: number };
      const ended = await runToEnd(newDirectory(), { [`PLUMBLINE_${which}_PORT`]: String(port) });
      taken.close();
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain(`port ${port} on 127.0.0.1 is in use`);
      expect(ended.stderr).toContain(`set PLUMBLINE_${which}_PORT to another port`);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
    },
  );

  it('says that the data directory is used by another Plumbline, and leaves that one alone', async () => {
    const dataDir = newDirectory();
    const first = await start(dataDir);
    const ended = await runToEnd(dataDir);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/data directory .* is in use by another Plumbline.*PLUMBLINE_DATA_DIR/s);
    expect((await send(first, Math.floor(Date.now() / 1000))).status).toBe(200);
  });

  it('says that the data directory cannot be made', async () => {
    const file = join(newDirectory(), 'file');
    writeFileSync(file, '');
    const ended = await runToEnd(join(file, 'data'));
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/cannot be written.*PLUMBLINE_DATA_DIR/s);
  });

  it.skipIf(process.getuid?.() === 0)('says that the data directory cannot be written', async () => {
    const dataDir = join(newDirectory(), 'locked');
    mkdirSync(dataDir);
    chmodSync(dataDir, 0o500);
    const ended = await runToEnd(dataDir);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/cannot be written.*PLUMBLINE_DATA_DIR/s);
  });

  it('lists every setting that is unknown or impossible, with the likely name', async () => {
    const ended = await runToEnd(newDirectory(), {
      PLUMBLINE_HTTPPORT: '1',
      PLUMBLINE_PORT_HTTP: '1',
      PLUMBLINE_GRPC_PORT: '70000',
      PLUMBLINE_LOG_LEVEL: 'loud',
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('PLUMBLINE_HTTPPORT is not a setting');
    expect(ended.stderr).toContain(
      'PLUMBLINE_PORT_HTTP is not a setting of Plumbline; did you mean PLUMBLINE_HTTP_PORT?',
    );
    expect(ended.stderr).toContain('PLUMBLINE_GRPC_PORT=70000: must be a whole number from 0 to 65535');
    expect(ended.stderr).toContain('PLUMBLINE_LOG_LEVEL=loud: must be one of');
  });

  it('names file, line and reason of a broken taxonomy', async () => {
    const file = join(newDirectory(), 'taxonomy.yaml');
    writeFileSync(file, 'categories:\n  - name: [\n');
    const ended = await runToEnd(newDirectory(), { PLUMBLINE_TAXONOMY: file });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`${file}:`);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  it('says what it does not know on the command line', async () => {
    const ended = await runToEnd(newDirectory(), {}, ['server']);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(/unknown command 'server'.*serve/s);
  });

  it('explains every command and setting with --help', async () => {
    const { code, stdout } = await runToEnd(newDirectory(), {}, ['serve', '--help']);
    expect(code).toBe(0);
    for (const name of ['PLUMBLINE_DATA_DIR', 'PLUMBLINE_SPOOL_BYTES_MAX', 'CLICKHOUSE_URL', '4317']) {
      expect(stdout).toContain(name);
    }
  });
});
