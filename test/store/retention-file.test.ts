/** retention.yaml: what it says, laid over the built-in one, and what is said about mistakes in it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { RESOLUTIONS } from '../../src/model/retention.js';
import { loadRetention, parseRetention } from '../../src/store/retention-file.js';
import { listProblems } from '../testkit/listed-problems.js';

const builtIn = new URL('../../catalogue/retention.yaml', import.meta.url).pathname;
const taxonomyFile = new URL('../../catalogue/taxonomy.yaml', import.meta.url).pathname;
const { categories } = await loadTaxonomy(taxonomyFile);
const base = { file: 'base.yaml', text: readFileSync(builtIn, 'utf8') };

function parse(...texts: string[]) {
  return parseRetention([base, ...texts.map((text, i) => ({ file: `own-${i + 1}.yaml`, text }))], categories);
}

const problemsOf = (...texts: string[]) => listProblems(() => parse(...texts));

describe('retention.yaml', () => {
  test('the built-in one has a time for everything, coarser never shorter than finer', async () => {
    const policy = await loadRetention([builtIn], categories);
    expect(Object.keys(policy)).toEqual([...RESOLUTIONS]);
    expect(policy.raw).toEqual({ default: 30, categories: {} });
    expect(policy['1h']).toEqual({ default: 396, categories: { 'Business Impact': 1827 } });
    expect(policy['1d']).toEqual({ default: 1827, categories: { 'Business Impact': 'forever' } });
  });

  test('a file of the user changes what it names and nothing else', () => {
    const policy = parse(
      'categories: { business_impact: { raw: 8w }, unclassified: { raw: 2d, exemplars: 2d } }',
    );
    expect(policy.raw).toEqual({ default: 30, categories: { 'Business Impact': 56, unclassified: 2 } });
    expect(policy.exemplars).toEqual({ default: 30, categories: { unclassified: 2 } });
    expect(policy['1m']).toEqual({ default: 90, categories: { 'Business Impact': 396 } });
    expect(parse('default: { raw: 60d }').raw).toEqual({ default: 60, categories: {} });
    expect(parse('')).toEqual(parse());
  });

  test('a month and a year are rounded up to whole days', () => {
    const policy = parse('default: { raw: 1mo, 1m: 0.5y, 1d: forever }');
    expect([policy.raw.default, policy['1m'].default, policy['1d'].default]).toEqual([31, 183, 'forever']);
  });

  test('mistakes are named with file and line, and with what was surely meant', () => {
    const own =
      'default:\n  rawr: 30d\n  1m: 90\n  1h: soon\n  1d: 500y\ncategories:\n  busines_impact:\n    raw: 1d\n';
    expect(problemsOf(own)).toEqual([
      'own-1.yaml:2: unknown key "rawr" (did you mean "raw"?)',
      'own-1.yaml:3: default.1m must be a duration such as 30d, 8w, 13mo or 5y, or forever',
      'own-1.yaml:4: default.1h must be a duration such as 30d, 8w, 13mo or 5y, or forever, not "soon"',
      'own-1.yaml:5: default.1d must be from 1d to 50y or forever, not 500y',
      'own-1.yaml:7: no category "busines_impact" (did you mean "business_impact"?)',
    ]);
    expect(problemsOf('defaults: {}')).toEqual([
      'own-1.yaml:1: unknown key "defaults" (did you mean "default"?)',
    ]);
    expect(problemsOf('categories:\n  business_impact:\n    1hr: 5y\n')).toEqual([
      'own-1.yaml:3: unknown key "1hr" (did you mean "1h"?)',
    ]);
    expect(problemsOf('default: [\n')[0]).toMatch(/^own-1\.yaml:\d: not YAML/);
  });

  test('a coarser resolution that would be gone before the finer one is refused', () => {
    expect(problemsOf('default:\n  raw: 120d\n')).toEqual([
      'own-1.yaml:2: default: raw is kept 120d and 1m only 90d; give 1m at least 120d, it has to stand for raw',
    ]);
    expect(problemsOf('categories:\n  quality_indicators:\n    1m: 1y\n    1h: 100d\n')).toEqual([
      'own-1.yaml:4: quality_indicators: 1m is kept 366d and 1h only 100d; give 1h at least 366d, it has to stand for 1m',
    ]);
  });

  test('a file that is not there is named', async () => {
    await expect(loadRetention(['/nowhere/retention.yaml'], categories)).rejects.toThrow(
      'cannot read /nowhere/retention.yaml (ENOENT)',
    );
  });
});
