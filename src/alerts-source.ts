/**
 * Which alerts.yaml files there are: the built-in one, and those of the folders of a catalogue that have one. Enters: folders
 * and the taxonomy's categories; leaves: what the files say, as they are at this moment.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtInCatalogue } from './catalogue-paths.js';
import { loadAlerts } from './kpi/load-alerts.js';
import type { AlertsConfig } from './model/alerts.js';

/** Later folders override earlier ones; the built-in file is always below. Throws UserError with everything that is wrong. */
export function readAlertsConfig(
  folders: readonly string[],
  categories: readonly { id: string }[],
): Promise<AlertsConfig> {
  const builtIn = builtInCatalogue();
  const own = folders.filter((folder) => folder !== builtIn).map((folder) => join(folder, 'alerts.yaml'));
  const files = [join(builtIn, 'alerts.yaml'), ...own.filter((file) => existsSync(file))];
  return loadAlerts({ files, categories: categories.map(({ id }) => id) });
}
