/**
 * How people are told: the entries of catalogue/alerts.yaml, read and checked. Types only; docs/alerts.md says in prose what
 * each means. Durations in seconds. Which KPIs there are, and when they are bad, is in model/kpi.ts.
 */
import type { Severity } from './kpi.js';

export type ReceiverType = 'email' | 'slack' | 'pagerduty' | 'webhook';

/** One way to reach somebody. Texts may name environment variables ($NAME): Grafana puts in their values. */
export interface Receiver {
  type: ReceiverType;
  /** email: addresses; slack: url, or token and recipient; pagerduty: integration_key; webhook: url and others. */
  settings: Readonly<Record<string, string>>;
  /** Whether the end of an alert is told too. */
  isResolveTold: boolean;
}

export interface ContactPoint {
  name: string;
  receivers: readonly Receiver[];
}

export interface Timing {
  /** Labels whose values make one message. */
  groupBy: readonly string[];
  groupWaitS: number;
  groupIntervalS: number;
  repeatIntervalS: number;
}

/** Whoever is told next, where an alert still fires after so long and nobody has silenced it. */
export interface Escalation {
  afterS: number;
  /** Names of contact points. */
  notify: readonly string[];
}

/** Alerts whose labels match, and who hears of them. The first route that matches is the one. */
export interface AlertRoute {
  /** Label → values, one of which it must have; all labels must match. */
  match: Readonly<Record<string, readonly string[]>>;
  /** Contact points of alerts that name none themselves. */
  notify: readonly string[];
  timing: Partial<Timing>;
  /** Names of mute timings. */
  mute: readonly string[];
  escalate: readonly Escalation[];
}

/** Times as Grafana writes them; empty lists mean any. */
export interface MuteInterval {
  times: readonly { start: string; end: string }[];
  weekdays: readonly string[];
  daysOfMonth: readonly string[];
  months: readonly string[];
  years: readonly string[];
}

export interface MuteTiming {
  name: string;
  /** Name of a time zone. */
  location: string;
  intervals: readonly MuteInterval[];
}

/** Kinds of rules that are made for KPIs without being written there. */
export const DEFAULT_RULES = [
  'warning',
  'critical',
  'no_data',
  'vanished_group',
  'burn_page',
  'burn_ticket',
  'escalation',
] as const;
export type DefaultRule = (typeof DEFAULT_RULES)[number];

export interface RuleSettings {
  isEnabled: boolean;
  severity: Severity;
  forS: number;
}

/** How far back a KPI, or one of its groups, must have had data for its silence to be told. */
export interface SilenceSettings extends RuleSettings {
  lookbackS: number;
}

/** Of warnings that last: `forS` is how long. */
export interface EscalationSettings extends RuleSettings {
  /** KPIs over longer windows than this do not become more urgent by the hour. */
  windowMaxS: number;
}

export interface AlertRules extends Record<DefaultRule, RuleSettings> {
  no_data: SilenceSettings;
  vanished_group: SilenceSettings;
  escalation: EscalationSettings;
}

export type ErrorState = 'Error' | 'Alerting' | 'OK' | 'KeepLast';

export interface Evaluation {
  /** How long before now a window ends, for what arrives late. */
  delayS: number;
  /** No rule is evaluated more often. */
  intervalMinS: number;
  /** How long an alert goes on after its condition last held. */
  keepFiringForS: number;
  /** Evaluations that a group may be missing from before its alert ends. */
  missingEvaluations: number;
  /** What a rule says when it cannot be evaluated. */
  onError: ErrorState;
}

export interface AlertsConfig {
  /** In the order of the file. */
  contactPoints: readonly ContactPoint[];
  /** The contact point of alerts that no route matches. */
  fallback: string;
  timing: Timing;
  routes: readonly AlertRoute[];
  muteTimings: readonly MuteTiming[];
  evaluation: Evaluation;
  rules: AlertRules;
}
