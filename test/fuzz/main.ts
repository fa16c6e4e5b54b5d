/**
 * `npm run fuzz`: mutated requests against the decoder and against a running server, bounded by number and time. Ends
 * with 1 where something was found, after writing the smallest request that shows it; the same seed makes the same run.
 */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type CampaignResult, fuzzDecoder } from './decoder-campaign.js';
import { DecoderChecks } from './decoder-checks.js';
import { fuzzServer } from './server-campaign.js';

interface FuzzOptions {
  requests: number;
  serverRequests: number;
  minutes: number;
  seed: number;
  part: 'all' | 'decoder' | 'server';
  compareEvery: number;
  findings: string;
  reproduce?: string;
}

const PROGRESS_MS = 5_000;

const program = new Command('fuzz')
  .description(
    'mutated requests against the decoder and a running server; exit code 1 where something was found',
  )
  .option('--requests <n>', 'mutated requests for the decoder', readCount, 1_000_000)
  .option('--server-requests <n>', 'broken requests over sockets, HTTP and gRPC', readCount, 20_000)
  .option('--minutes <n>', 'longest time of each part', readCount, 20)
  .option('--seed <n>', 'makes the same requests again', readCount, 1)
  .addOption(new Option('--part <part>', 'what to fuzz').choices(['all', 'decoder', 'server']).default('all'))
  .option(
    '--compare-every <n>',
    'each how-manieth request is compared with the reference decoder',
    readCount,
    10,
  )
  .option('--findings <dir>', 'where requests that show a fault are written', 'fuzz-findings')
  .option(
    '--reproduce <file>',
    'decode one file again, as written by a run (.json or .bin), and say what happens',
  );
program.parse();
const options = program.opts<FuzzOptions>();
process.exitCode = options.reproduce === undefined ? await fuzz(options) : reproduce(options.reproduce);

async function fuzz({
  part,
  seed,
  requests,
  serverRequests,
  minutes,
  compareEvery,
  findings,
}: FuzzOptions): Promise<number> {
  const results: Record<string, CampaignResult> = {};
  const endUnixMs = () => Date.now() + minutes * 60_000;
  if (part !== 'server') {
    const onProgress = progress('decoder', requests);
    const decoder = { requests, seed, compareEvery, findingsDirectory: findings, endUnixMs: endUnixMs() };
    results.decoder = await timed(() =>
      fuzzDecoder({
        ...decoder,
        onProgress: (counts, rss) => onProgress(counts.requests, rss, `${counts.malformed} malformed`),
      }),
    );
  }
  if (part !== 'decoder') {
    const onProgress = progress('server', serverRequests);
    const server = { requests: serverRequests, seed, findingsDirectory: findings, endUnixMs: endUnixMs() };
    results.server = await timed(() => fuzzServer({ ...server, onProgress }));
  }
  for (const [name, { counts, findings: found, rssPeakBytes }] of Object.entries(results)) {
    console.log(`${name}: ${JSON.stringify(counts)}, RSS at most ${Math.round(rssPeakBytes / 2 ** 20)} MiB`);
    for (const line of found) console.log(`  FOUND ${line}`);
  }
  const found = Object.values(results).reduce((sum, result) => sum + result.findings.length, 0);
  console.log(
    found === 0
      ? 'nothing found'
      : `${found} found; the same run: --seed ${seed}, one file: --reproduce <file>`,
  );
  return found === 0 ? 0 : 1;
}

async function timed(run: () => Promise<CampaignResult>): Promise<CampaignResult> {
  const startedMs = performance.now();
  const result = await run();
  const minutes = Math.round((performance.now() - startedMs) / 6_000) / 10;
  return { ...result, counts: { ...result.counts, minutes } };
}

/** A line now and then on stderr. */
function progress(name: string, total: number) {
  let nextMs = 0;
  return (done: number, rssBytes: number, detail: string) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + PROGRESS_MS;
    const percent = Math.floor((done / total) * 100);
    process.stderr.write(
      `${name}: ${done} of ${total} (${percent} %), ${detail}, ${Math.round(rssBytes / 2 ** 20)} MiB\n`,
    );
  };
}

function reproduce(path: string): number {
  const encoding = path.endsWith('.json') ? 'json' : 'protobuf';
  try {
    const checks = new DecoderChecks();
    checks.check({ bytes: readFileSync(path), encoding, mutations: [], levels: 0 }, true);
    console.log(`nothing found: ${JSON.stringify(checks.counts)}`);
    return 0;
  } catch (error) {
    console.log(error);
    return 1;
  }
}

function readCount(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number from 1');
  return value;
}
