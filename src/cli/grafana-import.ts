/**
 * `plumbline grafana import`: dashboards and rules as somebody changed them in Grafana → files that Grafana can be provisioned
 * with, and for changed thresholds the entry of the catalogue that would say the same. Writes into a folder of its own and changes
 * nothing in Grafana or the catalogue.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { dashboardFile, groupFile } from '../grafana/api/as-files.js';
import type { Change } from '../grafana/api/plan.js';
import type { ApiDashboard, ApiRuleGroup } from '../grafana/api/resources.js';
import { formatProposals, proposeThresholds } from '../grafana/api/threshold-proposals.js';
import { UserError } from '../model/errors.js';
import type { GrafanaClient } from './grafana-client.js';
import {
  type Comparison,
  type ComparisonOptions,
  compareWithGrafana,
  withComparisonOptions,
} from './grafana-comparison.js';
import { readDashboard, readGroup, readRule } from './grafana-state.js';

interface ImportOptions extends ComparisonOptions {
  out: string;
}

const PROPOSALS = 'catalogue/kpis/from-grafana.yaml';

export function createGrafanaImportCommand(): Command {
  return withComparisonOptions(new Command('import'))
    .description(
      'writes dashboards and rules that were changed in Grafana as files, and proposes changed thresholds',
    )
    .argument(
      '[uid...]',
      'dashboards and alert rules; without any: all of Plumbline that differ from the catalogue',
    )
    .option('--out <folder>', 'where they are written', 'grafana-import')
    .addHelpText('after', EXAMPLES)
    .action(runImport);
}

const EXAMPLES = `
Examples:
  plumbline grafana import                            what differs there, into ./grafana-import
  plumbline grafana import my-own-board --out boards  a dashboard that Plumbline knows nothing of
  plumbline kpi check grafana-import/catalogue        what the proposed thresholds would change

Files of dashboards and rules that the catalogue makes are a record: the next push, render or start of Grafana sets what the
catalogue says. To keep a changed dashboard, give its file another uid and title; to keep thresholds, take over the proposal.`;

async function runImport(uids: string[], options: ImportOptions): Promise<void> {
  const comparison = await compareWithGrafana(options);
  const { client, kpis, wanted, found, plan } = comparison;
  const files = new Map<string, string>();
  if (uids.length === 0) for (const change of plan.changes) addChanged(files, change, comparison);
  for (const uid of uids) await addByUid(files, client, uid);
  const proposed = formatProposals(proposeThresholds(kpis, wanted, found));
  if (proposed !== undefined) files.set(PROPOSALS, proposed);
  if (files.size === 0) {
    process.stdout.write(
      `Grafana at ${client.url} has no dashboard and no rule that differs from the catalogue.\n`,
    );
    return;
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(options.out, path)), { recursive: true });
    await writeFile(join(options.out, path), text);
  }
  const lines = [...files.keys()].sort().map((path) => `${join(options.out, path)}\n`);
  process.stdout.write(`${lines.join('')}${files.size} files were written; the catalogue is as it was.\n`);
}

/** What is missing in Grafana has nothing to be taken from; contact points keep their secrets. */
function addChanged(files: Map<string, string>, { kind, id, action }: Change, { found }: Comparison): void {
  if (action === 'create') return;
  if (kind === 'dashboards') addDashboard(files, found.dashboards.find(({ uid }) => uid === id)!);
  if (kind === 'rules')
    addGroup(files, found.groups.find(({ rules }) => rules.some(({ uid }) => uid === id))!);
}

async function addByUid(files: Map<string, string>, client: GrafanaClient, uid: string): Promise<void> {
  const dashboard = await readDashboard(client, uid);
  if (dashboard !== undefined) return addDashboard(files, dashboard);
  const rule = await readRule(client, uid);
  const group = rule && (await readGroup(client, rule.folderUID, rule.ruleGroup));
  if (group === undefined)
    throw new UserError(`Grafana at ${client.url} has no dashboard and no alert rule with the uid ${uid}`);
  addGroup(files, group);
}

function addDashboard(files: Map<string, string>, dashboard: ApiDashboard): void {
  files.set(...dashboardFile(dashboard));
}

function addGroup(files: Map<string, string>, group: ApiRuleGroup): void {
  files.set(...groupFile(group));
}
