/** Points wait in the spool for company; whoever asks sees what was acknowledged before. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../src/show/web-server.js';
import { gauge, numberPoint, request, stringAttribute, toProtobuf } from '../testkit/otlp-message.js';
import { makeDataDirectory, querySql, type RunningServer, startServer } from '../testkit/server.js';

const data = makeDataDirectory();
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '60000' });
});
afterAll(async () => {
  await server?.stop();
  data.remove();
});

async function send(sender: string, points: number): Promise<void> {
  const list = Array.from({ length: points }, (_, i) =>
    numberPoint({
      timeUnixNano: BigInt(Date.now()) * 1_000_000n + BigInt(i),
      attributes: [stringAttribute('sender', sender)],
    }),
  );
  const response = await fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: toProtobuf(request(gauge(...list))) as Uint8Array<ArrayBuffer>,
  });
  await response.arrayBuffer();
  expect(response.status).toBe(200);
}

async function countPoints(sender: string): Promise<number> {
  const [row] = await querySql<{ points: string }>(
    server,
    `SELECT count() AS points FROM number_points WHERE series_id IN (SELECT series_id FROM series WHERE attributes['sender'] = '${sender}')`,
  );
  return Number(row!.points);
}

it('an answer holds every point that was acknowledged before its question, whoever else sends and asks', async () => {
  await Promise.all(
    ['a', 'b', 'c'].map(async (sender) => {
      for (let sent = 10; sent <= 100; sent += 10) {
        await send(sender, 10);
        expect([sender, await countPoints(sender)]).toEqual([sender, sent]);
      }
    }),
  );
});

it('the page counts the series of every point that was acknowledged', async () => {
  await send('page', 1);
  const response = await fetch(`http://${server.web}/api/status`);
  const status = (await response.json()) as Status;
  const series = status.categories.reduce((sum, each) => sum + Number(each.series), 0);
  expect(series).toBe(status.series.active);
});

it('points that nobody asked for are stored at the end, and by the next start after a kill', async () => {
  await send('killed', 7);
  await server.stop('SIGKILL');
  server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '60000' });
  expect(await countPoints('killed')).toBe(7);
  await send('ended', 7);
  await server.stop('SIGTERM');
  server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '60000' });
  expect(await countPoints('ended')).toBe(7);
});
