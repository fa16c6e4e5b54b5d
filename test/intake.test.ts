/** Intake with a real spool: the balance of points, neighbours of malformed requests, and every way to be refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeriesTable } from '../src/decode/series-table.js';
import { WrittenExemplars } from '../src/decode/written-exemplars.js';
import { createIntake } from '../src/intake.js';
import { RetryableError } from '../src/model/errors.js';
import { GroupCommit } from '../src/spool/group-commit.js';
import { openSpool, type Spool } from '../src/spool/spool.js';
import { buildTsbsRequest } from './testkit/otlp-workload.js';

const NOW_MS = Date.UTC(2026, 10, 23, 12);

let directory: string;
let spool: Spool;
let groupCommit: GroupCommit;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-intake-'));
});
afterEach(async () => {
  await groupCommit.seal().catch(() => {});
  rmSync(directory, { recursive: true, force: true });
});

async function create(options: { bytesMax?: number } = {}) {
  spool = await openSpool({
    directory,
    bytesMax: options.bytesMax ?? 1e9,
    segmentBytesMax: 1e9,
    nowUnixMs: NOW_MS,
  });
  const series = new SeriesTable({
    classify: () => ({ category: 'c', subcategory: 's', rule: 'r' }),
    seed: 7,
  });
  groupCommit = new GroupCommit({
    spool,
    delayMs: 5,
    pointsMax: 1e6,
    nowUnixMs: () => NOW_MS,
    onSeriesLost: (rows) => series.forgetWritten(rows),
    writtenExemplars: new WrittenExemplars({ seed: 7, entriesMax: 1000 }),
  });
  const limits = {
    attributeDepthMax: 16,
    attributesBytesMax: 65_536,
    pointFutureMaxMs: 60_000,
    pointAgeMaxMs: 86_400_000,
  };
  const intake = createIntake({
    spool,
    groupCommit,
    series,
    limits,
    nowUnixMs: () => NOW_MS,
  });
  /** Rows by table of everything on disk. */
  const readRows = async () => {
    await groupCommit.seal();
    const rows: Record<string, number> = {};
    const { frames } = await spool.read(spool.oldest()!);
    for (const frame of frames) rows[frame.table] = (rows[frame.table] ?? 0) + frame.rows;
    return rows;
  };
  return { ...intake, readRows };
}

function request(ageS: number, host = 0, points = 100): Buffer {
  return buildTsbsRequest({
    timeUnixNano: BigInt(NOW_MS / 1000 - ageS) * 1_000_000_000n,
    startUnixNano: 0n,
    host,
    points,
    random: () => 0.5,
  });
}

describe('intake', () => {
  it('answers with what is on disk when it answers', async () => {
    const { exportMetrics, counts, readRows } = await create();
    expect(await exportMetrics(request(10), 'protobuf')).toEqual({
      accepted: 100,
      rejected: 0,
      rejections: [],
      segment: expect.stringMatching(/\.segment$/),
    });
    expect(await readRows()).toEqual({ series: 100, number_points: 100 });
    expect(counts).toMatchObject({ pointsAccepted: 100, pointsRejected: 0, requestsAnswered: 1 });
  });

  it('rejects points that are too old or too far ahead, says why, and keeps the balance', async () => {
    const { exportMetrics, counts } = await create();
    const old = await exportMetrics(request(2 * 86_400), 'protobuf');
    expect([old.accepted, old.rejected]).toEqual([0, 100]);
    expect(old.rejections[0]).toMatchObject({ reason: 'time_too_old', metricName: 'cpu.usage_0', count: 10 });
    expect(old.rejections[0]!.detail).toContain('PLUMBLINE_POINT_AGE_MAX_MS');
    const ahead = await exportMetrics(request(-120), 'protobuf');
    expect(ahead.rejections[0]).toMatchObject({ reason: 'time_in_future' });
    await exportMetrics(request(1), 'protobuf');
    expect(counts).toMatchObject({ pointsAccepted: 100, pointsRejected: 200, requestsAnswered: 3 });
  });

  it('leaves nothing of a malformed request, and everything of those that share its group commit', async () => {
    const { exportMetrics, counts, readRows } = await create();
    const malformed = request(20, 500).subarray(0, -3);
    const answers = await Promise.allSettled([
      exportMetrics(request(10, 0), 'protobuf'),
      exportMetrics(malformed, 'protobuf'),
      exportMetrics(request(10, 100), 'protobuf'),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((answers[1] as PromiseRejectedResult).reason).toMatchObject({ kind: 'malformed' });
    expect(await readRows()).toEqual({ series: 200, number_points: 200 });
    expect(counts).toMatchObject({ pointsAccepted: 200, requestsMalformed: 1, requestsRefused: 0 });
  });

  it('writes the series of a malformed request with the next request that has them', async () => {
    const { exportMetrics, readRows } = await create();
    await expect(exportMetrics(request(20).subarray(0, -3), 'protobuf')).rejects.toThrow();
    await exportMetrics(request(10), 'protobuf');
    expect(await readRows()).toEqual({ series: 100, number_points: 100 });
  });

  it('refuses with a time to come back when the spool is full', async () => {
    const { exportMetrics, counts } = await create({ bytesMax: 10_000 });
    await exportMetrics(request(10, 0, 1_000), 'protobuf');
    expect(spool.isFull).toBe(true);
    const refused = exportMetrics(request(9), 'protobuf');
    await expect(refused).rejects.toBeInstanceOf(RetryableError);
    await expect(refused).rejects.toMatchObject({ retryAfterMs: 5_000 });
    expect(counts).toMatchObject({ requestsRefused: 1, pointsAccepted: 1_000 });
  });

  it('refuses when the disk does not take it', async () => {
    const { exportMetrics, counts } = await create();
    // The directory vanishes under the spool, as a disk that is unmounted.
    rmSync(directory, { recursive: true, force: true });
    await expect(exportMetrics(request(10), 'protobuf')).rejects.toBeInstanceOf(RetryableError);
    expect(counts).toMatchObject({ pointsAccepted: 0, requestsRefused: 1 });
  });
});
