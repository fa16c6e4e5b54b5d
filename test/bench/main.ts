/**
 * `npm run bench`: figures of the server that `npm run build` made, each taken several times; the median counts, and
 * only ratios within one run compare. Scenarios are files of their own beside this one.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type IngestResult, runIngest } from './ingest-scenario.js';
import { buildWorkload, type ShapeName } from './workload.js';

interface BenchOptions {
  shape: ShapeName | 'all';
  points: number;
  runs: number;
  json: boolean;
}

const DAY_S = 86_400;

const program = new Command('bench')
  .description('points per CPU-second of the whole server, next to what the engine alone can do')
  .addOption(
    new Option('--shape <shape>', 'shape of the requests').choices(['tsbs', 'sdk', 'all']).default('all'),
  )
  .option('--points <n>', 'points per run; short runs weigh the start of the process', readCount, 8_000_000)
  .option('--runs <n>', 'runs per shape; medians are reported', readCount, 3)
  .option('--json', 'one JSON document instead of a table', false);
program.parse();
await bench(program.opts<BenchOptions>());

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
