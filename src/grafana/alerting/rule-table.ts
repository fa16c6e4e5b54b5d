/**
 * The rules in words, for people who do not have Grafana open. Enters: planned rules; leaves: a page of Markdown, a table for
 * each category.
 */
import type { AlertsConfig } from '../../model/alerts.js';
import { formatSeconds } from './file-format.js';
import { groupBy } from './group-by.js';
import type { PlannedRule } from './plan-rules.js';
import { findRoute } from './policies.js';
import { labelsOfRule } from './rule-file.js';
import { describeCondition } from './rule-texts.js';

const WHAT: Record<PlannedRule['kind'], string> = {
  threshold: 'value',
  no_data: 'data of all together:',
  vanished_group: 'data of a group, while others have some:',
  burn_rate: 'error budget burns',
};

export function describeRules(rules: readonly PlannedRule[], alerts: AlertsConfig): string {
  const perMinute = rules.reduce((sum, { everyS }) => sum + 60 / everyS, 0);
  const byCategory = groupBy(rules, ({ kpi }) => kpi.category);
  const tables = [...byCategory].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `# Alert rules

Rendered by \`plumbline grafana render\` from \`catalogue/kpis/\` and \`catalogue/alerts.yaml\`: changes belong there. What the columns
mean, and how to add a rule or a channel: \`docs/alerts.md\`.

${rules.length} rules, ${Math.round(perMinute)} queries a minute in all.
${tables.map(([category, members]) => categoryTable(category, members, alerts)).join('')}`;
}

function categoryTable(category: string, rules: readonly PlannedRule[], alerts: AlertsConfig): string {
  const rows = rules
    .toSorted((a, b) =>
      a.kpi.name === b.kpi.name ? (a.name < b.name ? -1 : 1) : a.kpi.name < b.kpi.name ? -1 : 1,
    )
    .map((rule) => {
      const fires = `${WHAT[rule.kind]} ${describeCondition(rule)}`;
      const cells = [
        `\`${rule.name}\``,
        rule.kpi.title,
        fires,
        formatSeconds(rule.forS),
        rule.severity,
        describeContacts(rule, alerts),
        formatSeconds(rule.everyS),
      ];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
    });
  return `
## ${category}

| alert | KPI | fires when | for | severity | told | asked every |
|---|---|---|---|---|---|---|
${rows.join('')}`;
}

/** `email, slack, after 30m phone`. */
function describeContacts(rule: PlannedRule, alerts: AlertsConfig): string {
  const route = findRoute(labelsOfRule(rule), alerts);
  const first = rule.notify ?? route?.notify ?? [alerts.fallback];
  const next = (route?.escalate ?? []).flatMap(({ afterS, notify }) =>
    notify.filter((name) => !first.includes(name)).map((name) => `after ${formatSeconds(afterS)} ${name}`),
  );
  return [...first, ...next].join(', ');
}
