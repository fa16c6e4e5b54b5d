/**
 * Where something says it belongs, by the ids of the taxonomy. Enters: the categories there are and two ids; leaves:
 * what is wrong with them, with the id that was surely meant.
 */
import { suggestName } from './nearest-name.js';

/** A category of the taxonomy, as far as others need to know it. */
export interface PlaceCategory {
  id: string;
  subcategories: readonly { id: string }[];
}

export interface PlaceProblem {
  key: 'category' | 'subcategory';
  reason: string;
}

/** Ids that are no text are passed over: what reads them says so. */
export function listPlaceProblems(
  categories: readonly PlaceCategory[],
  categoryId: unknown,
  subcategoryId: unknown,
): PlaceProblem[] {
  const problems: PlaceProblem[] = [];
  const ids = (entries: readonly { id: string }[]) => entries.map((known) => known.id);
  const category = categories.find((known) => known.id === categoryId);
  if (typeof categoryId === 'string' && category === undefined) {
    const reason = `no category "${categoryId}"${suggestName(categoryId, ids(categories))}`;
    problems.push({ key: 'category', reason });
  }
  if (typeof subcategoryId !== 'string') return problems;
  const home = categories.find((known) => ids(known.subcategories).includes(subcategoryId));
  if (home === undefined) {
    const near = category?.subcategories ?? categories.flatMap((known) => known.subcategories);
    const reason = `no subcategory "${subcategoryId}"${suggestName(subcategoryId, ids(near))}`;
    problems.push({ key: 'subcategory', reason });
  } else if (category !== undefined && home !== category) {
    const reason = `subcategory "${subcategoryId}" belongs to "${home.id}", not to "${category.id}"`;
    problems.push({ key: 'subcategory', reason });
  }
  return problems;
}
