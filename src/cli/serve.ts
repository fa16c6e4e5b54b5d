/** `plumbline serve`: run the server until SIGTERM or SIGINT. Settings come from the environment (config.ts). */
import { Command } from 'commander';
import { pino } from 'pino';
import { describeSettings, readConfig } from '../config.js';
import { describeReady } from './banner.js';
import { readVersion } from './version.js';

export function createServeCommand(): Command {
  return new Command('serve')
    .description('receive OTLP metrics, store and classify them, answer SQL')
    .addHelpText('after', `\nSettings (environment variables, with their defaults):\n${describeSettings()}`)
    .action(serve);
}

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
  if (config.tlsCertFile !== '' || config.authTokensFile !== '') {
    process.on('SIGHUP', () => void pipeline.reload());
  }
  await pipeline.start();
  const addresses = pipeline.addresses();
  const { grpc, http, sql, web } = addresses;
  console.log(describeReady(addresses, version, config));
  console.log(`plumbline ready grpc=${grpc} http=${http} sql=${sql} web=${web}`);
  const signal = await stopRequested;
  log.info(`${signal}: finishing what was accepted`);
  await pipeline.shutdown(config.shutdownMs);
  log.info('stopped');
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
