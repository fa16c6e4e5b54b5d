/**
 * What people read of an alert: its annotations, with the value, the threshold, the target and where to look. Enters: a planned
 * rule; leaves: Go templates over $labels and $values, which Grafana fills in at each evaluation. Decides nothing.
 */
import type { Kpi } from '../../model/kpi.js';
import { runbookAddress } from '../kpi-texts.js';
import { dashboardUid } from '../uids.js';
import { formatSeconds } from './file-format.js';
import type { Condition, PlannedRule } from './plan-rules.js';
import { GROUP_LABEL } from './rule-sql.js';

const SIGNS: Record<Condition['type'], string> = { gt: '>', gte: '≥', lt: '<', lte: '≤' };

/** The group, in words; nothing where the rule could not be evaluated. */
const GROUP = `{{ with $labels.${GROUP_LABEL} }}: {{ . }}{{ end }}`;

/** Text of the catalogue is no template, and no variable of the environment. */
export function escapeTemplate(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}').replaceAll('${', '$ {');
}

/** `2 s`, `5 %`, `0.17 request/s`, `3`. */
export function formatAmount(value: number, unit: string): string {
  return `${value}${unitSuffix(unit)}`;
}

function unitSuffix(unit: string): string {
  const words = unit.replaceAll(/[{}]/g, '');
  return words === '1' || words === '' ? '' : ` ${words}`;
}

/** ` ≥ 2 s` and the like. */
export function describeCondition({ kpi, kind, condition: { type, limit } }: PlannedRule): string {
  if (kind === 'threshold') return `${SIGNS[type]} ${formatAmount(limit, kpi.unit)}`;
  if (kind === 'burn_rate') return 'above its limit in both windows';
  return `none for more than ${formatSeconds(limit)}`;
}

/** Digits behind the point that tell a value from the threshold it is compared with. */
function decimalsOf(reference: number): number {
  const size = Math.abs(reference);
  if (size === 0) return 2;
  const own = /\.(\d+)$/.exec(String(reference))?.[1]?.length;
  const wanted = Math.max(2 - Math.floor(Math.log10(size)), own === undefined ? 0 : own + 1);
  return Math.min(6, Math.max(0, wanted));
}

function valueTemplate({ kpi, kind, condition }: PlannedRule, before = ''): string {
  const value = {
    threshold: `{{ printf "%.${decimalsOf(condition.limit)}f" .Value }}${escapeTemplate(unitSuffix(kpi.unit))}`,
    no_data: 'nothing for {{ humanizeDuration .Value }}',
    vanished_group: 'nothing for {{ humanizeDuration .Value }}',
    burn_rate:
      '{{ printf "%.1f" .Value }} times the limit{{ with $labels.burn_rate_max }} of {{ . }}{{ end }}{{ with $labels.burn_windows }} over {{ . }}{{ end }}',
  }[kind];
  return `{{ with $values.B }}${before}${value}{{ end }}`;
}

function headline(rule: PlannedRule): string {
  const { kpi, kind, level, message, isEscalation, forS } = rule;
  if (isEscalation) return `${kpi.title} has been at a warning for ${formatSeconds(forS)}`;
  if (message !== undefined) return message.replace(/[.!]$/, '');
  switch (kind) {
    case 'threshold':
      return `${kpi.title} is ${level === 'critical' ? 'critical' : 'at a warning'}`;
    case 'no_data':
      return `${kpi.title} has no data`;
    case 'vanished_group':
      return `${kpi.title} has no data of one of its groups, while others go on`;
    case 'burn_rate':
      return `${kpi.title} spends its error budget ${level === 'critical' ? 'fast' : 'faster than it lasts'}`;
  }
}

function summaryOf(rule: PlannedRule, target: string): string {
  const goal = target === '' ? '' : ` (target ${target})`;
  return `${escapeTemplate(headline(rule))}${GROUP}${valueTemplate(rule, ', ')}${escapeTemplate(goal)}`;
}

function describe(rule: PlannedRule): string {
  const { kpi, kind, forS, rangeS } = rule;
  const over = formatSeconds(rangeS);
  const why = {
    threshold: `Fires when the value over the last ${over} is ${describeCondition(rule)} for ${formatSeconds(forS)}.`,
    no_data: `Fires when there was data within ${over} and has been ${describeCondition(rule)}.`,
    vanished_group: `Fires when a group had data within ${over} and has had ${describeCondition(rule)}, while there still is data of others.`,
    burn_rate:
      'Fires when bad events spend the error budget above the limit in both windows: the long one says that it matters, the short one that it goes on.',
  }[kind];
  return `${kpi.description.trim()} ${why}`;
}

/** Target in words; '' where there is none. */
export function targetOf({ target, unit, direction }: Kpi): string {
  if (target === undefined) return '';
  return `${direction === 'lower_is_better' ? 'at most' : 'at least'} ${formatAmount(target, unit)}`;
}

export function annotationsOf(rule: PlannedRule, docsUrl: string): Record<string, string> {
  const { kpi } = rule;
  const target = targetOf(kpi);
  const all = {
    summary: summaryOf(rule, target),
    description: escapeTemplate(describe(rule)),
    value: valueTemplate(rule),
    threshold: escapeTemplate(describeCondition(rule)),
    target: escapeTemplate(target),
    runbook_url: escapeTemplate(runbookAddress(kpi, docsUrl)),
    dashboard_url: `{{ externalURL }}d/${dashboardUid('kpi', kpi.name)}`,
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ''));
}
