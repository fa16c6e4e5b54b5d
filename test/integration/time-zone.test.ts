/**
 * A server and a command line on a machine that is not in UTC: the same minutes, hours and KPIs as anywhere, over the hours in
 * which clocks were changed there last.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCase } from '../testkit/case-file.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MINUTES = 90;
/** Requests of one minute, as the case has them. */
const REQUESTS = 30;

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const shipped = new URL('../../catalogue/kpis', import.meta.url).pathname;
const KPIS = ['response_time', 'throughput'];

/** The last hour before now in which clocks of a zone were changed, some hours ago at least. */
function lastChange(zone: string): number {
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
  const offsetAt = (ms: number) =>
    format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')!.value;
  let atMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 4 * HOUR_MS;
  while (offsetAt(atMs) === offsetAt(atMs - HOUR_MS)) atMs -= HOUR_MS;
  return atMs;
}

describe.each(['Europe/Berlin', 'America/New_York'])('a server and a command line in %s', (zone) => {
  /** A minute in whose middle nothing is special: the change lies within the minutes before. */
  const endMs = lastChange(zone) + 40 * MINUTE_MS;
  const data = makeDataDirectory();
  let server: RunningServer;

  const points = async (table: string) => {
    const [row] = await querySql<{ points: string }>(
      server,
      `SELECT sum(points) AS points FROM ${table} FINAL`,
    );
    return Number(row!.points);
  };

  beforeAll(async () => {
    const catalogue = join(data.path, 'catalogue');
    mkdirSync(join(catalogue, 'kpis'), { recursive: true });
    for (const kpi of KPIS)
      copyFileSync(join(shipped, `${kpi}.yaml`), join(catalogue, 'kpis', `${kpi}.yaml`));
    server = await startServer(data.path, {
      TZ: zone,
      PLUMBLINE_DRAIN_INTERVAL_MS: '20',
      PLUMBLINE_CATALOGUE: catalogue,
    });
    for (let i = 0; i < MINUTES; i++) {
      // In the middle of each minute.
      const body = readCase('one-minute-of-requests', endMs - i * MINUTE_MS - MINUTE_MS / 2);
      const response = await fetch(`http://${server.http}/v1/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(response.status).toBe(200);
    }
    for (const table of ['histogram_1m', 'histogram_1h', 'histogram_1d'])
      await waitUntil(
        () => points(table),
        (n) => n === MINUTES,
        60_000,
      );
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    data.remove();
  });

  it('roll up every minute, and every minute once', async () => {
    const minutes = await querySql<{ time: string }>(
      server,
      'SELECT time FROM histogram_1m FINAL ORDER BY time',
    );
    const expected = Array.from({ length: MINUTES }, (_, i) => {
      const atMs =
        Math.floor((endMs - (MINUTES - 1 - i) * MINUTE_MS - MINUTE_MS / 2) / MINUTE_MS) * MINUTE_MS;
      return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
    });
    expect(minutes.map(({ time }) => time)).toEqual(expected);
  });

  it('know the times at which the series and its process were first heard of', async () => {
    const first = new Date(endMs - (MINUTES - 1) * MINUTE_MS - MINUTE_MS / 2).toISOString().slice(0, 19);
    for (const table of ['series_activity', 'resource_activity']) {
      const sql = `SELECT toString(min(first_time)) AS first FROM ${table}`;
      await waitUntil(
        async () => (await querySql<{ first: string }>(server, sql))[0]!.first,
        (found) => found.startsWith(first.replace('T', ' ')),
        30_000,
      );
    }
  });

  it('answer in UTC where no zone is named', async () => {
    const [row] = await querySql(server, 'SELECT timezone() AS zone, toString(toDateTime(0)) AS epoch');
    expect(row).toEqual({ zone: 'UTC', epoch: '1970-01-01 00:00:00' });
  });

  it('find all requests where times are given in the zone of the session', async () => {
    for (const session of ['UTC', zone, 'Asia/Tokyo']) {
      const range = (write: (ms: number) => string) =>
        `start_time = ${write(endMs - 3 * HOUR_MS)}, end_time = ${write(endMs + HOUR_MS)}`;
      const sql = `SELECT sum(increase_count) AS n FROM histogram_increase(metric = 'http.server.request.duration', ${range(
        (ms) => `toDateTime(${ms / 1000})`,
      )}, step_s = 14400)`;
      const [row] = await querySql<{ n: string }>(server, `${sql} SETTINGS session_timezone = '${session}'`);
      expect({ session, n: Number(row!.n) }).toEqual({ session, n: MINUTES * REQUESTS });
    }
  });

  it('say the same of KPIs as anywhere', async () => {
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TZ: zone };
    const at = new Date(endMs).toISOString().slice(0, 19);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        main,
        'kpi',
        'status',
        ...KPIS,
        '--json',
        '--at',
        at,
        '--window',
        '1h',
        '--url',
        `http://${server.sql}`,
      ],
      { env },
    );
    const { kpis } = JSON.parse(stdout) as { kpis: { name: string; rows: Record<string, unknown>[] }[] };
    expect(kpis.map(({ name, rows }) => [name, rows[0]?.value, rows[0]?.samples])).toEqual([
      ['response_time', 0.05, 60 * REQUESTS],
      ['throughput', 0.5, 60 * REQUESTS],
    ]);
  }, 60_000);
});
