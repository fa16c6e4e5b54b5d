/**
 * The HTTP driver against the contract: over a real socket, in front of our own SQL port with writing allowed; and
 * against a ClickHouse server where CLICKHOUSE_TEST_URL names one. Then what only a driver over a network must do.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouse, ClickHouseError } from '../../src/model/clickhouse.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { createDrain } from '../../src/store/drain.js';
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { makeDataDirectory, startServer } from '../testkit/server.js';
import { registerClickHouseContract } from './clickhouse-contract.js';
import { type CutProxy, openCutProxy } from './cut-proxy.js';
import * as native from './native-columns.js';

const root = mkdtempSync(join(tmpdir(), 'plumbline-http-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let engine: EmbeddedClickHouse;
let endpoint: ReturnType<typeof createSqlEndpoint>;

function connect(url: string, database = 'plumbline'): Promise<ClickHouse> {
  const account = {
    username: process.env.CLICKHOUSE_USER ?? 'default',
    password: process.env.CLICKHOUSE_PASSWORD ?? '',
  };
  return connectClickHouse({ url, ...account, database, requestTimeoutMs: 60_000 });
}

async function openServer(name: string): Promise<void> {
  engine = await openEmbeddedClickHouse({
    directory: join(root, name),
    database: 'plumbline',
    temporaryDirectory: join(root, `${name}-temporary`),
  });
  endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: engine, readOnly: false });
  await endpoint.start();
  await endpoint.open();
}

async function closeServer(): Promise<void> {
  await endpoint.shutdown(1000);
  await engine.close();
}

registerClickHouseContract({
  name: 'HTTP, in front of our own SQL port',
  async open() {
    await openServer('contract');
    return connect(`http://127.0.0.1:${endpoint.address().port}`);
  },
  close: closeServer,
});

const serverUrl = process.env.CLICKHOUSE_TEST_URL;
if (serverUrl) {
  registerClickHouseContract({
    name: 'HTTP, a ClickHouse server',
    open: () => connect(serverUrl, 'plumbline_contract'),
  });
} else {
  describe('ClickHouse contract: HTTP, a ClickHouse server', () => {
    test.skip('CLICKHOUSE_TEST_URL is not set, so no server was tested');
  });
}

describe('an outage', () => {
  let port: number;
  let proxy: CutProxy;
  let clickhouse: ClickHouse;
  const token = (text: string) => ({ deduplicationToken: text });
  const block = (value: bigint) =>
    native.buildBlock(1, [{ name: 'id', type: 'UInt64', data: native.uint64([value]) }]);
  const network = { name: 'ClickHouseError', code: 0, type: 'NETWORK' };

  beforeAll(async () => {
    await openServer('outage');
    port = endpoint.address().port;
    proxy = await openCutProxy(port);
    clickhouse = await connect(`http://127.0.0.1:${proxy.port}`);
    await clickhouse.command(
      'CREATE TABLE points (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100',
    );
  });
  afterAll(async () => {
    await clickhouse.close();
    await proxy.goAway();
    await closeServer();
  });
  afterEach(() => proxy.cutAfter(Number.POSITIVE_INFINITY));

  async function drainStream(sql: string): Promise<number> {
    let bytes = 0;
    for await (const chunk of clickhouse.stream(sql, 'TabSeparated')) bytes += chunk.length;
    return bytes;
  }

  test('nobody there: every call says NETWORK; later calls work again', async () => {
    await proxy.goAway();
    for (const call of [
      () => clickhouse.ping(),
      () => clickhouse.query('SELECT 1'),
      () => clickhouse.command('SELECT 1'),
      () => drainStream('SELECT 1'),
      () => clickhouse.insertNative('points', [block(1n)], token('a')),
    ]) {
      await expect(call()).rejects.toMatchObject(network);
    }
    await proxy.comeBack();
    await clickhouse.ping();
  });

  test('gone half way through an answer is no end of the answer', async () => {
    proxy.cutAfter(1_000_000);
    await expect(drainStream('SELECT * FROM numbers(10000000)')).rejects.toMatchObject(network);
    await expect(clickhouse.query('SELECT * FROM numbers(1000000)')).rejects.toMatchObject(network);
    proxy.cutAfter(Number.POSITIVE_INFINITY);
    expect(await drainStream('SELECT * FROM numbers(10)')).toBe(20);
  });

  test('an insert whose answer was lost counts once when it is sent again', async () => {
    proxy.cutAfter(0);
    await expect(clickhouse.insertNative('points', [block(2n)], token('b'))).rejects.toMatchObject(network);
    await expect
      .poll(
        async () => (await engine.query<{ n: string }>('SELECT count() AS n FROM points WHERE id = 2'))[0]!.n,
      )
      .toBe('1');
    proxy.cutAfter(Number.POSITIVE_INFINITY);
    await clickhouse.insertNative('points', [block(2n)], token('b'));
    expect(await clickhouse.query('SELECT count() AS n FROM points WHERE id = 2')).toEqual([{ n: '1' }]);
  });

  test('a server that answers with something else is an outage too, never bad data', async () => {
    const stranger = createServer((_, response) => response.writeHead(502).end('<html>bad gateway</html>'));
    await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done));
    const { port: strangerPort } = stranger.address() as { port: number };
    const other = await connect(`http://127.0.0.1:${strangerPort}`);
    await expect(other.insertNative('points', [block(3n)], token('c'))).rejects.toMatchObject(network);
    await expect(other.query('SELECT 1')).rejects.toThrow(/502.*bad gateway/);
    await other.close();
    stranger.close();
  });

  test('the drain waits it out: nothing is put aside, everything is stored once; bad data is put aside', async () => {
    const segments = [
      { name: 'segment-1', frames: [{ table: 'points', rows: 1, payload: block(11n) }] },
      { name: 'segment-2', frames: [{ table: 'points', rows: 1, payload: Buffer.from('no block at all') }] },
      { name: 'segment-3', frames: [{ table: 'points', rows: 1, payload: block(13n) }] },
    ];
    const putAside: string[] = [];
    const retried: Error[] = [];
    const drop = (name: string) =>
      segments.splice(
        segments.findIndex((segment) => segment.name === name),
        1,
      );
    const drain = createDrain({
      clickhouse,
      spool: {
        seal: async () => undefined,
        get isEmpty() {
          return segments.length === 0;
        },
        list: () => segments.map(({ name }) => name),
        oldest: (isSkipped = () => false) => {
          const found = segments.find(({ name }) => !isSkipped(name));
          return found && { name: found.name, bytes: 1 };
        },
        read: async () => ({ frames: segments[0]!.frames, tornBytes: 0 }),
        commit: async ({ name }) => void drop(name),
        quarantine: async ({ name }) => {
          putAside.push(name);
          drop(name);
          return name;
        },
      },
      rollups: { markTouched: async () => undefined },
      intervalMs: 20,
      retryMaxMs: 200,
      log: {
        onRetry: (_, error) => retried.push(error),
        onQuarantine: () => undefined,
        onTorn: () => undefined,
        onDamaged: () => undefined,
        onStored: () => undefined,
        onLeft: () => undefined,
        onTaken: () => undefined,
      },
    });
    await proxy.goAway();
    await drain.start();
    await expect.poll(() => retried.length, { timeout: 10_000 }).toBeGreaterThan(2);
    expect([segments.length, putAside]).toEqual([3, []]);
    // The next try arrives, its answer does not.
    proxy.cutAfter(0);
    await proxy.comeBack();
    const stored = 'SELECT groupArray(id) AS ids FROM (SELECT id FROM points WHERE id > 10 ORDER BY id)';
    await expect.poll(() => engine.query(stored), { timeout: 10_000 }).toEqual([{ ids: ['11'] }]);
    expect(segments.length).toBe(3);
    proxy.cutAfter(Number.POSITIVE_INFINITY);
    await expect.poll(() => segments.length, { timeout: 10_000 }).toBe(0);
    await drain.shutdown(1000);
    expect(retried.filter((error) => (error as ClickHouseError).type === 'NETWORK').length).toBeGreaterThan(
      2,
    );
    expect(putAside).toEqual(['segment-2']);
    expect(await engine.query(stored)).toEqual([{ ids: ['11', '13'] }]);
  });

  test('close may be called twice, and ends a driver that never reached anything', async () => {
    const other = await connect('http://127.0.0.1:1');
    await other.close();
    await other.close();
  });

  test('a parameter that is no value is a mistake, not an outage', async () => {
    await expect(clickhouse.query('SELECT {f:String}', { params: { f: () => 1 } })).rejects.toThrow(
      TypeError,
    );
  });
});

describe.skipIf(process.platform !== 'linux')('CLICKHOUSE_URL', () => {
  const isEngineLoaded = (pid: number) => /chdb/.test(readFileSync(`/proc/${pid}/maps`, 'utf8'));

  test.each([
    ['set: the engine is not even loaded', { CLICKHOUSE_URL: 'http://127.0.0.1:1' }, false],
    ['not set: it is', {}, true],
  ])('%s', async (_, environment: Record<string, string>, expected) => {
    const data = makeDataDirectory();
    const server = await startServer(data.path, environment);
    expect(isEngineLoaded(server.pid)).toBe(expected);
    await server.stop();
    data.remove();
  });
});
