/** A user's catalogue over the built-in one: replacing, extending, switching off, and what is told of each. */
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import type { Kpi } from '../../src/model/kpi.js';
import { CATEGORIES, CHECKOUT, loadFiles, makeFolder, problemsOf } from './catalogue-folder.js';

const BUILT_IN = {
  'checkout.yaml': CHECKOUT,
  'payment.yaml': CHECKOUT.replace('checkout_time', 'payment_time'),
};

async function kpisWith(own: string): Promise<Map<string, Kpi>> {
  const { catalogue } = await loadFiles(BUILT_IN, { 'my.yaml': own });
  return new Map(catalogue.kpis.map((kpi) => [kpi.name, kpi]));
}

describe('a KPI of the same name', () => {
  it('replaces the built-in one as a whole', async () => {
    const own = CHECKOUT.replace('warning: 3\n', '')
      .replace('owner: shop\n', '')
      .replace(/alerts:.*/s, '');
    const kpis = await kpisWith(own);
    expect([...kpis.keys()]).toEqual(['checkout_time', 'payment_time']);
    const kpi = kpis.get('checkout_time')!;
    expect([kpi.warning, kpi.owner, kpi.alerts]).toEqual([undefined, '', []]);
    expect(kpi.file).toMatch(/my\.yaml$/);
  });

  it('with extends gives only what differs, null takes away', async () => {
    const kpis = await kpisWith('name: checkout_time\nextends: true\ntarget: 1\nwarning: null\n');
    const before = (await loadFiles(BUILT_IN)).catalogue.kpis[0]!;
    const alerts = before.alerts.map((alert) => ({ ...alert, line: 1 }));
    const place = { alerts, file: expect.stringMatching(/my\.yaml$/), line: 1 };
    expect(kpis.get('checkout_time')).toEqual({ ...before, target: 1, warning: undefined, ...place });
  });

  it('active: false removes it, and only it', async () => {
    expect([...(await kpisWith('name: checkout_time\nactive: false\n')).keys()]).toEqual(['payment_time']);
    const kept = `- ${CHECKOUT.replace('target: 2', 'active: false').trimEnd().replaceAll('\n', '\n  ')}`;
    expect([...(await kpisWith(kept)).keys()]).toEqual(['payment_time']);
  });
});

describe('a KPI of another name', () => {
  it('is there beside the built-in ones, sorted by name', async () => {
    const kpis = await kpisWith(CHECKOUT.replace('checkout_time', 'a_time'));
    expect([...kpis.keys()]).toEqual(['a_time', 'checkout_time', 'payment_time']);
  });

  it('may extend a built-in one that is replaced or switched off, and one that extends another', async () => {
    const kpis = await kpisWith(`
- { name: checkout_time, extends: true, target: 1 }
- { name: payment_time, active: false }
- { name: big_checkout_time, extends: checkout_time, title: Big }
- { name: huge_checkout_time, extends: big_checkout_time, warning: 4 }
- { name: big_payment_time, extends: payment_time, title: Big }
`);
    const seen = [...kpis.values()].map(({ name, title, target, warning }) => [name, title, target, warning]);
    expect(seen).toEqual([
      ['big_checkout_time', 'Big', 1, 3],
      ['big_payment_time', 'Big', 2, 3],
      ['checkout_time', 'Checkout Time', 1, 3],
      ['huge_checkout_time', 'Big', 1, 4],
    ]);
  });
});

describe('mistakes', () => {
  const problems = (own: string, builtIn = BUILT_IN) => problemsOf({ 'my.yaml': own }, builtIn);

  it('extending or switching off what is not there names what was meant', async () => {
    expect(await problems('name: a_time\nextends: checkout_tim\n')).toEqual([
      'my.yaml:2: a_time: there is no KPI "checkout_tim" to extend (did you mean "checkout_time"?)',
    ]);
    expect(await problems('name: paymnt_time\nextends: true\n')).toEqual([
      'my.yaml:2: paymnt_time: there is no KPI "paymnt_time" in an earlier folder to extend (did you mean "payment_time"?)',
    ]);
    expect(await problems('name: chekout_time\nactive: false\n')).toEqual([
      'my.yaml:1: there is no KPI "chekout_time" to switch off (did you mean "checkout_time"?)',
    ]);
  });

  it('extending in a circle is told to each that is in it, not to who stands outside', async () => {
    const circle = '- { name: a, extends: b }\n- { name: b, extends: a }\n- { name: c, extends: a }\n';
    expect(await problems(circle)).toEqual([
      'my.yaml:1: a: extends a KPI that extends it in turn',
      'my.yaml:2: b: extends a KPI that extends it in turn',
    ]);
  });

  it('what is given wrongly is told at its line, what is inherited where it was written, once', async () => {
    const broken = {
      ...BUILT_IN,
      'payment.yaml': BUILT_IN['payment.yaml'].replace('unit: s', 'unit: sec//'),
    };
    expect(
      await problems('name: payment_time\nextends: true\ntargt: 3\n---\n'.replace('---\n', ''), broken),
    ).toEqual([
      expect.stringMatching(/^built-in\/payment\.yaml:7: payment_time: unit "sec\/\/" cannot be read/),
      'my.yaml:3: payment_time: unknown key "targt" (did you mean "target"?)',
    ]);
  });

  it('what no longer fits together is told at the key that was given', async () => {
    expect(await problems('name: checkout_time\nextends: true\ntarget: 9\n')).toEqual([
      'my.yaml:3: checkout_time: critical 5 is better than target 9 (lower is better): what meets the target would be critical',
    ]);
    expect(await problems('name: checkout_time\nextends: true\ncritical: null\n')).toEqual([
      'my.yaml:3: checkout_time: alerts[0] is raised by level critical, but there is no critical threshold: add critical, or threshold to the alert',
    ]);
    expect(await problems('name: checkout_time\nextends: true\ntitle: null\n')).toEqual([
      'my.yaml:3: checkout_time: title is missing',
    ]);
  });
});

describe('folders', () => {
  it('the built-in one alone is a catalogue, and so is one under a folder that has no kpis', async () => {
    const builtIn = makeFolder({
      'kpis/checkout.yaml': CHECKOUT,
      'kpis/.hidden.yaml': '[',
      'kpis/notes.md': '[',
    });
    const own = makeFolder({ 'retention.yaml': 'x: 1' });
    for (const folders of [[builtIn], [builtIn, own]]) {
      const catalogue = await loadCatalogue({ folders, builtInFolder: builtIn, categories: CATEGORIES });
      expect(catalogue.kpis.map(({ name }) => name)).toEqual(['checkout_time']);
      expect(catalogue.folders).toEqual(folders);
      expect(catalogue.warnings).toEqual([]);
    }
  });

  it('a built-in KPI whose category is not in the taxonomy is left out, with a warning', async () => {
    const elsewhere = CHECKOUT.replace('category: speed', 'category: colour').replace('checkout_time', 'hue');
    const own = 'name: my_hue\nextends: hue\n';
    const { catalogue, warnings } = await loadFiles(
      { ...BUILT_IN, 'hue.yaml': elsewhere },
      { 'my.yaml': own },
    );
    expect(catalogue.kpis.map(({ name }) => name)).toEqual(['checkout_time', 'payment_time']);
    expect(warnings).toEqual([
      'built-in/hue.yaml:3: KPI "hue" is left out: no category "colour"',
      'my.yaml:1: KPI "my_hue" is left out: no category "colour"',
    ]);
  });
});
