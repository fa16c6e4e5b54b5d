/** Where the catalogue and the taxonomy are. Enters: a Config; leaves: paths. Reads nothing. */
import { fileURLToPath } from 'node:url';
import type { Config } from './config.js';

/** Folders of the KPI catalogue, later ones over earlier ones. */
export function catalogueFolders({
  catalogueFolder,
  catalogueBuiltIn,
}: Pick<Config, 'catalogueFolder' | 'catalogueBuiltIn'>): string[] {
  const builtIn = catalogueBuiltIn === 'true' ? [builtInCatalogue()] : [];
  return [...builtIn, ...(catalogueFolder ? [catalogueFolder] : [])];
}

export function builtInCatalogue(): string {
  return fileURLToPath(new URL('../catalogue', import.meta.url));
}

export function defaultTaxonomyFile(): string {
  return fileURLToPath(new URL('../catalogue/taxonomy.yaml', import.meta.url));
}
