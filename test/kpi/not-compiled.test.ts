/** What a KPI asks again and again: the engine takes the time to make machine code of nothing in it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInCatalogue, defaultTaxonomyFile } from '../../src/catalogue-paths.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { createKpiReader } from '../../src/kpi/kpi-reader.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';

const END_S = Date.UTC(2026, 0, 2, 12) / 1000;

let engine: ScratchEngine;
let compiledAtFirst: number;

beforeAll(async () => {
  engine = await openScratchEngine();
  await engine.clickhouse.command(
    `INSERT INTO series (series_id, metric_name, unit, base_unit, unit_factor, metric_type, temporality, source_system)
     VALUES (1, 'browser.web_vital.inp', 'ms', 's', 0.001, 'histogram', 'delta', 'shop')`,
  );
  await engine.clickhouse.command(
    `INSERT INTO histogram_1m (series_id, time, temporality, points, first_time, last_time, carried_count, carried_bucket_counts, explicit_bounds)
     SELECT 1, toDateTime(${END_S} - 60 * number - 60, 'UTC') AS time, 'delta', 1, time, time, 20, [20, 0], [100] FROM numbers(60)`,
  );
  compiledAtFirst = await functionsCompiled();
});
afterAll(async () => {
  await engine?.close();
});

async function functionsCompiled(): Promise<number> {
  const [row] = await engine.clickhouse.query<{ n: string }>(
    `SELECT toString(sum(value)) AS n FROM system.events WHERE event = 'CompileFunction'`,
  );
  return Number(row!.n);
}

describe('the statement of a KPI', () => {
  it('is not made into machine code, however often it is asked', async () => {
    const { categories } = await loadTaxonomy(defaultTaxonomyFile());
    const folders = [builtInCatalogue()];
    const { kpis } = await loadCatalogue({ folders, builtInFolder: folders[0], categories });
    const kpi = kpis.find(({ name }) => name === 'user_interaction')!;
    const reader = createKpiReader(engine.clickhouse, FACTS, readQuery);
    for (let ask = 0; ask < 6; ask++) {
      const [all] = await reader.readStatus(kpi, END_S, 3_600);
      expect(all).toMatchObject({ samples: 1_200, source: 'web-vitals' });
    }
    // Counted from before the test: run again, it would find compiled what it compiled the first time.
    expect((await functionsCompiled()) - compiledAtFirst).toBe(0);
  });

  it('would be without the settings it is asked with', async () => {
    const before = await functionsCompiled();
    for (let ask = 0; ask < 6; ask++)
      await engine.clickhouse.query(
        'SELECT number * 3 + 7 * number - 5 * (number + 2) AS n FROM numbers(10)',
      );
    expect((await functionsCompiled()) - before).toBeGreaterThan(0);
  });
});
