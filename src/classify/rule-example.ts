/** Enters: the example of a rule; leaves: a series that looks like it, with everything unsaid empty. */
import type { Attribute, Series } from '../model/series.js';
import type { RuleExample } from './taxonomy-schema.js';

export function buildExampleSeries(example: RuleExample): Series {
  return {
    resource: toAttributes(example.resource),
    resourceSchemaUrl: '',
    resourceDroppedAttributes: 0,
    resourceEntityRefs: '',
    scopeName: example.scope,
    scopeVersion: '',
    scopeAttributes: [],
    scopeSchemaUrl: '',
    scopeDroppedAttributes: 0,
    metricName: example.metric,
    description: '',
    unit: example.unit,
    type: example.type,
    temporality: example.temporality,
    isMonotonic: example.monotonic,
    metadata: [],
    attributes: toAttributes(example.attributes),
  };
}

function toAttributes(values: Readonly<Record<string, string>>): Attribute[] {
  return Object.entries(values).map(([key, value]) => ({ key, value, type: 'string' }));
}
