/** A metric that names its own category is believed, wherever it says so; nonsense is passed over. */
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { parseTaxonomy } from '../../src/classify/taxonomy.js';
import { attributes, buildSeries, writeTaxonomy } from './series-builder.js';

const taxonomy = parseTaxonomy(
  writeTaxonomy(
    "  - { name: all-work, match: { metric: 'work.*' }, category: speed, subcategory: volume }\n",
  ),
  'test.yaml',
);
const classify = createClassifier(taxonomy);

const category = (value: string) => attributes({ 'plumbline.category': value });
const subcategory = (value: string) => attributes({ 'plumbline.subcategory': value });
const both = (a: string, b: string) => [...category(a), ...subcategory(b)];

describe('plumbline.category and plumbline.subcategory', () => {
  it('win over the rules', () => {
    const series = buildSeries('work.done', { attributes: both('safety', 'locks') });
    expect(classify(series)).toEqual({ category: 'Safety', subcategory: 'Locks', rule: 'attribute' });
  });

  it.each(['speed', 'SPEED', 'Speed of Things', 'speed of things', 'SPEED_OF-THINGS', ' Speed '])(
    'accept %j as an id or title',
    (value) => {
      expect(classify(buildSeries('x', { attributes: category(value) }))).toEqual({
        category: 'Speed of Things',
        subcategory: '',
        rule: 'attribute',
      });
    },
  );

  it.each(['attributes', 'metadata', 'scopeAttributes', 'resource'] as const)('are read from %s', (place) => {
    const classification = classify(buildSeries('x', { [place]: both('speed', 'Waiting Times') }));
    expect(classification).toMatchObject({ category: 'Speed of Things', subcategory: 'Waiting Times' });
  });

  it('are read from the point first, then the metadata, then the scope, then the resource', () => {
    const places = ['attributes', 'metadata', 'scopeAttributes', 'resource'] as const;
    for (let nearest = 0; nearest < places.length - 1; nearest++) {
      const series = buildSeries('x', {
        [places[nearest]!]: both('safety', 'locks'),
        [places[nearest + 1]!]: both('speed', 'volume'),
      });
      expect(classify(series).category).toBe('Safety');
    }
  });

  it('with a category only, the subcategory of the rule is taken where it is of that category', () => {
    const own = classify(buildSeries('work.done', { attributes: category('speed') }));
    expect(own).toEqual({
      category: 'Speed of Things',
      subcategory: 'Volume of Work',
      rule: 'attribute',
    });
    const other = classify(buildSeries('work.done', { attributes: category('safety') }));
    expect(other).toEqual({ category: 'Safety', subcategory: '', rule: 'attribute' });
  });

  it('with a subcategory only, its category is known', () => {
    expect(classify(buildSeries('x', { resource: subcategory('LOCKS') }))).toEqual({
      category: 'Safety',
      subcategory: 'Locks',
      rule: 'attribute',
    });
  });

  it('a subcategory of another category is passed over', () => {
    const series = buildSeries('x', { attributes: both('speed', 'locks') });
    expect(classify(series)).toEqual({ category: 'Speed of Things', subcategory: '', rule: 'attribute' });
  });

  it('a category near the point may be completed by a subcategory farther away', () => {
    const series = buildSeries('x', { attributes: category('speed'), resource: subcategory('waiting') });
    expect(classify(series).subcategory).toBe('Waiting Times');
  });

  it('a subcategory near the point wins over a category farther away', () => {
    const series = buildSeries('x', { attributes: subcategory('locks'), resource: category('speed') });
    expect(classify(series)).toMatchObject({ category: 'Safety', subcategory: 'Locks' });
  });

  it.each(['', 'no such thing', 'spee', '__proto__', 'x'.repeat(1e6)])(
    '%.20j leaves it to the rules',
    (value) => {
      const series = buildSeries('work.done', { attributes: both(value, value) });
      expect(classify(series).rule).toBe('all-work');
      expect(classify({ ...series, metricName: 'x' }).category).toBe('unclassified');
    },
  );
});
