/**
 * A power failure of the volume that ClickHouse keeps its data on: only what was fsynced is left. The spool is on another one that
 * stays up, so that every segment it gave away is gone. Every acknowledged point has to be there, in rows and in rollups.
 * The volume is a file system in an image that is copied while the server stands still; making one takes root and ext4.
 */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const FAILURES = 3;
const SENDERS = 2;
const POINTS = 200;
const IMAGE_BYTES = 16 * 1024 ** 3;
/** Requests that are acknowledged before each failure. */
const REQUESTS = 150;
/** The journal is written by fsync only, and not every five seconds as well. */
const MOUNT_OPTIONS = 'loop,commit=300';

/** An ext4 file system in an image; undefined where none can be made. */
function makeVolume() {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-volume-'));
  const image = join(folder, 'image');
  const path = join(folder, 'mounted');
  const mount = () => execFileSync('mount', ['-o', MOUNT_OPTIONS, image, path], { stdio: 'ignore' });
  const unmount = () => execFileSync('umount', [path], { stdio: 'ignore' });
  const remove = () => {
    try {
      unmount();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  mkdirSync(path);
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  try {
    execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0', image], { stdio: 'ignore' });
    mount();
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  return {
    path,
    /** Copies what the disk has now. */
    copy() {
      execFileSync('cp', ['--sparse=always', image, `${image}.copy`]);
    },
    /** The copy becomes all there is. */
    putBack() {
      unmount();
      renameSync(`${image}.copy`, image);
      mount();
    },
    remove,
  };
}

const volume = makeVolume();
const data = makeDataDirectory();
let server: RunningServer | undefined;

afterAll(async () => {
  await server?.stop('SIGKILL');
  volume?.remove();
  data.remove();
});

describe.skipIf(volume === undefined)('a power failure of the disk of ClickHouse', () => {
  it(`loses nothing in ${FAILURES} failures under load`, { timeout: 240_000 }, async () => {
    mkdirSync(join(volume!.path, 'clickhouse'));
    symlinkSync(join(volume!.path, 'clickhouse'), join(data.path, 'clickhouse'));
    const settings = { PLUMBLINE_DRAIN_INTERVAL_MS: '50', PLUMBLINE_ROLLUP_DELAY_MS: '0' };
    let nextS = Math.floor(Date.now() / 1000) - 86_400;
    const acknowledged = new Set<number>();

    const send = async (target: RunningServer, second: number): Promise<void> => {
      const body = buildTsbsRequest({
        timeUnixNano: BigInt(second) * 1_000_000_000n,
        startUnixNano: 0n,
        host: 0,
        points: POINTS,
        random: () => (second % 97) / 97,
      });
      const headers = { 'content-type': 'application/x-protobuf' };
      const response = await fetch(`http://${target.http}/v1/metrics`, { method: 'POST', headers, body });
      if (response.status === 200) acknowledged.add(second);
    };
    const count = async (sql: string) => Number((await querySql<{ n: string }>(server!, sql))[0]!.n);

    for (let failure = 0; failure < FAILURES; failure++) {
      const running = await startServer(data.path, settings);
      server = running;
      const before = acknowledged.size;
      let isOver = false;
      const senders = Array.from({ length: SENDERS }, async () => {
        while (!isOver) await send(running, nextS++).catch(() => undefined);
      });
      await expect.poll(() => acknowledged.size - before, { timeout: 60_000 }).toBeGreaterThan(REQUESTS);
      // Some of it is stored, or the failure would prove nothing.
      await waitUntil(
        () => count('SELECT uniqExact(time) AS n FROM number_points'),
        (n) => n > before + REQUESTS / 2,
        60_000,
      );
      running.process.kill('SIGSTOP');
      const promised = [...acknowledged];
      volume!.copy();
      await running.stop('SIGKILL');
      isOver = true;
      await Promise.all(senders);
      volume!.putBack();

      server = await startServer(data.path, settings);
      await waitUntil(
        async () => JSON.parse(await (await fetch(`http://${server!.web}/api/status`)).text()),
        (status: { spool: { bytes: number } }) => status.spool.bytes === 0,
        60_000,
      );
      const rows = await querySql<{ s: number }>(
        server,
        'SELECT DISTINCT toUnixTimestamp(time) AS s FROM number_points',
      );
      const found = new Set(rows.map(({ s }) => Number(s)));
      expect(promised.filter((second) => !found.has(second))).toEqual([]);
      const points = await count('SELECT count() AS n FROM number_points FINAL');
      expect(points).toBe(found.size * POINTS);
      expect(await count('SELECT count() AS n FROM performance_metrics')).toBe(points);
      const rolled = await waitUntil(
        () => count('SELECT sum(points) AS n FROM number_1m FINAL'),
        (n) => n >= points,
        60_000,
      );
      expect(rolled).toBe(points);
      expect(await server.stop()).toBe(0);
    }
  });
});
