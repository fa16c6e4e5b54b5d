/**
 * `plumbline grafana push`: what the catalogue renders → a Grafana, through its HTTP API. Shows what it would change and asks;
 * changes and removes only what is Plumbline's. A second time it finds nothing to do.
 */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Change, Plan } from '../grafana/api/plan.js';
import { REDACTED } from '../grafana/api/resources.js';
import { UserError } from '../model/errors.js';
import {
  type Comparison,
  type ComparisonOptions,
  compareWithGrafana,
  withComparisonOptions,
} from './grafana-comparison.js';
import { countChanges, showPlan, TO_DO } from './grafana-plan-text.js';
import { applyChanges } from './grafana-state.js';

interface PushOptions extends ComparisonOptions {
  yes: boolean;
  secrets: boolean;
}

export function createGrafanaPushCommand(): Command {
  return withComparisonOptions(new Command('push'))
    .description(
      'sets dashboards, alert rules and contact points in a Grafana, after showing what it would change',
    )
    .option('--yes', 'do not ask', false)
    .option(
      '--secrets',
      'send keys of contact points again, which Grafana does not show and so cannot be compared',
      false,
    )
    .addHelpText('after', EXAMPLES)
    .action(runPush);
}

const EXAMPLES = `
Examples:
  export GRAFANA_URL=https://grafana.example.com GRAFANA_TOKEN=glsa_…
  plumbline grafana push                              shows what it would change, and asks
  plumbline grafana push --yes                        for scripts
  plumbline grafana push --only dashboards rules      leaves contact points, policies and the rest alone
  plumbline grafana push --only contact-points --secrets   after a key was changed
  plumbline grafana push --token-file /run/secrets/grafana --catalogue my-catalogue

The token is that of a service account with the role Admin. Addresses and keys of contact points are environment variables of
this command, as alerts.yaml names them. docs/grafana-push.md says what is touched and what never is.`;

async function runPush(options: PushOptions): Promise<void> {
  const comparison = await compareWithGrafana(options);
  const { client, plan, wanted } = comparison;
  if (options.secrets) plan.changes.push(...listSecrets(comparison));
  if (plan.changes.length === 0) {
    print(`${showPlan(plan, TO_DO)}Grafana at ${client.url} has everything as the catalogue says.\n`);
    return;
  }
  print(`${showPlan(plan, TO_DO)}To do in Grafana at ${client.url}: ${countChanges(plan, TO_DO)}.\n`);
  refuseBlocked(plan);
  refuseUnset(comparison);
  if (!options.yes && !(await askToGoOn())) {
    print('Nothing was changed.\n');
    process.exitCode = 1;
    return;
  }
  await applyChanges(client, plan.changes, wanted, comparison.found);
  print('Done.\n');
}

/** Contact points that would be left alone although their keys may differ. */
function listSecrets({ plan, wanted, found }: Comparison): Change[] {
  const changed = new Set(plan.changes.map(({ id }) => id));
  const hidden = found.contactPoints.filter(({ settings }) => Object.values(settings).includes(REDACTED));
  return wanted.contactPoints
    .filter(({ uid }) => !changed.has(uid) && hidden.some((point) => point.uid === uid))
    .map(({ uid, name, type }) => ({
      kind: 'contact-points' as const,
      id: uid,
      title: `${name} (${type}), its keys`,
      action: 'update' as const,
      differences: [],
    }));
}

function refuseBlocked({ changes }: Plan): void {
  const blocked = changes.filter((change) => change.blocked !== undefined);
  if (blocked.length === 0) return;
  const [{ kind, id, blocked: reason }] = blocked as [Plan['changes'][number]];
  throw new UserError(
    `nothing was changed: Grafana would refuse ${blocked.length} of these, first ${kind} ${id}: ${reason}; or leave the kind out with --only`,
  );
}

function refuseUnset({ plan, wanted }: Comparison): void {
  if (wanted.unset.length === 0 || plan.changes.every(({ kind }) => kind !== 'contact-points')) return;
  throw new UserError(
    `nothing was changed: contact points need ${wanted.unset.join(', ')}, which are not set; set them, or take what needs them ` +
      'out of alerts.yaml, or push the rest alone (--only dashboards templates mute-timings rules)',
  );
}

async function askToGoOn(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UserError(
      'nobody is here to agree to that, nothing was changed; add --yes to do it without asking',
    );
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question('Type yes to do that: ')).trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}

function print(text: string): void {
  process.stdout.write(text);
}
