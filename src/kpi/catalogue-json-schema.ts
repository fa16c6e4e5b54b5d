/**
 * The shape of catalogue/kpis/*.yaml as JSON Schema, for editors: completion, hover texts, wrong keys while one types.
 * Enters: nothing; leaves: the schema. The server never reads it; what it says comes from catalogue-schema.ts.
 */
import { z } from 'zod';
import { kpiSchema } from './catalogue-schema.js';

export function makeJsonSchema(): Record<string, unknown> {
  const { $schema, $defs, ...kpi } = z.toJSONSchema(kpiSchema, { io: 'input' }) as Record<string, unknown>;
  const { required, ...rest } = kpi;
  return {
    $schema,
    title: 'KPIs of Plumbline',
    description: 'One KPI, or a list of KPIs. docs/catalogue.md says what each key means.',
    anyOf: [{ $ref: '#/$defs/kpi' }, { type: 'array', items: { $ref: '#/$defs/kpi' }, minItems: 1 }],
    $defs: {
      kpi: {
        ...rest,
        required: ['name'],
        // One that extends another, or removes it, gives only what differs.
        if: {
          anyOf: [
            { required: ['extends'] },
            { required: ['active'], properties: { active: { const: false } } },
          ],
        },
        else: { required },
      },
      ...($defs as object),
    },
  };
}

/** As it is committed. */
export function formatJsonSchema(): string {
  return `${JSON.stringify(makeJsonSchema(), null, 2)}\n`;
}
