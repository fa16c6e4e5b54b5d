/**
 * `plumbline export`: everything that one Plumbline has stored → a folder that `plumbline import` reads. Asks the running
 * server, the ClickHouse that CLICKHOUSE_URL names, or a data directory. It changes nothing there, and goes on where a broken
 * run stopped.
 */
import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config.js';
import { parseDurationMs } from '../demo/demo-options.js';
import { UserError } from '../model/errors.js';
import { chooseUrl } from './asked-server.js';
import { runExport } from './export-run.js';
import type { Endpoint, EndpointOptions } from './move-endpoint.js';
import { explainBreak, openDirectory, openServer, refuseBoth, refuseWaitingPoints } from './move-endpoint.js';
import { checkOutputFolder } from './output-folder.js';
import { checkUrl } from './sql.js';
import { readVersion } from './version.js';

interface ExportOptions extends EndpointOptions {
  since?: number;
  until?: number;
}

const DAY_MS = 86_400_000;

export function createExportCommand(): Command {
  return new Command('export')
    .description('write everything that is stored into a folder, to import it elsewhere')
    .argument('<folder>', 'made where it is not there; with an unfinished export in it, that one is finished')
    .option(
      '--since <when>',
      'only days from this one on (2026-01-31, or 30d ago); definitions and series are whole',
      parseDay,
    )
    .option('--until <when>', 'only days before this one', parseDay)
    .option(
      '--url <url>',
      'where to read (default: the Plumbline on this machine, or CLICKHOUSE_URL)',
      checkUrl,
    )
    .option('--data-dir <path>', 'read the data directory of a Plumbline that is stopped')
    .addHelpText('after', EXAMPLES)
    .action(exportAll);
}

const EXAMPLES = `
Examples:
  plumbline export backup                          what the Plumbline on this machine has stored
  plumbline export backup --since 30d              points and rollups of the last 30 days
  plumbline export backup --data-dir ./data        of one that is stopped
  CLICKHOUSE_URL=http://old:8123 plumbline export backup

The server may go on receiving: everything that it had stored when the export began is in it. A run that breaks off goes on
where it was when the same command is given again. docs/moving.md says how to move without a gap.`;

/** A day of UTC, seconds since the epoch. */
function parseDay(text: string): number {
  const dayMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : parseAgo(text);
  if (Number.isNaN(dayMs)) throw new InvalidArgumentError('It must look like 2026-01-31 or 30d.');
  return Math.floor(dayMs / DAY_MS) * (DAY_MS / 1000);
}

function parseAgo(text: string): number {
  try {
    return Date.now() - parseDurationMs(text, DAY_MS, 36_500 * DAY_MS);
  } catch {
    return Number.NaN;
  }
}

async function exportAll(folder: string, options: ExportOptions): Promise<void> {
  refuseBoth(options);
  const range = readRange(options);
  await checkOutputFolder(folder, 'the folder');
  const source = await openSource(options);
  try {
    const finished = await runExport({
      folder,
      clickhouse: source.endpoint.clickhouse,
      source: source.endpoint.name,
      version: readVersion(),
      range,
      newId: randomUUID,
      progressTo: process.stderr,
    });
    process.stdout.write(finished);
  } catch (error) {
    if (source.url === undefined) throw error;
    explainBreak(error, source.url);
  } finally {
    await source.endpoint.close();
  }
}

async function openSource({ url, dataDir }: EndpointOptions): Promise<{ endpoint: Endpoint; url?: string }> {
  const config = readConfig(process.env);
  if (dataDir !== undefined) {
    await access(`${dataDir}/clickhouse`).catch(() => {
      throw new UserError(`${dataDir} is no data directory of Plumbline: it has no folder clickhouse`);
    });
    await refuseWaitingPoints(dataDir);
    return { endpoint: await openDirectory(dataDir, config) };
  }
  const from = chooseUrl(config, url);
  return { endpoint: await openServer(from, config), url: from };
}

/** Open ends reach as far as days are counted. */
function readRange({ since, until }: ExportOptions): { fromS: number; toS: number } | undefined {
  if (since === undefined && until === undefined) return undefined;
  const range = { fromS: since ?? 0, toS: until ?? 4_294_944_000 };
  if (range.fromS >= range.toS)
    throw new UserError('--since is not before --until: there is no day between them');
  return range;
}
