/**
 * What has to change in Grafana for it to have what the catalogue renders. Enters: both states; leaves: changes in the order in
 * which they can be made, and what stands in their way. Only what is Plumbline's is ever changed or removed: its folder, uids with
 * its prefixes, timings and templates under its names, and one route of the policy tree. It makes no request.
 */
import { compare, type Difference } from './compare.js';
import {
  normaliseContactPoint,
  normaliseDashboard,
  normaliseMuteTiming,
  normalisePolicy,
  normaliseRule,
  normaliseTemplate,
} from './normalise.js';
import {
  type ApiPolicy,
  type ApiRule,
  type FoundState,
  KINDS,
  type Kind,
  type WantedState,
} from './resources.js';
import { OWN_MATCHER } from './wanted.js';

export interface Change {
  kind: Kind;
  /** uid, or name where that is what it is found by. */
  id: string;
  title: string;
  action: 'create' | 'update' | 'delete';
  differences: Difference[];
  /** Why Grafana would refuse it. */
  blocked?: string;
}

export interface Plan {
  changes: Change[];
  /** What people should know and no change mends. */
  warnings: string[];
}

export function makePlan(wanted: WantedState, found: FoundState, kinds: readonly Kind[] = KINDS): Plan {
  const changes: Record<Kind, () => Change[]> = {
    folder: () => planFolder(wanted, found),
    dashboards: () => planDashboards(wanted, found),
    templates: () => planNamed('templates', wanted.templates, found.templates, normaliseTemplate),
    'mute-timings': () =>
      planNamed('mute-timings', wanted.muteTimings, found.muteTimings, normaliseMuteTiming),
    'contact-points': () => planContactPoints(wanted, found),
    policies: () => planPolicies(wanted, found),
    rules: () => planRules(wanted, found),
  };
  return {
    changes: KINDS.filter((kind) => kinds.includes(kind)).flatMap((kind) => changes[kind]()),
    warnings: listWarnings(wanted, found, kinds),
  };
}

function planFolder({ folder }: WantedState, found: FoundState): Change[] {
  return toChange('folder', folder.uid, folder.title, folder, found.folder);
}

function planDashboards(wanted: WantedState, found: FoundState): Change[] {
  const titleOf = ({ model }: { model: Record<string, unknown> }) => String(model.title ?? '');
  const known = new Map(found.dashboards.map((dashboard) => [dashboard.uid, dashboard]));
  const changes = wanted.dashboards.flatMap((dashboard) => {
    const there = known.get(dashboard.uid);
    known.delete(dashboard.uid);
    const [one, other] = [normaliseDashboard(dashboard), there && normaliseDashboard(there)];
    return toChange(
      'dashboards',
      dashboard.uid,
      titleOf(dashboard),
      one,
      other,
      there?.isFromFile ? FROM_FILE : undefined,
    );
  });
  const left = [...known.values()].filter(
    ({ uid, folderUid }) => uid.startsWith('plumbline-') && folderUid === wanted.folder.uid,
  );
  return [
    ...changes,
    ...left.flatMap((dashboard) =>
      toChange(
        'dashboards',
        dashboard.uid,
        titleOf(dashboard),
        undefined,
        {},
        dashboard.isFromFile ? FROM_FILE : undefined,
      ),
    ),
  ];
}

function planNamed<Named extends { name: string; provenance?: unknown }>(
  kind: Kind,
  wanted: readonly Named[],
  found: readonly Named[],
  normalise: (named: Named) => unknown,
): Change[] {
  return wanted.flatMap((named) => {
    const there = found.find(({ name }) => name === named.name);
    return toChange(kind, named.name, named.name, normalise(named), there && normalise(there), lockOf(there));
  });
}

function planContactPoints(wanted: WantedState, found: FoundState): Change[] {
  const known = new Map(found.contactPoints.map((point) => [point.uid, point]));
  const changes = wanted.contactPoints.flatMap((point) => {
    const there = known.get(point.uid);
    known.delete(point.uid);
    const title = `${point.name} (${point.type})`;
    const unknown = Object.keys(point.settings).filter((key) => isUnset(point.settings[key], wanted.unset));
    return toChange(
      'contact-points',
      point.uid,
      title,
      normaliseContactPoint(point, unknown),
      there && normaliseContactPoint(there, unknown),
      lockOf(there),
    );
  });
  const left = [...known.values()].filter(({ uid }) => uid.startsWith('contact-'));
  return [
    ...changes,
    ...left.flatMap((point) =>
      toChange('contact-points', point.uid, `${point.name} (${point.type})`, undefined, {}, lockOf(point)),
    ),
  ];
}

/** Whether a text names a variable that nobody has set here: what it would be is not known. */
function isUnset(setting: unknown, unset: readonly string[]): boolean {
  return (
    typeof setting === 'string' &&
    unset.some((name) => new RegExp(`\\$(${name}\\b|\\{${name}\\})`).test(setting))
  );
}

/** Our route in whatever tree there is. */
export function findOwnRoute(policies: ApiPolicy | undefined): ApiPolicy | undefined {
  return policies?.routes?.find(isOwnRoute);
}

/** The tree with our route in it: in its place, or before all others, whose alerts have no label `kpi`. */
export function withOwnRoute(policies: ApiPolicy, route: ApiPolicy): ApiPolicy {
  const { provenance: _, ...root } = policies;
  const routes = root.routes ?? [];
  return {
    ...root,
    routes: routes.some(isOwnRoute)
      ? routes.map((each) => (isOwnRoute(each) ? route : each))
      : [route, ...routes],
  };
}

function isOwnRoute({ object_matchers = [] }: ApiPolicy): boolean {
  return object_matchers.length === 1 && object_matchers[0]!.join(' ') === OWN_MATCHER.join(' ');
}

function planPolicies({ route }: WantedState, { policies }: FoundState): Change[] {
  if (route === undefined) return [];
  const there = findOwnRoute(policies);
  return toChange(
    'policies',
    'plumbline',
    'route of alerts of KPIs',
    normalisePolicy(route),
    there && normalisePolicy(there),
    lockOf(policies),
  );
}

/** uids of rules that are not Plumbline's are left alone, also in a group of its folder. */
export function isOwnRule({ uid }: Pick<ApiRule, 'uid'>): boolean {
  return uid.startsWith('kpi-');
}

function planRules(wanted: WantedState, found: FoundState): Change[] {
  const known = new Map(
    found.groups.flatMap((group) =>
      group.rules.map((rule) => [rule.uid, { rule, intervalS: group.intervalS }]),
    ),
  );
  const changes = wanted.groups.flatMap((group) =>
    group.rules.flatMap((rule) => {
      const there = known.get(rule.uid);
      known.delete(rule.uid);
      const before = there && { ...normaliseRule(there.rule), intervalS: there.intervalS };
      return toChange(
        'rules',
        rule.uid,
        rule.title,
        { ...normaliseRule(rule), intervalS: group.intervalS },
        before,
        lockOf(there?.rule),
      );
    }),
  );
  const left = [...known.values()].filter(({ rule }) => isOwnRule(rule));
  return [
    ...changes,
    ...left.flatMap(({ rule }) => toChange('rules', rule.uid, rule.title, undefined, {}, lockOf(rule))),
  ];
}

const FROM_FILE =
  'it comes from files that Grafana is provisioned with: render those anew, or take them out of its provisioning first';

function lockOf(thing: object | undefined): string | undefined {
  return (thing as { provenance?: unknown } | undefined)?.provenance === 'file' ? FROM_FILE : undefined;
}

function toChange(
  kind: Kind,
  id: string,
  title: string,
  wanted: unknown,
  found: unknown,
  blocked?: string,
): Change[] {
  const differences = wanted === undefined || found === undefined ? [] : compare(wanted, found);
  if (wanted !== undefined && found !== undefined && differences.length === 0) return [];
  const action = wanted === undefined ? 'delete' : found === undefined ? 'create' : 'update';
  return [{ kind, id, title, action, differences, ...(blocked !== undefined && { blocked }) }];
}

function listWarnings(wanted: WantedState, found: FoundState, kinds: readonly Kind[]): string[] {
  if (!kinds.includes('contact-points')) return [];
  const own = new Set(wanted.contactPoints.map(({ uid }) => uid));
  return wanted.contactPoints
    .flatMap(({ name }) => found.contactPoints.filter((point) => point.name === name && !own.has(point.uid)))
    .filter(
      ({ uid }, i, all) => !uid.startsWith('contact-') && all.findIndex((point) => point.uid === uid) === i,
    )
    .map(
      ({ name, uid, type }) =>
        `contact point ${name} has a receiver that is not Plumbline's (${type}, uid ${uid}): it is told of KPIs too`,
    );
}
