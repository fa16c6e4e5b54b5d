/**
 * The SQL port over a real socket in front of the real embedded engine, for tests. One engine per process: a test file
 * opens it once and may put several ports in front of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRoleCheck } from '../../src/show/credentials.js';
import { createSqlEndpoint, type SqlEndpointOptions } from '../../src/show/sql-endpoint.js';
import { decodeSqlBody } from '../../src/sql-bodies.js';
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';

export interface SqlAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
}

export interface AskOptions {
  method?: string;
  /** URL parameters. */
  url?: Record<string, string>;
  headers?: Record<string, string>;
}

export interface SqlPort {
  url: string;
  port: number;
  /** POST with the statement as body, unless told otherwise. */
  ask(sql: string, options?: AskOptions): Promise<SqlAnswer>;
  shutdown(deadlineMs: number): Promise<void>;
}

export interface SqlFixture {
  directory: string;
  engine: EmbeddedClickHouse;
  openPort(options?: Partial<SqlEndpointOptions>): Promise<SqlPort>;
  close(): Promise<void>;
}

/** For a port that asks for a token: these are of the role read. */
export function rolesOf(...tokens: string[]) {
  return createRoleCheck({ read: { current: () => tokens, onChange: () => {} }, admin: undefined });
}

export async function openSqlFixture(): Promise<SqlFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-sql-'));
  const engine = await openEmbeddedClickHouse({
    directory: join(directory, 'data'),
    database: 'plumbline',
    temporaryDirectory: join(directory, 'temporary'),
    // Node's pool has 4 threads in a test, and 16 in a server: one statement that waits must not hold up the others.
    fetchesMax: 3,
  });
  const ports: SqlPort[] = [];
  return {
    directory,
    engine,
    async openPort(options = {}) {
      const port = await openPort(engine, options);
      ports.push(port);
      return port;
    },
    async close() {
      for (const port of ports) await port.shutdown(0);
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function openPort(engine: EmbeddedClickHouse, options: Partial<SqlEndpointOptions>): Promise<SqlPort> {
  const endpoint = createSqlEndpoint({
    host: '127.0.0.1',
    port: 0,
    clickhouse: engine,
    readOnly: true,
    decodeWhole: decodeSqlBody,
    ...options,
  });
  await endpoint.start();
  await endpoint.open();
  const { port } = endpoint.address();
  const url = `http://127.0.0.1:${port}/`;
  return {
    url,
    port,
    async ask(sql, { method = 'POST', url: values = {}, headers = {} } = {}) {
      const query = new URLSearchParams(method === 'POST' ? values : { query: sql, ...values });
      const response = await fetch(`${url}?${query}`, {
        method,
        headers,
        ...(method === 'POST' && { body: sql }),
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, bytes, text: bytes.toString('utf8') };
    },
    shutdown: (deadlineMs) => endpoint.shutdown(deadlineMs),
  };
}
