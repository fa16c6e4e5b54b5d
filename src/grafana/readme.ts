/**
 * grafana/README.md: which KPIs there are, and where each is found in Grafana. Enters: KPIs and what Grafana is rendered with;
 * leaves: Markdown, one row for a KPI.
 */
import type { Kpi } from '../model/kpi.js';
import { planRules } from './alerting/plan-rules.js';
import type { GrafanaCategory, GrafanaOptions } from './grafana-options.js';
import { documentLink, durationText, runbookLink, targetText, thresholdText } from './kpi-texts.js';
import { dashboardUid } from './uids.js';

const introduce = (docsUrl: string) => `# Grafana

Written by \`plumbline grafana render\` from the KPI catalogue: changes belong there. How it is used, and
how a panel is added: ${documentLink('docs/grafana.md', docsUrl)}. All alert rules: [alert-rules.md](alert-rules.md).
`;

const COLUMNS = [
  'KPI',
  'unit',
  'target',
  'warning',
  'critical',
  'window',
  'dashboard',
  'alert rules',
  'runbook',
];

export function renderReadme(kpis: readonly Kpi[], options: GrafanaOptions): string {
  const sections = options.categories.map((category) => section(category, kpis, options));
  return [introduce(options.docsUrl), ...sections.filter((text) => text !== '')].join('\n');
}

function section({ id, title }: GrafanaCategory, kpis: readonly Kpi[], options: GrafanaOptions): string {
  const own = kpis.filter(({ category }) => category === id);
  if (own.length === 0) return '';
  const head = [`## ${title}`, '', `Dashboard: ${boardLink(dashboardUid(id))}`, ''];
  return [
    ...head,
    row(COLUMNS),
    row(COLUMNS.map(() => '---')),
    ...own.map((kpi) => kpiRow(kpi, options)),
    '',
  ].join('\n');
}

function kpiRow(kpi: Kpi, { alerts, database, docsUrl }: GrafanaOptions): string {
  const rules = planRules(kpi, { alerts, database }).length;
  return row([
    kpi.title,
    `\`${kpi.unit}\``,
    targetText(kpi),
    thresholdText(kpi, 'warning'),
    thresholdText(kpi, 'critical'),
    durationText(kpi.windowS),
    boardLink(dashboardUid('kpi', kpi.name)),
    `[${rules}](alert-rules.md#${kpi.category})`,
    runbookLink(kpi, docsUrl),
  ]);
}

function boardLink(uid: string): string {
  return `[${uid}](dashboards/${uid}.json)`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
