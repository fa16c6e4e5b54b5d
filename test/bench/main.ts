/**
 * `npm run bench`: figures of the server that `npm run build` made, each taken several times; the median counts, and
 * only ratios within one run compare. Scenarios are files of their own beside this one.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type IngestResult, runIngest } from './ingest-scenario.js';
import { type KpiStatusResult, runKpiStatus } from './kpi-status-scenario.js';
import { type NewSeriesResult, runNewSeries } from './new-series-scenario.js';
import { buildWorkload, type ShapeName } from './workload.js';

interface BenchOptions {
  scenario: 'ingest' | 'new-series' | 'kpi-status';
  shape: ShapeName | 'all';
  points: number;
  runs: number;
  series?: number;
  asks: number;
  budget: number;
  json: boolean;
}

const DAY_S = 86_400;

const program = new Command('bench')
  .description(
    'points per CPU-second of the whole server, next to what the engine alone can do; what series and KPIs cost',
  )
  .addOption(
    new Option('--scenario <name>', 'what to measure')
      .choices(['ingest', 'new-series', 'kpi-status'])
      .default('ingest'),
  )
  .addOption(
    new Option('--shape <shape>', 'shape of the requests').choices(['tsbs', 'sdk', 'all']).default('all'),
  )
  .option('--points <n>', 'points per run; short runs weigh the start of the process', readCount, 8_000_000)
  .option('--runs <n>', 'runs per shape; medians are reported', readCount, 3)
  .option(
    '--series <n>',
    'how many: new-series 1,000,000, kpi-status 200 of each metric unless given',
    readCount,
  )
  .option('--asks <n>', 'kpi-status: how often each KPI is asked; medians are reported', readCount, 15)
  .option('--budget <n>', 'new-series: series per metric before new ones fold; 0 = the default', Number, 0)
  .option('--json', 'one JSON document instead of a table', false);
program.parse();
const options = program.opts<BenchOptions>();
await { ingest: bench, 'new-series': benchNewSeries, 'kpi-status': benchKpiStatus }[options.scenario](
  options,
);

async function bench({ shape, points, runs, json }: BenchOptions): Promise<void> {
  const shapes: ShapeName[] = shape === 'all' ? ['tsbs', 'sdk'] : [shape];
  // The day before yesterday: every bucket is closed, so minutes, hours and days are all rolled up within the run.
  const startUnixS = (Math.floor(Date.now() / 1000 / DAY_S) - 2) * DAY_S;
  const rows: Record<string, string | number>[] = [];
  for (const name of shapes) {
    const workload = buildWorkload(name, points, startUnixS);
    const results: IngestResult[] = [];
    for (let run = 0; run < runs; run++) {
      if (!json) process.stderr.write(`ingest, ${name}-like: run ${run + 1} of ${runs}\n`);
      results.push(await runIngest(workload));
    }
    rows.push(summarise(name, workload.plainBytes / workload.points, results));
  }
  if (json) console.log(JSON.stringify(rows, null, 2));
  else console.table(Object.fromEntries(rows.map(({ shape: name, ...row }) => [name, row])));
}

async function benchNewSeries({ series = 1_000_000, budget, runs, json }: BenchOptions): Promise<void> {
  const settings: Record<string, string> =
    budget === 0 ? {} : { PLUMBLINE_SERIES_PER_METRIC_MAX: String(budget) };
  const results: NewSeriesResult[] = [];
  for (let run = 0; run < runs; run++) {
    if (!json) process.stderr.write(`new-series: run ${run + 1} of ${runs}\n`);
    results.push(await runNewSeries(series, settings));
  }
  const row = summariseNewSeries(results);
  if (json) console.log(JSON.stringify(row, null, 2));
  else console.table({ 'new-series': row });
}

async function benchKpiStatus({ series = 200, asks, json }: BenchOptions): Promise<void> {
  if (!json) process.stderr.write(`kpi-status: writing 30 days of ${series} series of each metric\n`);
  const rows = (await runKpiStatus(series, asks)).map(summariseKpiStatus);
  if (json) console.log(JSON.stringify(rows, null, 2));
  else console.table(Object.fromEntries(rows.map(({ kpi, ...row }) => [kpi, row])));
}

function summariseKpiStatus({ kpi, rows, readerMs, viewMs }: KpiStatusResult) {
  const at = (times: readonly number[], share: number) =>
    Math.round([...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * share)]!);
  return {
    kpi,
    rows,
    'reader ms, median': at(readerMs, 0.5),
    'reader ms, least': at(readerMs, 0),
    'reader ms, p90': at(readerMs, 0.9),
    'view ms, median': at(viewMs, 0.5),
    'view ms, least': at(viewMs, 0),
  };
}

/** Medians of several runs, per new series unless the name says otherwise. */
function summariseNewSeries(results: readonly NewSeriesResult[]) {
  const median = (read: (result: NewSeriesResult) => number, digits = 1) => {
    const sorted = results.map(read).sort((a, b) => a - b);
    return Number(sorted[Math.floor(sorted.length / 2)]!.toFixed(digits));
  };
  const perSeries = (cpuS: (result: NewSeriesResult) => number) => median((r) => (cpuS(r) / r.series) * 1e6);
  return {
    series: results[0]!.series,
    folded: results[0]!.folded,
    'answered µs': perSeries((r) => r.cpuS.answered),
    'stored µs': perSeries((r) => r.cpuS.stored),
    'rolled up, merged µs': perSeries((r) => r.cpuS.merged),
    'known point stored µs': perSeries((r) => r.knownCpuS),
    'RSS at start MiB': median((r) => r.startRssBytes / 1024 / 1024, 0),
    'RSS MiB': median((r) => r.rssBytes / 1024 / 1024, 0),
    'peak RSS MiB': median((r) => r.peakRssBytes / 1024 / 1024, 0),
    'series rows disk B': median((r) => r.diskBytes / r.series),
  };
}

/** Medians of several runs, in millions of points per CPU-second unless the name says otherwise. */
function summarise(shape: ShapeName, bytesPerPoint: number, results: readonly IngestResult[]) {
  const median = (read: (result: IngestResult) => number, digits = 3) => {
    const sorted = results.map(read).sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    const value = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
    return Number(value.toFixed(digits));
  };
  return {
    shape,
    'wire B/pt (plain)': Math.round(bytesPerPoint),
    'answered M/CPU-s': median((r) => r.points / r.cpuS.answered / 1e6),
    'stored M/CPU-s': median((r) => r.points / r.cpuS.stored / 1e6),
    'rolled up M/CPU-s': median((r) => r.points / r.cpuS.rolledUp / 1e6),
    'merged M/CPU-s': median((r) => r.points / r.cpuS.merged / 1e6),
    'engine ceiling M/CPU-s': median((r) => r.points / r.ceilingCpuS / 1e6),
    'rolled up / ceiling': median((r) => r.ceilingCpuS / r.cpuS.rolledUp),
    'M points/s (wall)': median((r) => r.points / r.sendWallS / 1e6),
    'disk B/pt': median((r) => r.bytesPerPoint, 2),
    'peak RSS MiB': median((r) => r.peakRssBytes / 1024 / 1024, 0),
  };
}

function readCount(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number from 1');
  return value;
}
