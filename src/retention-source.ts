/**
 * Which retention.yaml files there are: the built-in one, and one in the folder that PLUMBLINE_CATALOGUE names, where there
 * is one. Enters: a Config and the taxonomy's categories; leaves: what they ask for, as they are at this moment.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.js';
import type { RetentionPolicy } from './model/retention.js';
import { loadRetention, type RetainedCategory } from './store/retention-file.js';

/** Throws UserError with everything that is wrong in the files. */
export function readRetention(
  { catalogueFolder }: Pick<Config, 'catalogueFolder'>,
  categories: readonly RetainedCategory[],
): Promise<RetentionPolicy> {
  const builtIn = fileURLToPath(new URL('../catalogue/retention.yaml', import.meta.url));
  const own = join(catalogueFolder, 'retention.yaml');
  const files = catalogueFolder !== '' && existsSync(own) ? [builtIn, own] : [builtIn];
  return loadRetention(files, categories);
}
