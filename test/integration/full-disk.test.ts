/**
 * A disk without room: senders are refused with the reason, what is stored can be read, nothing is damaged, and all goes on
 * when there is room again. On a tmpfs, which only root can mount; skipped elsewhere.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClickHouseError } from '../../src/model/clickhouse.js';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import { querySql, type RunningServer, startServer, waitUntil } from '../testkit/server.js';
import { canMountDisk, mountSmallDisk, type SmallDisk } from '../testkit/small-disk.js';

const POINTS = 100;
let disk: SmallDisk;
const running: RunningServer[] = [];

beforeEach(() => {
  disk = mountSmallDisk(200);
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop('SIGKILL');
  disk.unmount();
});

async function start(): Promise<RunningServer> {
  const server = await startServer(join(disk.path, 'data'), { PLUMBLINE_DRAIN_INTERVAL_MS: '50' });
  running.push(server);
  return server;
}

function send(server: RunningServer, second: number): Promise<Response> {
  return fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: buildTsbsRequest({
      timeUnixNano: BigInt(second) * 1_000_000_000n,
      startUnixNano: 0n,
      host: 0,
      points: POINTS,
      random: () => 0.5,
    }),
  });
}

async function get(server: RunningServer, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${server.web}${path}`);
  return { status: response.status, text: await response.text() };
}

async function countPoints(server: RunningServer): Promise<number> {
  const [row] = await querySql<{ n: string }>(server, 'SELECT count() AS n FROM number_points FINAL');
  return Number(row!.n);
}

/** What a server on a full disk must do. */
async function expectRefusal(server: RunningServer, second: number): Promise<void> {
  const refused = await waitUntil(
    () => send(server, second),
    ({ status }) => status !== 200,
    10_000,
  );
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBeTruthy();
  expect(await refused.text()).toMatch(/the disk is full|ENOSPC/);
  for (const path of ['/readyz', '/readyz?for=ingest']) {
    const { status, text } = await get(server, path);
    expect([path, status]).toEqual([path, 503]);
    expect(text).toContain('PLUMBLINE_DISK_FREE_BYTES_MIN');
  }
  expect((await get(server, '/healthz')).status).toBe(200);
  const page = await get(server, '/');
  expect(page.status).toBe(200);
  expect(page.text).toContain('the disk is full');
}

const nowS = Math.floor(Date.now() / 1000) - 600;

describe.skipIf(!canMountDisk)('a full disk', () => {
  it('refuses senders with the reason while page and SQL go on, and takes points again when there is room', async () => {
    const server = await start();
    expect((await send(server, nowS)).status).toBe(200);
    await waitUntil(
      () => countPoints(server),
      (n) => n === POINTS,
      10_000,
    );
    disk.fill();
    await expectRefusal(server, nowS + 1);
    const stored = await countPoints(server);
    expect(stored % POINTS).toBe(0);
    disk.makeRoom();
    await waitUntil(
      () => send(server, nowS + 2),
      ({ status }) => status === 200,
      10_000,
    );
    await waitUntil(
      () => get(server, '/readyz'),
      ({ text }) => text === 'ready\n',
      10_000,
    );
    await waitUntil(
      () => countPoints(server),
      (n) => n === stored + POINTS,
      10_000,
    );
  }, 60_000);

  it('is started on and says so, and everything acknowledged before is there', async () => {
    const first = await start();
    expect((await send(first, nowS)).status).toBe(200);
    await first.stop('SIGKILL');
    disk.fill();
    const second = await start();
    await expectRefusal(second, nowS + 1);
    disk.makeRoom();
    await waitUntil(
      () => get(second, '/readyz'),
      ({ text }) => text === 'ready\n',
      20_000,
    );
    expect((await send(second, nowS + 2)).status).toBe(200);
    await waitUntil(
      () => countPoints(second),
      (n) => n === 2 * POINTS,
      10_000,
    );
    expect(await second.stop()).toBe(0);
  }, 60_000);

  it('leaves tables and views as they are, where a change of the schema would empty their definitions', async () => {
    const options = {
      directory: join(disk.path, 'clickhouse'),
      database: 'plumbline',
      temporaryDirectory: join(disk.path, 'tmp'),
    };
    const before = await openEmbeddedClickHouse(options);
    await before.command('CREATE TABLE kept (a UInt64, t DateTime) ENGINE = MergeTree ORDER BY a');
    await before.command('CREATE VIEW seen AS SELECT 1 AS one');
    await before.command('INSERT INTO kept SELECT number, now() FROM numbers(1000)');
    disk.fill();
    for (const sql of [
      'ALTER TABLE kept MODIFY TTL t + INTERVAL 3 DAY',
      'CREATE OR REPLACE VIEW seen AS SELECT 2 AS two',
      'DROP VIEW seen',
    ]) {
      const error = await before.command(sql).then(
        () => undefined,
        (reason) => reason,
      );
      expect(error).toBeInstanceOf(ClickHouseError);
      expect(error).toMatchObject({ code: 243, message: expect.stringContaining('the disk is full') });
    }
    await before.close();
    disk.makeRoom();
    const after = await openEmbeddedClickHouse(options);
    const rows = await after.query<{ n: string; one: string }>(
      'SELECT count() AS n, (SELECT one FROM seen) AS one FROM kept',
    );
    await after.close();
    expect(rows).toEqual([{ n: '1000', one: 1 }]);
  });
});
