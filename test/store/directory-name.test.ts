/** The engine has its data directory under a name that says nothing of where it is, and finds it again. */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';

it.skipIf(!existsSync('/proc/self/fd'))(
  'opens a directory that was closed and moved, and shows no path',
  async () => {
    const parent = mkdtempSync(join(tmpdir(), 'plumbline-name-'));
    const open = (name: string) =>
      openEmbeddedClickHouse({
        directory: join(parent, name),
        database: 'plumbline',
        temporaryDirectory: join(parent, 'temporary'),
      });
    const first = await open('first');
    await first.command('CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a');
    await first.command('INSERT INTO t SELECT number FROM numbers(100000)');
    await first.close();
    renameSync(join(parent, 'first'), join(parent, 'second'));

    const second = await open('second');
    expect(await second.query('SELECT sum(a) AS sum FROM t')).toEqual([{ sum: '4999950000' }]);
    const read = second.stream('SELECT a FROM t', 'RowBinary');
    let bytes = 0;
    for await (const chunk of read) bytes += chunk.length;
    expect(bytes).toBe(800_000);
    const [paths] = await second.query<{ paths: string[] }>(
      `SELECT arrayConcat((SELECT groupArray(path) FROM system.parts), (SELECT groupArray(path) FROM system.disks),
       (SELECT arrayFlatten(groupArray(data_paths)) FROM system.tables), (SELECT groupArray(data_path) FROM system.databases)) AS paths`,
    );
    expect(paths!.paths.length).toBeGreaterThan(5);
    for (const path of paths!.paths)
      expect(path === '' || path.startsWith('/proc/self/fd/'), path).toBe(true);
    await second.close();
    rmSync(parent, { recursive: true });
  },
);
