/** Every kind of mistake in a KPI is told with its file, its line and, where there is one, the word that was meant. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { CATEGORIES, CHECKOUT, loadFiles, makeFolder, problemsOf } from './catalogue-folder.js';

/** The problems of CHECKOUT with one text of it replaced; of its file, which is left out. */
async function problemsWith(from: string, to: string): Promise<string[]> {
  expect(CHECKOUT).toContain(from);
  const problems = await problemsOf({ 'my.yaml': CHECKOUT.replace(from, to) });
  return problems.map((problem) => problem.replace(/^my\.yaml:(\d+): checkout_time: /, '$1: '));
}

const SOURCE = 'average: shop.checkout.duration';
/** In place of the one formula, which stands in line 14. */
const formula = (yaml: string): [string, string] => [SOURCE, yaml];
const percent = (yaml: string): [string, string] => [
  CHECKOUT.slice(CHECKOUT.indexOf('unit: s'), CHECKOUT.indexOf('alerts:')),
  `unit: '%'\ndirection: lower_is_better\ntarget: 2\nwarning: 3\ncritical: 5\nsources:\n  - name: shop\n    ${yaml}\n`,
];

describe('keys and values', () => {
  it.each<[string, [string, string], string[]]>([
    ['an unknown key', ['target: 2', 'targt: 2'], ['9: unknown key "targt" (did you mean "target"?)']],
    ['a key of no kind', ['target: 2', 'colour: red'], ['9: unknown key "colour"']],
    ['a missing key', ['title: Checkout Time\n', ''], ['1: title is missing']],
    ['an empty key', ['title: Checkout Time', 'title:'], ['2: title is missing']],
    ['text for a number', ['target: 2', 'target: 2 s'], ["9: target must be a number, in the KPI's unit"]],
    [
      'a name in capitals',
      ['name: checkout_time', 'name: CheckoutTime'],
      ['my.yaml:1: CheckoutTime: name must be lower-case words joined by _'],
    ],
    [
      'a name that a view has',
      ['name: checkout_time', 'name: checkout_status'],
      [
        'my.yaml:1: checkout_status: name must not end in _status or _of: kpi_<name>_status and kpi_<name>_of are views of KPI <name>',
      ],
    ],
    [
      'a direction that is misspelt',
      ['lower_is_better', 'lower_is_beter'],
      ['8: direction must be one of higher_is_better, lower_is_better (did you mean "lower_is_better"?)'],
    ],
    [
      'a window that is no duration',
      ['owner: shop', 'window: 5 minutes'],
      ['6: window must be a duration such as 30s, 5m, 1h or 30d, not "5 minutes"'],
    ],
    [
      'a window without a unit',
      ['owner: shop', 'window: 300'],
      ['6: window must be a duration such as 30s, 5m, 1h or 30d'],
    ],
    [
      'a window that is too short',
      ['owner: shop', 'window: 30s'],
      ['6: window must be from 1m to 366d, not 30s'],
    ],
    [
      'a window that is too long',
      ['owner: shop', 'window: 2y'],
      ['6: window must be from 1m to 366d, not 2y'],
    ],
    [
      'a refresh that is too short',
      ['owner: shop', 'refresh: 1s'],
      ['6: refresh must be from 5s to 1d, not 1s'],
    ],
    [
      'samples that are no whole number',
      ['owner: shop', 'samples_min: 1.5'],
      ['6: samples_min must be a whole number from 0 up'],
    ],
    [
      'a completeness in percent',
      ['owner: shop', 'completeness_min: 50'],
      ['6: completeness_min must be a share from 0 to 1'],
    ],
    [
      'bounds the wrong way round',
      ['owner: shop', 'valid: { min: 5, max: 1 }'],
      ['6: valid has a min that is not below its max'],
    ],
    [
      'a group that is no attribute',
      ['owner: shop', 'group_by: [service, { route: [] }]'],
      ['6: group_by[1].route is an empty list'],
    ],
    [
      'a group with two labels',
      ['owner: shop', 'group_by: [{ a: x, b: y }]'],
      ['6: group_by[0] must be one label: attributes'],
    ],
    [
      'a label that is used twice',
      ['owner: shop', 'group_by: [service, { service: host.name }]'],
      ['6: group label "service" is used twice'],
    ],
    [
      'extends of the wrong kind',
      ['owner: shop', 'extends: 7'],
      ['6: extends must be the name of a KPI, or true for the one of the same name'],
    ],
  ])('%s', async (_what, [from, to], expected) => {
    expect(await problemsWith(from, to)).toEqual(expected);
  });
});

describe('places, units and thresholds', () => {
  it.each<[string, [string, string], string[]]>([
    [
      'an unknown category',
      ['category: speed', 'category: sped'],
      ['3: no category "sped" (did you mean "speed"?)'],
    ],
    [
      'an unknown subcategory',
      ['subcategory: waiting', 'subcategory: waitng'],
      ['4: no subcategory "waitng" (did you mean "waiting"?)'],
    ],
    [
      'a subcategory of another category',
      ['subcategory: waiting', 'subcategory: locks'],
      ['4: subcategory "locks" belongs to "safety", not to "speed"'],
    ],
    [
      'a unit that is a word',
      ['unit: s', 'unit: USD'],
      [
        '7: unit "USD" cannot be read; money and things that are counted are put in braces: {USD}. Units are UCUM: s, ms, %, 1, By, {request}/s',
      ],
    ],
    [
      'a unit that is nothing',
      ['unit: s', "unit: 's//'"],
      ['7: unit "s//" cannot be read. Units are UCUM: s, ms, %, 1, By, {request}/s'],
    ],
    [
      'critical better than warning',
      ['critical: 5', 'critical: 2.5'],
      ['11: critical 2.5 is better than warning 3 (lower is better): swap them, or change direction'],
    ],
    [
      'critical better than the target',
      ['critical: 5', 'critical: 1'],
      [
        '11: critical 1 is better than warning 3 (lower is better): swap them, or change direction',
        '11: critical 1 is better than target 2 (lower is better): what meets the target would be critical',
      ],
    ],
    [
      'the other direction',
      ['lower_is_better', 'higher_is_better'],
      [
        '11: critical 5 is better than warning 3 (higher is better): swap them, or change direction',
        '11: critical 5 is better than target 2 (higher is better): what meets the target would be critical',
      ],
    ],
  ])('%s', async (_what, [from, to], expected) => {
    expect(await problemsWith(from, to)).toEqual(expected);
  });
});

describe('sources', () => {
  it.each<[string, [string, string], string[]]>([
    [
      'no formula',
      formula('{}'.replace('{}', '')),
      [expect.stringMatching(/^13: sources\[0\] has no formula: give one of average, /)],
    ],
    [
      'a formula that is misspelt',
      formula('avrage: x'),
      ['14: sources[0]: unknown key "avrage" (did you mean "average"?)'],
    ],
    [
      'two formulas',
      formula('average: x\n    last: x'),
      ['13: sources[0] has more than one formula (average, last): give each a source of its own'],
    ],
    [
      'no source',
      [CHECKOUT.slice(CHECKOUT.indexOf('sources:'), CHECKOUT.indexOf('alerts:')), 'sources: []\n'],
      ['12: sources is an empty list'],
    ],
    [
      'a source name that is used twice',
      [SOURCE, `${SOURCE}\n  - { name: shop, last: x }`],
      ['15: source name "shop" is used twice'],
    ],
    ['an empty metric', formula("average: ''"), ['14: sources[0].average is empty']],
    [
      'no metric',
      formula('average: { where: { a: b } }'),
      ['14: sources[0].average names no metric: give metric or any'],
    ],
    [
      'a metric and a list',
      formula('average: { metric: x, any: [y] }'),
      ['14: sources[0].average has both metric and any: give one'],
    ],
    [
      'a pattern for a metric',
      formula("average: 'http.*'"),
      [
        '14: sources[0].average names one metric: * is only for values of attributes. List several metrics under any',
      ],
    ],
    ['an empty list of metrics', formula('average: []'), ['14: sources[0].average is an empty list']],
    [
      'a key of a selector',
      formula('average: { metrc: x }'),
      ['14: sources[0].average: unknown key "metrc" (did you mean "metric"?)'],
    ],
    [
      'a key of a selector in a list',
      formula('average: [x, { metric: y, were: { a: b } }]'),
      ['14: sources[0].average[1]: unknown key "were" (did you mean "where"?)'],
    ],
    [
      'a shape',
      formula('average: { metric: x, shapes: [histgram] }'),
      [
        expect.stringMatching(
          /^14: sources\[0\]\.average\.shapes\[0\] must be one of .*\(did you mean "histogram"\?\)$/,
        ),
      ],
    ],
    [
      'a measure',
      percent('ratio: { of: { metric: x, measure: totl }, to: y }'),
      ['14: sources[0].ratio.of.measure must be one of amount, total, average, last (did you mean "total"?)'],
    ],
    [
      'a measure that makes no sense',
      formula('average: { metric: x, measure: total }'),
      ['14: average cannot be of measure total, only average'],
    ],
    [
      'across without last',
      percent('ratio: { of: { metric: x, across: sum }, to: y }'),
      ['14: across is of measure last only; amount takes all values of all series together'],
    ],
    [
      'last of histograms',
      formula('last: { metric: x, shapes: [histogram] }'),
      ['14: measure last is of gauges and counters only: shapes must have number'],
    ],
    [
      'a percentile of summaries',
      formula('percentile: { of: { metric: x, shapes: [summary] }, quantile: p95 }'),
      ['14: percentile is of histograms only: shapes must have histogram or exponential_histogram'],
    ],
    ['a ratio without its other half', percent('ratio: { of: x }'), ['14: sources[0].ratio.to is missing']],
    [
      'a ratio in seconds',
      formula('ratio: { of: x, to: y }'),
      ['14: unit "s" cannot be that of ratio: use % or 1'],
    ],
    [
      'a rate in seconds',
      formula('rate: { of: x }'),
      ['14: unit "s" cannot be that of a rate: use {request}/s, By/s or such'],
    ],
    [
      'a quantile in percent',
      formula('percentile: { of: x, quantile: 95 }'),
      ['14: sources[0].percentile.quantile must be between 0 and 1: 0.95, not 95'],
    ],
    [
      'a weight below zero',
      percent('weighted_score: { parts: [{ name: a, of: x, weight: -1 }] }'),
      ['14: sources[0].weighted_score.parts[0].weight must be a number from 0 up'],
    ],
    [
      'an attribute without a value',
      formula('average: { metric: x, where: { a: } }'),
      [
        '14: sources[0].average.where.a must be a value or a list of values (* stands for any characters, [] for "must be absent")',
      ],
    ],
  ])('%s', async (_what, [from, to], expected) => {
    expect(await problemsWith(from, to)).toEqual(expected);
  });

  it('a rate in a unit that amounts are not counted in', async () => {
    const text = CHECKOUT.replace('unit: s', 'unit: MBy/s').replace(SOURCE, 'rate: { of: x }');
    expect(await problemsOf({ 'my.yaml': text })).toEqual([
      'my.yaml:14: checkout_time: unit "MBy/s" cannot be that of a rate, which counts in By/s: use that',
    ]);
  });

  it('a time that is not that of the unit', async () => {
    const text = CHECKOUT.replace('unit: s', "unit: '{request}/min'").replace(
      SOURCE,
      'rate: { of: x, per: 1s }',
    );
    expect(await problemsOf({ 'my.yaml': text })).toEqual([
      'my.yaml:14: checkout_time: per: 1s does not fit unit "{request}/min": leave it out, or say per: 1m',
    ]);
  });
});

describe('alerts and objectives', () => {
  const alert = '{ level: critical, severity: high, notify: [email], message: Checkout is slow }';
  it.each<[string, [string, string], string[]]>([
    [
      'a level without a threshold',
      ['warning: 3\ncritical: 5', 'warning: 3\nowner: shop'.replace('owner: shop', 'tags: [x]')],
      [
        '16: alerts[0] is raised by level critical, but there is no critical threshold: add critical, or threshold to the alert',
      ],
    ],
    [
      'a severity',
      ['severity: high', 'severity: hihg'],
      ['16: alerts[0].severity must be one of low, medium, high, critical (did you mean "high"?)'],
    ],
    [
      'nobody to tell',
      ['notify: [email]', 'notify: []'],
      ['16: alerts[0].notify is an empty list: nobody would hear of it'],
    ],
    [
      'a key of an alert',
      ['message: Checkout', 'mesage: Checkout'],
      ['16: alerts[0].message is missing', '16: alerts[0]: unknown key "mesage" (did you mean "message"?)'],
    ],
    [
      'two alerts of one name',
      [alert, `${alert}\n  - ${alert}`],
      ['17: alert name "checkout_time_critical" is used twice: give each a name of its own'],
    ],
    [
      'an objective of something that is no share',
      ['owner: shop', 'slo: { objective: 0.99 }'],
      ['6: slo is of ratio and uptime only: there are no good and bad events in the other formulas'],
    ],
    [
      'an objective in percent',
      ['owner: shop', 'slo: { objective: 99 }'],
      [
        '6: slo.objective must be a share between 0 and 1: 0.99, not 99',
        '6: slo is of ratio and uptime only: there are no good and bad events in the other formulas',
      ],
    ],
  ])('%s', async (_what, [from, to], expected) => {
    expect(await problemsWith(from, to)).toEqual(expected);
  });
});

describe('files', () => {
  it('all problems of all files come at once, by file and line', async () => {
    const second = CHECKOUT.replace('checkout_time', 'payment_time');
    const problems = await problemsOf({
      'b.yaml': second.replace('target: 2', 'targt: 2').replace('category: speed', 'category: sped'),
      'a.yaml': CHECKOUT.replace('critical: 5', 'critical: 1'),
    });
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(': ')))).toEqual([
      'a.yaml:11',
      'a.yaml:11',
      'b.yaml:3',
      'b.yaml:9',
    ]);
  });

  it('a file may hold a list, and lines are those of the entry', async () => {
    const entry = (name: string) =>
      `- ${CHECKOUT.replace('checkout_time', name).trimEnd().replaceAll('\n', '\n  ')}\n`;
    const text = entry('a_time') + entry('b_time').replace('target: 2', 'targt: 2');
    expect(await problemsOf({ 'my.yaml': text })).toEqual([
      'my.yaml:25: b_time: unknown key "targt" (did you mean "target"?)',
    ]);
  });

  it('a name that is used twice says where it was first', async () => {
    expect(await problemsOf({ 'a.yaml': CHECKOUT, 'b.yaml': CHECKOUT })).toEqual([
      expect.stringMatching(/^b\.yaml:1: KPI "checkout_time" is defined twice \(first in a\.yaml:1\)$/),
    ]);
  });

  it('what is no YAML, nothing, or no KPI is said so', async () => {
    expect(
      await problemsOf({
        'a.yaml': 'name: [',
        'b.yaml': '# nothing\n',
        'c.yaml': '- 7\n',
        'd.yaml': 'title: x\n',
      }),
    ).toEqual([
      expect.stringMatching(/^a\.yaml:\d: not YAML: /),
      'b.yaml:1: the file has no KPI in it',
      'c.yaml:1: a KPI must be a map with name, title, unit …',
      ...['name', 'title', 'category', 'subcategory', 'description', 'unit', 'direction', 'sources']
        .filter((key) => key !== 'title')
        .map((key) => `d.yaml:1: a KPI without a name: ${key} is missing`),
    ]);
  });

  it('a folder that is not there is named, with the setting', async () => {
    const load = loadCatalogue({ folders: [makeFolder(), '/no/such/folder'], categories: CATEGORIES });
    await expect(load).rejects.toThrow(
      'the KPI catalogue /no/such/folder is no folder that can be read; PLUMBLINE_CATALOGUE names a folder with kpis/*.yaml in it',
    );
  });

  it('files that are not read are said, as is an empty folder; other parts of a catalogue are not', async () => {
    const folder = makeFolder();
    const warningsOf = async () =>
      (await loadCatalogue({ folders: [folder], categories: CATEGORIES })).warnings.map((warning) =>
        warning.replaceAll(folder, 'my'),
      );
    expect(await warningsOf()).toEqual(['my: nothing in this folder is read: KPIs go to kpis/*.yaml in it']);
    for (const name of ['alerts.yaml', 'retention.yaml', 'taxonomy.yaml', 'README.md'])
      writeFileSync(join(folder, name), '');
    expect(await warningsOf()).toEqual([]);
    for (const name of ['a.txt', 'README.md', '.swp']) writeFileSync(join(folder, 'kpis', name), '');
    writeFileSync(join(folder, 'checkout.yaml'), CHECKOUT);
    expect(await warningsOf()).toEqual([
      'my/checkout.yaml: is not read: files of KPIs go to my/kpis',
      'my/kpis/a.txt: is not read: files of KPIs end in .yaml or .yml',
    ]);
  });

  it('a KPI without mistakes has none', async () => {
    expect(await problemsOf({ 'my.yaml': CHECKOUT })).toEqual([]);
    expect((await loadFiles({}, { 'my.yaml': CHECKOUT })).warnings).toEqual([]);
  });
});
