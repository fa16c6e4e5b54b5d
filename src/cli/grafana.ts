/** `plumbline grafana`: what Grafana is provisioned with, made from the catalogue. One file for each subcommand. */
import { Command } from 'commander';
import { createGrafanaDiffCommand } from './grafana-diff.js';
import { createGrafanaImportCommand } from './grafana-import.js';
import { createGrafanaPushCommand } from './grafana-push.js';
import { createGrafanaRenderCommand } from './grafana-render.js';

export function createGrafanaCommand(): Command {
  return new Command('grafana')
    .description('dashboards and provisioning of Grafana, from the catalogue')
    .addCommand(createGrafanaRenderCommand())
    .addCommand(createGrafanaPushCommand())
    .addCommand(createGrafanaDiffCommand())
    .addCommand(createGrafanaImportCommand());
}
