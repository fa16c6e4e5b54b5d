/**
 * The shape of selectors, terms and formulas in catalogue/kpis/*.yaml, each with what an editor shows for it. Enters:
 * plain values read from YAML; leaves: the same values, typed. What a formula may do with a term is in formula-terms.ts.
 */
import { z } from 'zod';
import { type KnownKeys, mustBe } from '../model/schema-problems.js';
import { duration, lowerSnake, numberBetween, oneOf, text, yesOrNo } from './schema-values.js';

export const SHAPES = ['number', 'histogram', 'exponential_histogram', 'summary'] as const;
export const MEASURES = ['amount', 'total', 'average', 'last'] as const;
export const ACROSS = ['average', 'sum', 'min', 'max'] as const;

const attributeValue = z.union([z.string(), z.number(), z.boolean()]);
const conditions = z.record(
  text,
  z.union([attributeValue, z.array(attributeValue)], {
    error: 'must be a value or a list of values (* stands for any characters, [] for "must be absent")',
  }),
  mustBe('a map of attribute: value'),
);
/** A map that has unknown keys is not without those that it lacks to the person who misspelt them. */
function isWhole({ issues }: { issues: readonly unknown[] }): boolean {
  return issues.length === 0;
}

const metric = text.refine(
  (name) => !name.includes('*'),
  'names one metric: * is only for values of attributes. List several metrics under any',
);
const selectorKeys = {
  metric: metric.describe('Name of the metric, exactly as it is sent'),
  where: conditions
    .nullish()
    .describe(
      'Attributes that a series must have: of the point, else of the resource. service is service.name',
    ),
  where_not: conditions.nullish().describe('Attribute values that exclude a series'),
  shapes: z
    .array(oneOf(SHAPES), mustBe(`a list of ${SHAPES.join(', ')}`))
    .min(1, 'is an empty list')
    .nullish()
    .describe('Only series of these shapes'),
};
const selector = z
  .union([metric, z.strictObject(selectorKeys, mustBe('a metric name or a map with metric'))], {
    error: 'must be a metric name, or a map with metric',
  })
  .meta({ id: 'selector', description: 'Series of one metric' });
const selectors = z.array(selector, mustBe('a list of metrics')).min(1, 'is an empty list');

const termMap = z
  .strictObject(
    {
      ...selectorKeys,
      metric: selectorKeys.metric.optional(),
      any: selectors.optional().describe('Several selectors whose series are taken together'),
      measure: oneOf(MEASURES).nullish().describe('What is taken of a series in the window'),
      across: oneOf(ACROSS)
        .nullish()
        .describe('How the last values of several series become one; average unless said otherwise'),
    },
    mustBe('a metric name, a map with metric, or a list of these'),
  )
  .refine((map) => (map.metric === undefined) !== (map.any === undefined), {
    error: ({ input }) =>
      (input as { any?: unknown }).any === undefined
        ? 'names no metric: give metric or any'
        : 'has both metric and any: give one',
    when: isWhole,
  });
const term = z
  .union([metric, termMap, selectors], {
    error: (issue) =>
      issue.input == null ? 'is missing' : 'must be a metric name, a map with metric, or a list of these',
  })
  .meta({ id: 'term', description: 'Series, and what is taken of them' });

const per = duration(1, 20 * 31_557_600).nullish();
const quantile = z.union(
  [
    z.number().gt(0, 'must be between 0 and 1: 0.95, not 95').lt(1, 'must be between 0 and 1: 0.95, not 95'),
    z.string().regex(/^p([1-9]\d|99\d+)$/, 'must be a number between 0 and 1, or p50, p95, p99, p999 …'),
  ],
  { error: 'must be a number between 0 and 1, or p50, p95, p99, p999 …' },
);
const weight = numberBetween(0, 1e9, 'a number from 0 up');

const part = z.strictObject(
  {
    name: lowerSnake,
    of: term,
    weight: weight.describe('How much it counts'),
    scale: z
      .number(mustBe('a number above 0'))
      .gt(0, 'must be a number above 0')
      .nullish()
      .describe('The best value there is: 1, or 5 of a rating from 1 to 5'),
  },
  mustBe('a map with name, of and weight'),
);

/** Every formula, by the key that stands for it in a source. */
export const FORMULA_SHAPES = {
  average: term.describe('Mean of all values recorded'),
  percentile: z
    .strictObject({ of: term, quantile }, mustBe('a map with of and quantile'))
    .describe('A quantile of all values that histograms recorded'),
  ratio: z
    .strictObject(
      {
        of: term.describe('What is counted'),
        to: term.describe('What it is a share of'),
        complement: yesOrNo.nullish().describe('1 - of / to instead'),
      },
      mustBe('a map with of and to'),
    )
    .describe('of / to'),
  rate: z
    .strictObject(
      { of: term, per: per.describe("Time that it is given for; that of the KPI's unit, else 1s") },
      mustBe('a map with of'),
    )
    .describe('How much, per time'),
  sum: z
    .strictObject(
      { of: term, per: per.describe('Projected to this much time, for example 1y') },
      mustBe('a map with of'),
    )
    .describe('How much in the window, or projected'),
  last: term.describe('The newest value'),
  uptime: term.describe('Share of good checks (values from 0 to 1) in the time that was measured'),
  weighted_score: z
    .strictObject(
      {
        parts: z.array(part, mustBe('a list')).min(1, 'is an empty list'),
      },
      mustBe('a map with parts'),
    )
    .describe('Weighted mean of parts; one without data drops out'),
  per_user_cost: z
    .strictObject(
      {
        cost: term,
        users: term,
        per: per.describe("Time that it is given for; that of the KPI's unit, else 1mo"),
      },
      mustBe('a map with cost and users'),
    )
    .describe('Cost for each user'),
  roi: z
    .strictObject({ gain: term, cost: term }, mustBe('a map with gain and cost'))
    .describe('(gain - cost) / cost'),
};
export type FormulaKind = keyof typeof FORMULA_SHAPES;
export const FORMULA_KINDS = Object.keys(FORMULA_SHAPES) as FormulaKind[];

type OptionalFormulas = { [K in FormulaKind]: z.ZodOptional<(typeof FORMULA_SHAPES)[K]> };
const optionalFormulas = Object.fromEntries(
  Object.entries(FORMULA_SHAPES).map(([kind, schema]) => [kind, schema.optional()]),
) as unknown as OptionalFormulas;

function listKinds(source: object): FormulaKind[] {
  return FORMULA_KINDS.filter((kind) => kind in source);
}

export const sourceSchema = z
  .strictObject(
    {
      name: text
        .regex(/^[a-z0-9]+([_-][a-z0-9]+)*$/, 'must be lower-case words joined by - or _')
        .describe('Shown with the values that it gave'),
      fallback: yesOrNo
        .nullish()
        .describe('true: gives groups of a service only where no source above it has data of that service'),
      ...optionalFormulas,
    },
    mustBe('a map with name and a formula'),
  )
  .refine((value) => listKinds(value).length === 1, {
    error: ({ input }) => {
      const kinds = listKinds(input as object);
      return kinds.length === 0
        ? `has no formula: give one of ${FORMULA_KINDS.join(', ')}`
        : `has more than one formula (${kinds.join(', ')}): give each a source of its own`;
    },
    when: isWhole,
  })
  .meta({ oneOf: FORMULA_KINDS.map((kind) => ({ required: [kind] })) });

export type RawSource = z.output<typeof sourceSchema>;
export type RawTerm = z.output<typeof term>;
export type RawSelector = z.output<typeof selector>;

const keysOf = (schema: { shape: object }) => Object.keys(schema.shape);
const TERM_HOLDERS = ['average', 'last', 'uptime', 'of', 'to', 'cost', 'users', 'gain'];

/** Keys that maps below `sources` may have, by the key that holds them. */
export const FORMULA_KEYS: KnownKeys = {
  sources: keysOf(sourceSchema),
  ...Object.fromEntries(TERM_HOLDERS.map((holder) => [holder, keysOf(termMap)])),
  any: Object.keys(selectorKeys),
  percentile: keysOf(FORMULA_SHAPES.percentile),
  ratio: keysOf(FORMULA_SHAPES.ratio),
  rate: keysOf(FORMULA_SHAPES.rate),
  sum: keysOf(FORMULA_SHAPES.sum),
  weighted_score: keysOf(FORMULA_SHAPES.weighted_score),
  parts: keysOf(part),
  per_user_cost: keysOf(FORMULA_SHAPES.per_user_cost),
  roi: keysOf(FORMULA_SHAPES.roi),
};
