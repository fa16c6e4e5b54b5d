/**
 * Rules that are allowed but surely not meant. Enters: the rules of a taxonomy; leaves: a Problem for each pattern that
 * an earlier rule takes first, and for each example that lands in another rule. Never changes or refuses a rule.
 */

import type { Problem } from '../model/yaml-source.js';
import { createClassifier } from './classifier.js';
import { normalisePattern, readLiteral } from './pattern.js';
import { buildExampleSeries } from './rule-example.js';
import { compileRule, type RuleMatcher } from './rule-matcher.js';
import type { Rule } from './taxonomy.js';

export function findRuleWarnings(rules: readonly Rule[]): Problem[] {
  const warnings = [...findShadowedPatterns(rules), ...findStrayExamples(rules)];
  return warnings.sort((a, b) => a.line - b.line);
}

/** Only rules that need nothing but the name can shadow: the others leave some series to those below. */
function findShadowedPatterns(rules: readonly Rule[]): Problem[] {
  const earlier: { matcher: RuleMatcher; patterns: Set<string> }[] = [];
  const warnings: Problem[] = [];
  for (const rule of rules) {
    const patterns = rule.match.metric ?? [];
    const shadows = patterns.map((pattern) => {
      const same = normalisePattern(pattern);
      const literal = readLiteral(pattern);
      return earlier.find(
        (other) =>
          other.patterns.has(same) || (literal !== undefined && other.matcher.matchesName(pattern, literal)),
      );
    });
    const isDead = patterns.length > 0 && shadows.every((shadow) => shadow !== undefined);
    if (isDead) warnings.push({ line: rule.line, reason: describeDead(rule, shadows[0]!.matcher.rule) });
    for (const [i, shadow] of shadows.entries()) {
      if (shadow && !isDead) {
        const reason = `rule "${rule.name}": ${JSON.stringify(patterns[i])} never matches, ${describeTaker(shadow.matcher.rule)}`;
        warnings.push({ line: rule.line, reason });
      }
    }
    const matcher = compileRule(rule);
    if (matcher.matchesRest === undefined) {
      earlier.push({ matcher, patterns: new Set(patterns.map(normalisePattern)) });
    }
  }
  return warnings;
}

function findStrayExamples(rules: readonly Rule[]): Problem[] {
  const classify = createClassifier({ categories: [], rules });
  const ruleByName = new Map(rules.map((rule) => [rule.name, rule]));
  const warnings: Problem[] = [];
  for (const rule of rules) {
    if (rule.example === undefined) continue;
    const taker = ruleByName.get(classify(buildExampleSeries(rule.example)).rule);
    if (taker === rule) continue;
    const why = taker ? describeTaker(taker) : 'its match does not fit';
    const reason = `rule "${rule.name}" does not get its example "${rule.example.metric}": ${why}`;
    warnings.push({ line: rule.line, reason });
  }
  return warnings;
}

function describeDead(rule: Rule, taker: Rule): string {
  return `rule "${rule.name}" can never match: ${describeTaker(taker)}`;
}

function describeTaker(taker: Rule): string {
  return `rule "${taker.name}" in line ${taker.line} comes first`;
}
