/** docs/integration-points.md as it must be for the built-in catalogue, and where it is. */
import { builtInCatalogue, defaultTaxonomyFile } from '../../src/catalogue-paths.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { renderIntegrationPoints } from '../../src/cli/integration-points.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import type { Kpi } from '../../src/model/kpi.js';

export const integrationPointsFile = new URL('../../docs/integration-points.md', import.meta.url).pathname;

export async function renderBuiltIn(): Promise<{ text: string; kpis: readonly Kpi[] }> {
  const { categories } = await loadTaxonomy(defaultTaxonomyFile());
  const builtInFolder = builtInCatalogue();
  const { kpis } = await loadCatalogue({ folders: [builtInFolder], builtInFolder, categories });
  return { text: renderIntegrationPoints(kpis, categories), kpis };
}
