/**
 * The taxonomy: categories, subcategories and the ordered rules that place a series. Enters: the path of a
 * taxonomy.yaml; leaves: a Taxonomy whose every rule names a real subcategory, or one UserError that lists everything
 * wrong with file, line and reason. Never places a series itself (classifier.ts does).
 */
import { readFile } from 'node:fs/promises';
import { UserError } from '../model/errors.js';
import { type Problem, readYaml } from '../model/yaml-source.js';
import { findRuleWarnings } from './rule-warnings.js';
import { collectCategories, collectRules, reportEntry } from './taxonomy-entries.js';
import { type RuleExample, type RuleMatch, rootSchema } from './taxonomy-schema.js';

export interface Subcategory {
  id: string;
  title: string;
  description: string;
}

export interface Category {
  id: string;
  title: string;
  description: string;
  subcategories: readonly Subcategory[];
}

export interface Rule {
  name: string;
  /** Where it stands in the file, from 1. */
  line: number;
  match: RuleMatch;
  category: Category;
  subcategory: Subcategory;
  /** A series it is written for; loading warns where another rule takes it. */
  example: RuleExample | undefined;
}

export interface Taxonomy {
  file: string;
  categories: readonly Category[];
  /** First match wins. */
  rules: readonly Rule[];
  /** Name patterns of counters that count for the whole machine, whatever start times they come with. */
  machineCounters: readonly string[];
  /** What is allowed but surely not meant, one text each, with file and line. */
  warnings: readonly string[];
}

export async function loadTaxonomy(path: string): Promise<Taxonomy> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`cannot read the taxonomy ${path} (${error.code ?? error.message})`);
  });
  return parseTaxonomy(text, path);
}

/** `file` is only named in messages. */
export function parseTaxonomy(text: string, file: string): Taxonomy {
  const yaml = readYaml(text);
  refuse(file, yaml.syntaxProblems);
  const problems: Problem[] = [];
  const root = rootSchema.safeParse(yaml.value);
  reportEntry(yaml, [], root, problems);
  const raw = (yaml.value ?? {}) as Record<string, unknown>;
  const categories = collectCategories(yaml, raw.categories, problems);
  const rules = collectRules(yaml, raw.rules, categories, problems);
  refuse(file, problems);
  const warnings = findRuleWarnings(rules).map(({ line, reason }) => `${file}:${line}: ${reason}`);
  const machineCounters = root.data?.machine_counters ?? [];
  return { file, categories, rules, machineCounters, warnings };
}

function refuse(file: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = [...problems]
    .sort((a, b) => a.line - b.line)
    .map(({ line, reason }) => `  ${file}:${line}: ${reason}`);
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  throw new UserError(`the taxonomy has ${count}:\n${lines.join('\n')}`);
}
