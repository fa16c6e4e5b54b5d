/** Suggested rules: they can be pasted as they are, take the metric they are for, and stand where it belongs. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import {
  createRuleSuggester,
  type SuggestRule,
  type UnplacedMetric,
} from '../../src/classify/suggest-rule.js';
import { parseTaxonomy } from '../../src/classify/taxonomy.js';
import { defaultTaxonomyFile } from '../../src/pipeline.js';
import { buildSeries } from './series-builder.js';

let text: string;
let suggest: SuggestRule;

beforeAll(async () => {
  text = await readFile(defaultTaxonomyFile(), 'utf8');
  suggest = createRuleSuggester(parseTaxonomy(text, 'taxonomy.yaml'));
});

function metric(name: string, rest: Partial<UnplacedMetric> = {}): UnplacedMetric {
  return { name, type: 'gauge', unit: '', isMonotonic: false, ...rest };
}

/** The rules of the suggestions above all others, or instead of them: reading all of them takes a while. */
function paste(yaml: string, others = text.slice(text.indexOf('\nrules:\n') + '\nrules:\n'.length)) {
  const categories = text.slice(0, text.indexOf('\nrules:\n'));
  return parseTaxonomy(`${categories}\nrules:\n${yaml}\n${others}`, 'taxonomy.yaml');
}

describe('a suggested rule', () => {
  it('is YAML for the top of rules', () => {
    const { yaml } = suggest(metric('refunds.issued'));
    expect(yaml).toBe(`  - name: refunds-issued
    example: refunds.issued
    match:
      metric: refunds.issued
    category: business_impact
    subcategory: business_value
`);
    expect(paste(yaml).warnings).toEqual([]);
  });

  it.each([
    ['coupons_redeemed', 'business_value'],
    ['churnedCustomers', 'business_value'],
    ['game.players.online', 'adoption_rates'],
    ['warehouse.stock', 'process_efficiency'],
    ['room.humidity', 'reliability_indicators'],
    ['app_stars', 'user_satisfaction'],
    ['bot.scripts', 'automation_rates'],
    ['payment.mismatches', 'error_rates'],
  ])('of %s is placed in %s by its words', (name, subcategory) => {
    expect(suggest(metric(name))).toMatchObject({ subcategory });
  });

  it('goes by the unit and the type where the words say nothing', () => {
    const places = [
      metric('frobs', { unit: 'ms', type: 'histogram' }),
      metric('frobs', { unit: 'Cel' }),
      metric('frobs', { unit: '{order}' }),
      metric('frobs', { type: 'sum', isMonotonic: true }),
      metric('frobs', { type: 'sum' }),
    ].map((unplaced) => suggest(unplaced));
    expect(places.map(({ subcategory, why }) => [subcategory, why])).toEqual([
      ['response_times', 'its unit is ms'],
      ['reliability_indicators', 'its unit is Cel'],
      ['business_value', 'its unit is {order}'],
      ['throughput', 'it is a counter; nothing else about it is known'],
      ['resource_utilization', 'it is an up-down counter; nothing else about it is known'],
    ]);
  });

  it('takes the metric that it is for, whatever its name, and can stand beside the others', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.oneof(
            fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
            fc.string({
              minLength: 1,
              maxLength: 30,
              unit: fc.constantFrom(...'aB9._:/-* {}[]()?!+@|\\^$\'"#,&\n'),
            }),
            fc.string({ minLength: 600, maxLength: 700, unit: fc.constantFrom('a', '.', '{') }),
          ),
          { minLength: 1, maxLength: 5, selector: (name) => name.slice(0, 500) },
        ),
        (names) => {
          const suggestions = names.map((name) => suggest(metric(name)));
          const classify = createClassifier(paste(suggestions.map(({ yaml }) => yaml).join('\n'), ''));
          for (const [i, name] of names.entries()) {
            const { rule } = classify(buildSeries(name));
            // Its own, or that of a name of the same words above it: a.b and a_b are one to a rule.
            expect(suggestions.slice(0, i + 1).map((suggestion) => suggestion.name)).toContain(rule);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('fits a taxonomy of other categories', () => {
    const own = parseTaxonomy(
      `categories:
  - { id: speed, title: Speed, description: d, subcategories: [{ id: waiting, title: Waiting, description: d }] }
rules:
  - { name: queues, match: { metric: '**.queue_length' }, category: speed, subcategory: waiting }
`,
      'own.yaml',
    );
    const suggestOwn = createRuleSuggester(own);
    expect(suggestOwn(metric('shop.queues'))).toMatchObject({
      category: 'speed',
      subcategory: 'waiting',
      name: 'shop-queues',
    });
    expect(suggestOwn(metric('refunds')).why).toBe('nothing about it is known');
    expect(suggestOwn(metric('queues')).name).toBe('queues-2');
  });
});
