/**
 * Planned rules in the form of Grafana's files. Enters: rules and the settings of alerts.yaml; leaves: groups of rules, one for
 * each KPI and pace, so that evaluations spread over time and a KPI's change touches its own lines only.
 */
import type { Evaluation } from '../../model/alerts.js';
import { DATASOURCE_UID, dashboardUid, FOLDER_TITLE } from '../uids.js';
import {
  formatSeconds,
  type QueryFile,
  type RuleFile,
  type RuleGroup,
  withoutVariables,
} from './file-format.js';
import { groupBy } from './group-by.js';
import type { PlannedRule } from './plan-rules.js';
import { annotationsOf } from './rule-texts.js';

const DATASOURCE_TYPE = 'grafana-clickhouse-datasource';
const PLUGIN_VERSION = '4.20.0';
const EXPRESSION = { type: '__expr__', uid: '__expr__' };
/** The panel of a KPI's dashboard that shows its value against its thresholds. */
const VALUE_PANEL_ID = 1;

export interface RuleFileOptions {
  evaluation: Evaluation;
  docsUrl: string;
}

/** `titles`: of all rules in the folder, from nameRules. */
export function groupRules(
  rules: readonly PlannedRule[],
  titles: ReadonlyMap<PlannedRule, string>,
  options: RuleFileOptions,
): RuleGroup[] {
  const groups = groupBy(rules, ({ kpi, everyS }) => `${kpi.name}-${formatSeconds(everyS)}`);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => ({
      orgId: 1,
      name,
      folder: FOLDER_TITLE,
      interval: formatSeconds(members[0]!.everyS),
      rules: members
        .toSorted((a, b) => (a.uid < b.uid ? -1 : 1))
        .map((rule) => ruleFile(rule, titles.get(rule)!, options)),
    }));
}

/**
 * Titles are alert names. Where KPIs share one (a KPI that extends another has its alerts too), the shortest KPI name keeps it
 * bare, so that a new KPI does not rename what there is.
 */
export function nameRules(rules: readonly PlannedRule[]): Map<PlannedRule, string> {
  const first = new Map<string, string>();
  const byLength = rules.toSorted(
    (a, b) => a.kpi.name.length - b.kpi.name.length || (a.kpi.name < b.kpi.name ? -1 : 1),
  );
  for (const { name, kpi } of byLength) if (!first.has(name)) first.set(name, kpi.name);
  return new Map(
    rules.map((rule) => [
      rule,
      first.get(rule.name) === rule.kpi.name ? rule.name : `${rule.kpi.name}: ${rule.name}`,
    ]),
  );
}

/** What every alert of the rule is routed and found by. */
export function labelsOfRule(rule: PlannedRule): Record<string, string> {
  const { kpi, notify, isEscalation } = rule;
  const all: Record<string, string> = {
    alert: rule.name,
    category: kpi.category,
    escalation: isEscalation ? '1' : '',
    kind: rule.kind,
    kpi: kpi.name,
    level: rule.level,
    notify: (notify ?? []).join(','),
    owner: kpi.owner,
    severity: rule.severity,
    subcategory: kpi.subcategory,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

function ruleFile(rule: PlannedRule, title: string, { evaluation, docsUrl }: RuleFileOptions): RuleFile {
  const labels = Object.entries(labelsOfRule(rule)).map(([name, value]) => [name, withoutVariables(value)]);
  return {
    uid: rule.uid,
    title: withoutVariables(title),
    condition: 'C',
    for: formatSeconds(rule.forS),
    keepFiringFor: formatSeconds(Math.max(evaluation.keepFiringForS, rule.everyS)),
    // Values nobody can stand behind fire nothing; that there are none is a rule of its own.
    noDataState: 'OK',
    execErrState: evaluation.onError,
    missing_series_evals_to_resolve: evaluation.missingEvaluations,
    dashboardUid: dashboardUid('kpi', rule.kpi.name),
    panelId: VALUE_PANEL_ID,
    labels: Object.fromEntries(labels),
    annotations: annotationsOf(rule, docsUrl),
    data: queriesOf(rule, evaluation.delayS),
  };
}

/** A: one row for each group; B: its number; C: whether it fires. */
function queriesOf({ sql, condition, rangeS }: PlannedRule, delayS: number): QueryFile[] {
  const relativeTimeRange = { from: rangeS + delayS, to: delayS };
  const step = { intervalMs: 60_000, maxDataPoints: 43_200 };
  const ask: QueryFile = {
    refId: 'A',
    datasourceUid: DATASOURCE_UID,
    relativeTimeRange,
    model: {
      refId: 'A',
      datasource: { type: DATASOURCE_TYPE, uid: DATASOURCE_UID },
      editorType: 'sql',
      pluginVersion: PLUGIN_VERSION,
      queryType: 'table',
      format: 1,
      rawSql: sql,
      ...step,
    },
  };
  const reduce = {
    type: 'reduce',
    expression: 'A',
    reducer: 'last',
    settings: { mode: 'dropNN' },
  };
  const threshold = {
    type: 'threshold',
    expression: 'B',
    conditions: [{ evaluator: { type: condition.type, params: [condition.limit] } }],
  };
  const expression = (refId: string, model: object): QueryFile => ({
    refId,
    datasourceUid: EXPRESSION.uid,
    relativeTimeRange,
    model: { refId, datasource: EXPRESSION, ...step, ...model },
  });
  return [ask, expression('B', reduce), expression('C', threshold)];
}
