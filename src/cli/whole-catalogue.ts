/**
 * A catalogue with everything that is checked of its files: taxonomy, KPIs, alerts.yaml, the SQL of each KPI and the rules that
 * Grafana would have. Whatever reads the files of a catalogue on behalf of a user reads them here, so that all find the same.
 */
import { readAlertsConfig } from '../alerts-source.js';
import { builtInCatalogue, defaultTaxonomyFile } from '../catalogue-paths.js';
import { type Category, loadTaxonomy } from '../classify/taxonomy.js';
import type { Config } from '../config.js';
import { listAlertProblems } from '../grafana/alerting/alert-problems.js';
import { loadCatalogue } from '../kpi/load-catalogue.js';
import type { AlertsConfig } from '../model/alerts.js';
import { CatalogueError, type FileProblem } from '../model/file-problem.js';
import type { Catalogue } from '../model/kpi.js';
import { findSqlProblem } from './kpi-check-run.js';

export interface WholeCatalogue {
  categories: readonly Category[];
  catalogue: Catalogue;
  alerts: AlertsConfig;
}

/**
 * `folders`: later ones over earlier ones.
 * @throws CatalogueError with everything that is wrong in all of the files, UserError where a file cannot be read.
 */
export async function loadWholeCatalogue(
  { taxonomyFile }: Pick<Config, 'taxonomyFile'>,
  folders: readonly string[],
): Promise<WholeCatalogue> {
  const problems: FileProblem[] = [];
  const collect = (error: unknown) => {
    if (!(error instanceof CatalogueError)) throw error;
    problems.push(...error.problems);
  };
  const { categories } = await loadTaxonomy(taxonomyFile || defaultTaxonomyFile());
  const options = { folders, builtInFolder: builtInCatalogue(), categories };
  const catalogue = await loadCatalogue(options).catch(collect);
  const alerts = await readAlertsConfig(folders, categories).catch(collect);
  if (catalogue !== undefined) problems.push(...listSqlProblems(catalogue));
  if (catalogue !== undefined && alerts !== undefined)
    problems.push(...listAlertProblems(catalogue.kpis, alerts));
  if (catalogue === undefined || alerts === undefined || problems.length > 0)
    throw new CatalogueError(problems);
  return { categories, catalogue, alerts };
}

function listSqlProblems({ kpis }: Catalogue): FileProblem[] {
  return kpis.flatMap((kpi) => {
    const reason = findSqlProblem(kpi);
    return reason === '' ? [] : [{ file: kpi.file, line: kpi.line, reason: `${kpi.name}: ${reason}` }];
  });
}
