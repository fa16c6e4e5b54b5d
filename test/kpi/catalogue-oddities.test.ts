/** What is allowed in a KPI but surely not meant is a warning with file and line, and changes nothing. */
import { describe, expect, it } from 'vitest';
import { CHECKOUT, loadFiles } from './catalogue-folder.js';

async function warningsOf(own: string, builtIn: Record<string, string> = {}): Promise<string[]> {
  const { warnings } = await loadFiles(builtIn, { 'my.yaml': own });
  return warnings.map((warning) => warning.replace(/^my\.yaml:(\d+): [a-z_]+: /, '$1: '));
}
const warningsWith = (from: string, to: string) => warningsOf(CHECKOUT.replace(from, to));

const SHARE = CHECKOUT.replace('unit: s', "unit: '%'")
  .replace('lower_is_better', 'higher_is_better')
  .replace('average: shop.checkout.duration', 'ratio: { of: good, to: all }')
  .replace(/warning: .*?sources/s, 'sources')
  .replace(/alerts:.*/s, '');

describe('odd values', () => {
  it('nothing to be judged by', async () => {
    const bare = CHECKOUT.replace(/target: .*?sources/s, 'sources').replace(/alerts:.*/s, '');
    expect(await warningsOf(bare)).toEqual(['1: has no target and no threshold, so it is always on target']);
  });

  it('a warning that is never seen', async () => {
    expect(await warningsWith('warning: 3', 'warning: 5')).toEqual([
      '10: warning 5 is never seen: critical is the same',
    ]);
  });

  it('a threshold that no valid value reaches', async () => {
    expect(await warningsWith('owner: shop', 'owner: shop\nvalid: { max: 4 }')).toEqual([
      '12: critical 5 is outside of valid, so it can never be reached',
    ]);
  });

  it('a share in the wrong unit', async () => {
    expect(await warningsOf(SHARE.replace('target: 2', 'target: 0.95'))).toEqual([
      '9: target 0.95 is below 1 %: in unit "%" write 95',
    ]);
    const ofOne = SHARE.replace("'%'", "'1'").replace('target: 2', 'target: 95');
    expect(await warningsOf(ofOne)).toEqual([
      '9: target 95 is more than all of it: set unit: "%", or write 0.95',
    ]);
    expect(await warningsOf(SHARE.replace('target: 2', 'target: 95'))).toEqual([]);
  });

  it('a refresh that is longer than the window', async () => {
    expect(await warningsWith('owner: shop', 'owner: shop\nrefresh: 10m')).toEqual([
      '7: refresh 10m is longer than window 5m: some time is never looked at',
    ]);
  });

  it('alerts without an owner', async () => {
    expect(await warningsWith('owner: shop\n', '')).toEqual([
      '14: has alerts but no owner: nobody knows who is to act',
    ]);
  });
});

describe('odd sources', () => {
  it('one that never has a turn', async () => {
    const twin =
      '    average: shop.checkout.duration\n  - { name: again, average: { metric: shop.checkout.duration } }';
    expect(await warningsWith('    average: shop.checkout.duration', twin)).toEqual([
      '15: source "again" is the same as "shop" and never has a turn',
    ]);
  });

  it('a fallback of a service, where no group is of a service', async () => {
    const mesh =
      '    average: shop.checkout.duration\n  - { name: mesh, fallback: true, average: istio_request_duration_milliseconds }';
    const text = CHECKOUT.replace('    average: shop.checkout.duration', mesh);
    expect(await warningsOf(text)).toEqual([
      '15: fallback has no effect on "mesh": group_by does not have service',
    ]);
    expect(await warningsOf(text.replace('owner: shop', 'owner: shop\ngroup_by: [service]'))).toEqual([]);
  });

  it('a share of itself', async () => {
    expect(await warningsOf(SHARE.replace('target: 2', 'target: 95').replace('of: good', 'of: all'))).toEqual(
      ['12: of and to are the same, so "shop" is always 1'],
    );
  });

  it('a metric or an attribute that nearly has a name of the conventions', async () => {
    const metric =
      'average: { metric: http.server.request.duratoin, where: { http.respons.status_code: 200 } }';
    const text = CHECKOUT.replace('average: shop.checkout.duration', metric).replace(
      'owner: shop',
      'owner: shop\ngroup_by: [service, { route: [http.route, deployment.enviroment.name] }, my.own.attribute]',
    );
    expect(await warningsOf(text)).toEqual([
      '7: nobody knows attribute "deployment.enviroment.name" (did you mean "deployment.environment.name"?)',
      '14: nobody knows metric "http.server.request.duratoin" (did you mean "http.server.request.duration"?)',
      '14: nobody knows attribute "http.respons.status_code" (did you mean "http.response.status_code"?)',
    ]);
  });

  it('a metric that nearly has the name of one that a built-in KPI reads', async () => {
    const builtIn = { 'b.yaml': CHECKOUT.replace('checkout_time', 'b_time') };
    const own = CHECKOUT.replace('shop.checkout.duration', 'shop.chekout.duration');
    expect(await warningsOf(own, builtIn)).toEqual([
      '13: nobody knows metric "shop.chekout.duration" (did you mean "shop.checkout.duration"?)',
    ]);
  });
});
