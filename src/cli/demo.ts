/**
 * `plumbline demo`: a small shop that sends real metrics, and on request a generated past. Enters options; leaves
 * telemetry at the endpoint, text for people on stdout, and the ground truth in a file. Everything heavy is loaded when
 * the command runs, so that other commands do not pay for it.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readConfig } from '../config.js';
import type { Clock } from '../demo/clock.js';
import {
  chooseExport,
  type DemoTemporality,
  describeDuration,
  describeLocalEndpoint,
  PROTOCOLS,
  type Protocol,
  parseDurationMs,
  parseEndpoint,
  parseNumber,
  parseWholeNumber,
  TEMPORALITIES,
} from '../demo/demo-options.js';
import type { LiveReport } from '../demo/demo-report.js';
import type { ExportTarget } from '../demo/exporters.js';
import type { HistoryReport } from '../demo/history/run-history.js';
import { UserError } from '../model/errors.js';
import { ownCommand } from '../model/own-command.js';

interface DemoOptions {
  protocol?: Protocol;
  endpoint?: string;
  rate: number;
  /** 0 = until stopped. */
  duration: number;
  temporality: DemoTemporality;
  seed: number;
  wait: number;
  exportInterval: number;
  backfill?: number | true;
  backfillInterval: number;
  backfillOnly?: true;
  truthFile?: string;
}

/** A run, with everything that differs from one run to the next. */
interface Run {
  options: DemoOptions;
  target: ExportTarget;
  instanceId: string;
  clock: Clock;
  signal: AbortSignal;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const BACKFILL_DEFAULT_MS = 7 * DAY_MS;
const BACKFILL_MAX_MS = 366 * DAY_MS;
const STATUS_INTERVAL_MS = 10 * SECOND_MS;

export function createDemoCommand(): Command {
  return new Command('demo')
    .description('run a small instrumented web shop that sends real metrics, with a generated past if wanted')
    .addOption(
      new Option(
        '--protocol <name>',
        'OTLP protocol (default: OTEL_EXPORTER_OTLP_PROTOCOL, else http/protobuf)',
      ).choices(PROTOCOLS),
    )
    .option(
      '--endpoint <url>',
      'where to send (default: OTEL_EXPORTER_OTLP_ENDPOINT, else the Plumbline on this machine, port 4318, grpc 4317)',
      explain(parseEndpoint),
    )
    .option(
      '--rate <n>',
      'requests per second at the start; later it follows the rhythm of the day',
      explain((text) => parseNumber(text, 0.1, 5_000)),
      20,
    )
    .addOption(
      duration('--duration <time>', 'how long to run; 0 = until stopped', 0, SECOND_MS, 366 * DAY_MS),
    )
    .addOption(
      new Option('--temporality <name>', 'of counters and histograms')
        .choices(TEMPORALITIES)
        .default('cumulative'),
    )
    .option(
      '--seed <n>',
      'the same seed draws the same visitors and incidents',
      explain((text) => parseWholeNumber(text, 0, 2 ** 32 - 1)),
      1,
    )
    .addOption(
      duration('--wait <time>', 'how long to wait for Plumbline to listen', 10 * SECOND_MS, 0, 3_600_000),
    )
    .addOption(duration('--export-interval <time>', 'time between exports', 5 * SECOND_MS, 100, 3_600_000))
    .addOption(
      duration(
        '--backfill [time]',
        'first write this much history (7d where no time is given)',
        undefined,
        60_000,
        BACKFILL_MAX_MS,
      ),
    )
    .addOption(
      duration('--backfill-interval <time>', 'time between points of history', 60_000, SECOND_MS, 3_600_000),
    )
    .option('--backfill-only', 'write history and stop')
    .option(
      '--truth-file <path>',
      'at the end write what was really done, in all and by minutes and hours, as JSON, to compare with what is stored',
    )
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(plumbline demo --help lists every option)')
    .action(runDemo);
}

const EXAMPLES = `
Times take a unit: 500ms, 30s, 5m, 12h, 7d.

Examples:
  plumbline demo                                  20 requests/s until Ctrl-C
  plumbline demo --protocol grpc --rate 100       faster, over gRPC
  plumbline demo --backfill                       a week of history, then live
  plumbline demo --backfill 30d --backfill-only   a month of history and nothing else

Endpoint and protocol follow OTEL_EXPORTER_OTLP_METRICS_ENDPOINT and _PROTOCOL, or OTEL_EXPORTER_OTLP_ENDPOINT and _PROTOCOL;
/v1/metrics is appended to an address for HTTP that does not end with it. Without them the local address follows the hosts and ports
of Plumbline's settings (PLUMBLINE_HTTP_PORT, PLUMBLINE_GRPC_PORT). Credentials go into OTEL_EXPORTER_OTLP_HEADERS (authorization=Bearer%20…). Started before Plumbline, the demo waits for it.`;

function duration(
  flags: string,
  about: string,
  fallbackMs: number | undefined,
  minMs: number,
  maxMs: number,
): Option {
  const option = new Option(flags, about).argParser(explain((text) => parseDurationMs(text, minMs, maxMs)));
  return fallbackMs === undefined ? option : option.default(fallbackMs, describeDuration(fallbackMs));
}

/** Commander prints the message of this error after the option and the value it was given. */
function explain<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

async function runDemo(options: DemoOptions): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      console.log('\nStopping: what is on its way still arrives. Once more to leave at once.');
      stop.abort();
    });
  }
  const run: Run = {
    options,
    target: chooseTarget(options),
    instanceId: randomUUID(),
    clock: { unixMs: () => Date.now(), monotonicMs: () => performance.now() },
    signal: stop.signal,
  };
  // A path that cannot be written should show now, not at the end of a long run.
  if (options.truthFile !== undefined) await writeTruthText(options.truthFile, '');
  await waitForBackend(run);
  const wantsHistory = options.backfill !== undefined || options.backfillOnly === true;
  const history = wantsHistory ? await writeHistory(run) : undefined;
  const live = options.backfillOnly === true || stop.signal.aborted ? undefined : await runLive(run);
  if (options.truthFile !== undefined) await writeTruth(options.truthFile, run, history, live);
}

function chooseTarget(options: DemoOptions): ExportTarget {
  try {
    const { protocol, endpoint } = chooseExport(options, process.env);
    return {
      protocol,
      endpoint: endpoint ?? chooseLocalEndpoint(protocol),
      temporality: options.temporality,
    };
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}

function chooseLocalEndpoint(protocol: Protocol): string {
  const { grpcHost, grpcPort, httpHost, httpPort } = readConfig(process.env);
  return protocol === 'grpc'
    ? describeLocalEndpoint(grpcHost, grpcPort)
    : describeLocalEndpoint(httpHost, httpPort);
}

async function waitForBackend({ options, target, clock, signal }: Run): Promise<void> {
  const { waitUntilReachable } = await import('../demo/reachable.js');
  await waitUntilReachable(target.endpoint, {
    clock,
    waitMs: options.wait,
    signal,
    onWait: () =>
      console.log(
        `Waiting up to ${describeDuration(options.wait)} for Plumbline at ${target.endpoint} (${ownCommand()} serve).`,
      ),
  });
}

async function writeHistory(run: Run): Promise<HistoryReport> {
  const { options, target, clock, signal } = run;
  const { runHistory } = await import('../demo/history/run-history.js');
  const { createProgressDisplay } = await import('../demo/history/progress-display.js');
  const { describeHistoryReport } = await import('../demo/demo-report.js');
  const intervalMs = options.backfillInterval;
  const spanMs = typeof options.backfill === 'number' ? options.backfill : BACKFILL_DEFAULT_MS;
  const toUnixMs = Math.floor(clock.unixMs() / intervalMs) * intervalMs;
  const display = createProgressDisplay(process.stdout);
  const plan = {
    fromUnixMs: toUnixMs - Math.max(1, Math.round(spanMs / intervalMs)) * intervalMs,
    toUnixMs,
    intervalMs,
    ratePerSecond: options.rate,
    isDelta: options.temporality === 'delta',
    seed: options.seed,
    instanceId: run.instanceId,
  };
  console.log(
    `Writing ${describeDuration(spanMs)} of history to ${target.endpoint}, one point per series every ${describeDuration(intervalMs)}.`,
  );
  const running = runHistory({ plan, target, clock, signal, onProgress: display.show });
  const report = await running.finally(display.end);
  console.log(describeHistoryReport(report, target));
  return report;
}

async function runLive(run: Run): Promise<LiveReport> {
  const { options, target, signal, clock } = run;
  const { startLiveDemo } = await import('../demo/live-demo.js');
  const { describeLiveReport, describeLiveStart, describeLiveStatus } = await import(
    '../demo/demo-report.js'
  );
  const notices = new Set<string>();
  const demo = await startLiveDemo({
    target,
    clock,
    ratePerSecond: options.rate,
    exportIntervalMs: options.exportInterval,
    seed: options.seed,
    instanceId: run.instanceId,
    onNotice(text) {
      if (!notices.has(text)) console.error(`plumbline demo: ${text}`);
      notices.add(text);
    },
  });
  console.log(
    describeLiveStart({
      shopPort: demo.shopPort,
      ratePerSecond: options.rate,
      target,
      every: describeDuration(options.exportInterval),
      end: options.duration === 0 ? 'with Ctrl-C' : `after ${describeDuration(options.duration)}`,
    }),
  );
  const startedMs = clock.monotonicMs();
  const status = setInterval(
    () => console.log(describeLiveStatus(clock.monotonicMs() - startedMs, demo.requests, demo.exports)),
    STATUS_INTERVAL_MS,
  );
  await waitForEnd(options.duration, signal);
  clearInterval(status);
  const report = await demo.stop();
  console.log(describeLiveReport(report));
  if (report.exports.succeeded === 0 && report.exports.failed > 0)
    throw new UserError(
      `${target.endpoint} took no export at all; is it a Plumbline, and is ${target.protocol} right?`,
    );
  return report;
}

/** Resolves after `durationMs` (never where it is 0), or when the signal says so. */
function waitForEnd(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = durationMs === 0 ? undefined : setTimeout(resolve, durationMs);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

async function writeTruth(
  path: string,
  run: Run,
  history: HistoryReport | undefined,
  live: LiveReport | undefined,
): Promise<void> {
  const truth = { instanceId: run.instanceId, seed: run.options.seed, ...run.target, history, live };
  await writeTruthText(path, `${JSON.stringify(truth)}\n`);
  console.log(`What was done is in ${path}.`);
}

async function writeTruthText(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    const reason = (error as Error).message;
    throw new UserError(`cannot write --truth-file ${path} (${reason}); name a path that you may write to`);
  }
}
