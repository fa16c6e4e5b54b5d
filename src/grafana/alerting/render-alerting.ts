/**
 * Grafana's alerting from the catalogue: contact points, policies, mute timings, templates and rules. Enters: KPIs and
 * alerts.yaml; leaves: texts by their path under grafana/, the same for the same catalogue. Sends nothing to anybody.
 */
import type { AlertsConfig } from '../../model/alerts.js';
import { UserError } from '../../model/errors.js';
import type { Kpi } from '../../model/kpi.js';
import { suggestName } from '../../model/nearest-name.js';
import { buildContactPoints } from './contact-points.js';
import { type AlertingFile, formatFile } from './file-format.js';
import { groupBy } from './group-by.js';
import { MESSAGE_TEMPLATES, TEMPLATE_NAME } from './message-templates.js';
import { type PlannedRule, planRules, unwantedUids } from './plan-rules.js';
import { buildMuteTimes, buildPolicies } from './policies.js';
import { groupRules, nameRules } from './rule-file.js';
import { describeRules } from './rule-table.js';

const FOLDER = 'provisioning/alerting';

export interface AlertingOptions {
  database: string;
  /** Address that runbooks are below; '' where they are only named. */
  docsUrl: string;
}

/** Throws UserError where a KPI names a contact point that does not exist, or rules cannot be told apart. */
export function renderAlerting(
  kpis: readonly Kpi[],
  alerts: AlertsConfig,
  { database, docsUrl }: AlertingOptions,
): Map<string, string> {
  checkContacts(kpis, alerts);
  const rules = kpis.flatMap((kpi) => planRules(kpi, { alerts, database }));
  checkUids(rules);
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

function checkContacts(kpis: readonly Kpi[], { contactPoints }: AlertsConfig): void {
  const known = contactPoints.map(({ name }) => name);
  const problems = kpis.flatMap((kpi) =>
    kpi.alerts.flatMap(({ name: alert, notify }) =>
      notify
        .filter((contact) => !known.includes(contact))
        .map(
          (contact) =>
            `  ${kpi.file}:${kpi.line}: ${kpi.name}: alert ${alert}: no contact point "${contact}"${suggestName(contact, known)}; alerts.yaml has ${known.join(', ')}`,
        ),
    ),
  );
  if (problems.length === 0) return;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new UserError(`alerts of KPIs have ${count}:\n${problems.join('\n')}`);
}

function checkUids(rules: readonly PlannedRule[]): void {
  for (const [uid, same] of groupBy(rules, (rule) => rule.uid)) {
    if (same.length === 1) continue;
    const names = same.map(({ kpi, name }) => `${name} of ${kpi.name}`).join(' and ');
    throw new UserError(
      `${names} would be one rule in Grafana (${uid}); give one of the alerts another name`,
    );
  }
}
