/** `plumbline serve`: run the server until SIGTERM or SIGINT. Settings come from the environment (config.ts). */
import { Command } from 'commander';
import { type Logger, pino } from 'pino';
import { type Config, describeSettings, readConfig } from '../config.js';
import { isDoneWithin, killProcess, killProcessAfter } from '../end-process.js';
import type { Pipeline } from '../pipeline.js';
import { describeReady } from './banner.js';
import { readVersion } from './version.js';

export function createServeCommand(): Command {
  return new Command('serve')
    .description('receive OTLP metrics, store and classify them, answer SQL')
    .addHelpText('after', `\nSettings (environment variables, with their defaults):\n${describeSettings()}`)
    .action(serve);
}

/** Of the time to shut down: after the first part nothing new is begun, after the second nothing is waited for. */
const ORDERLY_SHARE = 0.8;
const WAITED_SHARE = 0.95;
/** For answers that are under way when the engine has failed, milliseconds. */
const LAST_ANSWERS_MS = 2_000;

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  // Logs go to stderr: stdout has the banner and the ready line, for people and for scripts.
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  const version = readVersion();
  const stopRequested = waitForSignal();
  // Loaded here: no other command needs the server.
  const { createPipeline } = await import('../pipeline.js');
  const pipeline = await createPipeline({ config, version, log, nowUnixMs: Date.now });
  // Without such files a closed terminal ends the server, as ever.
  const { tlsCertFile, authTokensFile, readTokensFile, adminTokensFile } = config;
  if ([tlsCertFile, authTokensFile, readTokensFile, adminTokensFile].some((path) => path !== '')) {
    process.on('SIGHUP', () => void pipeline.reload());
  }
  let isEnding = false;
  const ended = Promise.race([
    stopRequested.then((signal) => () => stop(pipeline, config, signal, log)),
    pipeline.failed.then((reason) => () => giveUp(pipeline, reason, log)),
  ]).then((end) => {
    isEnding = true;
    return end();
  });
  const announced = announce(pipeline, config, version).catch((error) => {
    // A start that is cut short fails, and that is what was asked for.
    if (!isEnding) throw error;
  });
  await Promise.race([announced, ended]);
  await ended;
}

async function announce(pipeline: Pipeline, config: Config, version: string): Promise<void> {
  await pipeline.listen();
  const { grpc, http, sql, web } = pipeline.addresses();
  const addresses = `grpc=${grpc} http=${http} sql=${sql} web=${web}`;
  console.log(`plumbline takes metrics ${addresses}`);
  await pipeline.start();
  const problems = await pipeline.health.findProblems('all');
  console.log(describeReady(pipeline.addresses(), version, config));
  if (problems.length > 0) console.log(`Not everything works yet:\n  ${problems.join('\n  ')}\n`);
  console.log(`plumbline ready ${addresses}`);
}

async function stop(
  pipeline: Pipeline,
  { shutdownMs }: Config,
  signal: NodeJS.Signals,
  log: Logger,
): Promise<void> {
  log.info(`${signal}: finishing what was accepted`);
  killProcessAfter(shutdownMs);
  const work = pipeline.shutdown(shutdownMs * ORDERLY_SHARE);
  if (await isDoneWithin(shutdownMs * WAITED_SHARE, work)) {
    log.info('stopped');
    return;
  }
  log.warn(
    'not everything ended within PLUMBLINE_SHUTDOWN_MS; the process is killed, and what is not stored yet stays in the spool',
  );
  killProcess();
}

async function giveUp(pipeline: Pipeline, reason: string, log: Logger): Promise<void> {
  log.fatal(
    `${reason}; this process ends, and has to be started again. Everything acknowledged is in the spool`,
  );
  killProcessAfter(2 * LAST_ANSWERS_MS);
  await isDoneWithin(LAST_ANSWERS_MS, pipeline.shutdown(LAST_ANSWERS_MS));
  killProcess();
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
