/**
 * The shape of a KPI in catalogue/kpis/*.yaml, key by key, each with what an editor shows for it. Enters: plain values
 * read from YAML; leaves: the same values, typed. Knows nothing of lines, of other keys' values, or of what is inherited.
 */
import { z } from 'zod';
import { type KnownKeys, mustBe } from '../model/schema-problems.js';
import { FORMULA_KEYS, sourceSchema } from './formula-schema.js';
import { duration, lowerSnake, numberBetween, oneOf, plainNumber, text, yesOrNo } from './schema-values.js';

export const DIRECTIONS = ['higher_is_better', 'lower_is_better'] as const;
export const VISUALISATIONS = ['line', 'gauge', 'bar', 'stat'] as const;
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export const DATA_TYPES = ['duration', 'ratio', 'rate', 'count', 'money', 'score'] as const;
export const LEVELS = ['warning', 'critical'] as const;

const DAY_S = 86_400;

const groupLabel = z.union(
  [
    text,
    z
      .record(
        lowerSnake,
        z.union([text, z.array(text).min(1, 'is an empty list')], {
          error: 'must be an attribute, or a list of attributes of which the first that exists counts',
        }),
      )
      .refine((map) => Object.keys(map).length === 1, 'must be one label: attributes'),
  ],
  { error: 'must be an attribute such as service, or a map of one label: attributes' },
);

const alert = z.strictObject(
  {
    name: lowerSnake.nullish().describe('Unique in the KPI; <kpi>_<level> unless said otherwise'),
    level: oneOf(LEVELS).describe('The threshold that raises it'),
    threshold: plainNumber.nullish().describe("Instead of the KPI's threshold of that level"),
    severity: oneOf(SEVERITIES),
    notify: z
      .array(
        text.regex(/^[a-z0-9]+([_-][a-z0-9]+)*$/, 'must be lower-case words joined by - or _'),
        mustBe('a list such as [email, slack]'),
      )
      .min(1, 'is an empty list: nobody would hear of it')
      .describe('Contact points: email, slack, phone'),
    for: duration(0, 7 * DAY_S)
      .nullish()
      .describe('How long it must last; at once unless said otherwise'),
    message: text,
  },
  mustBe('a map with level, severity, notify and message'),
);

const slo = z.strictObject(
  {
    objective: z
      .number(mustBe('a share between 0 and 1'))
      .gt(0, 'must be a share between 0 and 1')
      .lt(1, 'must be a share between 0 and 1: 0.99, not 99')
      .nullish()
      .describe('Promised share of good events; the target unless said otherwise'),
    window: duration(3600, 366 * DAY_S)
      .nullish()
      .describe('30d unless said otherwise'),
  },
  mustBe('a map with objective and window'),
);

const valid = z
  .strictObject(
    { min: plainNumber.nullish(), max: plainNumber.nullish() },
    mustBe('a map with min, max or both'),
  )
  .refine(({ min, max }) => min == null || max == null || min < max, 'has a min that is not below its max');

export const kpiSchema = z.strictObject(
  {
    name: lowerSnake
      .refine(
        (name) => !/_(status|of)$/.test(name),
        'must not end in _status or _of: kpi_<name>_status and kpi_<name>_of are views of KPI <name>',
      )
      .refine((name) => name !== 'coverage', 'must not be coverage: kpi_coverage is a view of all KPIs')
      .describe('What it is called in SQL, in addresses and in alerts'),
    extends: z
      .union([z.literal(true), lowerSnake], {
        error: 'must be the name of a KPI, or true for the one of the same name',
      })
      .nullish()
      .describe(
        'Take everything that is not given here from this KPI; true: from the built-in one of this name',
      ),
    active: yesOrNo.nullish().describe('false: there is no such KPI'),
    title: text.describe('What people call it'),
    category: text.describe('Id of a category of taxonomy.yaml'),
    subcategory: text.describe('Id of a subcategory of that category'),
    description: text.describe('What it says and how it is measured'),
    owner: text.nullish().describe('Who is asked when it is not as it should be'),
    unit: text.describe('Unit of value, target and thresholds in UCUM: s, %, {request}/s; money is {USD}'),
    direction: oneOf(DIRECTIONS),
    target: plainNumber.nullish().describe('What is wanted'),
    warning: plainNumber.nullish().describe('Reaching it is a warning'),
    critical: plainNumber.nullish().describe('Reaching it is critical'),
    window: duration(60, 366 * DAY_S)
      .nullish()
      .describe('Time that the status is about; 5m unless said otherwise'),
    samples_min: z
      .int(mustBe('a whole number from 0 up'))
      .min(0, 'must be a whole number from 0 up')
      .nullish()
      .describe('Fewer samples in the window: unknown; 1 unless said otherwise'),
    completeness_min: numberBetween(0, 1, 'a share from 0 to 1')
      .nullish()
      .describe('Less of the window measured: unknown; 0.5 unless said otherwise'),
    stale_after: duration(10, 366 * DAY_S)
      .nullish()
      .describe('No point for this long: unknown; 5m unless said otherwise'),
    data_type: oneOf(DATA_TYPES).nullish().describe('Read from unit and formula unless said otherwise'),
    refresh: duration(5, DAY_S).nullish().describe('How often it is shown anew; 30s unless said otherwise'),
    visualisation: oneOf(VISUALISATIONS).nullish().describe('line unless said otherwise'),
    valid: valid.nullish().describe('Values outside are flagged as invalid and never used'),
    group_by: z
      .array(groupLabel, mustBe('a list such as [service]'))
      .nullish()
      .describe('Attributes by which it is also given'),
    sources: z
      .array(sourceSchema, mustBe('a list'))
      .min(1, 'is an empty list')
      .describe('Ways to measure it; the first that has data counts'),
    alerts: z.array(alert, mustBe('a list')).nullish(),
    slo: slo.nullish().describe('Of ratio and uptime only'),
    runbook: text.nullish().describe('File or address that says what to do'),
    tags: z.array(text, mustBe('a list')).nullish(),
  },
  mustBe('a map'),
);

export type RawKpi = z.output<typeof kpiSchema>;
const keysOf = (schema: { shape: object }) => Object.keys(schema.shape);

/** Keys that each kind of map may have, by the key that holds it ('' is the KPI itself). */
export const KNOWN_KEYS: KnownKeys = {
  '': keysOf(kpiSchema),
  ...FORMULA_KEYS,
  alerts: keysOf(alert),
  slo: keysOf(slo),
  valid: keysOf(valid),
};
