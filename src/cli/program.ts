/** Every command of `plumbline`, one file each. Only the one that is asked for is loaded; for help, all of them. */
import { Command } from 'commander';
import { ownCommand } from '../model/own-command.js';
import { readVersion } from './version.js';

/** By name, in the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).createServeCommand(),
  sql: async () => (await import('./sql.js')).createSqlCommand(),
  kpi: async () => (await import('./kpi.js')).createKpiCommand(),
  coverage: async () => (await import('./coverage.js')).createCoverageCommand(),
  series: async () => (await import('./series.js')).createSeriesCommand(),
  grafana: async () => (await import('./grafana.js')).createGrafanaCommand(),
  retention: async () => (await import('./retention.js')).createRetentionCommand(),
  spool: async () => (await import('./spool.js')).createSpoolCommand(),
  export: async () => (await import('./export.js')).createExportCommand(),
  import: async () => (await import('./import.js')).createImportCommand(),
  demo: async () => (await import('./demo.js')).createDemoCommand(),
};

/** How a comment of SQL begins, and no option does: a word, if any, and space after the dashes. */
const SQL_COMMENT = /^--[^\s=]*\s/;

/** Queries that begin with a comment, as many do, would be read as options: a line break before them prevents it. */
export function shieldQueries(argv: readonly string[]): string[] {
  if (argv[2] !== 'sql') return [...argv];
  return argv.map((argument) => (SQL_COMMENT.test(argument) ? `\n${argument}` : argument));
}

/** Examples say "plumbline", which a shell may not find. */
function describeCommand(): string {
  const command = ownCommand();
  return command === 'plumbline' ? '' : `\nHere "plumbline" is called as "${command}".`;
}

/** @param wanted The first argument: the name of a command, or whatever else was given. */
export async function createProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command('plumbline')
    .description('An OpenTelemetry metrics backend that thinks in KPIs.')
    .version(readVersion())
    .addHelpText('afterAll', describeCommand())
    .showHelpAfterError();
  const one = wanted !== undefined && Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
  for (const load of one ? [one] : Object.values(COMMANDS)) program.addCommand(await load());
  return program;
}
