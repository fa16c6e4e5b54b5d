/**
 * Entries of taxonomy.yaml, one by one, so that a broken entry hides no problem of another. Enters: plain values and
 * their lines; leaves: the entries that are whole, and a Problem for everything that is not.
 */
import type { z } from 'zod';
import { describePath, listProblems } from '../model/schema-problems.js';
import { listPlaceProblems } from '../model/taxonomy-place.js';
import type { Problem, YamlPath, YamlSource } from '../model/yaml-source.js';
import type { Category, Rule, Subcategory } from './taxonomy.js';
import { categorySchema, KNOWN_KEYS, ruleSchema, subcategorySchema } from './taxonomy-schema.js';

/** Adds a problem, at its own line, for each thing that the schema found in the entry at `path`. */
export function reportEntry(
  yaml: YamlSource,
  path: YamlPath,
  result: z.ZodSafeParseResult<unknown>,
  problems: Problem[],
): void {
  for (const problem of listProblems(result, path, KNOWN_KEYS)) {
    const place = describePath(problem.path) || 'the file';
    if (problem.key === undefined) {
      problems.push({ line: yaml.lineOf(problem.path), reason: `${place} ${problem.reason}` });
    } else {
      const line = yaml.lineOfKey(problem.path, problem.key);
      problems.push({ line, reason: `${place}: ${problem.reason}` });
    }
  }
}

export function collectCategories(yaml: YamlSource, raw: unknown, problems: Problem[]): Category[] {
  const categories: Category[] = [];
  const seenCategories = new Map<string, number>();
  const seenSubcategories = new Map<string, number>();
  for (const [i, entry] of listOf(raw).entries()) {
    const path = ['categories', i];
    const parsed = categorySchema.safeParse(entry);
    reportEntry(yaml, path, parsed, problems);
    refuseTwins(yaml, path, entry, seenCategories, 'category', problems);
    const subcategories: Subcategory[] = [];
    for (const [j, child] of listOf(fieldOf(entry, 'subcategories')).entries()) {
      const childPath = [...path, 'subcategories', j];
      const parsedChild = subcategorySchema.safeParse(child);
      reportEntry(yaml, childPath, parsedChild, problems);
      refuseTwins(yaml, childPath, child, seenSubcategories, 'subcategory', problems);
      if (parsedChild.success) subcategories.push(parsedChild.data);
    }
    if (parsed.success) categories.push({ ...parsed.data, subcategories });
  }
  return categories;
}

export function collectRules(
  yaml: YamlSource,
  raw: unknown,
  categories: readonly Category[],
  problems: Problem[],
): Rule[] {
  const rules: Rule[] = [];
  const firstLines = new Map<string, number>();
  for (const [i, entry] of listOf(raw).entries()) {
    const path = ['rules', i];
    const line = yaml.lineOf(path);
    const parsed = ruleSchema.safeParse(entry);
    reportEntry(yaml, path, parsed, problems);
    refuseTwin(yaml, [...path, 'name'], fieldOf(entry, 'name'), firstLines, 'rule name', problems);
    const place = findPlace(yaml, path, entry, categories, problems);
    if (parsed.success && place) {
      const { name, match, example } = parsed.data;
      rules.push({ name, line, match, example, ...place });
    }
  }
  return rules;
}

/** The category and subcategory that a rule names by id. */
function findPlace(
  yaml: YamlSource,
  path: YamlPath,
  entry: unknown,
  categories: readonly Category[],
  problems: Problem[],
): { category: Category; subcategory: Subcategory } | undefined {
  const categoryId = fieldOf(entry, 'category');
  const subcategoryId = fieldOf(entry, 'subcategory');
  for (const { key, reason } of listPlaceProblems(categories, categoryId, subcategoryId)) {
    problems.push({ line: yaml.lineOf([...path, key]), reason: `${describePath(path)}: ${reason}` });
  }
  const category = categories.find((known) => known.id === categoryId);
  const subcategory = category?.subcategories.find((known) => known.id === subcategoryId);
  return category && subcategory && { category, subcategory };
}

/** Ids and titles must be unique in the file, because a sender may name a subcategory by either. */
function refuseTwins(
  yaml: YamlSource,
  path: YamlPath,
  entry: unknown,
  firstLines: Map<string, number>,
  what: string,
  problems: Problem[],
): void {
  for (const key of ['id', 'title']) {
    const value = fieldOf(entry, key);
    const scoped = typeof value === 'string' ? `${key} ${value.toLowerCase()}` : undefined;
    refuseTwin(yaml, [...path, key], value, firstLines, `${what} ${key}`, problems, scoped);
  }
}

function refuseTwin(
  yaml: YamlSource,
  path: YamlPath,
  value: unknown,
  firstLines: Map<string, number>,
  what: string,
  problems: Problem[],
  identity: unknown = value,
): void {
  if (typeof value !== 'string' || typeof identity !== 'string') return;
  const line = yaml.lineOf(path);
  const first = firstLines.get(identity);
  if (first === undefined) firstLines.set(identity, line);
  else problems.push({ line, reason: `${what} "${value}" is used twice (first in line ${first})` });
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldOf(entry: unknown, key: string): unknown {
  return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)[key] : undefined;
}
