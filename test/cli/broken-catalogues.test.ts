/**
 * Catalogues that cannot be used: `plumbline kpi check` and `plumbline grafana render` find the same mistakes in the same
 * words, each with the file and the line where it is.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGrafanaCommand } from '../../src/cli/grafana.js';
import { createKpiCommand } from '../../src/cli/kpi.js';
import { CatalogueError } from '../../src/model/file-problem.js';
import { runSilently } from '../testkit/silent-command.js';

const folder = mkdtempSync(join(tmpdir(), 'plumbline-broken-'));
afterEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  process.exitCode = undefined;
  vi.unstubAllEnvs();
});

const KPI = `name: checkout_time
title: Checkout Time
category: system_performance
subcategory: response_times
description: How long a checkout takes.
owner: shop
unit: s
direction: lower_is_better
target: 2
critical: 5
sources: [{ name: shop, average: shop.checkout.duration }]
alerts:
  - level: critical
    severity: high
    notify: [email]
    message: Checkout is slow
`;
const ALERTS = `contact_points:
  shop-team: [{ type: email, addresses: shop@example.com }]
routes:
  - { match: { severity: high }, notify: [shop-team] }
`;
const kpi = (from: string, to: string) => ({ 'kpis/shop.yaml': KPI.replace(from, to) });
const alerts = (from: string, to: string) => ({ 'alerts.yaml': ALERTS.replace(from, to) });
const secondAlert = (name: string) =>
  `${KPI}  - { name: ${name}, level: critical, severity: low, notify: [slack], message: Slow, threshold: 9 }\n`;

async function filesFoundBy(kind: 'check' | 'render'): Promise<unknown> {
  vi.stubEnv('PLUMBLINE_CATALOGUE', folder);
  if (kind === 'check') {
    const { stdout, code } = await runSilently(createKpiCommand(), 'check', '--files-only', '--json');
    expect(code).toBe(1);
    return JSON.parse(stdout).problems;
  }
  const out = join(folder, 'out');
  const error: unknown = await runSilently(createGrafanaCommand(), 'render', '--out', out).then(
    () => 'rendered',
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(CatalogueError);
  return (error as CatalogueError).problems;
}

describe('plumbline kpi check and plumbline grafana render', () => {
  it.each<[what: string, files: Record<string, string>, place: string, reason: RegExp]>([
    ['YAML that is none', kpi('title: Checkout Time', 'title: ['), 'kpis/shop.yaml:3', /^not YAML: /],
    ['a misspelt key', kpi('target: 2', 'targt: 2'), 'kpis/shop.yaml:9', /unknown key "targt"/],
    [
      'a unit that cannot be read',
      kpi('unit: s', 'unit: wobbles'),
      'kpis/shop.yaml:7',
      /unit "wobbles" cannot be read/,
    ],
    [
      'a category that does not exist',
      kpi('category: system', 'category: sytem'),
      'kpis/shop.yaml:3',
      /no category/,
    ],
    [
      'a name of a group in capitals',
      kpi('target: 2', 'group_by: [{ Route: [http.route] }]'),
      'kpis/shop.yaml:9',
      /the name "Route" must be lower-case/,
    ],
    [
      'a contact point of an alert that alerts.yaml does not have',
      kpi('[email]', '[email, slak]'),
      'kpis/shop.yaml:13',
      /^checkout_time: alert checkout_time_critical: no contact point "slak" \(did you mean "slack"\?\)/,
    ],
    [
      'a contact point that the own alerts.yaml takes away',
      {
        ...kpi('', ''),
        'alerts.yaml': 'contact_points: { webhook: null }\n',
        'kpis/more.yaml': KPI.replace('checkout_time', 'more').replace('[email]', '[webhook]'),
      },
      'kpis/more.yaml:13',
      /no contact point "webhook"/,
    ],
    [
      'an alert that Grafana could not tell from a default rule',
      { 'kpis/shop.yaml': secondAlert('no_data') },
      'kpis/shop.yaml:17',
      /no_data of checkout_time and .* would be one rule in Grafana \(kpi-checkout-time-no-data\)/,
    ],
    [
      'alerts of two KPIs that Grafana could not tell apart',
      {
        'kpis/shop.yaml': secondAlert('slow_at_night'),
        'kpis/z.yaml': secondAlert('at_night').replace('checkout_time', 'checkout_time_slow'),
      },
      'kpis/z.yaml:17',
      /slow_at_night of checkout_time and at_night of checkout_time_slow would be one rule/,
    ],
    [
      'a contact point of a route',
      alerts('notify: [shop-team]', 'notify: [shop-teem]'),
      'alerts.yaml:4',
      /no contact point "shop-teem"/,
    ],
    ['a key of alerts.yaml', alerts('routes:', 'rotes:'), 'alerts.yaml:3', /unknown key "rotes"/],
    [
      'contact points that Grafana could not tell apart',
      alerts('routes:', '  shop_team: [{ type: slack, url: $X }]\nroutes:'),
      'alerts.yaml:3',
      /shop-team and shop_team would be one/,
    ],
    ['alerts.yaml that is no YAML', { 'alerts.yaml': 'routes: [' }, 'alerts.yaml:1', /^not YAML: /],
  ])('both find %s', async (_, files, place, reason) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const checked = await filesFoundBy('check');
    expect(checked).toEqual(await filesFoundBy('render'));
    const found = (checked as { file: string; line: number; reason: string }[]).map((each) => ({
      place: `${each.file.slice(folder.length + 1)}:${each.line}`,
      reason: each.reason,
    }));
    expect(found).toEqual([{ place, reason: expect.stringMatching(reason) }]);
  });

  it('both find all of it at once, in KPIs and in alerts.yaml', async () => {
    mkdirSync(join(folder, 'kpis'));
    writeFileSync(join(folder, 'kpis/shop.yaml'), KPI.replace('target: 2', 'targt: 2'));
    writeFileSync(join(folder, 'alerts.yaml'), ALERTS.replace('routes:', 'rotes:'));
    const checked = await filesFoundBy('check');
    expect(checked).toHaveLength(2);
    expect(await filesFoundBy('render')).toEqual(checked);
  });
});
