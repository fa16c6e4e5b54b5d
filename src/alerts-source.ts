/**
 * Which alerts.yaml files there are: the built-in one, and one in the folder that PLUMBLINE_CATALOGUE names, where there is
 * one. Enters: a Config and the taxonomy's categories; leaves: what they say, as they are at this moment.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtInCatalogue } from './catalogue-paths.js';
import type { Config } from './config.js';
import { loadAlerts } from './kpi/load-alerts.js';
import type { AlertsConfig } from './model/alerts.js';

/** Throws UserError with everything that is wrong in the files. */
export function readAlertsConfig(
  { catalogueFolder }: Pick<Config, 'catalogueFolder'>,
  categories: readonly { id: string }[],
): Promise<AlertsConfig> {
  const own = join(catalogueFolder, 'alerts.yaml');
  const files = [join(builtInCatalogue(), 'alerts.yaml')];
  if (catalogueFolder !== '' && existsSync(own)) files.push(own);
  return loadAlerts({ files, categories: categories.map(({ id }) => id) });
}
