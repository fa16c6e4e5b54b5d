/** The shipped taxonomy places real metrics where a person would look for them, and places itself without doubt. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClassifier, UNCLASSIFIED } from '../../src/classify/classifier.js';
import { buildExampleSeries } from '../../src/classify/rule-example.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { attributes, buildSeries, readNameTable, SHIPPED_TAXONOMY } from './series-builder.js';

const taxonomy = await loadTaxonomy(SHIPPED_TAXONOMY);
const classify = createClassifier(taxonomy);
const table = readNameTable(readFileSync(new URL('./metric-names.yaml', import.meta.url), 'utf8'));
const subcategories = taxonomy.categories.flatMap((category) =>
  category.subcategories.map((subcategory) => ({ category, subcategory })),
);

describe('the shipped taxonomy', () => {
  it('has the five categories and twenty subcategories of the founding plan, titled as there', () => {
    expect(
      taxonomy.categories.map(({ title, subcategories }) => [title, subcategories.map((s) => s.title)]),
    ).toEqual([
      ['System Performance', ['Response Times', 'Error Rates', 'Throughput', 'Resource Utilization']],
      [
        'User Experience',
        ['Page Load Times', 'Interaction Times', 'Navigation Efficiency', 'User Satisfaction'],
      ],
      [
        'Operational Efficiency',
        ['Process Efficiency', 'Automation Rates', 'Resource Optimization', 'Cost Efficiency'],
      ],
      ['Business Impact', ['Business Value', 'ROI Metrics', 'Adoption Rates', 'Impact Analysis']],
      [
        'Quality Indicators',
        ['Quality Scores', 'Compliance Metrics', 'Reliability Indicators', 'Security Metrics'],
      ],
    ]);
  });

  it('loads without a warning', () => {
    expect(taxonomy.warnings).toEqual([]);
  });

  it('has an example for every rule, and every rule gets its own', () => {
    const placed = taxonomy.rules.map((rule) => [
      rule.name,
      rule.example && classify(buildExampleSeries(rule.example)).rule,
    ]);
    expect(placed).toEqual(taxonomy.rules.map((rule) => [rule.name, rule.name]));
  });

  it('is tested with at least ten names in each subcategory', () => {
    const counts = subcategories.map(({ subcategory }) => table.get(subcategory.id)?.length ?? 0);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(10);
    expect(table.size).toBe(subcategories.length);
  });

  for (const { category, subcategory } of subcategories) {
    it(`places every name of the table that belongs to ${category.title} / ${subcategory.title}`, () => {
      const misplaced = table
        .get(subcategory.id)!
        .map((name) => ({ name, ...classify(buildSeries(name)) }))
        .filter((row) => row.category !== category.title || row.subcategory !== subcategory.title);
      expect(misplaced).toEqual([]);
    });
  }

  it.each(['', ' ', 'widgets', 'my.custom.metric', 'target_info', '温度', '***', '{', '\n', 'a\u0000b'])(
    'leaves %j unclassified',
    (name) => {
      expect(classify(buildSeries(name))).toEqual({ category: 'unclassified', subcategory: '', rule: '' });
    },
  );
});

describe('what a name alone does not say', () => {
  const place = (...args: Parameters<typeof buildSeries>) => classify(buildSeries(...args)).subcategory;

  it('a timer that is named after its requests is a response time, a counter of that name is throughput', () => {
    expect(place('http.server.requests', { type: 'histogram', unit: 'ms' })).toBe('Response Times');
    expect(place('http.server.requests', { type: 'sum', unit: '{request}' })).toBe('Throughput');
  });

  it('a web vital is an interaction or a page load by its attribute', () => {
    expect(place('web_vitals', { attributes: attributes({ name: 'INP' }) })).toBe('Interaction Times');
    expect(place('web_vitals', { attributes: attributes({ name: 'LCP' }) })).toBe('Page Load Times');
    expect(place('web_vitals')).toBe('Page Load Times');
  });

  it('an export of the SDK that carries error.type failed', () => {
    const failed = { attributes: attributes({ 'error.type': 'timeout' }) };
    expect(place('otel.sdk.exporter.span.exported', failed)).toBe('Error Rates');
    expect(place('otel.sdk.exporter.span.exported')).toBe('Throughput');
  });

  it("an export of Java's exporter that was no success failed, and one that was is work done", () => {
    const exported = (success: string) =>
      place('otlp.exporter.exported', { attributes: attributes({ success }) });
    expect([exported('false'), exported('true')]).toEqual(['Error Rates', 'Throughput']);
  });

  it('the longest time of a timer is a time, the largest size of a pool is none', () => {
    expect(place('http.server.requests.max', { type: 'gauge', unit: 'ms' })).toBe('Response Times');
    expect(place('hikaricp.connections.max', { type: 'gauge' })).toBe('Resource Utilization');
  });

  it('unknown names are placed by their unit, and bytes by whether they only grow', () => {
    expect(place('shop.abc', { type: 'histogram', unit: 's' })).toBe('Response Times');
    expect(place('shop.abc', { type: 'sum', unit: '{error}' })).toBe('Error Rates');
    expect(place('shop.abc', { type: 'sum', unit: '{request}' })).toBe('Throughput');
    expect(place('shop.abc', { type: 'sum', unit: 'By', isMonotonic: true })).toBe('Throughput');
    expect(place('shop.abc', { type: 'sum', unit: 'By' })).toBe('Resource Utilization');
    expect(place('shop.abc', { type: 'sum', unit: '{USD}' })).toBe('Business Value');
    expect(place('shop.abc', { type: 'gauge', unit: 'Cel' })).toBe('');
  });
});

describe('the classifier', () => {
  it('never throws, whatever it is given, and always answers with a place of the taxonomy or none', () => {
    const titles = new Set(['unclassified', ...taxonomy.categories.map((category) => category.title)]);
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('name', 'error.type'));
    const pairs = fc.array(fc.record({ key: text, value: text, type: fc.constant('string' as const) }));
    const type = fc.constantFrom('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary');
    const words = fc.array(
      fc.constantFrom('http', 'errors', 'k8s', 'pod', 'cpu', 'time', '.', '_', '*', '{'),
    );
    const name = fc.oneof(
      text,
      words.map((list) => list.join('.')),
    );
    fc.assert(
      fc.property(name, text, type, pairs, pairs, pairs, (metricName, unit, type, a, b, c) => {
        const series = buildSeries(metricName, { unit, type, attributes: a, resource: b, metadata: c });
        expect(titles).toContain(classify(series).category);
      }),
      { numRuns: 2_000 },
    );
  });

  it('judges a name of any length by its beginning, and quickly', () => {
    const startedMs = performance.now();
    for (const word of ['a', 'a.', 'k8s.a.', 'auth.', 'kube.resource.', '{', 'aA']) {
      classify(buildSeries(word.repeat(200_000)));
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(classify(buildSeries(`http.server.errors.${'x'.repeat(100_000)}`)).rule).toBe('error-rate');
  });

  it('gives the same answer after its cache of names was emptied', () => {
    const before = classify(buildSeries('http.server.request.duration'));
    for (let i = 0; i < 50_001; i++) classify(buildSeries(`up.${i}`));
    expect(classify(buildSeries('http.server.request.duration'))).toEqual(before);
  });

  it('takes well under a microsecond for a name that it knows', () => {
    const names = [...table.values()].flat();
    const known = names.map((name) => buildSeries(name, { attributes: attributes({ 'http.route': '/x' }) }));
    for (const series of known) classify(series);
    const rounds = 300;
    const startedMs = performance.now();
    for (let i = 0; i < rounds; i++) for (const series of known) classify(series);
    const nanosecondsEach = ((performance.now() - startedMs) * 1e6) / (rounds * known.length);
    // A wide margin: the machine that runs the tests may be busy. Measured when idle: about 0.3 µs.
    expect(nanosecondsEach).toBeLessThan(5_000);
  });

  it('places nothing where there are no rules', () => {
    expect(createClassifier({ categories: [], rules: [] })(buildSeries('up'))).toBe(UNCLASSIFIED);
  });
});
