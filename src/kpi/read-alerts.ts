/**
 * An AlertsConfig from the checked keys of alerts.yaml: durations as seconds, short forms written out. Enters: what the schema
 * let pass and load-alerts.ts found complete; leaves: an AlertsConfig. Never refuses anything.
 */
import type {
  AlertRoute,
  AlertRules,
  AlertsConfig,
  ContactPoint,
  ErrorState,
  MuteInterval,
  MuteTiming,
  Receiver,
  Timing,
} from '../model/alerts.js';
import type { RawAlerts, RawReceiver, RawRoute } from './alerts-schema.js';
import { parseDuration } from './duration.js';

const ERROR_STATES = { error: 'Error', alerting: 'Alerting', ok: 'OK', keep_last: 'KeepLast' } as const;

type RawTiming = Pick<RawRoute, 'group_by' | 'group_wait' | 'group_interval' | 'repeat_interval'>;
type RawMuteTiming = NonNullable<NonNullable<RawAlerts['mute_timings']>[string]>;

export function readAlerts(raw: RawAlerts): AlertsConfig {
  const notification = raw.notification!;
  const evaluation = raw.evaluation!;
  return {
    contactPoints: Object.entries(raw.contact_points!).map(
      ([name, receivers]): ContactPoint => ({ name, receivers: (receivers ?? []).map(readReceiver) }),
    ),
    fallback: notification.fallback!,
    timing: readTiming(notification) as Timing,
    routes: (raw.routes ?? []).map(readRoute),
    muteTimings: Object.entries(raw.mute_timings ?? {}).map(([name, timing]) =>
      readMuteTiming(name, timing!),
    ),
    evaluation: {
      delayS: seconds(evaluation.delay),
      intervalMinS: seconds(evaluation.interval_min),
      keepFiringForS: seconds(evaluation.keep_firing_for),
      missingEvaluations: evaluation.missing_evaluations!,
      onError: ERROR_STATES[evaluation.on_error!] satisfies ErrorState,
    },
    rules: readRules(raw.rules!),
  };
}

function seconds(text: string | null | undefined): number {
  return parseDuration(text!)!;
}

function readReceiver({ type, tell_resolved, ...settings }: RawReceiver): Receiver {
  const given = Object.entries(settings).filter((entry): entry is [string, string] => entry[1] != null);
  return { type, settings: Object.fromEntries(given), isResolveTold: tell_resolved ?? true };
}

function readTiming(raw: RawTiming): Partial<Timing> {
  return {
    ...(raw.group_by != null && { groupBy: raw.group_by }),
    ...(raw.group_wait != null && { groupWaitS: seconds(raw.group_wait) }),
    ...(raw.group_interval != null && { groupIntervalS: seconds(raw.group_interval) }),
    ...(raw.repeat_interval != null && { repeatIntervalS: seconds(raw.repeat_interval) }),
  };
}

function readRoute(raw: RawRoute): AlertRoute {
  const match = Object.entries(raw.match).map(([label, values]) => [label, [values].flat().map(String)]);
  return {
    match: Object.fromEntries(match),
    notify: raw.notify,
    timing: readTiming(raw),
    mute: raw.mute ?? [],
    escalate: (raw.escalate ?? []).map(({ after, notify }) => ({ afterS: seconds(after), notify })),
  };
}

function readMuteTiming(name: string, { location, intervals }: RawMuteTiming): MuteTiming {
  return {
    name,
    location: location ?? 'UTC',
    intervals: intervals.map(
      (each): MuteInterval => ({
        times: (each.times ?? []).map((time) => {
          const [start, end] = time.split('-') as [string, string];
          return { start, end };
        }),
        weekdays: each.weekdays ?? [],
        daysOfMonth: each.days_of_month ?? [],
        months: each.months ?? [],
        years: each.years ?? [],
      }),
    ),
  };
}

function readRules(raw: NonNullable<RawAlerts['rules']>): AlertRules {
  const plain = (rule: NonNullable<(typeof raw)['warning']>) => ({
    isEnabled: rule.enabled!,
    severity: rule.severity!,
    forS: seconds(rule.for),
  });
  const silence = (rule: NonNullable<(typeof raw)['no_data']>) => ({
    ...plain(rule),
    lookbackS: seconds(rule.lookback),
  });
  return {
    warning: plain(raw.warning!),
    critical: plain(raw.critical!),
    no_data: silence(raw.no_data!),
    vanished_group: silence(raw.vanished_group!),
    burn_page: plain(raw.burn_page!),
    burn_ticket: plain(raw.burn_ticket!),
    escalation: { ...plain(raw.escalation!), windowMaxS: seconds(raw.escalation!.window_max) },
  };
}
