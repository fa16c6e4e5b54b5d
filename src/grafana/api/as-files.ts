/**
 * What Grafana has → files that it can be provisioned with. Enters: dashboards and rules as its API answers them; leaves: texts by
 * their path, in the form of `plumbline grafana render`. Contact points are left out: their secrets do not come out of Grafana.
 */
import { formatFile, formatSeconds, type RuleFile, withoutVariables } from '../alerting/file-format.js';
import { stableJson } from '../stable-json.js';
import { FOLDER_TITLE } from '../uids.js';
import { parseSeconds } from './durations.js';
import type { ApiDashboard, ApiRule, ApiRuleGroup } from './resources.js';

export function dashboardFile({ uid, model }: ApiDashboard): [path: string, text: string] {
  const { id, version, ...rest } = model;
  return [`dashboards/${fileName(uid)}.json`, stableJson(rest)];
}

/** One file for each group: a group is read as a whole. */
export function groupFile({ title, intervalS, rules }: ApiRuleGroup): [path: string, text: string] {
  const group = {
    orgId: 1 as const,
    name: withoutVariables(title),
    folder: FOLDER_TITLE,
    interval: formatSeconds(intervalS),
    rules: rules.map(ruleFile),
  };

  const text = formatFile(
    { apiVersion: 1, groups: [group] },
    `Rules of the group ${title}, as Grafana had them.`,
  );
  // It was not rendered, and rendering must not take it for something of its own that is left over.
  return [`provisioning/alerting/${fileName(title)}.yaml`, text.replace(/^# Rendered by .*\n/m, '')];
}

function ruleFile(rule: ApiRule): RuleFile {
  const {
    __dashboardUid__: dashboardUid,
    __panelId__: panelId,
    ...annotations
  } = (rule.annotations ?? {}) as Record<string, string>;
  const labels = Object.entries(rule.labels ?? {}).map(([name, value]) => [name, withoutVariables(value)]);
  return {
    uid: rule.uid,
    title: withoutVariables(rule.title),
    condition: String(rule.condition),
    for: duration(rule.for),
    keepFiringFor: duration(rule.keep_firing_for),
    noDataState: rule.noDataState as RuleFile['noDataState'],
    execErrState: rule.execErrState as RuleFile['execErrState'],
    ...(rule.missingSeriesEvalsToResolve !== undefined && {
      missing_series_evals_to_resolve: Number(rule.missingSeriesEvalsToResolve),
    }),
    ...(dashboardUid !== undefined && { dashboardUid, panelId: Number(panelId) }),
    ...(rule.isPaused === true && { isPaused: true }),
    labels: Object.fromEntries(labels),
    annotations,
    data: rule.data.map(({ refId, datasourceUid, relativeTimeRange, model }) => ({
      refId,
      datasourceUid,
      relativeTimeRange,
      model,
    })),
  } as RuleFile;
}

function duration(value: unknown): string {
  const seconds = parseSeconds(String(value ?? '0s'));
  return Number.isNaN(seconds) ? String(value) : formatSeconds(seconds);
}

function fileName(text: string): string {
  return text.replaceAll(/[^\w.-]+/g, '-');
}
