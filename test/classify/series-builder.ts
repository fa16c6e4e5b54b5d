/** Series for the tests of this folder: a metric name, and whatever else a test wants to say about it. */
import { parse } from 'yaml';
import type { Attribute, Series } from '../../src/model/series.js';

export function buildSeries(metricName: string, rest: Partial<Series> = {}): Series {
  return {
    resource: [],
    resourceSchemaUrl: '',
    resourceDroppedAttributes: 0,
    resourceEntityRefs: '',
    scopeName: '',
    scopeVersion: '',
    scopeAttributes: [],
    scopeSchemaUrl: '',
    scopeDroppedAttributes: 0,
    metricName,
    description: '',
    unit: '',
    type: 'gauge',
    temporality: 'unspecified',
    isMonotonic: false,
    metadata: [],
    attributes: [],
    ...rest,
  };
}

export function attributes(values: Record<string, string>): Attribute[] {
  return Object.entries(values).map(([key, value]) => ({ key, value, type: 'string' }));
}

/** Subcategory id → metric names, of metric-names.yaml. */
export function readNameTable(text: string): Map<string, string[]> {
  const lists = parse(text) as Record<string, string>;
  return new Map(Object.entries(lists).map(([id, names]) => [id, names.trim().split(/\s+/)]));
}

export const SHIPPED_TAXONOMY = new URL('../../catalogue/taxonomy.yaml', import.meta.url).pathname;

/** A small taxonomy: `rules` is YAML that follows "rules:", so its first line is line 15. */
export function writeTaxonomy(rules: string): string {
  return `categories:
  - id: speed
    title: Speed of Things
    description: How fast.
    subcategories:
      - { id: waiting, title: Waiting Times, description: How long. }
      - { id: volume, title: Volume of Work, description: How much. }
  - id: safety
    title: Safety
    description: How safe.
    subcategories:
      - { id: locks, title: Locks, description: What is locked. }

rules:
${rules}`;
}
