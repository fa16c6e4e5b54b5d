/**
 * `plumbline kpi list | show | status | history | slo | check`: KPIs as tables or as JSON. Asks the running server, or the ClickHouse
 * that CLICKHOUSE_URL names, as `plumbline sql` does. Reads only; the clock is read here and nowhere below.
 */
import { Command, InvalidArgumentError } from 'commander';
import { parseWholeNumber } from '../demo/demo-options.js';
import { compileKpi } from '../kpi/compile-kpi.js';
import type { KpiRow } from '../kpi/kpi-reader.js';
import { windowAt } from '../kpi/kpi-window.js';
import type { ClickHouse } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import type { Kpi } from '../model/kpi.js';
import { objectiveOf } from '../model/service-level.js';
import { readQuery } from '../store/sql-files.js';
import { FACTS } from '../store/views/metric-facts.js';
import { createKpiCheckCommand } from './kpi-check.js';
import { buildHistory, historyAsJson, readVersions, showHistory, type VersionRow } from './kpi-history.js';
import { listAsJson, showList } from './kpi-list.js';
import {
  atOption,
  categoryOption,
  durationOption,
  type GroupFilter,
  groupOption,
  jsonOption,
  matchesGroup,
  resolveTime,
  type Time,
  urlOption,
  withLabels,
} from './kpi-options.js';
import { chooseKpi, chooseKpis, readEach, withSession } from './kpi-session.js';
import { kpiAsJson, showKpi } from './kpi-show.js';
import { readSloAnswer, showSlos, slosAsJson } from './kpi-slo.js';
import { chooseRows, isAnyCritical, showStatus, statusAsJson } from './kpi-status.js';
import { describeTerminal } from './terminal-table.js';

interface Common {
  json: boolean;
  url?: string;
  at?: Time;
  category?: string;
  group?: GroupFilter;
  limit: number;
}

const STEPS_MAX = 10_000;
const GROUPS_DEFAULT = 20;
const DAY_S = 86_400;

export function createKpiCommand(): Command {
  return new Command('kpi')
    .description('KPIs: what there are, how they stand, how they were, what is left of their error budgets')
    .addCommand(createListCommand())
    .addCommand(createShowCommand())
    .addCommand(createStatusCommand())
    .addCommand(createHistoryCommand())
    .addCommand(createSloCommand())
    .addCommand(createKpiCheckCommand())
    .addHelpText('after', EXAMPLES.kpi);
}

function createListCommand(): Command {
  return new Command('list')
    .description('the catalogue: targets, windows and sources')
    .addOption(categoryOption())
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES.list)
    .action((options: Common) =>
      withSession(options, async ({ kpis }) => {
        const chosen = chooseKpis(kpis, [], options.category);
        return options.json ? listAsJson(chosen) : showList(chosen, terminal());
      }),
    );
}

function createShowCommand(): Command {
  return new Command('show')
    .description('everything about one KPI: how it is measured, its thresholds, how it stands')
    .argument('<name>', 'its name, as "plumbline kpi list" shows it')
    .option('--sql', 'only the SQL of its status, for "plumbline sql"; with --json as a further field', false)
    .addOption(atOption())
    .option('--limit <n>', 'groups at most', parseLimit, GROUPS_DEFAULT)
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES.show)
    .action((name: string, options: Common & { sql: boolean }) =>
      withSession(options, async ({ clickhouse, reader, kpis }) => {
        const kpi = chooseKpi(kpis, name);
        const endS = resolveTime(options.at, Date.now());
        if (options.sql && !options.json) return `${statusSql(kpi, endS)}\n`;
        const versions = readVersions(await readVersionRows(clickhouse, name));
        const [answer] = await readEach([kpi], () => reader.readStatus(kpi, endS));
        const status = answer!.error === undefined ? { read: answer!.read! } : { error: answer!.error };
        const report = { kpi, versions, endS, status, limit: options.limit };
        if (!options.json) return showKpi(report, terminal());
        return kpiAsJson(report, options.sql ? statusSql(kpi, endS) : undefined);
      }),
    );
}

function statusSql(kpi: Kpi, endS: number): string {
  const { startS, slotS } = windowAt(kpi, endS);
  const time = (unixS: number) => `toDateTime(${unixS}, 'UTC')`;
  const known = { startS, endS, stepS: slotS };
  const grid = { start: time(startS), end: time(endS), step: String(slotS), known, rows: 'whole' } as const;
  return `${compileKpi(kpi, FACTS, grid)}\nORDER BY time, length(group), group`;
}

interface StatusOptions extends Common {
  window?: number;
  byGroup: boolean;
  failing: boolean;
  exitCode: boolean;
}

function createStatusCommand(): Command {
  return new Command('status')
    .description('how KPIs stand: value, distance to target, and what the value rests on')
    .argument('[names...]', 'KPIs; all of them where none is named')
    .addOption(categoryOption())
    .addOption(groupOption())
    .addOption(atOption())
    .addOption(
      durationOption('--window <duration>', "over this window instead of each KPI's own, such as 30d"),
    )
    .option('--by-group', 'each group too, the worst first', false)
    .option('--failing', 'only what is critical, at a warning, or cannot be read', false)
    .option('--exit-code', 'end with 1 if anything is critical or cannot be read', false)
    .option('--limit <n>', 'groups of each KPI at most', parseLimit, GROUPS_DEFAULT)
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES.status)
    .action((names: string[], options: StatusOptions) =>
      withSession(options, async ({ reader, kpis }) => {
        const endS = resolveTime(options.at, Date.now());
        const chosen = withLabels(chooseKpis(kpis, names, options.category), options.group);
        const answers = await readEach(chosen, async (kpi) =>
          chooseRows(kpi, await reader.readStatus(kpi, endS, options.window), options),
        );
        const report = { endS, answers };
        if (options.exitCode && isAnyCritical(report)) process.exitCode = 1;
        return options.json ? statusAsJson(report) : showStatus(report, options, terminal());
      }),
    );
}

interface HistoryOptions extends Common {
  since: number;
  step?: number;
}

function createHistoryCommand(): Command {
  return new Command('history')
    .description(
      'a KPI step by step, with the thresholds in force then and every change of definition and status',
    )
    .argument('<name>', 'its name, as "plumbline kpi list" shows it')
    .addOption(durationOption('--since <duration>', 'how far back').default(DAY_S, '1d'))
    .addOption(durationOption('--step <duration>', 'length of a step (default: by how far back)'))
    .addOption(groupOption())
    .addOption(atOption())
    .option('--limit <n>', 'groups at most', parseLimit, GROUPS_DEFAULT)
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES.history)
    .action((name: string, options: HistoryOptions) =>
      withSession(options, async ({ clickhouse, reader, kpis }) => {
        const [kpi] = withLabels([chooseKpi(kpis, name)], options.group);
        const endS = resolveTime(options.at, Date.now());
        const stepS = options.step ?? chooseStep(options.since);
        const startS = Math.floor((endS - options.since) / stepS) * stepS;
        if ((endS - startS) / stepS > STEPS_MAX)
          throw new UserError(`more than ${STEPS_MAX} steps; take a longer --step or a shorter --since`);
        const versions = readVersions(await readVersionRows(clickhouse, name));
        const rows = await reader.readSteps(kpi!, { startS, endS, slotS: stepS });
        const groups = splitByGroup(rows, options.group).slice(0, options.limit);
        const reports = groups.map((own) => buildHistory(kpi!, own, versions, { startS, endS, stepS }));
        if (options.json) return historyAsJson(reports, versions);
        return reports.map((report) => showHistory(report, terminal())).join('\n');
      }),
    );
}

/** Rows of all together, or of each group that matches; one empty list where there are none. */
function splitByGroup(rows: readonly KpiRow[], filter: GroupFilter | undefined): KpiRow[][] {
  const kept = rows.filter(({ group }) =>
    filter === undefined ? group === undefined : matchesGroup(group, filter),
  );
  const groups = new Map<string, KpiRow[]>();
  for (const row of kept) {
    const key = JSON.stringify(row.group ?? null);
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [row]);
    else own.push(row);
  }
  return groups.size === 0 ? [[]] : [...groups.values()];
}

/** About a screenful or two: 5 minutes for hours, an hour for days, a day for weeks and months. */
function chooseStep(sinceS: number): number {
  return sinceS <= DAY_S / 4 ? 300 : sinceS <= 4 * DAY_S ? 3_600 : DAY_S;
}

interface SloOptions extends Common {
  window?: number;
  step?: number;
  byGroup: boolean;
}

function createSloCommand(): Command {
  return new Command('slo')
    .description('error budgets and burn rates of KPIs that count events, time on target of the others')
    .argument('[names...]', 'KPIs; where none is named those that count events')
    .addOption(categoryOption())
    .addOption(groupOption())
    .option('--by-group', 'each group too, the emptiest budget first', false)
    .addOption(atOption())
    .addOption(durationOption('--window <duration>', "instead of each KPI's own SLO window (30d)", 3_600_000))
    .addOption(durationOption('--step <duration>', 'step in which time on target is counted (default: 1h)'))
    .option('--limit <n>', 'groups of each KPI at most', parseLimit, GROUPS_DEFAULT)
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES.slo)
    .action((names: string[], options: SloOptions) =>
      withSession(options, async ({ reader, kpis }) => {
        const endS = resolveTime(options.at, Date.now());
        const isAsked = names.length > 0 || options.category !== undefined;
        const asked = withLabels(chooseKpis(kpis, names, options.category), options.group);
        const chosen = isAsked ? asked : asked.filter((kpi) => objectiveOf(kpi) !== undefined);
        const { window: windowS, step: stepS, ...rest } = options;
        const choice = { ...rest, windowS, stepS };
        const answers = await readEach(chosen, (kpi) => readSloAnswer(kpi, reader, endS, choice));
        if (options.json) return slosAsJson(answers, endS);
        return showSlos(answers, { endS, others: asked.length - chosen.length }, terminal());
      }),
    );
}

function readVersionRows(clickhouse: ClickHouse, name: string): Promise<VersionRow[]> {
  return clickhouse.query<VersionRow>(readQuery('kpi_versions'), { params: { name } });
}

function parseLimit(text: string): number {
  try {
    return parseWholeNumber(text, 1, 1_000_000);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const terminal = () => describeTerminal(process.stdout, process.env);

const EXAMPLES = {
  kpi: `
Examples:
  plumbline kpi status --failing
  plumbline kpi show response_time
  plumbline kpi history error_rate --since 7d --step 1h
  plumbline kpi slo

Each of them has --json, and --help with more examples. docs/kpis.md says what the words mean.`,
  list: `
Examples:
  plumbline kpi list
  plumbline kpi list --category system_performance
  plumbline kpi list --json | jq '.[].name'`,
  show: `
Examples:
  plumbline kpi show response_time
  plumbline kpi show response_time --sql | plumbline sql
  plumbline kpi show response_time --at 2025-03-01T12:00 --json`,
  status: `
Examples:
  plumbline kpi status
  plumbline kpi status response_time error_rate --by-group
  plumbline kpi status --category system_performance --failing
  plumbline kpi status --group service=checkout
  plumbline kpi status --at 2025-03-01T12:00 --window 30d
  plumbline kpi status --exit-code --json > status.json

The exit code is 0 whatever the KPIs say; with --exit-code it is 1 if anything shown is critical or cannot be read.`,
  history: `
Examples:
  plumbline kpi history response_time
  plumbline kpi history response_time --since 7d --step 1h
  plumbline kpi history response_time --group service=checkout --since 6h --step 5m
  plumbline kpi history response_time --at 2025-03-01 --since 30d --step 1d --json

Steps begin on multiples of their length, in UTC. A step is judged with the thresholds in force at its end.`,
  slo: `
Examples:
  plumbline kpi slo
  plumbline kpi slo error_rate availability --by-group
  plumbline kpi slo --window 7d
  plumbline kpi slo response_time --window 1d --step 5m
  plumbline kpi slo --category system_performance
  plumbline kpi slo --json`,
};
