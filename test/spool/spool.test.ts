/** The spool on a real disk: order, fsync before answer, quarantine, names that never repeat. Damage: damage.test.ts. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RetryableError } from '../../src/model/errors.js';
import { PointBatch } from '../../src/model/point-batch.js';
import type { SeriesRow } from '../../src/model/series.js';
import { GroupCommit } from '../../src/spool/group-commit.js';
import { column, encodeBlock } from '../../src/spool/native-format.js';
import { openSpool, type Spool } from '../../src/spool/spool.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-spool-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (options: { bytesMax?: number; segmentBytesMax?: number; nowUnixMs?: number } = {}) =>
  openSpool({ directory, bytesMax: 1e9, segmentBytesMax: 1e9, nowUnixMs: 1_700_000_000_000, ...options });

const block = (byte: number, bytes = 100) =>
  encodeBlock('number_points', bytes, [column('x', 'UInt8', new Uint8Array(bytes).fill(byte))]);

const segmentFiles = () => readdirSync(directory).filter((name) => name.endsWith('.segment'));

/** First data byte of each frame of the oldest segment. */
async function readOldest(spool: Spool): Promise<number[]> {
  const segment = spool.oldest()!;
  const { frames } = await spool.read(segment);
  return frames.map((frame) => frame.payload.at(-1)!);
}

describe('spool', () => {
  it('gives back what was appended, in order, and forgets a segment only when it is committed', async () => {
    const spool = await open();
    await spool.append([block(1), block(2)]);
    await spool.append([block(3)]);
    expect(spool.oldest()).toBeUndefined();
    await spool.seal();
    expect(await readOldest(spool)).toEqual([1, 2, 3]);
    expect(spool.bytes).toBeGreaterThan(300);
    await spool.commit(spool.oldest()!);
    expect(spool.isEmpty).toBe(true);
    expect(spool.bytes).toBe(0);
    expect(segmentFiles()).toEqual([]);
  });

  it('finds everything again after a restart, oldest first, under names that were never used before', async () => {
    const first = await open();
    await first.append([block(1)]);
    await first.seal();
    await first.append([block(2)]);
    const names = new Set(segmentFiles());
    const second = await open({ nowUnixMs: 1_700_000_000_001 });
    expect(await readOldest(second)).toEqual([1]);
    await second.commit(second.oldest()!);
    expect(await readOldest(second)).toEqual([2]);
    await second.append([block(3)]);
    await second.seal();
    await second.commit(second.oldest()!);
    expect(await readOldest(second)).toEqual([3]);
    expect(names.has(second.oldest()!.name)).toBe(false);
    // The first process is thought to be dead; its descriptor is closed only to be tidy.
    await first.seal();
  });

  it('closes a segment that reached its size and begins another', async () => {
    const spool = await open({ segmentBytesMax: 200 });
    await spool.append([block(1)]);
    await spool.append([block(2)]);
    expect(await readOldest(spool)).toEqual([1, 2]);
    await spool.append([block(3)]);
    await spool.seal();
    expect(segmentFiles().length).toBe(2);
  });

  it('says when it is full, and has room again after a commit', async () => {
    const spool = await open({ bytesMax: 200 });
    expect(spool.isFull).toBe(false);
    await spool.append([block(1)]);
    await spool.append([block(2)]);
    expect(spool.isFull).toBe(true);
    await spool.seal();
    await spool.commit(spool.oldest()!);
    expect(spool.isFull).toBe(false);
  });

  it('puts a segment aside without losing it', async () => {
    const spool = await open();
    await spool.append([block(7)]);
    await spool.seal();
    const path = await spool.quarantine(spool.oldest()!);
    expect(spool.isEmpty).toBe(true);
    expect(readFileSync(path).length).toBeGreaterThan(100);
  });
});

describe('group commit', () => {
  const start = (spool: Spool, overrides: { delayMs?: number; pointsMax?: number } = {}) => {
    const lost: number[] = [];
    const exemplars = { asked: 0, forgotten: 0 };
    const groupCommit = new GroupCommit({
      spool,
      delayMs: 5,
      pointsMax: 1000,
      nowUnixMs: () => 1_700_000_000_000,
      onSeriesLost: (rows) => lost.push(rows.length),
      writtenExemplars: {
        dropWritten: () => {
          exemplars.asked++;
          return [];
        },
        forget: () => exemplars.forgotten++,
      },
      ...overrides,
    });
    return { groupCommit, lost, exemplars };
  };
  const addPoint = (batch: PointBatch, id: bigint) => {
    const { numbers } = batch;
    numbers.seriesId.pushBigInt(id);
    numbers.time.pushBigInt(1_700_000_000_000_000_000n);
    numbers.startTime.push(0, 0);
    numbers.kind.push(1);
    numbers.valueType.push(1);
    numbers.valueInt.pushBigInt(id);
    numbers.valueDouble.push(0, 0);
    numbers.flags.push(0);
  };

  it('answers many requests with one write, and only after the bytes are in the file', async () => {
    const spool = await open();
    const { groupCommit } = start(spool);
    const answers = Array.from({ length: 50 }, (_, i) => {
      addPoint(groupCommit.batch, BigInt(i));
      return groupCommit.commit();
    });
    expect(segmentFiles()).toEqual([]);
    await Promise.all(answers);
    await groupCommit.seal();
    const { frames } = await spool.read(spool.oldest()!);
    expect(frames.map((frame) => frame.rows)).toEqual([50]);
  });

  it('keeps every point of thousands of commits that overlap, in the order they came', async () => {
    const spool = await open();
    const { groupCommit } = start(spool, { delayMs: 0, pointsMax: 10 });
    const answers: Promise<string>[] = [];
    for (let i = 0; i < 3000; i++) {
      addPoint(groupCommit.batch, BigInt(i));
      answers.push(groupCommit.commit());
      if (i % 7 === 0) await new Promise((done) => setImmediate(done));
    }
    await groupCommit.flush();
    await Promise.all(answers);
    await groupCommit.seal();
    const { frames } = await spool.read(spool.oldest()!);
    expect(frames.reduce((sum, frame) => sum + frame.rows, 0)).toBe(3000);
    expect(frames.length).toBeGreaterThan(1);
  });

  it('writes no point whose series may have had its row in a write that failed before it', async () => {
    const spool = await open();
    const { groupCommit, lost } = start(spool, { pointsMax: 1 });
    const addRow = (batch: PointBatch) => batch.seriesRows.push({} as SeriesRow);
    const ownBatch = (id: bigint) => {
      const batch = new PointBatch();
      addPoint(batch, id);
      return batch;
    };
    const { losses } = groupCommit;
    // As on a disk that is away for a moment.
    rmSync(directory, { recursive: true, force: true });
    addRow(groupCommit.batch);
    addPoint(groupCommit.batch, 1n);
    const first = groupCommit.commit();
    // The series of the first is taken for written while the write is under way.
    addPoint(groupCommit.batch, 1n);
    await expect(first).rejects.toBeInstanceOf(RetryableError);
    expect(lost).toEqual([1]);
    mkdirSync(directory);
    await expect(groupCommit.commit()).rejects.toBeInstanceOf(RetryableError);
    await expect(groupCommit.commitBatch(ownBatch(1n), losses)).rejects.toBeInstanceOf(RetryableError);
    // What was decoded since then knows that the row is missing.
    await groupCommit.commitBatch(ownBatch(2n), groupCommit.losses);
    addPoint(groupCommit.batch, 3n);
    await groupCommit.commit();
    await groupCommit.seal();
    const { frames } = await spool.read(spool.oldest()!);
    expect(frames.map(({ rows }) => rows)).toEqual([1, 1]);
  });

  it('refuses where others have filled the spool since there was room', async () => {
    const spool = await open({ bytesMax: 200 });
    const { groupCommit } = start(spool);
    const batches = [1n, 2n, 3n].map((id) => {
      const batch = new PointBatch();
      for (let i = 0; i < 10; i++) addPoint(batch, id);
      return batch;
    });
    expect(spool.isFull).toBe(false);
    const answers = await Promise.allSettled(batches.map((batch) => groupCommit.commitBatch(batch, 0)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((answers[1] as PromiseRejectedResult).reason).toBeInstanceOf(RetryableError);
    expect(String((answers[1] as PromiseRejectedResult).reason)).toContain('PLUMBLINE_SPOOL_BYTES_MAX');
  });

  it('keeps the memory of an ordinary batch for the next one, and not that of a large one, however few points it has', async () => {
    const { groupCommit } = start(await open());
    const first = groupCommit.batch;
    addPoint(groupCommit.batch, 1n);
    await groupCommit.commit();
    addPoint(groupCommit.batch, 2n);
    groupCommit.batch.exemplars.attributeValues.pushBytes(new Uint8Array(40 * 1024 * 1024));
    const large = groupCommit.batch;
    expect(large.capacityBytes).toBeGreaterThan(40 * 1024 * 1024);
    await groupCommit.commit();
    expect(groupCommit.batch).toBe(first);
    addPoint(groupCommit.batch, 3n);
    await groupCommit.commit();
    expect(groupCommit.batch).not.toBe(large);
    expect(groupCommit.batch.capacityBytes).toBeLessThan(1024 * 1024);
  });

  it('refuses, and takes nothing for written, when the disk refuses', async () => {
    const spool = await open();
    const { groupCommit, lost, exemplars } = start(spool);
    rmSync(directory, { recursive: true, force: true });
    addPoint(groupCommit.batch, 1n);
    await expect(groupCommit.commit()).rejects.toBeInstanceOf(RetryableError);
    expect(lost).toEqual([0]);
    expect(exemplars).toEqual({ asked: 1, forgotten: 1 });
    expect(groupCommit.batch.points).toBe(0);
  });
});
