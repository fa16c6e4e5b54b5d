/**
 * The HTTP driver against the contract: over a real socket, in front of our own SQL port with writing allowed; and
 * against a ClickHouse server where CLICKHOUSE_TEST_URL names one. Then what only a driver over a network must do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { registerClickHouseContract } from './clickhouse-contract.js';

const root = mkdtempSync(join(tmpdir(), 'plumbline-http-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let engine: EmbeddedClickHouse;
let endpoint: ReturnType<typeof createSqlEndpoint>;

function connect(url: string, database = 'plumbline'): Promise<ClickHouse> {
  const account = { username: process.env.CLICKHOUSE_USER ?? 'default', password: process.env.CLICKHOUSE_PASSWORD ?? '' };
  return connectClickHouse({ url, ...account, database, requestTimeoutMs: 60_000 });
}

registerClickHouseContract({
  name: 'HTTP, in front of our own SQL port',
  async open() {
    engine = await openEmbeddedClickHouse({
      directory: join(root, 'data'),
      database: 'plumbline',
      temporaryDirectory: join(root, 'temporary'),
    });
    endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: engine, readOnly: false });
    await endpoint.start();
    return connect(`http://127.0.0.1:${endpoint.address().port}`);
  },
  async close() {
    await endpoint.shutdown(1000);
    await engine.close();
  },
});

const serverUrl = process.env.CLICKHOUSE_TEST_URL;
if (serverUrl) {
  registerClickHouseContract({ name: 'HTTP, a ClickHouse server', open: () => connect(serverUrl, 'plumbline_contract') });
} else {
  describe('ClickHouse contract: HTTP, a ClickHouse server', () => {
    test.skip('CLICKHOUSE_TEST_URL is not set, so no server was tested');
  });
}
