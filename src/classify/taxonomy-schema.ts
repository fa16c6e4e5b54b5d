/**
 * The shape of taxonomy.yaml, entry by entry. Enters: plain values read from YAML; leaves: typed entries with every
 * "one or more" as a list. Knows nothing of lines, of other entries, or of whether a category exists.
 */
import { z } from 'zod';
import { mustBe } from '../model/schema-problems.js';
import { compileNamePatterns, compileValuePatterns, PatternError } from './pattern.js';

const METRIC_TYPES = ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'] as const;
const TEMPORALITIES = ['unspecified', 'delta', 'cumulative'] as const;

const text = z.string(mustBe('text')).trim().min(1, 'is empty');
const id = text.regex(/^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/, 'must be lower-case words joined by _ or -');
/** YAML reads 500 and true as number and boolean; attribute values are compared as text. */
const scalarText = z
  .union([z.string(), z.number(), z.boolean()], mustBe('text, a number or true/false'))
  .transform(String);

function oneOrMore<Item extends z.ZodType>(item: Item) {
  const list = z.array(item, mustBe('one value or a list')).min(1, 'is an empty list');
  return z.preprocess((value) => (value == null || Array.isArray(value) ? value : [value]), list);
}

function compilable(compile: (patterns: string[]) => unknown) {
  return (pattern: string, context: z.RefinementCtx) => {
    try {
      compile([pattern]);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(pattern)} ${error.message}` });
    }
  };
}

const namePattern = text.superRefine(compilable(compileNamePatterns));
const valuePattern = scalarText.superRefine(compilable(compileValuePatterns));
const type = z.enum(METRIC_TYPES, mustBe(`one of ${METRIC_TYPES.join(', ')}`));
const temporality = z.enum(TEMPORALITIES, mustBe(`one of ${TEMPORALITIES.join(', ')}`));
const conditions = z.record(text, oneOrMore(valuePattern), mustBe('a map of attribute: pattern'));
const attributes = z.record(text, scalarText, mustBe('a map of attribute: value'));

const matchSchema = z
  .strictObject(
    {
      metric: oneOrMore(namePattern).optional(),
      scope: oneOrMore(valuePattern).optional(),
      resource: conditions.optional(),
      attributes: conditions.optional(),
      type: oneOrMore(type).optional(),
      unit: oneOrMore(z.string(mustBe('text'))).optional(),
      temporality: oneOrMore(temporality).optional(),
      monotonic: z.boolean(mustBe('true or false')).optional(),
    },
    mustBe('a map, for example { metric: "http.server.*" }'),
  )
  .refine((match) => Object.keys(match).length > 0, {
    error: 'is empty: it would match every metric',
    // A map with only unknown keys is not empty to the person who wrote it.
    when: (payload) => payload.issues.length === 0,
  });

const exampleSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { metric: value } : value),
  z.strictObject(
    {
      metric: text,
      scope: scalarText.default(''),
      resource: attributes.default({}),
      attributes: attributes.default({}),
      type: type.default('gauge'),
      unit: z.string(mustBe('text')).default(''),
      temporality: temporality.default('unspecified'),
      monotonic: z.boolean(mustBe('true or false')).default(false),
    },
    mustBe('a metric name, or a map with metric and whatever else the rule asks for'),
  ),
);

const titled = { id, title: text, description: text };

export const subcategorySchema = z.strictObject(titled, mustBe('a map'));
export const categorySchema = z.strictObject(
  { ...titled, subcategories: z.array(z.unknown(), mustBe('a list')).min(1, 'is an empty list') },
  mustBe('a map'),
);
export const ruleSchema = z.strictObject(
  {
    name: text.refine((name) => name !== 'attribute', 'is reserved for metrics that name their own category'),
    match: matchSchema,
    category: text,
    subcategory: text,
    example: exampleSchema.optional(),
  },
  mustBe('a map'),
);
export const rootSchema = z.strictObject(
  {
    categories: z.array(z.unknown(), mustBe('a list')).min(1, 'is an empty list'),
    rules: z.array(z.unknown(), mustBe('a list')),
    machine_counters: z.array(namePattern, mustBe('a list of metric names')).optional(),
  },
  mustBe('a map with categories and rules'),
);

/** What a rule asks of a series; every list means "any of", and all that is given must hold. */
export type RuleMatch = z.output<typeof matchSchema>;
/** A series that a rule is written for. */
export type RuleExample = z.output<typeof exampleSchema>;

/** Keys that each kind of entry may have, by the key that holds it ('' is the file itself). */
export const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(rootSchema.shape),
  categories: Object.keys(categorySchema.shape),
  subcategories: Object.keys(subcategorySchema.shape),
  rules: Object.keys(ruleSchema.shape),
  match: Object.keys(matchSchema.shape),
  example: ['metric', 'scope', 'resource', 'attributes', 'type', 'unit', 'temporality', 'monotonic'],
};
