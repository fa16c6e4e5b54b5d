/**
 * Scenario "ingest": OTLP/HTTP protobuf gzip into a fresh server until every point is stored, rolled up and merged.
 * What counts is CPU time of the whole server process, start-up not included.
 */
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';
import { measureCeiling } from './engine-ceiling.js';
import { readCpuS, readPeakRssBytes } from './process-cpu.js';
import { sendAll } from './request-sender.js';
import type { Workload } from './workload.js';

export interface IngestResult {
  points: number;
  sendWallS: number;
  /** Until the last answer; until all is visible in SQL; until rolled up; until merged. */
  cpuS: { answered: number; stored: number; rolledUp: number; merged: number };
  ceilingCpuS: number;
  bytesPerPoint: number;
  peakRssBytes: number;
}

const CONNECTIONS = 4;
const TIMEOUT_MS = 600_000;

interface Status {
  points: { stored: number };
  rollups: { waiting: number };
}

export async function runIngest(workload: Workload): Promise<IngestResult> {
  const data = makeDataDirectory();
  const server = await startServer(data.path);
  try {
    const before = readCpuS(server.pid);
    const spent = () => readCpuS(server.pid) - before;
    const { wallS } = await sendAll(server.http, workload.bodies, CONNECTIONS);
    const answered = spent();
    const status = async () => (await (await fetch(`http://${server.web}/api/status`)).json()) as Status;
    await waitUntil(status, (s) => s.points.stored >= workload.points, TIMEOUT_MS);
    const stored = spent();
    await waitUntil(status, (s) => s.rollups.waiting === 0, TIMEOUT_MS);
    const rolledUp = spent();
    await waitForMerges(server);
    const merged = spent();
    const bytesPerPoint = await checkRows(server, workload.points);
    const peakRssBytes = readPeakRssBytes(server.pid);
    const ceilingCpuS = await runCeiling(server, data.path);
    const cpuS = { answered, stored, rolledUp, merged };
    return { points: workload.points, sendWallS: wallS, cpuS, ceilingCpuS, bytesPerPoint, peakRssBytes };
  } finally {
    await server.stop('SIGKILL');
    data.remove();
  }
}

async function waitForMerges(server: RunningServer): Promise<void> {
  let quietReads = 0;
  const countQuiet = async () => {
    const [row] = await querySql<{ n: string }>(server, 'SELECT count() AS n FROM system.merges');
    quietReads = Number(row!.n) === 0 ? quietReads + 1 : 0;
    return quietReads;
  };
  await waitUntil(countQuiet, (reads) => reads >= 20, TIMEOUT_MS);
}

/** Every point is there once, in raw and in every rollup; gives the size of the raw table. */
async function checkRows(server: RunningServer, points: number): Promise<number> {
  const [counts] = await querySql<Record<string, string>>(
    server,
    `SELECT (SELECT count() FROM number_points FINAL) AS raw, (SELECT sum(points) FROM number_1m FINAL) AS m,
            (SELECT sum(points) FROM number_1h FINAL) AS h, (SELECT sum(points) FROM number_1d FINAL) AS d,
            (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'number_points') AS bytes`,
  );
  for (const name of ['raw', 'm', 'h', 'd']) {
    if (Number(counts![name]) !== points) throw new Error(`${name} has ${counts![name]} of ${points} points`);
  }
  return Number(counts!.bytes) / points;
}

async function runCeiling(server: RunningServer, directory: string): Promise<number> {
  const [{ ddl }] = (await querySql<{ ddl: string }>(
    server,
    "SELECT create_table_query AS ddl FROM system.tables WHERE database = currentDatabase() AND name = 'number_points'",
  )) as [{ ddl: string }];
  const createTable = ddl.replace(/^CREATE TABLE \S+/, 'CREATE TABLE ceiling');
  const file = join(directory, 'rows.native');
  // In the order of arrival: rows that are sorted already would be cheaper to insert than any sender's are.
  const query = 'SELECT * FROM plumbline.number_points ORDER BY time FORMAT Native';
  const answer = await fetch(`http://${server.sql}/?query=${encodeURIComponent(query)}`);
  if (!answer.ok) throw new Error(await answer.text());
  await pipeline(Readable.fromWeb(answer.body as never), createWriteStream(file));
  const { cpuS } = await measureCeiling(join(directory, 'ceiling'), file, createTable);
  rmSync(file);
  return cpuS;
}
