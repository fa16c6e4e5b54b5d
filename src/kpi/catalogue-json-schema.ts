/**
 * The shapes of catalogue/kpis/*.yaml and alerts.yaml as JSON Schema, for editors: completion, hover texts, wrong keys while
 * one types. Enters: nothing; leaves: the schemas. The server never reads them; what they say comes from catalogue-schema.ts
 * and alerts-schema.ts.
 */
import { z } from 'zod';
import { alertsSchema } from './alerts-schema.js';
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

export function makeAlertsJsonSchema(): Record<string, unknown> {
  const { $schema, ...alerts } = z.toJSONSchema(alertsSchema, { io: 'input' }) as Record<string, unknown>;
  const about = 'Who is told of alerts, and which rules are made. docs/alerts.md says what each key means.';
  return { $schema, title: 'Alerts of Plumbline', description: about, ...alerts };
}

/** As it is committed. */
export function formatJsonSchema(schema: Record<string, unknown> = makeJsonSchema()): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
