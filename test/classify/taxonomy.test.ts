/** Loading a taxonomy: everything wrong is said at once, each with its line; what is odd but allowed is a warning. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTaxonomy, parseTaxonomy } from '../../src/classify/taxonomy.js';
import { UserError } from '../../src/model/errors.js';
import { SHIPPED_TAXONOMY, writeTaxonomy } from './series-builder.js';

/** The problems of a text, one line each, without the file name. */
function problemsOf(text: string): string[] {
  try {
    parseTaxonomy(text, 'my.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const [head, ...lines] = (error as Error).message.split('\n');
    expect(head).toBe(`the taxonomy has ${lines.length === 1 ? '1 problem' : `${lines.length} problems`}:`);
    for (const line of lines) expect(line).toMatch(/^ {2}my\.yaml:\d+: /);
    return lines.map((line) => line.replace(/^ {2}my\.yaml:/, ''));
  }
  return [];
}

const PLACE = 'category: speed, subcategory: waiting';

describe('a taxonomy with mistakes', () => {
  it('says an unknown key with the key that was meant', () => {
    const text = writeTaxonomy(`  - name: a
    match: { metrics: 'x', scope: y }
    category: speed
    subcategory: waiting
    priority: 3
`);
    expect(problemsOf(text)).toEqual([
      '16: rules[0].match: unknown key "metrics" (did you mean "metric"?)',
      '19: rules[0]: unknown key "priority"',
    ]);
  });

  it('says an unknown category or subcategory with the one that was meant', () => {
    const text = writeTaxonomy(`  - name: a
    match: { metric: x }
    category: sped
    subcategory: waitng
  - name: b
    match: { metric: y }
    category: Speed of Things
    subcategory: zzzzzz
`);
    expect(problemsOf(text)).toEqual([
      '17: rules[0]: no category "sped" (did you mean "speed"?)',
      '18: rules[0]: no subcategory "waitng" (did you mean "waiting"?)',
      '21: rules[1]: no category "Speed of Things"',
      '22: rules[1]: no subcategory "zzzzzz"',
    ]);
  });

  it('says where a subcategory of another category belongs', () => {
    const text = writeTaxonomy(
      '  - { name: a, match: { metric: x }, category: safety, subcategory: waiting }\n',
    );
    expect(problemsOf(text)).toEqual([
      '15: rules[0]: subcategory "waiting" belongs to "speed", not to "safety"',
    ]);
  });

  it('says which rule name is used twice, and where it was first', () => {
    const text = writeTaxonomy(`  - { name: a, match: { metric: x }, ${PLACE} }
  - { name: b, match: { metric: y }, ${PLACE} }
  - { name: a, match: { metric: z }, ${PLACE} }
`);
    expect(problemsOf(text)).toEqual(['17: rule name "a" is used twice (first in line 15)']);
  });

  it('says why a pattern cannot be used, at the line of that pattern', () => {
    const text = writeTaxonomy(`  - name: a
    match:
      metric:
        - 'fine.*'
        - '/(unclosed/'
        - 'also[fine'
        - '{a,b'
        - '/no/end'
      resource:
        service.name: '/+/'
    category: speed
    subcategory: waiting
`);
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(
        /^19: rules\[0\]\.match\.metric\[1\] "\/\(unclosed\/" is not a usable regular exp/,
      ),
      '20: rules[0].match.metric[2] "also[fine" is not a usable glob: Missing closing: "]"',
      '21: rules[0].match.metric[3] "{a,b" is not a usable glob: Missing closing: "}"',
      '22: rules[0].match.metric[4] "/no/end" begins with "/", so it must be a regular expression: /…/ or /…/i',
      expect.stringMatching(
        /^24: rules\[0\]\.match\.resource\.service\.name\[0\] "\/\+\/" is not a usable reg/,
      ),
    ]);
  });

  it('says what is missing, empty or of the wrong kind', () => {
    const text = writeTaxonomy(`  - name: a
    match: {}
    category: speed
  - match: { metric: [], type: [gauge, counter], monotonic: maybe, temporality: later }
    category: speed
    subcategory: waiting
  - name: attribute
    match: [x]
    category: 7
    subcategory: waiting
  - just text
`);
    expect(problemsOf(text)).toEqual([
      '15: rules[0].subcategory is missing',
      '16: rules[0].match is empty: it would match every metric',
      '18: rules[1].name is missing',
      '18: rules[1].match.metric is an empty list',
      '18: rules[1].match.type[1] must be one of gauge, sum, histogram, exponential_histogram, summary',
      '18: rules[1].match.temporality[0] must be one of unspecified, delta, cumulative',
      '18: rules[1].match.monotonic must be true or false',
      '21: rules[2].name is reserved for metrics that name their own category',
      '22: rules[2].match must be a map, for example { metric: "http.server.*" }',
      '23: rules[2].category must be text',
      '25: rules[3] must be a map',
    ]);
  });

  it('says what is wrong with categories: ids, titles, twins, nothing inside', () => {
    const text = `categories:
  - id: Speed
    title: Speed
    description: x
    subcategories: []
  - id: safety
    title: speed
    subcategories:
      - { id: locks, title: Locks, description: x, colour: red }
      - { id: locks, title: LOCKS, description: x }
rules: []
`;
    expect(problemsOf(text)).toEqual([
      '2: categories[0].id must be lower-case words joined by _ or -',
      '5: categories[0].subcategories is an empty list',
      '6: categories[1].description is missing',
      '7: category title "speed" is used twice (first in line 3)',
      '9: categories[1].subcategories[0]: unknown key "colour"',
      '10: subcategory id "locks" is used twice (first in line 9)',
      '10: subcategory title "LOCKS" is used twice (first in line 9)',
    ]);
  });

  it('says every problem of every entry at once', () => {
    const text = writeTaxonomy(`  - { name: a, match: { metrik: x }, category: speed, subcategory: nowhere }
  - { name: a, match: { metric: '[' }, category: spead, subcategory: waiting, example: { unit: s } }
`);
    expect(problemsOf(text)).toEqual([
      '15: rules[0].match: unknown key "metrik" (did you mean "metric"?)',
      '15: rules[0]: no subcategory "nowhere"',
      '16: rules[1].match.metric[0] "[" is not a usable glob: Missing closing: "]"',
      '16: rules[1].example.metric is missing',
      '16: rule name "a" is used twice (first in line 15)',
      '16: rules[1]: no category "spead" (did you mean "speed"?)',
    ]);
  });

  it('says where the text is not YAML', () => {
    const problems = problemsOf(writeTaxonomy('  - name: a\n    match: { metric: *.errors }\n   wrong: 1\n'));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(/^1[67]: not YAML: /);
    expect(problemsOf('a: &a 1\na: 2\n')).toEqual(['2: not YAML: Map keys must be unique']);
    expect(problemsOf('x: *nothing\n')[0]).toMatch(/not YAML: .*nothing/);
  });

  it.each([
    ['', '1: the file is missing'],
    ['7', '1: the file must be a map with categories and rules'],
    ['[]', '1: the file must be a map with categories and rules'],
    ['categories: x\nrules: []\n', '1: categories must be a list'],
    ['\ncategory: []\ncategories: []\nrules: []\n', '2: the file: unknown key "category"'],
  ])('survives the text %j', (text, expected) => {
    expect(problemsOf(text).some((problem) => problem.startsWith(expected))).toBe(true);
  });

  it('names a file that cannot be read', async () => {
    await expect(loadTaxonomy('no/such.yaml')).rejects.toThrow(
      new UserError('cannot read the taxonomy no/such.yaml (ENOENT)'),
    );
  });

  it('names the file it was given in every line', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'taxonomy-')), 'own.yaml');
    writeFileSync(file, writeTaxonomy('  - { name: a }\n'));
    await expect(loadTaxonomy(file)).rejects.toThrow(`${file}:15: rules[0].match is missing`);
  });
});

describe('a taxonomy that is odd', () => {
  const warningsOf = (rules: string) => parseTaxonomy(writeTaxonomy(rules), 'my.yaml').warnings;

  it('warns of a rule that an earlier one shadows completely', () => {
    const rules = `  - { name: a, match: { metric: ['x.*', other] }, ${PLACE} }
  - { name: b, match: { metric: 'x.*' }, ${PLACE} }
  - { name: c, match: { metric: ['X_*', 'x.one'], unit: s }, ${PLACE} }
`;
    expect(warningsOf(rules)).toEqual([
      'my.yaml:16: rule "b" can never match: rule "a" in line 15 comes first',
      'my.yaml:17: rule "c" can never match: rule "a" in line 15 comes first',
    ]);
  });

  it('warns of a single pattern that an earlier rule takes', () => {
    const rules = `  - { name: a, match: { metric: 'x.*' }, ${PLACE} }
  - { name: b, match: { metric: [x.one, y.one] }, ${PLACE} }
`;
    expect(warningsOf(rules)).toEqual([
      'my.yaml:16: rule "b": "x.one" never matches, rule "a" in line 15 comes first',
    ]);
  });

  it('does not warn where the earlier rule asks for more than the name', () => {
    const rules = `  - { name: a, match: { metric: 'x.*', unit: s }, ${PLACE} }
  - { name: b, match: { metric: 'x.*' }, ${PLACE} }
`;
    expect(warningsOf(rules)).toEqual([]);
  });

  it('warns of an example that its rule does not get', () => {
    const rules = `  - { name: a, match: { metric: '*.errors' }, ${PLACE}, example: a.errors }
  - { name: b, match: { metric: 'b.*' }, ${PLACE}, example: b.errors }
  - { name: c, match: { metric: 'c.*', unit: s }, ${PLACE}, example: c.x }
  - { name: d, match: { metric: 'c.*', type: sum }, ${PLACE}, example: { metric: c.x, type: sum } }
`;
    expect(warningsOf(rules)).toEqual([
      'my.yaml:16: rule "b" does not get its example "b.errors": rule "a" in line 15 comes first',
      'my.yaml:17: rule "c" does not get its example "c.x": its match does not fit',
    ]);
  });
});

it('the shipped file names every rule, its line and its place', async () => {
  const taxonomy = await loadTaxonomy(SHIPPED_TAXONOMY);
  expect(taxonomy.rules.length).toBeGreaterThan(40);
  expect(taxonomy.rules.every((rule, i) => i === 0 || rule.line > taxonomy.rules[i - 1]!.line)).toBe(true);
  expect(taxonomy.rules.every((rule) => rule.category.subcategories.includes(rule.subcategory))).toBe(true);
});
