/** ClickHouse's clients of other languages at the SQL port, as docs/sql-clients.md says that they connect. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SqlServer, startSqlServer } from '../testkit/sql-server.js';
import { java } from './java/toolchain.js';
import { readOwn, run } from './toolchain.js';

let directory: string;
let server: SqlServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-clients-'));
  server = await startSqlServer(directory, 0, 'read-only');
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(java.missing !== undefined)(`JDBC${java.missing ? `: ${java.missing}` : ''}`, () => {
  let program: string[];
  beforeAll(async () => {
    program = await java.build('jdbc', readOwn('java/AskWithJdbc.java'));
  });

  it.each([
    ['as it comes', ''],
    ['without compression', '?compress=false'],
    ['with compression of HTTP', '?client.use_http_compression=true'],
  ])('%s reads, binds, sees errors and cancels', async (_name, options) => {
    const { code, output } = await run(
      [...program, `jdbc:ch://127.0.0.1:${server.port}/default${options}`],
      {},
    );
    expect(output.trim().split('\n')).toEqual([
      'rows 44999850000',
      "bound 42 it's",
      'error 47',
      'broken off',
      'cancelled 394',
      'rows 3',
    ]);
    expect(code).toBe(0);
  });
});
