/** A minute is rolled up when it ends, however long points may wait to be stored. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gauge, numberPoint, request } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { querySql } from '../testkit/server.js';

/** The clock of the server. */
let aheadMs = 0;
const nowUnixMs = () => Date.now() + aheadMs;

let plumbline: RunningPipeline;
beforeAll(async () => {
  plumbline = await startPipeline(nowUnixMs, { PLUMBLINE_DRAIN_INTERVAL_MS: '60000' });
});
afterAll(() => plumbline.stop());

const send = (atMs: number) =>
  plumbline.send(request(gauge(numberPoint({ timeUnixNano: BigInt(atMs) * 1_000_000n, asDouble: 1 }))));

async function count(sql: string): Promise<number> {
  const [row] = await querySql<{ rows: string }>(plumbline.pipeline.addresses(), sql);
  return Number(row!.rows);
}

it('holds what was acknowledged in its last moment', async () => {
  // The next minute ends in two seconds. Whoever asks for points makes the server look at its clock.
  const minuteEndMs = Math.ceil((nowUnixMs() + 60_000) / 60_000) * 60_000;
  aheadMs = minuteEndMs - 2_000 - Date.now();
  await send(minuteEndMs - 120_000);
  await expect.poll(() => count('SELECT count() AS rows FROM number_points')).toBe(1);
  while (nowUnixMs() < minuteEndMs - 100) await new Promise((done) => setTimeout(done, 10));
  await send(minuteEndMs - 1);
  // Tables of the system are asked, since any question for the rows themselves would store what waits.
  const sql = "SELECT sum(rows) AS rows FROM system.parts WHERE active AND table = 'number_1m'";
  await expect.poll(() => count(sql), { timeout: 20_000 }).toBe(2);
  // Long before the points would have been stored for their age.
  expect(nowUnixMs() - minuteEndMs).toBeLessThan(15_000);
});
