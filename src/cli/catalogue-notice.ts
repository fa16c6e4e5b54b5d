/**
 * Why the files of a catalogue are not what is in force, for commands that show what is: as the server of this machine says it at
 * /readyz, else as its files say it here. Enters: settings; leaves: lines with file and line, none where all is well. Changes nothing.
 */
import { builtInCatalogue, catalogueFolders, defaultTaxonomyFile } from '../catalogue-paths.js';
import { loadTaxonomy } from '../classify/taxonomy.js';
import type { Config } from '../config.js';
import { describeLocalEndpoint } from '../demo/demo-options.js';
import { CATALOGUE_PROBLEMS } from '../kpi/live-catalogue.js';
import { loadCatalogue } from '../kpi/load-catalogue.js';
import { UserError } from '../model/errors.js';
import { clean } from './terminal-table.js';

const ANSWER_MAX_MS = 2_000;
const NOTICE = /^notice: /;

/** Never throws: whatever it cannot find out is left unsaid. */
export async function findCatalogueNotices(config: Config): Promise<string[]> {
  const [told, found] = await Promise.all([askServer(config), checkFiles(config)]);
  return (told.length > 0 ? told : found).map(clean);
}

/** What /readyz says of the catalogue; nothing where no server of this machine answers. */
async function askServer({ webHost, webPort }: Config): Promise<string[]> {
  if (webPort === 0) return [];
  const url = new URL('/readyz', describeLocalEndpoint(webHost, webPort));
  const text = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MAX_MS) }).then(
    (answer) => answer.text(),
    () => '',
  );
  return text
    .split('\n')
    .filter((line) => NOTICE.test(line))
    .map((line) => line.replace(NOTICE, ''))
    .filter((line) => Object.values(CATALOGUE_PROBLEMS).some((problem) => line.startsWith(problem)));
}

async function checkFiles(config: Config): Promise<string[]> {
  if (config.catalogueFolder === '') return [];
  try {
    const { categories } = await loadTaxonomy(config.taxonomyFile || defaultTaxonomyFile());
    await loadCatalogue({ folders: catalogueFolders(config), builtInFolder: builtInCatalogue(), categories });
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) return [];
    const why = error.message.replaceAll(/\s*\n\s*/g, ' ');
    return [`${CATALOGUE_PROBLEMS.files}: ${why}`];
  }
}
