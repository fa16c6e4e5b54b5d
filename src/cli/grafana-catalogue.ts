/**
 * What commands about Grafana render from: the catalogue's files, and what is known of the metrics that its KPIs read. Enters:
 * folders and addresses; leaves: every file below grafana/ as text. Asks no server.
 */
import type { Command } from 'commander';
import { catalogueFolders } from '../catalogue-paths.js';
import { readConfig } from '../config.js';
import { GRAFANA_DEFAULTS, type GrafanaOptions } from '../grafana/grafana-options.js';
import { renderGrafana } from '../grafana/render.js';
import { placeTerms } from '../kpi/kpi-terms.js';
import type { Kpi } from '../model/kpi.js';
import { describeWanted } from './metric-origins.js';
import { loadWholeCatalogue } from './whole-catalogue.js';

export interface GrafanaSources {
  /** Folders over the built-in catalogue; none: that of PLUMBLINE_CATALOGUE, where it is set. */
  catalogues: readonly string[];
  docsUrl: string;
  traceUrl: string;
}

export interface GrafanaCatalogue {
  kpis: readonly Kpi[];
  options: GrafanaOptions;
}

/** The options that say what is rendered, as `catalogue`, `docsUrl` and `traceUrl`. */
export function withCatalogueOptions(command: Command): Command {
  return command
    .option(
      '--catalogue <folder...>',
      'KPIs of your own, over the built-in ones (default: PLUMBLINE_CATALOGUE)',
      [],
    )
    .option(
      '--docs-url <url>',
      'address below which docs/ is, for links to runbooks: the web port of Plumbline, as browsers reach it; "" = files are only named',
      GRAFANA_DEFAULTS.docsUrl,
    )
    .option('--trace-url <url>', 'address that a trace ID is put behind', GRAFANA_DEFAULTS.traceUrl);
}

export async function loadGrafanaCatalogue({
  catalogues,
  docsUrl,
  traceUrl,
}: GrafanaSources): Promise<GrafanaCatalogue> {
  const config = readConfig(process.env);
  const folders =
    catalogues.length === 0
      ? catalogueFolders(config)
      : [...catalogueFolders({ ...config, catalogueFolder: '' }), ...catalogues];
  const { categories, catalogue, alerts } = await loadWholeCatalogue(config, folders);
  const { kpis } = catalogue;
  const histograms = listHistograms(kpis);
  const options = {
    alerts,
    ...GRAFANA_DEFAULTS,
    categories,
    isHistogram: (metric: string) => histograms.has(metric),
    database: config.clickhouseDatabase,
    docsUrl,
    traceUrl,
  };
  return { kpis, options };
}

export async function renderFromFiles(sources: GrafanaSources): Promise<Map<string, string>> {
  const { kpis, options } = await loadGrafanaCatalogue(sources);
  return renderGrafana(kpis, options);
}

/** Metrics that whatever sends them sends as histograms. */
function listHistograms(kpis: readonly Kpi[]): Set<string> {
  const found = new Set<string>();
  for (const kpi of kpis)
    for (const placed of placeTerms(kpi))
      for (const { metric } of placed.term.selectors)
        if (/^histogram\b/.test(describeWanted(kpi, placed, metric).instrument)) found.add(metric);
  return found;
}
