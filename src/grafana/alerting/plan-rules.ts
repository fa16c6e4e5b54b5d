/**
 * Which alert rules a KPI gets. Enters: a Kpi and the settings of alerts.yaml; leaves: rules as plain facts, what they ask, when
 * they fire, who hears of them. The texts that people read come from rule-texts.ts, the file's form from rule-file.ts.
 */
import type { AlertsConfig, DefaultRule } from '../../model/alerts.js';
import type { Kpi, KpiAlert, Severity } from '../../model/kpi.js';
import { burnPairsOf, objectiveOf } from '../../model/service-level.js';
import { ruleUid } from '../uids.js';
import { burnSql, silenceSql, valueSql } from './rule-sql.js';

export type RuleKind = 'threshold' | 'no_data' | 'vanished_group' | 'burn_rate';

/** Reaching a threshold counts, missing a target does not include meeting it: as the KPI's status has it. */
export interface Condition {
  type: 'gt' | 'gte' | 'lt' | 'lte';
  limit: number;
}

export interface PlannedRule {
  uid: string;
  /** What the alert is called. */
  name: string;
  kind: RuleKind;
  /** Of the KPI's two thresholds. */
  level: 'warning' | 'critical';
  kpi: Kpi;
  severity: Severity;
  /** Contact points that the KPI names; undefined: as the route says. */
  notify: readonly string[] | undefined;
  /** What the KPI says people should read first. */
  message: string | undefined;
  /** A warning that lasted. */
  isEscalation: boolean;
  sql: string;
  condition: Condition;
  /** What `sql` looks at, back from now. */
  rangeS: number;
  forS: number;
  everyS: number;
}

const MINUTE_S = 60;
const EVERY_MAX_S = 15 * MINUTE_S;
/** Evaluations within the time that a condition must last: more say nothing new. */
const EVALUATIONS_IN_FOR = 5;
/** Nobody waits for the end of a silence; and a look at the short window of a burn pair, twice while it lasts, is enough. */
const SILENCE_EVERY_S = 5 * MINUTE_S;
const LOOKS_IN_SHORT_WINDOW = 2;
/** Quantiles take much longer to ask for than anything else. */
const QUANTILE_EVERY_S = 5 * MINUTE_S;

export interface RuleContext {
  alerts: AlertsConfig;
  database: string;
}

export function planRules(kpi: Kpi, context: RuleContext): PlannedRule[] {
  return [...planThresholds(kpi, context), ...planSilence(kpi, context), ...planBurns(kpi, context)];
}

/** Uids of rules that alerts.yaml has switched off: Grafana keeps a rule that is only gone from its file. */
export function unwantedUids(kpi: Kpi, { alerts }: RuleContext): string[] {
  const off = Object.entries(alerts.rules).filter(([, { isEnabled }]) => !isEnabled);
  return off.map(([rule]) => defaultUid(kpi, rule as DefaultRule));
}

function defaultUid({ name }: Kpi, rule: DefaultRule): string {
  return ruleUid(name, ...(rule === 'escalation' ? ['warning', 'escalated'] : [rule]));
}

function planThresholds(kpi: Kpi, context: RuleContext): PlannedRule[] {
  const { rules } = context.alerts;
  const own = kpi.alerts.flatMap((alert) => planOwn(kpi, alert, context) ?? []);
  const levels = (['critical', 'warning'] as const).filter((level) =>
    own.every((rule) => rule.level !== level),
  );
  const planned = [...own];
  for (const level of levels) {
    const condition = conditionOf(kpi, level, undefined);
    // A warning that begins where an alert is critical already would say everything twice.
    const isSaid = planned.some((rule) => rule.level === 'critical' && isWithin(condition, rule.condition));
    if (!rules[level].isEnabled || condition === undefined || isSaid) continue;
    const { severity, forS } = rules[level];
    const uid = defaultUid(kpi, level);
    planned.push(
      thresholdRule(kpi, context, { uid, name: `${kpi.name}_${level}`, level, condition, severity, forS }),
    );
  }
  const escalated = planned.flatMap((rule) => planEscalation(rule, context) ?? []);
  return [...planned, ...escalated];
}

function planOwn(kpi: Kpi, alert: KpiAlert, context: RuleContext): PlannedRule | undefined {
  const { name, level, severity, notify, forS, message } = alert;
  const condition = conditionOf(kpi, level, alert.threshold);
  if (condition === undefined) return undefined;
  const uid = ruleUid(kpi.name, name);
  return { ...thresholdRule(kpi, context, { uid, name, level, condition, severity, forS }), notify, message };
}

function thresholdRule(
  kpi: Kpi,
  { alerts, database }: RuleContext,
  own: Pick<PlannedRule, 'uid' | 'name' | 'level' | 'condition' | 'severity' | 'forS'>,
): PlannedRule {
  return {
    ...own,
    kind: 'threshold',
    kpi,
    notify: undefined,
    message: undefined,
    isEscalation: false,
    sql: valueSql(database, kpi),
    rangeS: kpi.windowS,
    everyS: everyOf(kpi, own.forS / EVALUATIONS_IN_FOR, alerts),
  };
}

/** Of a KPI without a warning threshold the target is what warns. */
function conditionOf(
  kpi: Kpi,
  level: 'warning' | 'critical',
  override: number | undefined,
): Condition | undefined {
  const isLower = kpi.direction === 'lower_is_better';
  const threshold = override ?? kpi[level];
  if (threshold !== undefined) return { type: isLower ? 'gte' : 'lte', limit: threshold };
  if (level === 'critical' || kpi.target === undefined) return undefined;
  return { type: isLower ? 'gt' : 'lt', limit: kpi.target };
}

/** Whether `inner` never holds without `outer`. */
function isWithin(inner: Condition | undefined, outer: Condition): boolean {
  if (inner === undefined) return false;
  return inner.type.startsWith('g') ? inner.limit >= outer.limit : inner.limit <= outer.limit;
}

function planEscalation(rule: PlannedRule, { alerts }: RuleContext): PlannedRule | undefined {
  const { isEnabled, severity, forS, windowMaxS } = alerts.rules.escalation;
  // A target that is missed for hours is not yet a danger: only what says when it warns becomes critical with time.
  const warns = rule.message !== undefined || rule.kpi.warning !== undefined;
  if (!isEnabled || rule.level !== 'warning' || !warns || rule.kpi.windowS > windowMaxS) return undefined;
  const isDefault = rule.notify === undefined;
  return {
    ...rule,
    uid: isDefault ? defaultUid(rule.kpi, 'escalation') : `${ruleUid(rule.kpi.name, rule.name, 'escalated')}`,
    name: `${rule.name}_escalated`,
    level: 'critical',
    severity,
    // Whoever was told of the warning has not mended it: the route says who is next.
    notify: undefined,
    isEscalation: true,
    forS,
    everyS: everyOf(rule.kpi, forS / EVALUATIONS_IN_FOR, alerts),
  };
}

function planSilence(kpi: Kpi, { alerts, database }: RuleContext): PlannedRule[] {
  const plan = (kind: 'no_data' | 'vanished_group'): PlannedRule => {
    const { severity, forS, lookbackS } = alerts.rules[kind];
    // What may be silent for a week has to be remembered for longer.
    const lookback = Math.max(lookbackS, 2 * kpi.staleAfterS);
    return {
      uid: defaultUid(kpi, kind),
      name: `${kpi.name}_${kind}`,
      kind,
      level: kind === 'no_data' ? 'critical' : 'warning',
      kpi,
      severity,
      notify: undefined,
      message: undefined,
      isEscalation: false,
      sql: silenceSql(database, kpi, kind === 'no_data' ? 'all together' : 'groups', lookback),
      condition: { type: 'gt', limit: kpi.staleAfterS },
      rangeS: lookback,
      forS,
      everyS: everyOf(kpi, Math.max(SILENCE_EVERY_S, kpi.staleAfterS / EVALUATIONS_IN_FOR), alerts),
    };
  };
  return [
    ...(alerts.rules.no_data.isEnabled ? [plan('no_data')] : []),
    ...(alerts.rules.vanished_group.isEnabled && kpi.groupBy.length > 0 ? [plan('vanished_group')] : []),
  ];
}

function planBurns(kpi: Kpi, { alerts, database }: RuleContext): PlannedRule[] {
  const objective = objectiveOf(kpi)?.objective;
  // All or nothing has no budget that could burn.
  if (objective === undefined || objective >= 1) return [];
  return (['page', 'ticket'] as const).flatMap((action) => {
    const { isEnabled, severity, forS } = alerts.rules[`burn_${action}`];
    const pairs = burnPairsOf(kpi.sloWindowS).filter((pair) => pair.action === action);
    if (!isEnabled || pairs.length === 0) return [];
    return {
      uid: defaultUid(kpi, `burn_${action}`),
      name: `${kpi.name}_burn_${action}`,
      kind: 'burn_rate' as const,
      level: action === 'page' ? ('critical' as const) : ('warning' as const),
      kpi,
      severity,
      notify: undefined,
      message: undefined,
      isEscalation: false,
      sql: burnSql(database, kpi, pairs, objective),
      condition: { type: 'gt' as const, limit: 1 },
      rangeS: Math.max(...pairs.map(({ longS }) => longS)),
      forS,
      everyS: everyOf(kpi, Math.min(...pairs.map(({ shortS }) => shortS)) / LOOKS_IN_SHORT_WINDOW, alerts),
    };
  });
}

/** As often as the KPI is shown anew and the settings allow, and no oftener than `enoughS`. */
function everyOf(kpi: Kpi, enoughS: number, { evaluation }: AlertsConfig): number {
  const isQuantile = kpi.sources.some(({ formula }) => formula.kind === 'percentile');
  const wantedS = Math.max(
    evaluation.intervalMinS,
    Math.ceil(kpi.refreshS / MINUTE_S) * MINUTE_S,
    Math.floor(enoughS / MINUTE_S) * MINUTE_S,
    isQuantile ? QUANTILE_EVERY_S : 0,
  );
  return Math.min(wantedS, Math.max(EVERY_MAX_S, evaluation.intervalMinS));
}
