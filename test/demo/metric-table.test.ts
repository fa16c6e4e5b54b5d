/** The demo's table of metrics: complete, consistent, and placed by the shipped taxonomy where the table says. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import type { InstrumentKind, MetricDefinition } from '../../src/demo/metric-definition.js';
import { METRIC_TABLE } from '../../src/demo/metric-table.js';
import type { MetricType, Series } from '../../src/model/series.js';

/** The names of the founding plan, and availability, which is one of its KPIs. */
const FOUNDING_NAMES = [
  ...['response_time', 'error_rate', 'throughput', 'resource_utilization', 'availability'],
  ...['page_load_time', 'user_interaction', 'navigation_efficiency', 'user_satisfaction', 'task_completion'],
  ...['process_efficiency', 'automation_rate', 'cost_per_user', 'team_productivity'],
  ...['business_value', 'roi', 'adoption_rate', 'impact_score'],
  ...['quality_score', 'compliance_score', 'reliability_score', 'security_score'],
];

describe('the table of metrics', () => {
  it('has every metric of the founding plan, each once', () => {
    const names: string[] = METRIC_TABLE.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(FOUNDING_NAMES.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('has a unit, a description and a source for each, and rising bounds for explicit histograms', () => {
    for (const metric of METRIC_TABLE) {
      expect([metric.unit, metric.description, metric.recordedHow], metric.name).not.toContain('');
      expect(metric.bounds !== undefined, metric.name).toBe(metric.instrument === 'histogram');
      const bounds = metric.bounds ?? [];
      expect(
        bounds.toSorted((a, b) => a - b),
        metric.name,
      ).toEqual(bounds);
    }
  });

  it('says the category in which the shipped taxonomy puts it', async () => {
    const path = fileURLToPath(new URL('../../catalogue/taxonomy.yaml', import.meta.url));
    const classify = createClassifier(await loadTaxonomy(path));
    const placed = METRIC_TABLE.map((metric) => [metric.name, classify(buildSeries(metric)).category]);
    expect(placed).toEqual(METRIC_TABLE.map(({ name, category }) => [name, category]));
  });
});

function buildSeries(metric: MetricDefinition): Series {
  const service = { key: 'service.name', value: `shop-${metric.program}`, type: 'string' } as const;
  return {
    resource: [service],
    resourceSchemaUrl: '',
    resourceDroppedAttributes: 0,
    resourceEntityRefs: '',
    scopeName: metric.component,
    scopeVersion: '',
    scopeAttributes: [],
    scopeSchemaUrl: '',
    scopeDroppedAttributes: 0,
    metricName: metric.name,
    unit: metric.unit,
    description: metric.description,
    type: TYPE_OF[metric.instrument],
    metadata: [],
    temporality: 'cumulative',
    isMonotonic: metric.instrument === 'counter',
    attributes: metric.attributes.map((key) => ({ key, value: 'x', type: 'string' })),
  };
}

const TYPE_OF: Readonly<Record<InstrumentKind, MetricType>> = {
  counter: 'sum',
  updowncounter: 'sum',
  gauge: 'gauge',
  observable_gauge: 'gauge',
  histogram: 'histogram',
  exponential_histogram: 'exponential_histogram',
};
