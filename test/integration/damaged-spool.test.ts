/**
 * Segments of acknowledged points that are damaged while no server runs: the next start stores every point that can be
 * read, counts the others, keeps the files, and takes them back once they are mended.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import type { Inspected } from '../../src/cli/spool-text.js';
import type { Status } from '../../src/show/web-server.js';
import { buildTsbsRequest } from '../testkit/otlp-workload.js';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  serverEnvironment,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const POINTS = 100;
const REQUESTS = 60;

const data = makeDataDirectory();
const saved = makeDataDirectory();
const spool = join(data.path, 'spool');
const quarantine = join(spool, 'quarantine');
let server: RunningServer | undefined;

afterAll(async () => {
  await server?.stop('SIGKILL');
  data.remove();
  saved.remove();
});

const segmentsIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.segment'))
    .sort();

const start = async (extra: Record<string, string> = {}) => {
  server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '50', ...extra });
  return server;
};

async function runSpool(args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
  const env = serverEnvironment(data.path);
  try {
    return { ...(await promisify(execFile)(process.execPath, [main, 'spool', ...args], { env })), code: 0 };
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number };
  }
}

async function inspect(): Promise<Inspected[]> {
  const { stdout } = await runSpool(['inspect', '--json']);
  return (JSON.parse(stdout) as { segments: Inspected[] }).segments;
}

async function get(path: string): Promise<string> {
  const response = await fetch(`http://${server!.web}${path}`);
  expect(response.status).toBe(200);
  return response.text();
}

const readStatus = async () => JSON.parse(await get('/api/status')) as Status;
const countStored = async () =>
  Number((await querySql<{ n: string }>(server!, 'SELECT count() AS n FROM number_points FINAL'))[0]!.n);

/** Requests that are acknowledged while ClickHouse cannot be reached, so that all of them stay in the spool. */
async function fillSpool(): Promise<void> {
  const away = await start({
    CLICKHOUSE_URL: 'http://127.0.0.1:1',
    PLUMBLINE_SPOOL_SEGMENT_BYTES_MAX: '65536',
    PLUMBLINE_GROUP_COMMIT_MS: '0',
  });
  const beginS = Math.floor(Date.now() / 1000) - 3600;
  for (let i = 0; i < REQUESTS; i++) {
    const timeUnixNano = BigInt(beginS + i) * 1_000_000_000n;
    const body = buildTsbsRequest({
      timeUnixNano,
      startUnixNano: 0n,
      host: 0,
      points: POINTS,
      random: () => 0.5,
    });
    const headers = { 'content-type': 'application/x-protobuf' };
    const response = await fetch(`http://${away.http}/v1/metrics`, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
  }
  await away.stop('SIGKILL');
}

it('stores every readable point of damaged segments, counts the rest, and takes mended ones back', {
  timeout: 240_000,
}, async () => {
  await fillSpool();
  const names = segmentsIn(spool);
  expect(names.length).toBeGreaterThanOrEqual(5);
  const before = await inspect();
  expect(before.map(({ damage }) => damage)).toEqual(names.map(() => undefined));
  expect(before.reduce((sum, { points }) => sum + points, 0)).toBe(REQUESTS * POINTS);
  for (const name of names) cpSync(join(spool, name), join(saved.path, name));

  // The last one was being written when the process was killed: it is cut too.
  const [flipped, cut, emptied, unreadable] = names as [string, string, string, string];
  const cutLast = names.at(-1)!;
  const bytes = readFileSync(join(spool, flipped));
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(join(spool, flipped), bytes);
  for (const name of [cut, cutLast]) {
    truncateSync(join(spool, name), readFileSync(join(spool, name)).length >> 1);
  }
  truncateSync(join(spool, emptied), 0);
  rmSync(join(spool, unreadable));
  mkdirSync(join(spool, unreadable));
  const damagedNames = [...new Set([flipped, cut, emptied, unreadable, cutLast])].sort();

  const damaged = await inspect();
  const readable = damaged.reduce((sum, { points }) => sum + points, 0);
  const lostMin = damaged.reduce((sum, { damage }) => sum + (damage?.pointsLostMin ?? 0), 0);
  const pointsOf = (name: string) => before.find((segment) => segment.name === name)!.points;
  expect(damaged.filter(({ damage }) => damage !== undefined).map(({ name }) => name)).toEqual(damagedNames);
  expect(readable).toBeGreaterThan(0);
  // Of an empty file and of one that cannot be read nobody knows how many it had.
  expect(readable + lostMin).toBe(REQUESTS * POINTS - pointsOf(emptied) - pointsOf(unreadable));

  await start();
  const { spool: kept, points } = await waitUntil(
    readStatus,
    (status) => status.spool.quarantinedSegments === damagedNames.length && status.spool.bytes === 0,
    60_000,
  );
  expect(await countStored()).toBe(readable);
  expect(points).toMatchObject({ stored: readable, dropped: lostMin });
  expect(kept.bytesLost).toBeGreaterThan(0);
  expect(segmentsIn(quarantine)).toEqual(damagedNames);
  expect(segmentsIn(spool)).toEqual([]);
  const ready = await get('/readyz');
  expect(ready).toMatch(/^ready\n/);
  expect(ready).toContain(`${damagedNames.length} segments of the spool`);
  expect(ready).toContain('plumbline spool inspect');
  expect(await get('/')).toContain('plumbline spool inspect');
  const shown = await runSpool(['inspect']);
  for (const name of damagedNames) expect(shown.stdout).toContain(name);
  expect(shown.stdout).toContain('undamaged copy');

  const inUse = await runSpool(['replay', '--all']);
  expect(inUse).toMatchObject({ code: 1, stdout: '' });
  expect(inUse.stderr).toMatch(/in use by another Plumbline; stop that one/);
  await server!.stop();

  for (const name of damagedNames) {
    rmSync(join(quarantine, name), { recursive: true });
    cpSync(join(saved.path, name), join(quarantine, name));
  }
  const replayed = await runSpool(['replay', flipped, cut, emptied, unreadable, cutLast]);
  expect(replayed).toMatchObject({ code: 0, stderr: '' });
  expect(segmentsIn(quarantine)).toEqual([]);
  await start();
  await waitUntil(readStatus, (status) => status.spool.bytes === 0, 60_000);
  expect(await countStored()).toBe(REQUESTS * POINTS);
  expect(await get('/readyz')).toBe('ready\n');
  await server!.stop();
});

it('moves whole segments back in one step, never over another one, and may be repeated', async () => {
  mkdirSync(quarantine, { recursive: true });
  const names = segmentsIn(saved.path);
  const [first, second, third] = names as [string, string, string];
  for (const name of [first, second, third]) cpSync(join(saved.path, name), join(quarantine, name));
  const { ino } = statSync(join(quarantine, first));
  // A replay that ended half way: the file is under both names. And one that is another file.
  cpSync(join(saved.path, second), join(spool, second));
  cpSync(join(saved.path, first), join(spool, third));
  const replayed = await runSpool(['replay', first, first, '--data-dir', data.path]);
  expect(replayed).toMatchObject({ code: 0, stderr: '' });
  expect(statSync(join(spool, first)).ino).toBe(ino);
  const all = await runSpool(['replay', '--all']);
  expect(all.code).toBe(1);
  expect(all.stdout).toMatch(new RegExp(`${second}: \\d+ points are in the spool again`));
  expect(all.stdout).toMatch(new RegExp(`${third}: the spool has another segment of that name`));
  expect(segmentsIn(quarantine)).toEqual([third]);
  rmSync(join(spool, third));
  // One that is still being copied is damaged, and stays until it is whole.
  const whole = readFileSync(join(saved.path, third));
  truncateSync(join(quarantine, third), whole.length >> 1);
  expect((await runSpool(['replay', third])).stdout).toMatch(/cannot be read .*the file stays in quarantine/);
  writeFileSync(join(quarantine, third), whole);
  expect(await runSpool(['replay', third])).toMatchObject({ code: 0, stderr: '' });
  expect(segmentsIn(quarantine)).toEqual([]);
  expect(segmentsIn(spool)).toEqual(expect.arrayContaining([first, second, third]));

  await start();
  await waitUntil(readStatus, (status) => status.spool.bytes === 0, 60_000);
  expect(await countStored()).toBe(REQUESTS * POINTS);
  await server!.stop();
}, 120_000);

it('says what to do where there is nothing to replay', async () => {
  expect((await runSpool(['replay'])).stderr).toMatch(/give --all; "plumbline spool inspect" lists them/);
  expect((await runSpool(['replay', 'x.segment'])).stderr).toMatch(/there is no x\.segment in /);
  expect((await runSpool(['replay', '/etc/x.segment'])).stderr).toMatch(
    /move it there first, under the name it had/,
  );
  expect((await runSpool(['inspect', '--data-dir', '/nowhere'])).stderr).toMatch(
    /no spool; name the data directory/,
  );
  expect((await runSpool(['--help'])).stdout).toMatch(/replay --all/);
  mkdirSync(quarantine, { recursive: true });
  writeFileSync(join(quarantine, 'x.segment'), '');
  const nothing = await runSpool(['replay', '--all']);
  expect(nothing).toMatchObject({ code: 1 });
  expect(nothing.stdout).toMatch(/nothing of it can be read .*undamaged copy/);
  expect(segmentsIn(quarantine)).toEqual(['x.segment']);
});
