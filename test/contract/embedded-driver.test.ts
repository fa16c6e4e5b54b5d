/** The embedded engine against the contract, and what only an engine inside the process must do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/model/errors.js';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { registerClickHouseContract } from './clickhouse-contract.js';

const root = mkdtempSync(join(tmpdir(), 'plumbline-embedded-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function open(name: string) {
  const temporaryDirectory = join(root, `${name}-temporary`);
  return openEmbeddedClickHouse({ directory: join(root, name), database: 'plumbline', temporaryDirectory });
}

registerClickHouseContract({ name: 'embedded', open: () => open('contract') });

describe('the engine inside the process', () => {
  test('close waits for running calls; what was written is there when it opens again', async () => {
    const first = await open('again');
    await first.command('CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a');
    const insert = first.command('INSERT INTO t SELECT sleepEachRow(0.01) FROM numbers(50)');
    const query = first.query<{ n: string }>('SELECT sum(sleepEachRow(0.005)) AS n FROM numbers(50)');
    await first.close();
    await insert;
    expect(await query).toEqual([{ n: '0' }]);
    await expect(first.query('SELECT 1')).rejects.toMatchObject({ code: 0, type: 'CLOSED' });
    await expect(first.close()).resolves.toBeUndefined();
    const second = await open('again');
    expect(await second.query('SELECT count() AS n FROM t')).toEqual([{ n: '50' }]);
    await second.close();
  });

  test('a second engine in one process is refused', async () => {
    const first = await open('one');
    await expect(open('two')).rejects.toThrow(UserError);
    await first.close();
  });

  test('a directory that another process works on is refused, naming that process', async () => {
    const chdb = createRequire(import.meta.url).resolve('chdb');
    const script = `new (require(${JSON.stringify(chdb)}).Session)(${JSON.stringify(join(root, 'taken'))});
      console.log('open'); setInterval(() => {}, 1000)`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(holder.stdout, 'data');
    await expect(open('taken')).rejects.toThrow(
      new RegExp(`in use by another process \\(PID ${holder.pid}\\)`),
    );
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const clickhouse = await open('taken');
    await clickhouse.ping();
    await clickhouse.close();
  });

  test('a directory that cannot be made is refused with its reason', async () => {
    writeFileSync(join(root, 'file'), '');
    const options = {
      directory: join(root, 'file', 'data'),
      database: 'plumbline',
      temporaryDirectory: root,
    };
    await expect(openEmbeddedClickHouse(options)).rejects.toThrow(/cannot be created/);
  });

  test('no query stops the event loop, not even one that is heavy to plan', async () => {
    const clickhouse = await open('loop');
    let gapMaxMs = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      gapMaxMs = Math.max(gapMaxMs, performance.now() - last);
      last = performance.now();
    }, 2);
    const heavy = '(SELECT sum(cityHash64(number)) FROM numbers(300000000))';
    const begunMs = performance.now();
    for await (const _ of clickhouse.stream(`SELECT ${heavy}`, 'TabSeparated'));
    await clickhouse.query(`SELECT ${heavy} AS n`);
    const tookMs = performance.now() - begunMs;
    clearInterval(timer);
    // One that stopped it would do so for about half of the time.
    expect(gapMaxMs).toBeLessThan(tookMs / 5);
    await clickhouse.close();
  });

  test('reads waiting in line do not hold up inserts', async () => {
    const clickhouse = await open('lanes');
    await clickhouse.command('CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a');
    const controller = new AbortController();
    const endless = 'SELECT count() FROM numbers(1e12) WHERE cityHash64(number) = 1';
    const reads = Array.from({ length: 8 }, () => clickhouse.query(endless, { signal: controller.signal }));
    const block = Buffer.from([1, 1, 1, 0x61, 5, ...Buffer.from('UInt8'), 7]);
    await clickhouse.insertNative('t', [block], { deduplicationToken: 'x' });
    controller.abort(new Error('enough'));
    for (const read of await Promise.allSettled(reads)) expect(read.status).toBe('rejected');
    expect(await clickhouse.query('SELECT a FROM t')).toEqual([{ a: 7 }]);
    await clickhouse.close();
  });
});
