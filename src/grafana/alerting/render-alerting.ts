/**
 * Grafana's alerting from the catalogue: contact points, policies, mute timings, templates and rules. Enters: KPIs and
 * alerts.yaml; leaves: texts by their path under grafana/, the same for the same catalogue. Sends nothing to anybody.
 */

import type { AlertsConfig } from '../../model/alerts.js';
import { CatalogueError } from '../../model/file-problem.js';
import type { Kpi } from '../../model/kpi.js';
import { listAlertProblems } from './alert-problems.js';
import { buildContactPoints } from './contact-points.js';
import { type AlertingFile, formatFile } from './file-format.js';
import { groupBy } from './group-by.js';
import { MESSAGE_TEMPLATES, TEMPLATE_NAME } from './message-templates.js';
import { planRules, unwantedUids } from './plan-rules.js';
import { buildMuteTimes, buildPolicies } from './policies.js';
import { groupRules, nameRules } from './rule-file.js';
import { describeRules } from './rule-table.js';

const FOLDER = 'provisioning/alerting';

export interface AlertingOptions {
  database: string;
  /** Address that runbooks are below; '' where they are only named. */
  docsUrl: string;
}

/** @throws CatalogueError where `listAlertProblems` finds any. */
export function renderAlerting(
  kpis: readonly Kpi[],
  alerts: AlertsConfig,
  { database, docsUrl }: AlertingOptions,
): Map<string, string> {
  const problems = listAlertProblems(kpis, alerts);
  if (problems.length > 0) throw new CatalogueError(problems);
  const rules = kpis.flatMap((kpi) => planRules(kpi, { alerts, database }));
  const files = new Map<string, string>();
  const add = (name: string, file: Omit<AlertingFile, 'apiVersion'>, about: string) =>
    files.set(`${FOLDER}/${name}.yaml`, formatFile({ apiVersion: 1, ...file }, about));
  add('contact-points', { contactPoints: buildContactPoints(alerts.contactPoints) }, 'Who can be told.');
  add(
    'mute-timings',
    { muteTimes: buildMuteTimes(alerts.muteTimings) },
    'Times in which some alerts say nothing.',
  );
  add('policies', { policies: [buildPolicies(alerts)] }, 'Who is told of which alerts: the whole tree.');
  const template = { orgId: 1, name: TEMPLATE_NAME, template: MESSAGE_TEMPLATES } as const;
  add('templates', { templates: [template] }, 'What messages say.');
  const titles = nameRules(rules);
  const options = { evaluation: alerts.evaluation, docsUrl };
  for (const [category, members] of groupBy(kpis, (kpi) => kpi.category)) {
    const own = rules.filter(({ kpi }) => kpi.category === category);
    const unwanted = members.flatMap((kpi) => unwantedUids(kpi, { alerts, database })).sort();
    if (own.length === 0 && unwanted.length === 0) continue;
    const file = {
      ...(own.length > 0 && { groups: groupRules(own, titles, options) }),
      ...(unwanted.length > 0 && { deleteRules: unwanted.map((uid) => ({ orgId: 1 as const, uid })) }),
    };
    add(`rules-${category.replaceAll('_', '-')}`, file, `Alert rules of ${category}.`);
  }
  files.set('alert-rules.md', describeRules(rules, alerts));
  return files;
}
