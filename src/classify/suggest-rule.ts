/**
 * A rule for a metric that no rule takes. Enters: its name, type and unit, and the taxonomy; leaves: a place, why it is
 * likely, and YAML to paste at the top of `rules`. A suggestion for a person to look at: never used by itself.
 */
import { stringify } from 'yaml';
import { readMetricUnit } from '../model/metric-unit.js';
import { splitWords, TEXT_CHARS_MAX } from './pattern.js';
import type { Rule, Taxonomy } from './taxonomy.js';
import { foldWord, HINTS } from './word-hints.js';

export interface UnplacedMetric {
  name: string;
  type: 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';
  unit: string;
  isMonotonic: boolean;
}

export interface RuleSuggestion {
  name: string;
  category: string;
  subcategory: string;
  /** What speaks for the place, in words. */
  why: string;
  /** An entry of `rules`, indented as in taxonomy.yaml. */
  yaml: string;
}

export type SuggestRule = (metric: UnplacedMetric) => RuleSuggestion;

interface Place {
  category: string;
  subcategory: string;
}

const PREFIX_CHARS_MIN = 5;
const RULE_NAME_CHARS_MAX = 60;
/** A word that rules of several places have says little about any of them: below this share it says nothing. */
const SHARE_MIN = 0.5;
/** How much each clue counts, next to a word that only rules of one place have. */
const WEIGHTS = { hint: 0.9, annotation: 0.8, unit: 0.7, type: 0.2 };
/** The last word of a name says most: order.refund.delay is a delay. */
const LAST_WORD_FACTOR = 1.5;

/** Names of rules are unique among all that one suggester gives. */
export function createRuleSuggester({
  categories,
  rules,
}: Pick<Taxonomy, 'categories' | 'rules'>): SuggestRule {
  const places = new Map<string, Place>();
  for (const category of categories)
    for (const { id } of category.subcategories) places.set(id, { category: category.id, subcategory: id });
  const fallback = [...places.values()][0]!;
  const taken = new Set(['attribute', ...rules.map(({ name }) => name)]);
  const vocabulary = new Vocabulary(rules);

  /** Clues are added up by place; the reason that is told is the strongest one for the place that wins. */
  function findPlace(metric: UnplacedMetric): Place & { why: string } {
    const clues = [...listWordClues(metric.name, vocabulary), ...listKindClues(metric)];
    const sums = new Map<string, number>();
    for (const { id, weight } of clues.filter((clue) => places.has(clue.id)))
      sums.set(id, (sums.get(id) ?? 0) + weight);
    const [best] = [...sums].sort((a, b) => b[1] - a[1]);
    if (best === undefined) return { ...fallback, why: 'nothing about it is known' };
    const [first] = clues.filter(({ id }) => id === best[0]).sort((a, b) => b.weight - a.weight);
    return { ...places.get(best[0])!, why: first!.why };
  }

  return (metric) => {
    const { why, category, subcategory } = findPlace(metric);
    const name = nameRule(metric.name, taken);
    const rule = {
      name,
      ...(metric.name.trim() === metric.name && { example: metric.name }),
      match: { metric: patternOf(metric.name) },
      category,
      subcategory,
    };
    const yaml = stringify([rule], { singleQuote: true, lineWidth: 0 }).replace(/^(?=.)/gm, '  ');
    return { name, category, subcategory, why, yaml };
  };
}

/** Something that speaks for a subcategory. */
interface Clue {
  id: string;
  weight: number;
  why: string;
}

function listWordClues(name: string, vocabulary: Vocabulary): Clue[] {
  const words = splitWords(name.slice(0, TEXT_CHARS_MAX)).split('/').filter(Boolean);
  return words.flatMap((word, i) => {
    const factor = i === words.length - 1 ? LAST_WORD_FACTOR : 1;
    const known = vocabulary.find(foldWord(word));
    const hint = HINTS.words.get(foldWord(word));
    return [
      ...(known
        ? [{ id: known.id, weight: factor * known.share, why: `"${word}" is a word of rule "${known.rule}"` }]
        : []),
      ...(hint ? [{ id: hint, weight: factor * WEIGHTS.hint, why: `its name has the word "${word}"` }] : []),
    ];
  });
}

function listKindClues(metric: UnplacedMetric): Clue[] {
  const { unit } = metric;
  const clues: Clue[] = [];
  const annotation = /\{([^}]*)\}/.exec(unit)?.[1] ?? '';
  for (const word of splitWords(annotation).split('/')) {
    const id = HINTS.words.get(foldWord(word));
    if (id !== undefined) clues.push({ id, weight: WEIGHTS.annotation, why: `its unit is ${unit}` });
  }
  const { baseUnit, status } = readMetricUnit(metric.name, unit);
  const ofUnit = status === 'unknown' ? undefined : HINTS.units.get(unit === '%' ? '%' : baseUnit);
  const said = status === 'name' ? `its name says that its unit is ${baseUnit}` : `its unit is ${unit}`;
  if (ofUnit !== undefined) clues.push({ id: ofUnit, weight: WEIGHTS.unit, why: said });
  const why = `it is ${describeType(metric)}; nothing else about it is known`;
  clues.push({ id: hintOfType(metric), weight: WEIGHTS.type, why });
  return clues;
}

interface KnownWord {
  id: string;
  /** Share of the rules with this word that are of this subcategory. */
  share: number;
  rule: string;
}

/** Words of all patterns, and the subcategory that each speaks for. */
class Vocabulary {
  private readonly words = new Map<string, KnownWord>();

  constructor(rules: readonly Rule[]) {
    const rulesByWord = new Map<string, Rule[]>();
    for (const rule of rules)
      for (const word of listWords(rule)) rulesByWord.set(word, [...(rulesByWord.get(word) ?? []), rule]);
    for (const [word, having] of rulesByWord) {
      const counts = new Map<string, number>();
      for (const { subcategory } of having) counts.set(subcategory.id, (counts.get(subcategory.id) ?? 0) + 1);
      const [[id, count]] = [...counts].sort((a, b) => b[1] - a[1]) as [[string, number]];
      const rule = having.find(({ subcategory }) => subcategory.id === id)!.name;
      this.words.set(word, { id, share: count / having.length, rule });
    }
  }

  /** The word itself, else one of which it is a longer or shorter form: refund and refundable. */
  find(word: string): KnownWord | undefined {
    const known = this.words.get(word) ?? this.findAlike(word);
    return known !== undefined && known.share > SHARE_MIN ? known : undefined;
  }

  private findAlike(word: string): KnownWord | undefined {
    for (const [other, known] of this.words) {
      const [short, long] = other.length < word.length ? [other, word] : [word, other];
      if (short.length >= PREFIX_CHARS_MIN && long.startsWith(short)) return known;
    }
    return undefined;
  }
}

function listWords(rule: Rule): Set<string> {
  const globs = (rule.match.metric ?? []).filter((pattern) => !pattern.startsWith('/'));
  const texts = globs.flatMap((glob) => glob.split(/[{},*?.]|\[[^\]]*\]/));
  return new Set(
    texts
      .flatMap((text) => splitWords(text).split('/'))
      .filter(Boolean)
      .map(foldWord),
  );
}

function hintOfType({ type, isMonotonic }: UnplacedMetric): string {
  if (type === 'sum') return isMonotonic ? 'throughput' : 'resource_utilization';
  return type === 'gauge' ? 'resource_utilization' : 'response_times';
}

function describeType({ type, isMonotonic }: UnplacedMetric): string {
  if (type === 'sum') return isMonotonic ? 'a counter' : 'an up-down counter';
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type.replace('_', ' ')}`;
}

function nameRule(metricName: string, taken: Set<string>): string {
  const words = splitWords(metricName.slice(0, TEXT_CHARS_MAX)).replaceAll(/[^a-z0-9]+/g, '-');
  const base = words.replaceAll(/^-+|-+$/g, '').slice(0, RULE_NAME_CHARS_MAX) || 'metric';
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
  taken.add(name);
  return name;
}

/** A pattern for this name: as it is where that means just itself, else a regular expression. */
function patternOf(name: string): string {
  if (/^[A-Za-z0-9]+([._:\-/]?[A-Za-z0-9]+)*$/.test(name) && name.length <= TEXT_CHARS_MAX) return name;
  const beginning = name.slice(0, TEXT_CHARS_MAX);
  // Not in a class of characters: the schema takes a pattern for what stands between two slashes.
  const escaped = beginning.replaceAll(/[\\^$.|?+*()[\]{}/]/g, '\\$&');
  return `/^${escaped}$/`;
}
