/**
 * The catalogue that Plumbline comes with: it loads without a word, says what the founding plan says, and reads metrics
 * that the taxonomy places where the KPI stands.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { makeJsonSchema } from '../../src/kpi/catalogue-json-schema.js';
import { KNOWN_KEYS } from '../../src/kpi/catalogue-schema.js';
import { FORMULA_KINDS } from '../../src/kpi/formula-schema.js';
import { placeTerms } from '../../src/kpi/kpi-terms.js';
import type { Kpi, Selector } from '../../src/model/kpi.js';
import type { MetricType } from '../../src/model/series.js';
import { attributes, buildSeries, SHIPPED_TAXONOMY } from '../classify/series-builder.js';
import { loadOverShipped, loadShippedCatalogue } from './catalogue-folder.js';

const catalogue = await loadShippedCatalogue();
const kpiByName = new Map(catalogue.kpis.map((kpi) => [kpi.name, kpi]));
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the catalogue', () => {
  it('has nothing odd in it', () => {
    expect(catalogue.warnings).toEqual([]);
    expect(catalogue.kpis.length).toBe(26);
  });

  it('has one KPI a file, called like the file, and tells editors its schema', () => {
    for (const { name, file } of catalogue.kpis) {
      expect(basename(file)).toBe(`${name}.yaml`);
      const [first] = readFileSync(file, 'utf8').split('\n');
      expect(first, name).toBe('# yaml-language-server: $schema=../kpi.schema.json');
    }
  });

  it('gives each an owner, a runbook, a unit and a target', () => {
    for (const kpi of catalogue.kpis) {
      expect([kpi.owner, kpi.runbook, kpi.unit, kpi.target], kpi.name).not.toContain('');
      expect(kpi.target, kpi.name).toBeDefined();
    }
  });

  it('has a schema for editors that is up to date (npm run catalogue:schema)', () => {
    expect(JSON.parse(read('catalogue/kpi.schema.json'))).toEqual(
      JSON.parse(JSON.stringify(makeJsonSchema())),
    );
  });

  it('has a description of every key and formula in docs/catalogue.md', () => {
    const text = read('docs/catalogue.md');
    const keys = [...Object.values(KNOWN_KEYS).flat(), ...FORMULA_KINDS];
    expect([...new Set(keys)].filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });
});

describe('docs/catalogue.md', () => {
  const blocks = [...read('docs/catalogue.md').matchAll(/```yaml\n([^`]*)```/g)].map(([, text]) => text!);
  const load = (files: Record<string, string>) => loadOverShipped(files);

  it('has examples of KPIs that load without a word', async () => {
    const whole = blocks.filter((text) => /^(- )?name: /.test(text));
    expect(whole.length).toBe(2);
    const { kpis, warnings } = await load(Object.fromEntries(whole.map((text, i) => [`${i}.yaml`, text])));
    expect(warnings).toEqual([]);
    const names = kpis.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['checkout_time', 'checkout_response_time']));
    expect(names).not.toContain('cost_per_user');
    expect(kpis.find(({ name }) => name === 'response_time')).toMatchObject({ target: 0.5, critical: 2 });
  });

  it('has an example of every formula and form of a term, each of which loads', async () => {
    const units: Record<string, string> = {
      ...{ average: 's', percentile: 's', rate: '{request}/s', sum: '{USD}', per_user_cost: '{USD}/mo' },
    };
    const examples = blocks
      .flatMap((text) => text.split(/^(?=[a-z])/m))
      .filter((text) => FORMULA_KINDS.some((kind) => text.startsWith(`${kind}:`)));
    const kinds = examples.map((text) => text.slice(0, text.indexOf(':')));
    expect([...new Set(kinds)].sort()).toEqual([...FORMULA_KINDS].sort());
    const files = examples.map((text, i) => {
      const unit = units[kinds[i]!] ?? '%';
      const source = text.trimEnd().replaceAll('\n', '\n    ');
      const kpi = [
        ...[`name: example_${i}`, 'title: X', 'category: system_performance', 'subcategory: throughput'],
        ...['description: X', `unit: '${unit}'`, 'direction: higher_is_better', 'target: 50', 'sources:'],
        ...['  - name: x', `    ${source}`],
      ];
      return [`${i}.yaml`, `${kpi.join('\n')}\n`];
    });
    const { kpis, warnings } = await load(Object.fromEntries(files));
    expect(warnings).toEqual([]);
    expect(kpis.length).toBe(catalogue.kpis.length + examples.length);
  });
});

describe('the founding plan', () => {
  // Target, warning and critical; what the plan has no number for is left open.
  it.each<[string, string, number, number | undefined, number | undefined]>([
    ['response_time', 's', 2, 1, 2],
    ['error_rate', '%', 1, 2, 5],
    ['throughput', '{request}/s', 100, undefined, 0.1667],
    ['availability', '%', 99.9, undefined, 99],
    ['page_load_time', 's', 2, undefined, 2],
    ['user_satisfaction', '{rating}', 4.5, 3.5, 3],
    ['task_completion', '%', 95, undefined, undefined],
    ['navigation_efficiency', '{click}', 3, undefined, 5],
    ['process_automation', '%', 80, undefined, 70],
    ['process_efficiency', '%', 80, undefined, 80],
    ['resource_utilization', '%', 70, undefined, 90],
    ['cost_per_user', '{USD}/mo', 10, undefined, undefined],
    ['team_productivity', '%', 80, undefined, undefined],
    ['roi', '%', 200, undefined, 200],
    ['adoption_rate', '%', 70, undefined, 50],
    ['business_value', '{USD}', 100_000, undefined, undefined],
    ['impact_score', '{rating}', 4, undefined, undefined],
    ['data_accuracy', '%', 95, undefined, undefined],
    ['collection_rate', '%', 99, undefined, undefined],
    ['processing_time', 's', 2, undefined, undefined],
    ['storage_utilization', '%', 80, undefined, 90],
  ])('%s', (name, unit, target, warning, critical) => {
    const kpi = kpiByName.get(name)!;
    expect([kpi.unit, kpi.target, kpi.warning, kpi.critical]).toEqual([unit, target, warning, critical]);
  });

  it('its alerts, by their names', () => {
    const alerts = catalogue.kpis.flatMap((kpi) =>
      kpi.alerts.map(({ name, severity, notify, level }) => [
        name,
        kpi.name,
        level,
        severity,
        notify.join(','),
      ]),
    );
    expect(alerts).toEqual([
      ['low_adoption_rate', 'adoption_rate', 'critical', 'medium', 'email'],
      ['high_error_rate', 'error_rate', 'critical', 'critical', 'email,slack,phone'],
      ['inefficient_navigation', 'navigation_efficiency', 'critical', 'low', 'email'],
      ['slow_page_load', 'page_load_time', 'critical', 'medium', 'email,slack'],
      ['low_automation_rate', 'process_automation', 'critical', 'medium', 'email'],
      ['low_process_efficiency', 'process_efficiency', 'critical', 'medium', 'email'],
      ['high_response_time', 'response_time', 'critical', 'high', 'email,slack'],
      ['low_roi', 'roi', 'critical', 'medium', 'email'],
      ['low_throughput', 'throughput', 'critical', 'high', 'email,slack'],
      ['low_user_satisfaction', 'user_satisfaction', 'critical', 'medium', 'email'],
    ]);
    const message = (name: string) => kpiByName.get(name)!.alerts[0]!.message;
    expect(['response_time', 'error_rate', 'user_satisfaction'].map(message)).toEqual([
      'Response time exceeded 2 seconds',
      'Error rate exceeded 5%',
      'User satisfaction dropped below 3/5',
    ]);
  });

  it('how its dashboards show them, and how often anew', () => {
    const shown = (names: string[]) => {
      const kpis = names.map((name) => kpiByName.get(name)!);
      return [...new Set(kpis.map((kpi) => `${kpi.visualisation} ${kpi.refreshS}`))];
    };
    expect(shown(['response_time', 'error_rate', 'throughput'])).toEqual(['line 30']);
    expect(shown(['page_load_time', 'user_satisfaction', 'navigation_efficiency'])).toEqual(['gauge 60']);
    expect(shown(['roi', 'adoption_rate', 'business_value'])).toEqual(['bar 300']);
  });
});

describe('places', () => {
  /** Metrics that say something about another place than their own: docs/decisions/0013-kpi-catalogue.md. */
  const ELSEWHERE: Record<string, string[]> = {
    // A histogram of durations counts requests and, by their status, errors.
    error_rate: ['response_times', 'throughput'],
    throughput: ['response_times'],
    cost_per_user: ['adoption_rates'],
    roi: ['business_value', 'cost_efficiency'],
    collection_rate: ['throughput'],
  };
  const typeOf: Record<string, MetricType> = { number: 'gauge' };

  it('each KPI stands where the taxonomy places the metrics that it reads', async () => {
    const taxonomy = await loadTaxonomy(SHIPPED_TAXONOMY);
    const classify = createClassifier(taxonomy);
    const idOf = new Map(
      taxonomy.categories.flatMap(({ subcategories }) => subcategories.map(({ id, title }) => [title, id])),
    );
    const placeOf = ({ metric, where, shapes }: Selector, kpi: Kpi) => {
      const type = typeOf[shapes[0] ?? 'number'] ?? (shapes[0] as MetricType);
      const values = Object.entries(where).map(([name, [value]]) => [name, value ?? '']);
      // A timer of Micrometer is known by its unit only.
      const unit = type === 'gauge' ? kpi.unit : 'ms';
      const series = { type, unit, attributes: attributes(Object.fromEntries(values)) };
      const { subcategory } = classify(buildSeries(metric, series));
      return idOf.get(subcategory) ?? `unclassified: ${metric}`;
    };
    const elsewhere: Record<string, string[]> = {};
    for (const kpi of catalogue.kpis) {
      const selectors = placeTerms(kpi).flatMap(({ term }) => term.selectors);
      const places = new Set(selectors.map((selector) => placeOf(selector, kpi)));
      places.delete(kpi.subcategory);
      if (places.size > 0) elsewhere[kpi.name] = [...places].sort();
    }
    expect(elsewhere).toEqual(ELSEWHERE);
  });

  it('every category has KPIs', () => {
    expect([...new Set(catalogue.kpis.map(({ category }) => category))].sort()).toEqual([
      'business_impact',
      'operational_efficiency',
      'quality_indicators',
      'system_performance',
      'user_experience',
    ]);
  });
});
