/**
 * `plumbline import`: the folder of an export → the Plumbline that `plumbline serve` would use in this environment: its data
 * directory, or the ClickHouse that CLICKHOUSE_URL names. What is there already stays; each row is there once, however often
 * it is imported.
 */
import { Command } from 'commander';
import { readConfig } from '../config.js';
import { runImport } from './import-run.js';
import {
  type Endpoint,
  type EndpointOptions,
  explainBreak,
  openDirectory,
  openServer,
  refuseBoth,
} from './move-endpoint.js';
import { checkUrl } from './sql.js';

interface ImportOptions extends EndpointOptions {
  skipExpired: boolean;
}

export function createImportCommand(): Command {
  return new Command('import')
    .description('read an export into a data directory or a ClickHouse server')
    .argument('<folder>', 'where "plumbline export" wrote to')
    .option(
      '--data-dir <path>',
      'the data directory of a Plumbline that is stopped (default: PLUMBLINE_DATA_DIR)',
    )
    .option('--url <url>', 'a ClickHouse server (default: CLICKHOUSE_URL, where that is set)', checkUrl)
    .option(
      '--skip-expired',
      'leave out what the target would delete at once, being older than it keeps',
      false,
    )
    .addHelpText('after', EXAMPLES)
    .action(importAll);
}

const EXAMPLES = `
Examples:
  plumbline import backup --data-dir ./new-data                   into an embedded Plumbline that is stopped
  CLICKHOUSE_URL=http://clickhouse:8123 plumbline import backup   into a ClickHouse server or cluster
  plumbline import backup                                         where "plumbline serve" would store

Tables are made where they are missing. Plumblines that write into the same ClickHouse may go on. A run that breaks off goes
on where it was when the same command is given again. Users and passwords: CLICKHOUSE_USER, CLICKHOUSE_PASSWORD.`;

async function importAll(folder: string, options: ImportOptions): Promise<void> {
  refuseBoth(options);
  const config = readConfig(process.env);
  const url = options.dataDir === undefined ? (options.url ?? config.clickhouseUrl) : '';
  let target: Endpoint | undefined;
  try {
    const imported = await runImport({
      folder,
      openTarget: async () => {
        target =
          url === ''
            ? await openDirectory(options.dataDir ?? config.dataDir, config)
            : await openServer(url, config);
        return target;
      },
      skipExpired: options.skipExpired,
      nowUnixMs: Date.now(),
      progressTo: process.stderr,
    });
    process.stdout.write(imported);
  } catch (error) {
    if (url === '') throw error;
    explainBreak(error, url);
  } finally {
    await target?.close();
  }
}
