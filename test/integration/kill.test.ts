/**
 * The promise of the spool: kill -9 at any moment, start again, and every acknowledged point is there exactly once,
 * in rows and in rollups. Twenty kills at random moments under load, one data directory.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const KILLS = 20;
const SENDERS = 4;
const POINTS = 200;

const data = makeDataDirectory();
let server: RunningServer | undefined;

afterAll(async () => {
  await server?.stop('SIGKILL');
  data.remove();
});

describe('kill -9', () => {
  it(`loses and doubles nothing in ${KILLS} kills at random moments under load`, {
    timeout: 240_000,
  }, async () => {
    // Old enough that rollups do not wait for the minute to end; every request has a second of its own.
    const firstS = Math.floor(Date.now() / 1000) - 86_400;
    let nextS = firstS;
    const acknowledged = new Set<number>();
    const unanswered = new Set<number>();

    const send = async (target: RunningServer, second: number): Promise<void> => {
      const body = gzipSync(
        buildTsbsRequest({
          timeUnixNano: BigInt(second) * 1_000_000_000n,
          startUnixNano: 0n,
          host: 0,
          points: POINTS,
          random: () => (second % 97) / 97,
        }),
      );
      const response = await fetch(`http://${target.http}/v1/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
        body,
      });
      if (response.status === 200) acknowledged.add(second);
    };

    for (let kill = 0; kill < KILLS; kill++) {
      const running = await startServer(data.path, {
        PLUMBLINE_DRAIN_INTERVAL_MS: '50',
        PLUMBLINE_ROLLUP_DELAY_MS: '0',
      });
      server = running;
      expect(running.readyMs).toBeLessThan(10_000);
      let isOver = false;
      const senders = Array.from({ length: SENDERS }, async () => {
        // What the crash left unanswered is sent again, as a real sender would.
        while (!isOver) {
          const [again] = unanswered;
          const second = again ?? nextS++;
          unanswered.delete(second);
          await send(running, second).catch(() => undefined);
          if (!acknowledged.has(second)) unanswered.add(second);
        }
      });
      await new Promise((done) => setTimeout(done, 100 + Math.random() * 900));
      await running.stop('SIGKILL');
      isOver = true;
      await Promise.all(senders);
    }

    const last = await startServer(data.path, {
      PLUMBLINE_DRAIN_INTERVAL_MS: '50',
      PLUMBLINE_ROLLUP_DELAY_MS: '0',
    });
    server = last;
    for (const second of unanswered) await send(last, second);
    expect(acknowledged.size).toBeGreaterThan(KILLS);
    expect(acknowledged.size).toBe(nextS - firstS);
    const expected = acknowledged.size * POINTS;

    const count = async (sql: string) => Number((await querySql<{ n: string }>(last, sql))[0]!.n);
    const rows = await waitUntil(
      () => count('SELECT count() AS n FROM performance_metrics'),
      (n) => n >= expected,
      30_000,
    );
    expect(rows).toBe(expected);
    const distinct = 'SELECT uniqExact(time) AS n FROM number_points';
    expect(await count(distinct)).toBe(acknowledged.size);
    for (const table of ['number_1m', 'number_1h', 'number_1d']) {
      const points = await waitUntil(
        () => count(`SELECT sum(points) AS n FROM ${table} FINAL`),
        (n) => n >= expected,
        60_000,
      );
      expect(points, table).toBe(expected);
    }
    const sums = await querySql<{ raw: number; rolled: number }>(
      last,
      'SELECT (SELECT sum(value) FROM number_points FINAL) AS raw, (SELECT sum(sum) FROM number_1m FINAL) AS rolled',
    );
    expect(sums[0]!.rolled).toBe(sums[0]!.raw);
  });
});
