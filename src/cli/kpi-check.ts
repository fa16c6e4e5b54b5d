/**
 * `plumbline kpi check`: whether a catalogue can be used, with file and line of everything that is wrong, and, where a server
 * answers, what its KPIs say of the stored data and what they would change there. Changes nothing.
 */
import { Command } from 'commander';
import { catalogueFolders } from '../catalogue-paths.js';
import { readConfig } from '../config.js';
import { ClickHouseError } from '../model/clickhouse.js';
import { CatalogueError } from '../model/file-problem.js';
import type { Catalogue } from '../model/kpi.js';
import { chooseUrl, connectTo } from './asked-server.js';
import { type DryRun, dryRun } from './kpi-check-run.js';
import { type CheckReport, checkAsJson, showCheck } from './kpi-check-text.js';
import { atOption, jsonOption, resolveTime, type Time, urlOption } from './kpi-options.js';
import { explain } from './sql.js';
import { describeTerminal } from './terminal-table.js';
import { loadWholeCatalogue } from './whole-catalogue.js';

interface CheckOptions {
  json: boolean;
  url?: string;
  at?: Time;
  filesOnly: boolean;
}

type Settings = ReturnType<typeof readConfig>;

export function createKpiCheckCommand(): Command {
  return new Command('check')
    .description('whether a catalogue can be used, and what it would change')
    .argument('[folder]', 'a folder with kpis/*.yaml (default: PLUMBLINE_CATALOGUE), over the built-in one')
    .option('--files-only', 'ask no server', false)
    .addOption(atOption())
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES)
    .action(runCheck);
}

const EXAMPLES = `
Examples:
  plumbline kpi check my-catalogue
  plumbline kpi check my-catalogue --files-only        no server needed, for a pull request
  plumbline kpi check my-catalogue --at 2025-03-01T12:00

The exit code is 1 where there are problems, also of a KPI whose values cannot be read. Warnings and KPIs that are critical leave it 0.`;

async function runCheck(folder: string | undefined, options: CheckOptions): Promise<void> {
  const config = readConfig(process.env);
  const folders = catalogueFolders({ ...config, ...(folder !== undefined && { catalogueFolder: folder }) });
  const report = await check(config, folders, options);
  if (report === undefined) return;
  const terminal = describeTerminal(process.stdout, process.env);
  process.stdout.write(options.json ? checkAsJson(report) : showCheck(report, terminal));
  if (report.problems.length > 0) process.exitCode = 1;
}

/** Undefined where the server that was named does not answer: that has been said. */
async function check(
  config: Settings,
  folders: string[],
  options: CheckOptions,
): Promise<CheckReport | undefined> {
  const empty = { folders, problems: [], warnings: [], kpis: undefined, run: undefined };
  let catalogue: Catalogue;
  try {
    ({ catalogue } = await loadWholeCatalogue(config, folders));
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    return { ...empty, problems: error.problems, notRun: 'Asked no server: the files cannot be used.' };
  }
  const { kpis, warnings } = catalogue;
  const report = { ...empty, kpis, warnings, notRun: '' };
  if (options.filesOnly) return { ...report, notRun: 'Asked no server.' };
  const url = chooseUrl(config, options.url);
  try {
    const run = await runOn(config, url, kpis, resolveTime(options.at, Date.now()));
    const failed = run.kpis.filter(({ error }) => error !== '');
    const problems = failed.map(({ kpi, error }) => ({
      file: kpi.file,
      line: kpi.line,
      reason: `${kpi.name}: it cannot be read: ${error}`,
    }));
    return { ...report, run, problems };
  } catch (error) {
    const isAway = error instanceof ClickHouseError && error.type === 'NETWORK';
    if (isAway && options.url === undefined)
      return { ...report, notRun: `Checked the files only: nothing answers at ${new URL(url).origin}.` };
    explain(error, url);
    return undefined;
  }
}

async function runOn(config: Settings, url: string, kpis: Catalogue['kpis'], endS: number): Promise<DryRun> {
  const clickhouse = await connectTo(url, config);
  try {
    return await dryRun(kpis, clickhouse, endS);
  } finally {
    await clickhouse.close();
  }
}
