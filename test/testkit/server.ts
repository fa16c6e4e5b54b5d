/**
 * A real server in a process of its own, as `npm start` runs it: dist/start.cjs serve, on free ports of 127.0.0.1, in a
 * data directory that the test owns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RunningServer {
  process: ChildProcess;
  pid: number;
  grpc: string;
  http: string;
  sql: string;
  web: string;
  /** Everything printed so far. */
  stdout: () => string;
  stderr: () => string;
  /** Milliseconds from spawn to the ready line. */
  readyMs: number;
  /** Ends it with a signal; resolves with the exit code (null when killed). */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;

export function makeDataDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'plumbline-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Environment of a server under test: nothing inherited that could change it. */
export function serverEnvironment(
  dataDir: string,
  extra: Record<string, string> = {},
): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    PLUMBLINE_DATA_DIR: dataDir,
    PLUMBLINE_GRPC_PORT: '0',
    PLUMBLINE_HTTP_PORT: '0',
    PLUMBLINE_SQL_PORT: '0',
    PLUMBLINE_WEB_PORT: '0',
    PLUMBLINE_LOG_LEVEL: 'warn',
    // Tests and benchmarks count points: only what they send is to be there.
    PLUMBLINE_SELF_METRICS_INTERVAL_MS: '0',
    // Views of KPIs take a few seconds of CPU to make: only tests of KPIs want them.
    PLUMBLINE_CATALOGUE_BUILT_IN: 'false',
    ...extra,
  };
}

/** Starts a server and waits for its ready line; rejects with what it printed if it ends before. */
export function startServer(dataDir: string, extra: Record<string, string> = {}): Promise<RunningServer> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [main, 'serve'], {
    env: serverEnvironment(dataDir, extra),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      stdout += text;
      const ready = /^plumbline ready grpc=(\S+) http=(\S+) sql=(\S+) web=(\S+)$/m.exec(stdout);
      if (ready === null) return;
      const [, grpc, http, sql, web] = ready as unknown as string[];
      resolve({
        process: child,
        pid: child.pid!,
        grpc: grpc!,
        http: http!,
        sql: sql!,
        web: web!,
        stdout: () => stdout,
        stderr: () => stderr,
        readyMs: performance.now() - startedMs,
        stop: (signal = 'SIGTERM') => {
          child.kill(signal);
          return exited;
        },
      });
    });
    void exited.then((code) =>
      reject(new Error(`the server ended with code ${code} before it was ready\n${stdout}${stderr}`)),
    );
  });
}

/** Rows of a query over the SQL port. */
export async function querySql<Row = Record<string, unknown>>(
  server: { sql: string },
  sql: string,
): Promise<Row[]> {
  const response = await fetch(`http://${server.sql}/?database=plumbline&default_format=JSON`, {
    method: 'POST',
    body: sql,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return (JSON.parse(text) as { data: Row[] }).data;
}

/** Polls until `check` holds; fails with what it last saw. */
export async function waitUntil<T>(
  read: () => Promise<T>,
  check: (value: T) => boolean,
  timeoutMs: number,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (check(value)) return value;
    if (performance.now() > end)
      throw new Error(`still not so after ${timeoutMs} ms: ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
