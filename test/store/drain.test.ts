/** The drain with a real spool and a real engine, where the disk does not do what it is asked: it goes on, and stores once. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SegmentSource } from '../../src/model/spool.js';
import { column, encodeBlock } from '../../src/spool/native-format.js';
import { openSpool } from '../../src/spool/spool.js';
import { createDrain } from '../../src/store/drain.js';
import { openEmptyEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

let engine: ScratchEngine;
beforeAll(async () => {
  engine = await openEmptyEngine();
  await engine.clickhouse.command('CREATE TABLE number_points (x UInt8) ENGINE = MergeTree ORDER BY x');
}, 60_000);
afterAll(() => engine.close());

it('tries again where no file can be opened, removed or moved, and puts nothing aside for that', async () => {
  const directory = join(engine.directory, 'spool');
  const limits = { bytesMax: 1e9, segmentBytesMax: 1e9 };
  const spool = await openSpool({ directory, ...limits, nowUnixMs: 1_700_000_000_000 });
  const block = (value: number) =>
    encodeBlock('number_points', 1, [column('x', 'UInt8', Uint8Array.of(value))]);
  const refused = { table: 'number_points', rows: 1, pieces: [Buffer.from('no block')] };
  for (const each of [block(1), refused, block(2)]) {
    await spool.append([each]);
    await spool.seal();
  }
  // Somebody tidied up; it is made again.
  rmSync(join(directory, 'quarantine'), { recursive: true });
  const failures = { read: ['EMFILE', 'EMFILE'], commit: ['EROFS'], quarantine: ['ENOSPC'] };
  const failFirst = <T>(what: keyof typeof failures, work: () => Promise<T>): Promise<T> => {
    const code = failures[what].shift();
    return code === undefined ? work() : Promise.reject(Object.assign(new Error(code), { code }));
  };
  const source: SegmentSource = {
    seal: () => spool.seal(),
    oldest: () => spool.oldest(),
    read: (segment) => failFirst('read', () => spool.read(segment)),
    commit: (segment) => failFirst('commit', () => spool.commit(segment)),
    quarantine: (segment) => failFirst('quarantine', () => spool.quarantine(segment)),
  };
  const retried: string[] = [];
  const putAside: string[] = [];
  const drain = createDrain({
    clickhouse: engine.clickhouse,
    spool: source,
    rollups: { markTouched: async () => undefined },
    intervalMs: 10,
    retryMaxMs: 20,
    log: {
      onRetry: (_, error) => retried.push((error as NodeJS.ErrnoException).code ?? error.message),
      onQuarantine: ({ name }) => putAside.push(name),
      onDamaged: ({ name }) => putAside.push(name),
      onTorn: ({ name }) => putAside.push(name),
      onStored: () => undefined,
    },
  });
  await drain.start();
  await expect.poll(() => spool.isEmpty, { timeout: 10_000 }).toBe(true);
  await drain.shutdown(1000);
  // What ClickHouse says of the segment that it can never take comes in between.
  expect(retried.filter((code) => /^E[A-Z]+$/.test(code))).toEqual(['EMFILE', 'EMFILE', 'EROFS', 'ENOSPC']);
  expect(putAside.length).toBe(1);
  expect(readdirSync(join(directory, 'quarantine'))).toEqual(putAside);
  const rows = await engine.clickhouse.query('SELECT x FROM number_points ORDER BY x');
  expect(rows).toEqual([{ x: 1 }, { x: 2 }]);
});
