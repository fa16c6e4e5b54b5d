/**
 * The classify stage. Enters: a series never seen before; leaves: its category, subcategory and the rule that said so.
 * Called once per series, never per point. Never throws and never changes what it is given.
 */
import type { Classification, Classify, Series } from '../model/series.js';
import { createExplicitPlaceFinder, type ExplicitPlace } from './explicit-place.js';
import { splitWords, TEXT_CHARS_MAX } from './pattern.js';
import { compileRule, type RuleMatcher } from './rule-matcher.js';
import type { Taxonomy } from './taxonomy.js';

/** Metric names whose rules are remembered before the cache is emptied: about 10 MB. */
const NAMES_CACHED_MAX = 50_000;

export const UNCLASSIFIED: Classification = Object.freeze({
  category: 'unclassified',
  subcategory: '',
  rule: '',
});

export function createClassifier(taxonomy: Pick<Taxonomy, 'categories' | 'rules'>): Classify {
  const matchers = taxonomy.rules.map(compileRule);
  const findExplicitPlace = createExplicitPlaceFinder(taxonomy.categories);
  const candidatesByName = new Map<string, readonly RuleMatcher[]>();

  function candidatesFor(name: string): readonly RuleMatcher[] {
    const cached = candidatesByName.get(name);
    if (cached !== undefined) return cached;
    const candidates = findCandidates(matchers, name);
    if (name.length <= TEXT_CHARS_MAX) {
      if (candidatesByName.size >= NAMES_CACHED_MAX) candidatesByName.clear();
      candidatesByName.set(name, candidates);
    }
    return candidates;
  }

  function classifyByRule(series: Series): Classification {
    for (const { matchesRest, classification } of candidatesFor(series.metricName)) {
      if (matchesRest === undefined || matchesRest(series)) return classification;
    }
    return UNCLASSIFIED;
  }

  return (series) => {
    const place = findExplicitPlace(series);
    return place === undefined ? classifyByRule(series) : classifyByPlace(place, series, classifyByRule);
  };
}

/** Rules that may take a metric of this name, in order; none after the first that needs nothing but the name. */
function findCandidates(matchers: readonly RuleMatcher[], name: string): RuleMatcher[] {
  const words = splitWords(name.slice(0, TEXT_CHARS_MAX));
  const candidates: RuleMatcher[] = [];
  for (const matcher of matchers) {
    if (!matcher.matchesName(name, words)) continue;
    candidates.push(matcher);
    if (matcher.matchesRest === undefined) break;
  }
  return candidates;
}

/** Where only the category is named, the rules may still know the subcategory. */
function classifyByPlace(place: ExplicitPlace, series: Series, classifyByRule: Classify): Classification {
  const category = place.category.title;
  if (place.subcategory) return { category, subcategory: place.subcategory.title, rule: 'attribute' };
  const ruled = classifyByRule(series);
  return { category, subcategory: ruled.category === category ? ruled.subcategory : '', rule: 'attribute' };
}
