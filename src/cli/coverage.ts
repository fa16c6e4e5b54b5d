/**
 * `plumbline coverage`: which metrics feed which KPI, which cannot and why, what would feed a KPI that has no data, series that
 * two writers share, and rules for metrics that the taxonomy does not know. Asks the running server, or the ClickHouse that CLICKHOUSE_URL names; the
 * KPIs are those in force there, the taxonomy that of this environment. Reads only.
 */
import { Command, InvalidArgumentError } from 'commander';
import { defaultTaxonomyFile } from '../catalogue-paths.js';
import { createRuleSuggester } from '../classify/suggest-rule.js';
import { loadTaxonomy } from '../classify/taxonomy.js';
import { readConfig } from '../config.js';
import { parseWholeNumber } from '../demo/demo-options.js';
import { coverageSql } from '../kpi/coverage-sql.js';
import { placeTerms } from '../kpi/kpi-terms.js';
import type { ClickHouse } from '../model/clickhouse.js';
import type { Kpi } from '../model/kpi.js';
import { readQuery } from '../store/sql-files.js';
import {
  buildCoverage,
  type KpiCoverage,
  readCoverageRow,
  readUnclassified,
  type UnclassifiedMetric,
} from './coverage-report.js';
import { showCoverage, showUnclassified } from './coverage-text.js';
import { type FlaggedSeries, readFlaggedSeries, showFlaggedSeries } from './flagged-series.js';
import { jsonOption, urlOption } from './kpi-options.js';
import { chooseKpis, type KpiSession, withSession } from './kpi-session.js';
import { toJson } from './kpi-texts.js';
import { describeTerminal } from './terminal-table.js';

interface CoverageOptions {
  kpi: string[];
  unclassified: boolean;
  limit: number;
  json: boolean;
  url?: string;
}

const LIMIT_MAX = 100_000;

export function createCoverageCommand(): Command {
  return new Command('coverage')
    .description('which metrics feed which KPI, which cannot, and what is missing')
    .option(
      '--kpi <name>',
      'of this KPI only; may be repeated',
      (name, names: string[]) => [...names, name],
      [],
    )
    .option('--unclassified', 'only metrics that no rule of the taxonomy takes, with a rule for each', false)
    .option('--limit <n>', 'unclassified metrics at most', parseLimit, 50)
    .addOption(jsonOption())
    .addOption(urlOption())
    .addHelpText('after', EXAMPLES)
    .action((options: CoverageOptions) =>
      withSession(options, async (session) => {
        const coverage = options.unclassified ? undefined : await readCoverage(session, options.kpi);
        // Whoever asks about a KPI wants to know nothing else.
        const isAbout = options.kpi.length > 0 && !options.unclassified;
        const unclassified = isAbout ? undefined : await findUnclassified(session.clickhouse, options.limit);
        const flagged =
          isAbout || options.unclassified ? [] : await readFlaggedSeries(session.clickhouse, Date.now());
        return options.json
          ? asJson(coverage, unclassified, flagged)
          : asText(coverage, unclassified, flagged);
      }),
    );
}

function parseLimit(text: string): number {
  try {
    return parseWholeNumber(text, 1, LIMIT_MAX);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const EXAMPLES = `
Examples:
  plumbline coverage
  plumbline coverage --kpi response_time
  plumbline coverage --unclassified --json

The same in SQL: SELECT * FROM kpi_coverage. "Last seen" is some minutes behind.`;

async function readCoverage(
  { clickhouse, kpis }: KpiSession,
  names: readonly string[],
): Promise<KpiCoverage[]> {
  const chosen = chooseKpis(kpis, names, undefined).filter(isReadable);
  if (chosen.length === 0) return [];
  const rows = await clickhouse.query<Record<string, unknown>>(coverageSql(chosen));
  return buildCoverage(chosen, rows.map(readCoverageRow));
}

/** A KPI of a newer Plumbline may have a formula that this one does not know. */
function isReadable(kpi: Kpi): boolean {
  try {
    return placeTerms(kpi).length > 0;
  } catch {
    process.stderr.write(`KPI ${kpi.name} is left out: this Plumbline cannot read its formula\n`);
    return false;
  }
}

interface Unclassified {
  metrics: UnclassifiedMetric[];
  total: number;
}

async function findUnclassified(clickhouse: ClickHouse, limit: number): Promise<Unclassified> {
  const rows = await clickhouse.query<Record<string, unknown>>(readQuery('coverage_unclassified'), {
    params: { limit },
  });
  const config = readConfig(process.env);
  const taxonomy = await loadTaxonomy(config.taxonomyFile || defaultTaxonomyFile());
  const metrics = readUnclassified(rows, createRuleSuggester(taxonomy));
  return { metrics, total: Number(rows[0]?.total ?? 0) };
}

function asText(
  coverage: KpiCoverage[] | undefined,
  unclassified: Unclassified | undefined,
  flagged: readonly FlaggedSeries[],
): string {
  const view = { nowMs: Date.now(), terminal: describeTerminal(process.stdout, process.env) };
  const parts = [
    coverage === undefined ? '' : showCoverage(coverage, view),
    showFlaggedSeries(flagged, view.terminal),
    unclassified === undefined ? '' : showUnclassified(unclassified.metrics, unclassified.total, view),
  ];
  return parts.join('').replace(/^\n/, '');
}

function asJson(
  coverage: KpiCoverage[] | undefined,
  unclassified: Unclassified | undefined,
  flagged: readonly FlaggedSeries[],
): string {
  const time = (unixMs: number | undefined) =>
    unixMs === undefined ? undefined : new Date(unixMs).toISOString();
  const dated = <Row extends { lastSeenMs: number | undefined }>({ lastSeenMs, ...row }: Row) => ({
    ...row,
    lastSeen: time(lastSeenMs),
  });
  return toJson({
    ...(coverage && {
      kpis: coverage.map(({ kpi, fedSources, feeds, unusable, wanted }) => ({
        name: kpi.name,
        title: kpi.title,
        fedSources,
        feeds: feeds.map(dated),
        unusable: unusable.map(dated),
        wanted,
      })),
    }),
    ...(unclassified && {
      unclassified: unclassified.metrics.map(dated),
      unclassifiedTotal: unclassified.total,
    }),
    ...(flagged.length > 0 && { flaggedSeries: flagged }),
  });
}
