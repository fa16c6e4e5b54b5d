/**
 * `plumbline retention`: what is kept for how long, what retention.yaml would change, and the change. Asks the running
 * server, or the ClickHouse that CLICKHOUSE_URL names. Nothing is deleted before it was shown and agreed to.
 */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { defaultTaxonomyFile } from '../catalogue-paths.js';
import { loadTaxonomy } from '../classify/taxonomy.js';
import { type Config, readConfig } from '../config.js';
import { describeLocalEndpoint } from '../demo/demo-options.js';
import { UserError } from '../model/errors.js';
import type { RetentionAccess, RetentionPlan } from '../model/retention.js';
import { readRetention } from '../retention-source.js';
import { createRetention } from '../store/retention.js';
import { connectTo } from './asked-server.js';
import { createRetentionClient } from './retention-client.js';
import { hasShorter, isUnchanged, showPlan, showReport, sumUp } from './retention-text.js';
import { checkUrl, explain } from './sql.js';
import { describeTerminal } from './terminal-table.js';

interface RetentionOptions {
  json: boolean;
  url?: string;
}

export function createRetentionCommand(): Command {
  const show = createAction('show', 'what is in force in ClickHouse, and what is stored').action(runShow);
  const plan = createAction('plan', 'what retention.yaml would change, and what that would delete').action(
    runPlan,
  );
  const apply = createAction('apply', 'applies retention.yaml, after showing the plan and asking')
    .option('--yes', 'do not ask', false)
    .action(runApply);
  return new Command('retention')
    .description('how long points and rollups are kept')
    .addHelpText('after', EXAMPLES)
    .addCommand(show, { isDefault: true })
    .addCommand(plan)
    .addCommand(apply);
}

function createAction(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .option('--json', 'one JSON document instead of a table', false)
    .option(
      '--url <url>',
      "the running server's page (default: the Plumbline on this machine, or CLICKHOUSE_URL itself)",
      checkUrl,
    );
}

const EXAMPLES = `
Examples:
  plumbline retention                  what is in force, by table and category
  plumbline retention plan             what the file would change and delete
  plumbline retention apply            does it, after asking
  plumbline retention apply --yes      for scripts: deletes without asking

The file is catalogue/retention.yaml, with a retention.yaml in the folder PLUMBLINE_CATALOGUE laid over it: of the server's
environment, or with CLICKHOUSE_URL of this one. PLUMBLINE_TOKEN is shown to a server that asks for a token. A server applies longer times when it starts, and never shorter ones.`;

async function runShow(options: RetentionOptions): Promise<void> {
  await withRetention(options, async (retention) => {
    const report = await retention.report();
    print(options.json ? toJson(report) : showReport(report, describeTerminal(process.stdout, process.env)));
  });
}

async function runPlan(options: RetentionOptions): Promise<void> {
  await withRetention(options, async (retention) => {
    const plan = await retention.plan();
    print(options.json ? toJson(plan) : showText(plan));
    if (!options.json && !isUnchanged(plan)) print('"plumbline retention apply" does it, after asking.\n');
  });
}

async function runApply(options: RetentionOptions & { yes: boolean }): Promise<void> {
  await withRetention(options, async (retention) => {
    const plan = await retention.plan();
    if (!options.json) print(showText(plan));
    const isAgreed = isUnchanged(plan) || options.yes || (await askToGoOn(plan, options.json));
    if (!isAgreed) {
      print('Nothing was changed.\n');
      process.exitCode = 1;
      return;
    }
    const applied = isUnchanged(plan) ? plan : await retention.apply(plan);
    if (options.json) print(toJson(applied));
    else if (!isUnchanged(plan))
      print(
        `Applied. ${applied.deletions.length > 0 ? `Deleted: ${sumUp(applied.deletions)}` : 'Nothing was deleted.'}\n`,
      );
  });
}

/** Longer times delete nothing and need no answer. */
async function askToGoOn(plan: RetentionPlan, isJson: boolean): Promise<boolean> {
  if (!hasShorter(plan)) return true;
  if (isJson || !process.stdin.isTTY) {
    throw new UserError(
      'nobody is here to agree to that, nothing was changed; add --yes to do it without asking',
    );
  }
  const question = `Type yes to ${plan.deletions.length > 0 ? 'delete that' : 'change that'}: `;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(question)).trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}

/** Runs `work` with the server at hand, or with ClickHouse itself. */
async function withRetention(
  { url }: RetentionOptions,
  work: (retention: RetentionAccess) => Promise<void>,
): Promise<void> {
  const config = readConfig(process.env);
  if (url !== undefined || config.clickhouseUrl === '') {
    return work(createRetentionClient(url ?? chooseLocalPage(config), config.token));
  }
  const { categories } = await loadTaxonomy(config.taxonomyFile || defaultTaxonomyFile());
  const clickhouse = await connectTo(config.clickhouseUrl, config, { cluster: config.clickhouseCluster });
  try {
    const ignore = () => undefined;
    await work(
      createRetention({
        clickhouse,
        readPolicy: () => readRetention(config, categories),
        nowUnixMs: Date.now,
        log: { info: ignore, warn: ignore, error: ignore },
      }),
    );
  } catch (error) {
    explain(error, config.clickhouseUrl);
  } finally {
    await clickhouse.close();
  }
}

function chooseLocalPage({ webHost, webPort }: Config): string {
  if (webPort > 0) return describeLocalEndpoint(webHost, webPort);
  throw new UserError('PLUMBLINE_WEB_PORT=0 names no port; give the page that the server printed with --url');
}

function showText(plan: RetentionPlan): string {
  return showPlan(plan, describeTerminal(process.stdout, process.env));
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
