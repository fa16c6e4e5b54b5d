/** Intake with a real spool: the balance of points, neighbours of malformed requests, and every way to be refused. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeriesTable } from '../src/decode/series-table.js';
import { WrittenExemplars } from '../src/decode/written-exemplars.js';
import { createDiskSpace } from '../src/disk-space.js';
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

async function create(options: { bytesMax?: number; messagesMax?: number } = {}) {
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
    disk: createDiskSpace({ directory, freeBytesMin: 0 }),
    groupCommit,
    series,
    limits,
    messagesMax: options.messagesMax ?? 1e6,
    nowUnixMs: () => NOW_MS,
  });
  const readSegments = () =>
    readdirSync(directory)
      .filter((name) => name.endsWith('.segment'))
      .map((name) => ({ name, bytes: 0 }));
  /** Rows by table of everything on disk. */
  const readRows = async () => {
    await groupCommit.seal();
    const rows: Record<string, number> = {};
    for (const segment of readSegments()) {
      const { frames } = await spool.read(segment);
      for (const frame of frames) rows[frame.table] = (rows[frame.table] ?? 0) + frame.rows;
    }
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

describe('a large request', () => {
  const POINTS = 60_000;
  const large = () => request(10, 0, POINTS);

  it('is taken while others are decoded between its slices', async () => {
    const { exportMetrics, counts, readRows } = await create();
    const under = exportMetrics(large(), 'protobuf');
    const others = await sendUntil(under, () => exportMetrics(request(9, 1_000_000, 10), 'protobuf'));
    expect(await under).toMatchObject({ accepted: POINTS, rejected: 0 });
    expect(others).toBeGreaterThan(1);
    expect(counts.pointsAccepted).toBe(POINTS + others * 10);
    expect(await readRows()).toEqual({ series: POINTS + 10, number_points: POINTS + others * 10 });
  });

  it('leaves nothing where it is malformed at its end', async () => {
    const { exportMetrics, counts, readRows } = await create();
    const malformed = exportMetrics(large().subarray(0, -3), 'protobuf');
    malformed.catch(() => {});
    await exportMetrics(request(10), 'protobuf');
    await expect(malformed).rejects.toMatchObject({ kind: 'malformed' });
    expect(await readRows()).toEqual({ series: 100, number_points: 100 });
    expect(counts).toMatchObject({ pointsAccepted: 100, requestsMalformed: 1 });
  });

  it('has its new series on disk before points of others that share them', async () => {
    const { exportMetrics, readRows } = await create();
    const under = exportMetrics(large(), 'protobuf');
    let seen = 0;
    await sendUntil(under, async () => {
      await exportMetrics(request(9, 0, 1_000), 'protobuf');
      const { series = 0, number_points: points = 0 } = await readRows();
      // Rows of all thousand series stand before these points, whoever wrote them.
      if (points > 0 && seen === 0) seen = series;
    });
    expect(seen).toBeGreaterThanOrEqual(1_000);
  });

  it('has its own conflicting points rejected, whatever others send between', async () => {
    const { exportMetrics } = await create();
    const other = buildTsbsRequest({
      timeUnixNano: BigInt(NOW_MS / 1000 - 10) * 1_000_000_000n,
      startUnixNano: 0n,
      host: 0,
      points: 10,
      random: () => 0.9,
    });
    const under = exportMetrics(Buffer.concat([large(), other]), 'protobuf');
    await sendUntil(under, () => exportMetrics(request(9, 0, 10), 'protobuf'));
    const { accepted, rejected, rejections } = await under;
    expect([accepted, rejected]).toEqual([POINTS, 10]);
    expect(rejections[0]).toMatchObject({ reason: 'conflicting_point', count: 1 });
  });

  it('is refused where the rows of its series cannot be written', async () => {
    const { exportMetrics, counts } = await create();
    rmSync(directory, { recursive: true, force: true });
    await expect(exportMetrics(large(), 'protobuf')).rejects.toBeInstanceOf(RetryableError);
    expect(counts).toMatchObject({ pointsAccepted: 0, requestsRefused: 1 });
  });

  it('is given up at its next slice when the server shuts down, with those that wait, and can be sent again', async () => {
    const { exportMetrics, counts, close, readRows } = await create();
    const answers = [1, 2, 3, 4].map((host) =>
      exportMetrics(request(10, host * 1_000_000, POINTS), 'protobuf'),
    );
    await exportMetrics(request(9), 'protobuf');
    close();
    answers.push(exportMetrics(large(), 'protobuf'));
    for (const { status, reason } of (await Promise.allSettled(answers)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect(reason).toBeInstanceOf(RetryableError);
    }
    expect(counts).toMatchObject({ pointsAccepted: 100, requestsRefused: 5 });
    // Small ones are still taken: they are over at once.
    await exportMetrics(request(8), 'protobuf');
    expect((await readRows()).number_points).toBe(200);
  });

  it('keeps its place until its points are on disk, so that two batches at most are in memory', async () => {
    const { exportMetrics } = await create();
    // All series are known, so that only points are left to write.
    await exportMetrics(large(), 'protobuf');
    let open = () => {};
    const gate = new Promise<void>((done) => {
      open = done;
    });
    const append = spool.append.bind(spool);
    spool.append = async (blocks) => {
      await gate;
      return append(blocks);
    };
    let decoded = 0;
    const commitBatch = groupCommit.commitBatch.bind(groupCommit);
    groupCommit.commitBatch = (batch, losses) => {
      decoded++;
      return commitBatch(batch, losses);
    };
    const answers = [9, 8, 7].map((ageS) => exportMetrics(request(ageS, 0, POINTS), 'protobuf'));
    while (decoded < 2) await nextTurn();
    // Many more turns than a third one needs slices.
    for (let i = 0; i < 5_000; i++) await nextTurn();
    expect(decoded).toBe(2);
    open();
    expect((await Promise.all(answers)).map(({ accepted }) => accepted)).toEqual([POINTS, POINTS, POINTS]);
    expect(decoded).toBe(3);
  });

  it('is rejected where it holds more messages than are allowed, however small it is', async () => {
    const { exportMetrics, counts } = await create({ messagesMax: 1_000 });
    await expect(exportMetrics(request(10, 0, 500), 'protobuf')).rejects.toMatchObject({
      kind: 'too_large',
      message: expect.stringContaining('PLUMBLINE_REQUEST_MESSAGES_MAX'),
    });
    await expect(
      exportMetrics(Buffer.alloc(4_000, Buffer.from([0x0a, 0])), 'protobuf'),
    ).rejects.toMatchObject({
      kind: 'too_large',
    });
    expect(counts.requestsMalformed).toBe(2);
    expect(await exportMetrics(Buffer.alloc(4_000, Buffer.from([0x78, 1])), 'protobuf')).toMatchObject({
      accepted: 0,
      rejected: 0,
    });
  });

  it('in JSON is taken, and where it is wrong its sender reads where', async () => {
    const { exportMetrics } = await create();
    const point = { timeUnixNano: `${NOW_MS}000000`, asInt: '1' };
    const json = (points: object[]) =>
      Buffer.from(
        JSON.stringify({
          resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints: points } }] }] }],
        }),
      );
    const points = new Array<object>(20_000).fill(point);
    const counted: number[] = [];
    const memory = { add: (bytes: number) => void counted.push(bytes) };
    expect(await exportMetrics(json(points), 'json', memory)).toMatchObject({ accepted: 20_000 });
    // What goes to the thread counts as well, and what comes back where it is larger.
    expect(counted).toEqual([json(points).length]);
    const noRoom = {
      add: () => {
        throw new RetryableError('no room', 1);
      },
    };
    await expect(exportMetrics(json(points), 'json', noRoom)).rejects.toThrow('no room');
    await expect(exportMetrics(json([...points, { asInt: 'x' }]), 'json')).rejects.toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('gauge.dataPoints[20000].asInt'),
    });
  });
});

const nextTurn = () => new Promise<void>((done) => setImmediate(done));

/** Sends one after the other until the other request has its answer; how many were sent. */
async function sendUntil(other: Promise<unknown>, send: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  void other.finally(() => {
    isDone = true;
  });
  let sent = 0;
  for (; !isDone; sent++) await send();
  return sent;
}
