/**
 * `plumbline grafana diff`: where a Grafana differs from what the catalogue renders, as a list or as JSON. Ends with 1 where it
 * does, with 2 where it cannot tell. Changes nothing.
 */
import { Command } from 'commander';
import { UserError } from '../model/errors.js';
import { type ComparisonOptions, compareWithGrafana, withComparisonOptions } from './grafana-comparison.js';
import { countChanges, DRIFT, showPlan } from './grafana-plan-text.js';

interface DiffOptions extends ComparisonOptions {
  json: boolean;
}

const EXIT_DRIFT = 1;
const EXIT_FAILED = 2;

export function createGrafanaDiffCommand(): Command {
  return withComparisonOptions(new Command('diff'))
    .description('where a Grafana differs from what the catalogue renders')
    .option('--json', 'one JSON document instead of a list', false)
    .addHelpText('after', EXAMPLES)
    .action(runDiff);
}

const EXAMPLES = `
Examples:
  export GRAFANA_URL=https://grafana.example.com GRAFANA_TOKEN=glsa_…
  plumbline grafana diff                        what is missing, changed or extra there
  plumbline grafana diff --only dashboards
  plumbline grafana diff --json | jq '.changes[].id'

The exit code is 0 where nothing differs, ${EXIT_DRIFT} where something does, ${EXIT_FAILED} where Grafana could not be asked. Passwords and
keys of contact points cannot be compared: Grafana does not show them.`;

async function runDiff(options: DiffOptions): Promise<void> {
  try {
    const { client, plan } = await compareWithGrafana(options);
    if (plan.changes.length > 0) process.exitCode = EXIT_DRIFT;
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ url: client.url, ...plan }, null, 2)}\n`);
      return;
    }
    const sum =
      plan.changes.length === 0
        ? `Grafana at ${client.url} has everything as the catalogue says.\n`
        : `Grafana at ${client.url} differs from the catalogue: ${countChanges(plan, DRIFT)}.\n`;
    process.stdout.write(showPlan(plan, DRIFT) + sum);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`plumbline: ${error.message}\n`);
    process.exitCode = EXIT_FAILED;
  }
}
