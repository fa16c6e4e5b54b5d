/**
 * What is wrong with the alerts of KPIs as Grafana would have them. Enters: KPIs and alerts.yaml, each right for itself; leaves:
 * problems with file and line, none where rules can be rendered.
 */

import type { AlertsConfig } from '../../model/alerts.js';
import type { FileProblem } from '../../model/file-problem.js';
import type { Kpi } from '../../model/kpi.js';
import { suggestName } from '../../model/nearest-name.js';
import { groupBy } from './group-by.js';
import { planRules } from './plan-rules.js';

/** Contact points that do not exist, and rules that Grafana could not tell apart. */
export function listAlertProblems(kpis: readonly Kpi[], alerts: AlertsConfig): FileProblem[] {
  return [...listUnknownContacts(kpis, alerts), ...listSameRules(kpis, alerts)];
}

function listUnknownContacts(kpis: readonly Kpi[], { contactPoints }: AlertsConfig): FileProblem[] {
  const known = contactPoints.map(({ name }) => name);
  return kpis.flatMap((kpi) =>
    kpi.alerts.flatMap(({ name: alert, notify, line }) =>
      notify
        .filter((contact) => !known.includes(contact))
        .map((contact) => ({
          file: kpi.file,
          line,
          reason: `${kpi.name}: alert ${alert}: no contact point "${contact}"${suggestName(contact, known)}; alerts.yaml has ${known.join(', ')}`,
        })),
    ),
  );
}

function listSameRules(kpis: readonly Kpi[], alerts: AlertsConfig): FileProblem[] {
  // Uids do not depend on the database.
  const rules = kpis.flatMap((kpi) => planRules(kpi, { alerts, database: '' }));
  const problems: FileProblem[] = [];
  for (const [uid, same] of groupBy(rules, (rule) => rule.uid)) {
    if (same.length === 1) continue;
    const own = same.flatMap(({ kpi, name }) =>
      kpi.alerts.filter((alert) => alert.name === name).map(({ line }) => ({ kpi, line })),
    );
    const { kpi, line } = own.at(-1) ?? { kpi: same.at(-1)!.kpi, line: same.at(-1)!.kpi.line };
    const names = same.map((rule) => `${rule.name} of ${rule.kpi.name}`).join(' and ');
    const reason = `${kpi.name}: ${names} would be one rule in Grafana (${uid}); give one of the alerts another name`;
    problems.push({ file: kpi.file, line, reason });
  }
  return problems;
}
