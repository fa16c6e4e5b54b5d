/**
 * Routes as Grafana's notification policies, and mute timings. Enters: alerts.yaml; leaves: one whole tree of policies.
 *
 * Each route is a policy whose children are the contact points: those an alert names itself (its label `notify`), else those of
 * the route. Escalation is a child that waits: its groups are single alerts (`...`), its group_wait is the time that one must
 * fire before the next contact is told. What is silenced or over by then is never told there.
 */
import type { AlertRoute, AlertsConfig, Escalation, MuteTiming, Timing } from '../../model/alerts.js';
import {
  formatSeconds,
  type Matcher,
  type MuteTimeFile,
  type PolicyFile,
  type RootPolicy,
  withoutVariables,
} from './file-format.js';

export function buildPolicies(alerts: AlertsConfig): RootPolicy {
  const named = alerts.contactPoints.map(({ name }) => tell(name, isNamed(name), []));
  return {
    orgId: 1,
    receiver: alerts.fallback,
    ...timingFile(alerts.timing),
    routes: [...alerts.routes.map((route) => routePolicy(route, alerts)), ...named],
  };
}

function routePolicy(route: AlertRoute, alerts: AlertsConfig): PolicyFile {
  const { notify, mute, escalate } = route;
  return {
    receiver: notify[0]!,
    object_matchers: Object.entries(route.match).map(([label, values]) => oneOf(label, values)),
    continue: false,
    ...timingFile(route.timing),
    ...muted(mute),
    routes: [
      ...alerts.contactPoints.map(({ name }) => tell(name, isNamed(name), mute)),
      ...notify.map((name) => tell(name, NAMES_NONE, mute)),
      ...escalate.flatMap((next) => next.notify.map((name) => escalateTo(name, next, mute))),
    ],
  };
}

/** The first route that takes alerts with these labels. */
export function findRoute(
  labels: Readonly<Record<string, string>>,
  { routes }: AlertsConfig,
): AlertRoute | undefined {
  return routes.find(({ match }) =>
    Object.entries(match).every(([label, values]) => values.includes(labels[label] ?? '')),
  );
}

function tell(receiver: string, matcher: Matcher, mute: readonly string[]): PolicyFile {
  return { receiver, object_matchers: [matcher], continue: true, ...muted(mute) };
}

function escalateTo(receiver: string, { afterS }: Escalation, mute: readonly string[]): PolicyFile {
  return {
    ...tell(receiver, ['notify', '!~', namesPattern(receiver)], mute),
    group_by: ['...'],
    group_wait: formatSeconds(afterS),
  };
}

/** Of alerts whose KPI names no contact points. */
const NAMES_NONE: Matcher = ['notify', '!~', '.+'];

function isNamed(contact: string): Matcher {
  return ['notify', '=~', namesPattern(contact)];
}

/** Matches as a whole, as Alertmanager's patterns do: `email,slack`. */
function namesPattern(contact: string): string {
  return `(.*,)?${contact}(,.*)?`;
}

function oneOf(label: string, values: readonly string[]): Matcher {
  if (values.length === 1) return [label, '=', withoutVariables(values[0]!)];
  const escaped = values.map((value) => value.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  return [label, '=~', withoutVariables(escaped.join('|'))];
}

/** A child does not take over what its parent is muted by. */
function muted(names: readonly string[]): Pick<PolicyFile, 'mute_time_intervals'> {
  return names.length === 0 ? {} : { mute_time_intervals: names.map(withoutVariables) };
}

function timingFile(timing: Partial<Timing>): Partial<PolicyFile> {
  const { groupBy, groupWaitS, groupIntervalS, repeatIntervalS } = timing;
  return {
    ...(groupBy !== undefined && { group_by: [...groupBy] }),
    ...(groupWaitS !== undefined && { group_wait: formatSeconds(groupWaitS) }),
    ...(groupIntervalS !== undefined && { group_interval: formatSeconds(groupIntervalS) }),
    ...(repeatIntervalS !== undefined && { repeat_interval: formatSeconds(repeatIntervalS) }),
  };
}

export function buildMuteTimes(timings: readonly MuteTiming[]): MuteTimeFile[] {
  const some = <Key extends string>(key: Key, values: readonly string[]) =>
    (values.length === 0 ? {} : { [key]: [...values] }) as { [K in Key]?: string[] };
  return timings.map(({ name, location, intervals }) => ({
    orgId: 1,
    name,
    time_intervals: intervals.map((each) => ({
      ...(each.times.length > 0 && {
        times: each.times.map(({ start, end }) => ({ start_time: start, end_time: end })),
      }),
      ...some('weekdays', each.weekdays),
      ...some('days_of_month', each.daysOfMonth),
      ...some('months', each.months),
      ...some('years', each.years),
      location,
    })),
  }));
}
