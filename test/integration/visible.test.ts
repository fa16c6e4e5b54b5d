/** From the acknowledgement of a request to its points being visible in SQL, at 10,000 points a second. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSdkRequest } from '../testkit/otlp-workload.js';
import { makeDataDirectory, querySql, type RunningServer, startServer } from '../testkit/server.js';

const POINTS_PER_REQUEST = 1_000;
const REQUESTS_PER_S = 10;
const DURATION_S = 12;

const data = makeDataDirectory();
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(data.path);
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

it('takes less than a second for 99 of 100 requests', { timeout: 60_000, retry: 2 }, async () => {
  const startS = Math.floor(Date.now() / 1000) - 60;
  /** Time of the points of a request, Unix nanoseconds → when it was acknowledged, milliseconds. */
  const waiting = new Map<string, number>();
  const delaysMs: number[] = [];
  let isOver = false;

  async function send(request: number): Promise<void> {
    const timeUnixNano = BigInt(startS) * 1_000_000_000n + BigInt(request) * 100_000_000n;
    const body = gzipSync(
      buildSdkRequest({
        timeUnixNano,
        startUnixNano: BigInt(startS - 60) * 1_000_000_000n,
        host: request % REQUESTS_PER_S,
        points: POINTS_PER_REQUEST,
        random: () => 0.5,
      }),
    );
    const response = await fetch(`http://${server.http}/v1/metrics`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'gzip' },
      body,
    });
    expect(response.status).toBe(200);
    waiting.set(String(timeUnixNano), performance.now());
  }

  async function watch(): Promise<void> {
    while (!isOver || waiting.size > 0) {
      const rows = await querySql<{ t: string }>(
        server,
        `SELECT toString(toUnixTimestamp64Nano(time)) AS t FROM number_points
         WHERE time >= toDateTime64(${startS}, 9) GROUP BY t HAVING count() = ${POINTS_PER_REQUEST}`,
      );
      const nowMs = performance.now();
      for (const { t } of rows) {
        const acknowledgedMs = waiting.get(t);
        if (acknowledgedMs === undefined) continue;
        delaysMs.push(nowMs - acknowledgedMs);
        waiting.delete(t);
      }
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  const watching = watch();
  const sent: Promise<void>[] = [];
  for (let i = 0; i < REQUESTS_PER_S * DURATION_S; i++) {
    sent.push(send(i));
    await new Promise((done) => setTimeout(done, 1000 / REQUESTS_PER_S));
  }
  await Promise.all(sent);
  isOver = true;
  await watching;
  delaysMs.sort((a, b) => a - b);
  expect(delaysMs).toHaveLength(REQUESTS_PER_S * DURATION_S);
  const p99 = delaysMs[Math.ceil(delaysMs.length * 0.99) - 1]!;
  console.log(
    `ack to visible: p50 ${delaysMs[60]!.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ${delaysMs.length} requests`,
  );
  expect(p99).toBeLessThan(1_000);
});
