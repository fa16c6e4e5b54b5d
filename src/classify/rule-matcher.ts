/**
 * One rule, ready to be asked. Enters: a Rule; leaves: a test of metric names, a test of everything else the rule asks
 * for (undefined where the name alone decides), and the classification it gives. Compiled once, shared by all series.
 */
import { ENVIRONMENT_ATTRIBUTES, isEnvironment } from '../model/environment.js';
import type { Attribute, Classification, Series } from '../model/series.js';
import { compileNamePatterns, compileValuePatterns, type TestName, type TestText } from './pattern.js';
import type { Rule } from './taxonomy.js';
import type { RuleMatch } from './taxonomy-schema.js';

export type TestSeries = (series: Series) => boolean;

export interface RuleMatcher {
  rule: Rule;
  matchesName: TestName;
  /** Undefined where the metric name alone decides. */
  matchesRest: TestSeries | undefined;
  classification: Classification;
}

export function compileRule(rule: Rule): RuleMatcher {
  return {
    rule,
    matchesName: rule.match.metric ? compileNamePatterns(rule.match.metric) : () => true,
    matchesRest: compileRest(rule.match),
    classification: Object.freeze({
      category: rule.category.title,
      subcategory: rule.subcategory.title,
      rule: rule.name,
    }),
  };
}

function compileRest(match: RuleMatch): TestSeries | undefined {
  const tests: TestSeries[] = [];
  const { scope, resource, attributes, type, unit, temporality, monotonic } = match;
  if (scope) {
    const matchesScope = compileValuePatterns(scope);
    tests.push((series) => matchesScope(series.scopeName));
  }
  if (resource) tests.push(...compileAttributes(resource, (series) => series.resource));
  if (attributes) tests.push(...compileAttributes(attributes, (series) => series.attributes));
  if (type) tests.push((series) => type.includes(series.type));
  if (unit) tests.push((series) => unit.includes(series.unit));
  if (temporality) tests.push((series) => temporality.includes(series.temporality));
  if (monotonic !== undefined) tests.push((series) => series.isMonotonic === monotonic);
  return tests.length > 0 ? (series) => tests.every((test) => test(series)) : undefined;
}

function compileAttributes(
  patterns: Readonly<Record<string, readonly string[]>>,
  attributesOf: (series: Series) => readonly Attribute[],
): TestSeries[] {
  return Object.entries(patterns).map(([key, values]) => {
    const matchesValue: TestText = compileValuePatterns(values);
    const keys = isEnvironment(key) ? ENVIRONMENT_ATTRIBUTES : [key];
    return (series) => {
      const attributes = attributesOf(series);
      const found = keys
        .map((wanted) => attributes.find((candidate) => candidate.key === wanted))
        .filter((attribute) => attribute !== undefined);
      // An empty environment is none, where another name has one.
      const attribute = found.find(({ value }) => value !== '') ?? found[0];
      return attribute !== undefined && matchesValue(attribute.value);
    };
  });
}
