/** An answer of a gigabyte passes through a server process in bounded memory, however slowly it is read. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataDirectory } from '../testkit/server.js';
import { type SqlServer, startSqlServer } from '../testkit/sql-server.js';

/** How much more memory the server may take while it sends an answer of any size. */
const RSS_GROWTH_MAX_MB = 400;
const ROWS = 9_000_000;
const SQL = `SELECT number, repeat('x', 100) FROM numbers(${ROWS})`;

const data = makeDataDirectory();
let server: SqlServer;
let url: string;

beforeAll(async () => {
  server = await startSqlServer(data.path, 0, 'read-only');
  url = `${server.url}/`;
});
afterAll(async () => {
  await server.stop();
  data.remove();
});

/** `VmRSS` now, `VmHWM` at its highest so far; megabytes. */
function readMemory(name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]) / 1024;
}

async function ask(values: Record<string, string>): Promise<IncomingMessage> {
  const [response] = (await once(get(`${url}?${new URLSearchParams(values)}`), 'response')) as [
    IncomingMessage,
  ];
  return response;
}

async function readAll(response: IncomingMessage): Promise<{ bytes: number; lines: number; end: string }> {
  let bytes = 0;
  let lines = 0;
  let end = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
    end = chunk.subarray(-120).toString();
  }
  return { bytes, lines, end };
}

describe.skipIf(process.platform !== 'linux')('a gigabyte of rows', () => {
  test('reads fast, with the header once, every row, and little memory', { timeout: 60_000 }, async () => {
    await readAll(await ask({ query: 'SELECT 1' }));
    const idle = readMemory('VmRSS');
    const { bytes, lines, end } = await readAll(
      await ask({ query: SQL, default_format: 'TabSeparatedWithNames' }),
    );
    expect(lines).toBe(ROWS + 1);
    expect(bytes).toBeGreaterThan(970e6);
    expect(end.endsWith(`${ROWS - 1}\t${'x'.repeat(100)}\n`)).toBe(true);
    const growth = readMemory('VmHWM') - idle;
    if (process.env.PLUMBLINE_TEST_FIGURES)
      console.log(`fast reader: ${bytes} bytes, growth ${Math.round(growth)} MB`);
    expect(growth).toBeLessThan(RSS_GROWTH_MAX_MB);
  });

  test('reads slowly: the server waits, with little memory, and goes on', { timeout: 60_000 }, async () => {
    const before = readMemory('VmRSS');
    const response = await ask({ query: SQL });
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    let growthMax = 0;
    for (let i = 0; i < 20; i++) {
      await chunks.next();
      await sleep(100);
      growthMax = Math.max(growthMax, readMemory('VmRSS') - before);
    }
    response.destroy();
    if (process.env.PLUMBLINE_TEST_FIGURES) console.log(`slow reader: growth ${Math.round(growthMax)} MB`);
    expect(growthMax).toBeLessThan(RSS_GROWTH_MAX_MB);
    expect((await readAll(await ask({ query: 'SELECT 1' }))).end).toBe('1\n');
  });

  test('as one document (JSON) it comes from disk, with little memory', { timeout: 60_000 }, async () => {
    const before = readMemory('VmRSS');
    const rows = 2_000_000;
    const query = `SELECT number, repeat('x', 100) AS filling FROM numbers(${rows}) FORMAT JSONCompact`;
    const { bytes, end } = await readAll(await ask({ query }));
    expect(bytes).toBeGreaterThan(rows * 110);
    expect(end).toContain('"statistics"');
    const growth = readMemory('VmRSS') - before;
    if (process.env.PLUMBLINE_TEST_FIGURES)
      console.log(`document: ${bytes} bytes, growth ${Math.round(growth)} MB`);
    expect(growth).toBeLessThan(RSS_GROWTH_MAX_MB);
  });
});
