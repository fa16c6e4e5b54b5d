/**
 * `plumbline series top`: who spends the budgets of active series, as a table or as JSON. Asks the running server, or the
 * ClickHouse that CLICKHOUSE_URL names, as `plumbline sql` does. The budgets are those of this environment.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Config, readConfig } from '../config.js';
import { describeDuration, parseDurationMs, parseWholeNumber } from '../demo/demo-options.js';
import type { ClickHouse } from '../model/clickhouse.js';
import { readQuery } from '../store/sql-files.js';
import { chooseUrl, connectTo } from './asked-server.js';
import { type AttributeRow, type SeriesRow, showAttributes, showSeries } from './series-report.js';
import { checkUrl, explain } from './sql.js';

const GROUPINGS = ['metric', 'service', 'scope', 'category'] as const;
type Grouping = (typeof GROUPINGS)[number];

interface TopOptions {
  by: Grouping | 'attribute';
  metric?: string;
  limit: number;
  since?: number;
  json: boolean;
  url?: string;
}

const NEW_MS = 3_600_000;
const DAY_MS = 86_400_000;

export function createSeriesCommand(): Command {
  const top = new Command('top')
    .description('who spends the budgets of active series')
    .addOption(
      new Option('--by <what>', 'what to group series by')
        .choices([...GROUPINGS, 'attribute'])
        .default('metric'),
    )
    .option('--metric <name>', 'with --by attribute: of this metric only')
    .option(
      '--limit <n>',
      'rows at most',
      checked((text) => parseWholeNumber(text, 1, 100_000)),
      20,
    )
    .option(
      '--since <duration>',
      'a series is active that had a point since then, for example 15m or 1d (default: PLUMBLINE_SERIES_ACTIVE_MS)',
      checked((text) => parseDurationMs(text, 60_000, 3_650 * DAY_MS)),
    )
    .option('--json', 'one JSON document instead of a table', false)
    .option(
      '--url <url>',
      'where to ask (default: the Plumbline on this machine, or CLICKHOUSE_URL)',
      checkUrl,
    )
    .addHelpText('after', EXAMPLES)
    .action(showTop);
  return new Command('series').description('what the series are, and who has how many').addCommand(top);
}

const EXAMPLES = `
Examples:
  plumbline series top                                  metrics with the most active series
  plumbline series top --by service --limit 5
  plumbline series top --by attribute --metric logins   which attribute makes them many
  plumbline series top --since 15m --json

Beyond PLUMBLINE_SERIES_PER_METRIC_MAX, PLUMBLINE_SERIES_PER_SERVICE_MAX and PLUMBLINE_SERIES_MAX new series fold into
overflow series (attribute otel.metric.overflow=true): "folded" counts those. Their totals stay exact.`;

function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

async function showTop(options: TopOptions): Promise<void> {
  const config = readConfig(process.env);
  const url = chooseUrl(config, options.url);
  const clickhouse = await connectTo(url, config);
  try {
    const text =
      options.by === 'attribute'
        ? await reportAttributes(clickhouse, options)
        : await reportSeries(clickhouse, config, options, options.by);
    process.stdout.write(text);
  } catch (error) {
    explain(error, url);
  } finally {
    await clickhouse.close();
  }
}

async function reportSeries(
  clickhouse: ClickHouse,
  config: Config,
  { limit, since, json }: TopOptions,
  by: Grouping,
): Promise<string> {
  const now = Date.now();
  const activeMs = since ?? config.seriesActiveMs;
  const params = { by, limit, active_since: formatTime(now - activeMs), new_since: formatTime(now - NEW_MS) };
  const answers = await clickhouse.query<Record<string, string>>(readQuery('series_top'), { params });
  const [total, ...rows] = answers.map(
    (row): SeriesRow => ({
      name: row.name!,
      active: Number(row.active),
      total: Number(row.total),
      folded: Number(row.folded),
      newInLastHour: Number(row.new),
    }),
  );
  const budget =
    { metric: config.seriesPerMetricMax, service: config.seriesPerServiceMax }[by as string] ?? 0;
  const report = { by, activeS: activeMs / 1000, budget, budgetOfAll: config.seriesMax, all: total!, rows };
  if (json) return `${JSON.stringify(report, null, 2)}\n`;
  return showSeries(report, describeDuration(activeMs));
}

async function reportAttributes(
  clickhouse: ClickHouse,
  { metric = '', limit, json }: TopOptions,
): Promise<string> {
  const params = { metric, limit };
  const answers = await clickhouse.query<Record<string, unknown>>(readQuery('series_attributes'), { params });
  const rows = answers.map(
    (row): AttributeRow => ({
      place: String(row.place),
      key: String(row.key),
      values: Number(row.values),
      series: Number(row.series),
      examples: row.examples as string[],
    }),
  );
  return json ? `${JSON.stringify({ metric, rows }, null, 2)}\n` : showAttributes(metric, rows);
}

function formatTime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 23).replace('T', ' ');
}
