/**
 * The drain with a real spool and a real engine, where the disk or ClickHouse does not do what it is asked: it stores what can be
 * stored, once, and no segment keeps those behind it waiting.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Frame, SegmentSource } from '../../src/model/spool.js';
import { column, encodeBlock } from '../../src/spool/native-format.js';
import { openSpool, type Spool } from '../../src/spool/spool.js';
import {
  createDrain,
  DISK_ERROR_RETRY_MS,
  type Drain,
  type DrainOptions,
  type RefusedTable,
} from '../../src/store/drain.js';
import { openEmptyEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
let directory: string;
let spool: Spool;
let runs = 0;
beforeAll(async () => {
  engine = await openEmptyEngine();
}, 60_000);
afterAll(() => engine.close());
afterEach(async () => {
  for (const drain of drains.splice(0)) await drain.shutdown(0);
});
const drains: Drain[] = [];

const TABLES = ['number_points', 'summary_points', 'exemplars'];
const open = () =>
  openSpool({ directory, bytesMax: 1e9, segmentBytesMax: 1e9, nowUnixMs: 1_700_000_000_000 + runs++ });

beforeEach(async () => {
  directory = mkdtempSync(join(engine.directory, 'spool-'));
  spool = await open();
  for (const table of TABLES) {
    await engine.clickhouse.command(`DROP TABLE IF EXISTS ${table} SYNC`);
    // No rows are replaced here: what is stored twice is seen.
    await engine.clickhouse.command(
      `CREATE TABLE ${table} (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 1000`,
    );
  }
});

const block = (value: number, table = 'number_points') =>
  encodeBlock(table, 1, [column('x', 'UInt8', Uint8Array.of(value))]);
const noBlock = (table = 'number_points', rows = 1) => ({ table, rows, pieces: [Buffer.from('no block')] });

async function readRows(table = 'number_points'): Promise<number[]> {
  const rows = await engine.clickhouse.query<{ x: number }>(`SELECT x FROM ${table} ORDER BY x`);
  return rows.map(({ x }) => x);
}

/** What the drain reported. */
class Report {
  retried: string[] = [];
  refused: RefusedTable[] = [];
  aside: string[] = [];
  damaged: string[] = [];
  marked: Frame[] = [];
  stored = new Map<string, number>();
  left = new Map<string, string>();
}

/** A drain of the spool; `source` takes the place of some of its calls. */
function startDrain(
  source: Partial<SegmentSource> = {},
  nowMs?: () => number,
  pace: Partial<DrainOptions> = {},
) {
  const report = new Report();
  const drain = createDrain({
    clickhouse: engine.clickhouse,
    spool: {
      get isEmpty() {
        return spool.isEmpty;
      },
      list: () => spool.list(),
      seal: () => spool.seal(),
      oldest: (isSkipped) => spool.oldest(isSkipped),
      read: (segment) => spool.read(segment),
      commit: (segment) => spool.commit(segment),
      quarantine: (segment) => spool.quarantine(segment),
      ...source,
    },
    rollups: { markTouched: async (frames) => void report.marked.push(...frames) },
    intervalMs: 10,
    retryMaxMs: 20,
    ...(nowMs && { nowMs }),
    ...pace,
    log: {
      onRetry: (_, error) => report.retried.push((error as NodeJS.ErrnoException).code ?? error.message),
      onQuarantine: ({ name }, refused) => {
        report.aside.push(name);
        report.refused.push(...refused);
      },
      onDamaged: ({ name }, { reason }) => {
        report.aside.push(name);
        report.damaged.push(reason);
      },
      onTorn: ({ name }) => report.aside.push(name),
      onStored: (_, rows) => {
        for (const [table, count] of rows) report.stored.set(table, (report.stored.get(table) ?? 0) + count);
      },
      onLeft: ({ name }, error) => report.left.set(name, error.message),
      onTaken: ({ name }) => report.left.delete(name),
    },
  });
  drains.push(drain);
  return { drain, report };
}

/** Starts it, waits until that is so, and stops it. */
async function runUntil(drain: Drain, isSo: () => boolean): Promise<void> {
  await drain.start();
  await expect.poll(isSo, { timeout: 10_000 }).toBe(true);
  await drain.shutdown(1000);
}

const failWith = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
const quarantined = () => readdirSync(join(directory, 'quarantine'));

describe('a drain', () => {
  it('tries again where no file can be opened, removed or moved, and puts nothing aside for that', async () => {
    for (const each of [block(1), noBlock(), block(2)]) {
      await spool.append([each]);
      await spool.seal();
    }
    // Somebody tidied up; it is made again.
    rmSync(join(directory, 'quarantine'), { recursive: true });
    const failures = { read: ['EMFILE', 'EMFILE'], commit: ['EROFS'], quarantine: ['ENOSPC'] };
    const failFirst = <T>(what: keyof typeof failures, work: () => Promise<T>): Promise<T> => {
      const code = failures[what].shift();
      return code === undefined ? work() : (failWith(code) as Promise<T>);
    };
    const { drain, report } = startDrain({
      read: (segment) => failFirst('read', () => spool.read(segment)),
      commit: (segment) => failFirst('commit', () => spool.commit(segment)),
      quarantine: (segment) => failFirst('quarantine', () => spool.quarantine(segment)),
    });
    await runUntil(drain, () => spool.isEmpty);
    // What ClickHouse says of the segment that it can never take comes in between.
    expect(report.retried.filter((code) => /^E[A-Z]+$/.test(code)).sort()).toEqual(
      ['EMFILE', 'EMFILE', 'EROFS', 'ENOSPC'].sort(),
    );
    expect(report.aside.length).toBe(1);
    expect(quarantined()).toEqual(report.aside);
    expect(await readRows()).toEqual([1, 2]);
    expect(report.stored.get('number_points')).toBe(2);
  });

  it('stores and marks what ClickHouse takes of a segment, names the tables it refuses, and stores those once they can be', async () => {
    await spool.append([block(1, 'summary_points'), noBlock('number_points', 7), block(3, 'exemplars')]);
    const { drain, report } = startDrain();
    await runUntil(drain, () => spool.isEmpty && report.aside.length > 0);
    expect(report.refused.map(({ table, rows }) => [table, rows])).toEqual([['number_points', 7]]);
    expect(report.refused[0]!.reason).not.toBe('');
    expect(report.stored).toEqual(
      new Map([
        ['summary_points', 1],
        ['exemplars', 1],
      ]),
    );
    expect(report.marked.map(({ table }) => table)).toEqual(['summary_points', 'exemplars']);
    expect([await readRows('summary_points'), await readRows('exemplars')]).toEqual([[1], [3]]);

    // The same with a column of another type, which is mended before the segment goes back.
    await spool.append([block(5), block(6, 'summary_points')]);
    await engine.clickhouse.command('DROP TABLE number_points SYNC');
    await engine.clickhouse.command(
      'CREATE TABLE number_points (x Array(UInt8)) ENGINE = MergeTree ORDER BY x',
    );
    const second = startDrain();
    await runUntil(second.drain, () => spool.isEmpty && second.report.aside.length > 0);
    expect(await readRows('summary_points')).toEqual([1, 6]);
    await engine.clickhouse.command('DROP TABLE number_points SYNC');
    await engine.clickhouse.command('CREATE TABLE number_points (x UInt8) ENGINE = MergeTree ORDER BY x');
    const [name] = second.report.aside as [string];
    renameSync(join(directory, 'quarantine', name), join(directory, name));
    spool = await open();
    const third = startDrain();
    await runUntil(third.drain, () => spool.isEmpty);
    expect(await readRows()).toEqual([5]);
    // Its token is known.
    expect(await readRows('summary_points')).toEqual([1, 6]);
  });

  it('puts rows aside that have a column which their table lacks, and does not store them without it', async () => {
    await engine.clickhouse.command('DROP TABLE number_points SYNC');
    await engine.clickhouse.command('CREATE TABLE number_points (y UInt8) ENGINE = MergeTree ORDER BY y');
    await spool.append([block(1)]);
    const { drain, report } = startDrain();
    await runUntil(drain, () => spool.isEmpty);
    expect(report.refused.map(({ table, rows }) => [table, rows])).toEqual([['number_points', 1]]);
    expect(report.refused[0]!.reason).toMatch(/\bx\b/);
    expect(await engine.clickhouse.query('SELECT * FROM number_points')).toEqual([]);
  });

  it('goes on where a segment cannot be put aside, reports it, and puts it aside as soon as it can be', async () => {
    await spool.append([noBlock()]);
    await spool.seal();
    await spool.append([block(2)]);
    const { name } = spool.oldest()!;
    const inTheWay = join(directory, 'quarantine', name);
    mkdirSync(inTheWay);
    writeFileSync(join(inTheWay, 'x'), '');
    const { drain, report } = startDrain();
    await drain.start();
    await expect
      .poll(() => report.left.get(name), { timeout: 10_000 })
      .toMatch(/another file has that name already/);
    expect(await readRows()).toEqual([2]);
    expect(existsSync(join(directory, name))).toBe(true);
    expect(report.refused.length).toBe(1);
    rmSync(inTheWay, { recursive: true });
    await expect.poll(() => spool.isEmpty, { timeout: 10_000 }).toBe(true);
    await drain.shutdown(1000);
    expect(quarantined()).toEqual([name]);
    expect([report.left.size, report.refused.length, report.aside.length]).toEqual([0, 1, 1]);
  });

  it('goes on where there can be no folder for what is put aside', async () => {
    await spool.append([noBlock()]);
    await spool.seal();
    await spool.append([block(2)]);
    rmSync(join(directory, 'quarantine'), { recursive: true });
    writeFileSync(join(directory, 'quarantine'), '');
    const { drain, report } = startDrain();
    await runUntil(drain, () => report.left.size === 1 && (report.stored.get('number_points') ?? 0) === 1);
    expect(await readRows()).toEqual([2]);
    expect(readdirSync(directory).length).toBe(2);
  });

  it('reads a file again for as long as its file system is away, and one on a bad disk for a bounded time', async () => {
    for (const value of [1, 2, 3]) {
      await spool.append([block(value)]);
      await spool.seal();
    }
    const names = readdirSync(directory)
      .filter((each) => each.endsWith('.segment'))
      .sort();
    const [away, bad] = names as [string, string];
    const codes = new Map([
      [away, 'ESTALE'],
      [bad, 'EIO'],
    ]);
    let now = 0;
    const { drain, report } = startDrain(
      {
        read: (segment) => {
          const code = codes.get(segment.name);
          return code === undefined ? spool.read(segment) : (failWith(code) as never);
        },
      },
      () => now,
    );
    await drain.start();
    // Those behind them do not wait.
    await expect.poll(() => readRows(), { timeout: 10_000 }).toEqual([3]);
    const tries = (code: string) => report.retried.filter((each) => each === code).length;
    while (now < DISK_ERROR_RETRY_MS) {
      const before = [tries('ESTALE'), tries('EIO')] as [number, number];
      now += DISK_ERROR_RETRY_MS / 8;
      await expect
        .poll(() => tries('ESTALE') > before[0] && (tries('EIO') > before[1] || report.aside.length > 0))
        .toBe(true);
    }
    await expect.poll(() => report.aside, { timeout: 10_000 }).toEqual([bad]);
    expect(report.damaged[0]).toMatch(/could not be read for 10 minutes: EIO/);
    expect(report.left.get(away)).toBe('ESTALE');
    codes.delete(away);
    now += DISK_ERROR_RETRY_MS;
    await expect.poll(() => spool.isEmpty, { timeout: 10_000 }).toBe(true);
    await drain.shutdown(1000);
    expect(await readRows()).toEqual([1, 3]);
    expect([report.left.size, quarantined()]).toEqual([0, [bad]]);
  });
});

describe('a drain that waits for company', () => {
  const patient = { intervalMs: 3_600_000, nowUnixMs: () => 1 };

  it('stores what is there as soon as somebody asks, in one turn for all who ask', async () => {
    let seals = 0;
    const seal = () => {
      seals++;
      return spool.seal();
    };
    const { drain } = startDrain({ seal }, undefined, patient);
    await drain.start();
    await spool.append([block(1)]);
    expect(await Promise.all([1, 2, 3].map(() => drain.flush(10_000)))).toEqual([true, true, true]);
    expect(await readRows()).toEqual([1]);
    const sealsSoFar = seals;
    expect(await drain.flush(10_000)).toBe(true);
    expect(seals).toBe(sealsSoFar);
  });

  it('lets nobody wait for points that came after the question', async () => {
    let reads = 0;
    const read: SegmentSource['read'] = async (segment) => {
      // While one segment is stored the next one comes, for ever.
      if (reads++ < 100) {
        await spool.append([block(reads)]);
        await spool.seal();
      }
      return spool.read(segment);
    };
    const { drain } = startDrain({ read }, undefined, patient);
    await drain.start();
    await spool.append([block(0)]);
    expect(await drain.flush(10_000)).toBe(true);
    expect(reads).toBeLessThan(10);
    expect(await readRows()).toContain(0);
  });

  it('says so where a segment cannot be stored within the time, or for now', async () => {
    let isAway = true;
    const read: SegmentSource['read'] = (segment) =>
      isAway ? (failWith('ESTALE') as never) : spool.read(segment);
    const { drain } = startDrain({ read }, undefined, patient);
    expect([spool.isEmpty, await drain.flush(10)]).toEqual([true, true]);
    await spool.append([block(1)]);
    // It does not run yet.
    expect(await drain.flush(10)).toBe(false);
    await drain.start();
    expect(await drain.flush(10_000)).toBe(false);
    isAway = false;
    await expect.poll(() => readRows(), { timeout: 10_000 }).toEqual([1]);
  });

  it('does not let a question wait where ClickHouse refuses, or many segments wait', async () => {
    const { drain, report } = startDrain({}, undefined, patient);
    await drain.start();
    await engine.clickhouse.command('RENAME TABLE number_points TO away');
    await spool.append([block(1)]);
    const first = drain.flush(60_000);
    await expect.poll(() => report.retried.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await drain.flush(60_000)).toBe(false);
    await engine.clickhouse.command('RENAME TABLE away TO number_points');
    expect(await first).toBe(true);
    let isBusy = true;
    const read: SegmentSource['read'] = async (segment) => {
      await expect.poll(() => isBusy, { timeout: 10_000 }).toBe(false);
      return spool.read(segment);
    };
    const { drain: slow } = startDrain({ read }, undefined, patient);
    await drain.shutdown(1000);
    for (let value = 2; value < 8; value++) {
      await spool.append([block(value)]);
      await spool.seal();
    }
    await slow.start();
    expect(await slow.flush(60_000)).toBe(false);
    isBusy = false;
    await expect.poll(() => spool.isEmpty, { timeout: 10_000 }).toBe(true);
  });

  it('stores shortly before a minute is rolled up, and what came until it ends', async () => {
    // As group commit does it: nobody seals while another writes.
    let last: Promise<unknown> = Promise.resolve();
    const oneByOne = (work: () => Promise<unknown>) => {
      last = last.then(work);
      return last;
    };
    const pace = { ...patient, nowUnixMs: () => 59_990, afterMinuteMs: 20 };
    const seal = () => oneByOne(() => spool.seal()) as Promise<void>;
    const { drain } = startDrain({ seal }, undefined, pace);
    await drain.start();
    await oneByOne(() => spool.append([block(1)]));
    await expect.poll(() => readRows(), { timeout: 10_000 }).toEqual([1]);
    await oneByOne(() => spool.append([block(2)]));
    await drain.shutdown(10_000);
    expect(await readRows()).toEqual([1, 2]);
  });

  it('stores full segments at once', async () => {
    spool = await openSpool({
      ...{ directory, bytesMax: 1e9, segmentBytesMax: 1, nowUnixMs: 1_700_000_000_000 + runs++ },
      onFull: () => drain.storeSoon(),
    });
    const { drain } = startDrain({}, undefined, patient);
    await drain.start();
    await spool.append([block(1)]);
    await expect.poll(() => readRows(), { timeout: 10_000 }).toEqual([1]);
  });
});
