/**
 * Rendered files → what Grafana's HTTP API is to have. Enters: texts by their path (render.ts) and environment variables; leaves
 * the same content under the API's names, with variables put in where Grafana would put them in while it reads a file.
 */
import { parse } from 'yaml';
import type {
  AlertingFile,
  ContactPointFile,
  PolicyFile,
  RuleFile,
  RuleGroup,
} from '../alerting/file-format.js';
import { FOLDER_TITLE, FOLDER_UID } from '../uids.js';
import { parseSeconds } from './durations.js';
import type { ApiContactPoint, ApiPolicy, ApiRule, ApiRuleGroup, WantedState } from './resources.js';

const DASHBOARD = /^dashboards\/.*\.json$/;
const ALERTING = /^provisioning\/alerting\/.*\.ya?ml$/;

/** Every rule that the catalogue makes has this label, so what has it is Plumbline's to route. */
export const OWN_MATCHER = ['kpi', '=~', '.+'];

export type Environment = Readonly<Record<string, string | undefined>>;

export function readWanted(files: ReadonlyMap<string, string>, environment: Environment): WantedState {
  const unset = new Set<string>();
  const fill = (text: string) => fillVariables(text, environment, unset);
  const state: WantedState = {
    folder: { uid: FOLDER_UID, title: FOLDER_TITLE },
    dashboards: [],
    groups: [],
    contactPoints: [],
    muteTimings: [],
    templates: [],
    route: undefined,
    unset: [],
  };
  for (const [path, text] of files) {
    if (DASHBOARD.test(path)) {
      const model = JSON.parse(text) as { uid: string };
      state.dashboards.push({
        uid: model.uid,
        folderUid: FOLDER_UID,
        model: model as Record<string, unknown>,
      });
    }
    if (!ALERTING.test(path)) continue;
    // As Grafana reads it: YAML 1.1.
    const file = parse(text, { version: '1.1' }) as AlertingFile;
    state.groups.push(...(file.groups ?? []).map((group) => toGroup(group, fill)));
    state.contactPoints.push(...(file.contactPoints ?? []).flatMap((point) => toReceivers(point, fill)));
    state.muteTimings.push(
      ...(file.muteTimes ?? []).map(({ name, time_intervals }) => ({ name: fill(name), time_intervals })),
    );
    state.templates.push(
      ...(file.templates ?? []).map(({ name, template }) => ({ name: fill(name), template })),
    );
    const [root] = file.policies ?? [];
    if (root !== undefined) state.route = toOwnRoute(root, fill);
  }
  return { ...state, unset: [...unset].sort() };
}

type Fill = (text: string) => string;

function toGroup({ name, interval, rules }: RuleGroup, fill: Fill): ApiRuleGroup {
  const title = fill(name);
  return { title, intervalS: parseSeconds(interval), rules: rules.map((rule) => toRule(rule, title, fill)) };
}

function toRule(rule: RuleFile, ruleGroup: string, fill: Fill): ApiRule {
  const {
    keepFiringFor,
    missing_series_evals_to_resolve,
    dashboardUid,
    panelId,
    labels,
    annotations,
    ...same
  } = rule;
  return {
    ...same,
    title: fill(rule.title),
    orgID: 1,
    folderUID: FOLDER_UID,
    ruleGroup,
    keep_firing_for: keepFiringFor,
    missingSeriesEvalsToResolve: missing_series_evals_to_resolve,
    labels: Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, fill(value)])),
    annotations: { ...annotations, __dashboardUid__: dashboardUid, __panelId__: String(panelId) },
    isPaused: false,
    data: rule.data.map((query) => ({ queryType: '', ...query })),
  };
}

function toReceivers({ name, receivers }: ContactPointFile, fill: Fill): ApiContactPoint[] {
  return receivers.map(({ settings, ...receiver }) => ({
    ...receiver,
    name: fill(name),
    settings: Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [key, typeof value === 'string' ? fill(value) : value]),
    ),
  }));
}

/**
 * The rendered tree as one route of a tree that is Grafana's: what its root says holds for alerts of KPIs alone, and whoever has
 * routes of their own keeps them.
 */
function toOwnRoute({ orgId: _, ...root }: PolicyFile & { orgId?: number }, fill: Fill): ApiPolicy {
  return { ...toPolicy(root, fill), object_matchers: [OWN_MATCHER] };
}

function toPolicy({ routes, object_matchers, ...policy }: PolicyFile, fill: Fill): ApiPolicy {
  return {
    ...policy,
    receiver: fill(policy.receiver),
    ...(policy.mute_time_intervals && { mute_time_intervals: policy.mute_time_intervals.map(fill) }),
    ...(object_matchers && { object_matchers: object_matchers.map((matcher) => matcher.map(fill)) }),
    ...(routes && { routes: routes.map((route) => toPolicy(route, fill)) }),
  };
}

/** `$NAME` and `${NAME}`; `$$` is a dollar. What is not set stays as it is, and is noted. */
export function fillVariables(text: string, environment: Environment, unset: Set<string>): string {
  return text.replaceAll(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (whole, dollar, plain, braced) => {
    if (dollar !== undefined) return '$';
    const name = (plain ?? braced) as string;
    const value = environment[name];
    if (value !== undefined && value !== '') return value;
    unset.add(name);
    return whole;
  });
}
