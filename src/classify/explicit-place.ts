/**
 * The place a metric names itself, with the attributes plumbline.category and plumbline.subcategory. Enters: a series;
 * leaves: the category, and the subcategory where one is named that belongs to it; undefined where nothing known is
 * named. A value that names nothing known is passed over: rules then decide, nothing is rejected.
 */
import type { Attribute, Series } from '../model/series.js';
import type { Category, Subcategory } from './taxonomy.js';

export const CATEGORY_KEY = 'plumbline.category';
export const SUBCATEGORY_KEY = 'plumbline.subcategory';

/** No id or title is longer; longer values are not even looked up. */
const VALUE_CHARS_MAX = 200;

export interface ExplicitPlace {
  category: Category;
  subcategory: Subcategory | undefined;
}

export type FindExplicitPlace = (series: Series) => ExplicitPlace | undefined;

export function createExplicitPlaceFinder(categories: readonly Category[]): FindExplicitPlace {
  const categoryByName = new Map<string, Category>();
  const placeByName = new Map<string, { category: Category; subcategory: Subcategory }>();
  for (const category of categories) {
    for (const name of [category.id, category.title]) categoryByName.set(foldName(name), category);
    for (const subcategory of category.subcategories) {
      const place = { category, subcategory };
      for (const name of [subcategory.id, subcategory.title]) placeByName.set(foldName(name), place);
    }
  }

  /** The nearest place that names a category decides; a farther one may still add a subcategory of it. */
  return (series) => {
    let category: Category | undefined;
    for (const attributes of [series.attributes, series.metadata, series.scopeAttributes, series.resource]) {
      const named = readNamed(attributes);
      if (named === undefined) continue;
      category ??= categoryByName.get(foldName(named.category));
      const place = placeByName.get(foldName(named.subcategory));
      if (place !== undefined && (category === undefined || place.category === category)) return place;
    }
    return category && { category, subcategory: undefined };
  };
}

/** Runs for every series: no allocation where neither attribute is there. */
function readNamed(attributes: readonly Attribute[]): { category: string; subcategory: string } | undefined {
  let category = '';
  let subcategory = '';
  for (const { key, value } of attributes) {
    if (key === CATEGORY_KEY) category = value;
    else if (key === SUBCATEGORY_KEY) subcategory = value;
  }
  return category === '' && subcategory === '' ? undefined : { category, subcategory };
}

/** `System Performance`, `system_performance` and `SYSTEM-PERFORMANCE` are the same name. */
function foldName(name: string): string {
  if (name.length > VALUE_CHARS_MAX) return '';
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
}
