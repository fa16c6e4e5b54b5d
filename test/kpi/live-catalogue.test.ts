/** The catalogue of a running server whose files are edited: what it says of files that cannot be used, and for how long. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readFingerprint } from '../../src/kpi/catalogue-fingerprint.js';
import { createLiveCatalogue, type LiveCatalogue } from '../../src/kpi/live-catalogue.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { readKinds } from '../../src/kpi/metric-kinds.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { FactsSql } from '../../src/model/facts.js';
import { connectClickHouse } from '../../src/store/http-driver.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { CATEGORIES, CHECKOUT, makeFolder } from './catalogue-folder.js';

let engine: ScratchEngine;
let away: ClickHouse;
let folder: string;
let file: string;
let logged: string[];
beforeAll(async () => {
  engine = await openScratchEngine();
  // Nothing listens there.
  away = await connectClickHouse({
    url: 'http://127.0.0.1:9',
    username: 'default',
    password: '',
    database: 'plumbline',
    cluster: '',
    requestTimeoutMs: 1_000,
  });
});
afterAll(async () => {
  await away.close();
  await engine.close();
});
beforeEach(() => {
  folder = makeFolder({ 'kpis/shop.yaml': CHECKOUT });
  file = join(folder, 'kpis/shop.yaml');
  logged = [];
});

/** Started, and looking only when it is asked to. */
async function start(
  clickhouse: () => ClickHouse = () => engine.clickhouse,
  facts: () => FactsSql = () => FACTS,
  readSeriesProgress?: () => string,
): Promise<LiveCatalogue> {
  const load = () => loadCatalogue({ folders: [folder], categories: CATEGORIES });
  const live = createLiveCatalogue({
    initial: await load(),
    load,
    readFingerprint: () => readFingerprint([folder]),
    readKinds: ({ kpis }) => readKinds(clickhouse(), readQuery, kpis),
    ...(readSeriesProgress && { readSeriesProgress }),
    publish: (next, kinds, signal) =>
      publishCatalogue(next, {
        clickhouse: clickhouse(),
        facts: facts(),
        readQuery,
        nowUnixMs: Date.now(),
        kinds,
        signal,
      }),
    everyMs: 3_600_000,
    log: { info: () => undefined, warn: () => undefined, error: (message) => void logged.push(message) },
  });
  await live.start();
  await live.reload();
  return live;
}

describe('a catalogue whose files are edited', () => {
  it('has a problem with file and line until the files are mended, and logs it once', async () => {
    const live = await start();
    expect(live.problem()).toBeUndefined();
    writeFileSync(file, CHECKOUT.replace('target: 2', 'targt: 2'));
    await live.reload();
    await live.reload();
    const problem = live.problem();
    expect(problem).toContain(`${file}:9: checkout_time: unknown key "targt" (did you mean "target"?)`);
    expect(problem).not.toContain('\n');
    expect(logged).toHaveLength(1);
    expect(live.current().kpis[0]!.target).toBe(2);
    writeFileSync(file, CHECKOUT.replace('target: 2', 'target: 1'));
    await live.reload();
    expect(live.problem()).toBeUndefined();
    expect(live.current().kpis[0]!.target).toBe(1);
    await live.shutdown(0);
  });

  it('has no problem any more where the edit is taken back', async () => {
    const live = await start();
    writeFileSync(file, 'name: [');
    await live.reload();
    expect(live.problem()).toContain(`${file}:1: not YAML`);
    writeFileSync(file, CHECKOUT);
    await live.reload();
    expect(live.problem()).toBeUndefined();
    await live.shutdown(0);
  });

  it('has a problem while its folder is gone', async () => {
    const live = await start();
    renameSync(folder, `${folder}-gone`);
    await live.reload();
    expect(live.problem()).toContain(`${folder} is no folder that can be read`);
    renameSync(`${folder}-gone`, folder);
    await live.reload();
    expect(live.problem()).toBeUndefined();
    await live.shutdown(0);
  });

  it('has a problem with the file and line of a KPI whose views cannot be made', async () => {
    let fault = '';
    const live = await start(undefined, () =>
      fault === '' ? FACTS : { ...FACTS, rows: () => `SELECT ) ${fault}` },
    );
    fault = 'broken';
    writeFileSync(join(folder, 'kpis/late.yaml'), `\n\n${CHECKOUT.replace('checkout_time', 'a_late')}`);
    await live.reload();
    expect(live.problem()).toMatch(
      /KPIs cannot be published: .*kpis\/late\.yaml:3: a_late: its views cannot be made: /,
    );
    fault = '';
    await live.reload();
    expect(live.problem()).toBeUndefined();
    expect(live.current().kpis.map(({ name }) => name)).toEqual(['a_late', 'checkout_time']);
    await live.shutdown(0);
  });

  it('says of its metrics what cannot be asked, and not that ClickHouse is away', async () => {
    let isAway = false;
    const live = await start(() => (isAway ? away : engine.clickhouse));
    isAway = true;
    await live.reload();
    expect([live.problem(), logged]).toEqual([undefined, []]);
    isAway = false;
    await engine.clickhouse.command('RENAME TABLE series TO series_hidden');
    await live.reload();
    expect(live.problem()).toMatch(/^KPIs cannot be published: .*series/);
    expect(logged).toHaveLength(1);
    await engine.clickhouse.command('RENAME TABLE series_hidden TO series');
    await live.reload();
    expect(live.problem()).toBeUndefined();
    await live.shutdown(0);
  });

  it('keeps the problem of its files while ClickHouse is away', async () => {
    let isAway = false;
    const live = await start(() => (isAway ? away : engine.clickhouse));
    isAway = true;
    writeFileSync(file, CHECKOUT.replace('target: 2', 'targt: 2'));
    await live.reload();
    expect(live.problem()).toContain(`${file}:9: `);
    writeFileSync(file, CHECKOUT);
    await live.reload();
    expect(live.problem()).toBeUndefined();
    await live.shutdown(0);
  });
});

describe('a catalogue whose files stay as they are', () => {
  it('asks ClickHouse for nothing unless series may have come, or the last look failed', async () => {
    let asked = 0;
    let isAway = false;
    const counted = (): ClickHouse => ({
      ...engine.clickhouse,
      query: (...call: Parameters<ClickHouse['query']>) => {
        asked++;
        if (isAway) return Promise.reject(new Error('no'));
        return engine.clickhouse.query(...call);
      },
    });
    let series = 1;
    const live = await start(counted, undefined, () => String(series));
    asked = 0;
    await live.reload();
    expect(asked).toBe(0);
    series = 2;
    await live.reload();
    expect(asked).toBe(1);
    await live.reload();
    expect(asked).toBe(1);
    isAway = true;
    series = 3;
    await live.reload();
    expect(live.problem()).toContain('no');
    isAway = false;
    await live.reload();
    expect(live.problem()).toBeUndefined();
    expect(asked).toBe(3);
    await live.shutdown(0);
  });
});
