/** Every command of `plumbline`, one file each. */
import { Command } from 'commander';
import { createCoverageCommand } from './coverage.js';
import { createDemoCommand } from './demo.js';
import { createKpiCommand } from './kpi.js';
import { createRetentionCommand } from './retention.js';
import { createSeriesCommand } from './series.js';
import { createServeCommand } from './serve.js';
import { createSqlCommand } from './sql.js';
import { readVersion } from './version.js';

export function createProgram(): Command {
  return new Command('plumbline')
    .description('An OpenTelemetry metrics backend that thinks in KPIs.')
    .version(readVersion())
    .showHelpAfterError()
    .addCommand(createServeCommand())
    .addCommand(createSqlCommand())
    .addCommand(createKpiCommand())
    .addCommand(createCoverageCommand())
    .addCommand(createSeriesCommand())
    .addCommand(createRetentionCommand())
    .addCommand(createDemoCommand());
}
