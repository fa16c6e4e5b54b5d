/**
 * What is committed in grafana/ is what the catalogue says, byte for byte, every time; one KPI more is its own board, its tiles
 * and its rules, and nothing else changes but the lists that name it.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderFromFiles } from '../../src/cli/grafana-catalogue.js';
import { compareFolder, writeChanges } from '../../src/cli/grafana-render.js';
import { GRAFANA_DEFAULTS } from '../../src/grafana/grafana-options.js';
import { type DashboardFile, listPanels } from './dashboard-queries.js';

const FOLDER = new URL('../../grafana', import.meta.url).pathname;
const { docsUrl, traceUrl } = GRAFANA_DEFAULTS;
const render = (...catalogues: string[]) => renderFromFiles({ catalogues, docsUrl, traceUrl });

/** Between two that are there, in a category and subcategory that have others. */
const OWN_KPI = `name: checkout_time
title: Checkout Time
category: user_experience
subcategory: page_load_times
description: Time from the click on "buy" to the confirmation.
owner: shop
unit: s
direction: lower_is_better
target: 2
warning: 3
critical: 5
visualisation: gauge
refresh: 60s
group_by: [service]
sources:
  - name: shop
    average: shop.checkout.duration
alerts:
  - { level: critical, severity: high, notify: [email], message: Checkout is slow }
runbook: https://wiki.example.com/checkout
`;

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-grafana-'));
  made.push(folder);
  return folder;
}

function makeCatalogue(): string {
  const folder = makeFolder();
  mkdirSync(join(folder, 'kpis'));
  writeFileSync(join(folder, 'kpis', 'checkout_time.yaml'), OWN_KPI);
  return folder;
}

let files: Map<string, string>;
beforeAll(async () => {
  files = await render();
});

describe('the committed files', () => {
  it('are what is rendered, and no other is left over', async () => {
    const { unchanged: _, ...changes } = await compareFolder(FOLDER, files);
    expect(changes, 'npm run grafana:render writes them').toEqual({ added: [], changed: [], removed: [] });
  });

  it('are the same bytes when they are rendered again', async () => {
    expect([...(await render())]).toEqual([...files]);
  });

  it('end in one newline, and their keys are in order', () => {
    for (const [path, text] of files) {
      expect(text, path).toMatch(/[^\n]\n$/);
      if (!path.endsWith('.json')) continue;
      const keys = Object.keys(JSON.parse(text) as object);
      expect(keys, path).toEqual([...keys].sort());
    }
  });
});

describe('one KPI more', () => {
  /** Lines of either text that the other has not, as they are. */
  function changedPanels(before: string, after: string): string[] {
    const panels = (text: string) =>
      new Map(
        listPanels(JSON.parse(text) as DashboardFile).map(({ gridPos: _, ...panel }) => [
          panel.id,
          JSON.stringify(panel),
        ]),
      );
    const [old, now] = [panels(before), panels(after)];
    const changed = [...old].filter(([id, panel]) => now.get(id) !== panel).map(([, panel]) => panel);
    const added = [...now].filter(([id]) => !old.has(id)).map(([, panel]) => panel);
    return [...changed, ...added].map((panel) => (JSON.parse(panel) as { title: string }).title);
  }

  it('brings its board, tiles and rules, and changes only what lists KPIs', async () => {
    const more = await render(makeCatalogue());
    const added = [...more.keys()].filter((path) => !files.has(path));
    expect(added).toEqual(['dashboards/plumbline-kpi-checkout-time.json']);
    expect([...files.keys()].filter((path) => !more.has(path))).toEqual([]);
    const changed = [...files.keys()].filter((path) => files.get(path) !== more.get(path));
    expect(changed).toEqual([
      'README.md',
      'alert-rules.md',
      'dashboards/plumbline-alerts.json',
      'dashboards/plumbline-overview.json',
      'dashboards/plumbline-service.json',
      'dashboards/plumbline-user-experience.json',
      'provisioning/alerting/rules-user-experience.yaml',
    ]);
    const panelsOf = (board: string) => {
      const path = `dashboards/plumbline-${board}.json`;
      return changedPanels(files.get(path)!, more.get(path)!);
    };
    expect(panelsOf('overview')).toEqual(['Checkout Time (≤ 2 s)']);
    expect(panelsOf('user-experience')).toEqual(['Checkout Time (≤ 2 s)']);
    expect(panelsOf('service')).toEqual(['Checkout Time (≤ 2 s)']);
    expect(panelsOf('alerts')).toEqual(['User Experience: status']);
  });
});

describe('a folder', () => {
  it('gets what is missing, loses what is left over, and keeps what is not ours', async () => {
    const folder = makeFolder();
    const own = join(folder, 'dashboards', 'mine.json');
    await writeChanges(folder, files, await compareFolder(folder, files));
    writeFileSync(own, '{}');
    writeFileSync(join(folder, 'dashboards', 'plumbline-kpi-gone.json'), '{}');
    const [first, second] = [...files.keys()];
    writeFileSync(join(folder, first!), 'edited');
    rmSync(join(folder, second!));
    const changes = await compareFolder(folder, files);
    expect(changes).toEqual({
      added: [second],
      changed: [first],
      removed: ['dashboards/plumbline-kpi-gone.json'],
      unchanged: files.size - 2,
    });
    await writeChanges(folder, files, changes);
    expect(await compareFolder(folder, files)).toMatchObject({
      added: [],
      changed: [],
      removed: [],
      unchanged: files.size,
    });
    expect(readFileSync(own, 'utf8')).toBe('{}');
    expect(readdirSync(join(folder, 'dashboards'))).not.toContain('plumbline-kpi-gone.json');
  });
});
