/**
 * Everything that Grafana is provisioned with, from the catalogue alone. Enters: KPIs and what differs from place to place;
 * leaves: the text of each file below grafana/, by its path. The same input gives the same bytes. Reads and writes nothing.
 */
import type { Kpi } from '../model/kpi.js';
import { renderAlerting } from './alerting/render-alerting.js';
import { alertHistoryBoard } from './dashboards/alert-history.js';
import { type Board, buildBoard } from './dashboards/board.js';
import { categoryBoard } from './dashboards/category.js';
import { coverageBoard } from './dashboards/coverage.js';
import { ingestBoard } from './dashboards/ingest.js';
import { kpiBoard } from './dashboards/kpi-detail.js';
import { overviewBoard } from './dashboards/overview.js';
import { serviceBoard } from './dashboards/service.js';
import type { GrafanaOptions } from './grafana-options.js';
import { renderDashboardProvider, renderDatasource } from './provisioning.js';
import { renderReadme } from './readme.js';
import { stableJson } from './stable-json.js';

export function renderGrafana(kpis: readonly Kpi[], options: GrafanaOptions): Map<string, string> {
  const sorted = [...kpis].sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: [path: string, text: string][] = [
    ...renderAlerting(sorted, options.alerts, options),
    ['README.md', renderReadme(sorted, options)],
    ['provisioning/datasources/plumbline.yaml', renderDatasource(options)],
    ['provisioning/dashboards/plumbline.yaml', renderDashboardProvider()],
    ...listBoards(sorted, options).map((board): [string, string] => [
      `dashboards/${board.uid}.json`,
      stableJson(buildBoard(board)),
    ]),
  ];
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function listBoards(kpis: readonly Kpi[], options: GrafanaOptions): Board[] {
  return [
    overviewBoard(kpis, options),
    ...options.categories.map((category) => categoryBoard(category, kpis, options)),
    ...kpis.map((kpi) => kpiBoard(kpi, options)),
    serviceBoard(kpis, options),
    ingestBoard(kpis, options),
    coverageBoard(options),
    alertHistoryBoard(kpis, options),
  ];
}
