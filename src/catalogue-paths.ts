/** Where the catalogue and the taxonomy are. Enters: a Config; leaves: paths. Reads nothing. */
import { join } from 'node:path';
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

/** Folders of the documentation that the web port serves: that of the user's catalogue, where it has one, before ours. */
export function docsFolders({ catalogueFolder }: Pick<Config, 'catalogueFolder'>): string[] {
  const builtIn = fileURLToPath(new URL('../docs', import.meta.url));
  return [...(catalogueFolder ? [join(catalogueFolder, 'docs')] : []), builtIn];
}

export function defaultTaxonomyFile(): string {
  return fileURLToPath(new URL('../catalogue/taxonomy.yaml', import.meta.url));
}
