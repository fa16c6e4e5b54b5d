/**
 * Scenario "kpi-status": how long built-in KPIs take to say how they stand over 30 days, each of many series with a value a
 * minute, on the embedded engine in this process. Days, hours and minutes are written as rollups make them; the window ends
 * in the middle of a minute, an hour and a day.
 */
import { builtInCatalogue, defaultTaxonomyFile } from '../../src/catalogue-paths.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { createKpiReader } from '../../src/kpi/kpi-reader.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { kindsOf, readKinds } from '../../src/kpi/metric-kinds.js';
import { viewsOf } from '../../src/kpi/publish-catalogue.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { createView } from '../../src/model/created-view.js';
import type { Kpi } from '../../src/model/kpi.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { openScratchEngine } from '../testkit/scratch-engine.js';

export interface KpiStatusResult {
  kpi: string;
  /** Of the reader that the command line uses, and of the view kpi_NAME_status, each time it was asked. */
  readerMs: number[];
  viewMs: number[];
  rows: number;
}

const DAY_S = 86_400;
const DAYS = 30;
const WINDOW_S = DAYS * DAY_S;
/** Of a bucket's rows: table suffix and seconds. */
const TABLES = [
  ['1d', DAY_S],
  ['1h', 3_600],
  ['1m', 60],
] as const;

/** A metric and the KPIs that are fed by it alone. */
const METRICS = [
  {
    metric: 'http.server.request.duration',
    shape: 'histogram',
    unit: 's',
    kpis: ['response_time', 'error_rate', 'throughput'],
  },
  { metric: 'browser.web_vital.inp', shape: 'histogram', unit: 'ms', kpis: ['user_interaction'] },
  { metric: 'task_completion', shape: 'counter', unit: '{task}', kpis: ['task_completion'] },
  { metric: 'user_satisfaction', shape: 'gauge', unit: '{rating}', kpis: ['user_satisfaction'] },
] as const;

/** `asks`: how often each KPI is asked, all of them in turn. */
export async function runKpiStatus(series: number, asks: number): Promise<KpiStatusResult[]> {
  const { categories } = await loadTaxonomy(defaultTaxonomyFile());
  const folders = [builtInCatalogue()];
  const { kpis } = await loadCatalogue({ folders, builtInFolder: folders[0], categories });
  const names = METRICS.flatMap(({ kpis: fed }) => fed as readonly string[]);
  const asked = names.map((name): Kpi => ({ ...kpis.find((kpi) => kpi.name === name)!, windowS: WINDOW_S }));
  const endS = Math.floor(Date.now() / DAY_S / 1000) * DAY_S + 17 * 3_600 + 23 * 60 + 11;
  const { clickhouse, close } = await openScratchEngine();
  try {
    for (const [i, of] of METRICS.entries()) await writeMetric(clickhouse, of, i, series, endS);
    const reader = createKpiReader(clickhouse, FACTS, readQuery);
    const kinds = await readKinds(clickhouse, readQuery, asked);
    for (const kpi of asked) {
      const view = `kpi_${kpi.name}_status`;
      const sql = viewsOf(kpi, FACTS, kindsOf(kpi, kinds))[view];
      await createView(clickhouse, `CREATE VIEW ${view} AS ${sql}`, '');
    }
    const results = asked.map(
      (kpi): KpiStatusResult => ({ kpi: kpi.name, readerMs: [], viewMs: [], rows: 0 }),
    );
    for (let ask = 0; ask < asks; ask++) {
      for (const [i, kpi] of asked.entries()) {
        const result = results[i]!;
        result.readerMs.push(
          await timeOf(async () => {
            const rows = await reader.readStatus(kpi, endS);
            if (rows[0]!.value === undefined) throw new Error(`${kpi.name}: ${rows[0]!.reason}`);
            result.rows = rows.length;
          }),
        );
        const sql = `SELECT * FROM kpi_${kpi.name}_status(at_time = toDateTime(${endS}, 'UTC'))`;
        result.viewMs.push(await timeOf(() => clickhouse.query(sql)));
      }
    }
    return results;
  } finally {
    await close();
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Series of one metric, and what its rollups hold until the end: ten points a minute. */
async function writeMetric(
  clickhouse: ClickHouse,
  { metric, shape, unit }: (typeof METRICS)[number],
  i: number,
  series: number,
  endS: number,
): Promise<void> {
  const from = (i + 1) * 1_000_000;
  const type = { histogram: 'histogram', counter: 'sum', gauge: 'gauge' }[shape];
  await clickhouse.command(
    `INSERT INTO series (series_id, metric_name, unit, base_unit, unit_factor, metric_type, temporality, is_monotonic, source_system, attributes)
     SELECT ${from} + number, {metric:String}, {unit:String}, {base_unit:String}, ${unit === 'ms' ? 0.001 : 1}, '${type}',
         '${shape === 'gauge' ? 'unspecified' : 'cumulative'}', ${shape === 'counter'}, concat('service-', toString(number % 10)),
         map('http.route', concat('/', toString(number)), 'http.response.status_code', if(number % 5 = 0, '500', '200'),
             'task', toString(number), 'completed', if(number % 9 = 0, 'false', 'true'), 'page_url', concat('/', toString(number)))
     FROM numbers(${series})`,
    { params: { metric, unit, base_unit: shape === 'histogram' ? 's' : '1' } },
  );
  for (const [table, sizeS] of TABLES) {
    const n = sizeS / 6;
    // One day more than the window, whose first slot begins before it.
    const buckets = `
      SELECT ${from} + s.number AS series_id, toDateTime(${Math.floor(endS / sizeS) * sizeS} - b.number * ${sizeS}, 'UTC') AS time,
          toDateTime64(time, 9, 'UTC') AS first_time, toDateTime64(time + ${sizeS - 6}, 9, 'UTC') AS last_time,
          (toUInt32(time) - ${endS - 2 * WINDOW_S}) / 6 AS before
      FROM numbers(${series}) AS s CROSS JOIN numbers(1, ${((DAYS + 1) * DAY_S) / sizeS}) AS b`;
    const epoch = `toDateTime64(${shape === 'gauge' ? 0 : endS - 2 * WINDOW_S}, 9, 'UTC') AS epoch`;
    const select =
      shape === 'histogram'
        ? `series_id, time, ${epoch}, 'cumulative' AS temporality, ${n} AS points, first_time, last_time,
            toUInt64(before) * 15 AS first_count, first_count + ${(n - 1) * 15} AS last_count, true AS has_sum,
            first_count * 0.3 AS first_sum, last_count * 0.3 AS last_sum,
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] AS explicit_bounds,
            arrayWithConstant(15, toUInt64(first_count / 15)) AS first_bucket_counts,
            arrayWithConstant(15, toUInt64(last_count / 15)) AS last_bucket_counts`
        : `series_id, time, ${epoch}, '${shape === 'gauge' ? 'gauge' : 'cumulative_counter'}' AS kind, ${n} AS points, ${n} AS count,
            4. * count AS sum, 3.5 AS min, 4.5 AS max, first_time, last_time,
            ${shape === 'gauge' ? '4' : 'toInt64(before)'} AS first_int, first_int + ${shape === 'gauge' ? 0 : n - 1} AS last_int,
            ${shape === 'gauge' ? 0 : n - 1}. AS increase`;
    const own =
      shape === 'histogram'
        ? 'temporality, first_count, last_count, has_sum, first_sum, last_sum, explicit_bounds, first_bucket_counts, last_bucket_counts'
        : 'kind, count, sum, min, max, first_int, last_int, increase';
    const columns = `series_id, time, epoch, points, first_time, last_time, ${own}`;
    await clickhouse.command(
      `INSERT INTO ${shape === 'histogram' ? 'histogram' : 'number'}_${table} (${columns})
       SELECT ${columns} FROM (SELECT ${select} FROM (${buckets}))`,
    );
    await clickhouse.command(
      `OPTIMIZE TABLE ${shape === 'histogram' ? 'histogram' : 'number'}_${table} FINAL`,
    );
  }
}
