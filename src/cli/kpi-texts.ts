/** Words, marks and cells that all reports of `plumbline kpi` share. Enters: KPIs and rows; leaves: texts. */
import { formatDuration } from '../kpi/duration.js';
import type { KpiRow, KpiStatus } from '../kpi/kpi-reader.js';
import type { Kpi } from '../model/kpi.js';
import { STATUS_WORDS } from '../model/status-words.js';
import { formatNumber, formatPercent, formatValue } from '../model/value-text.js';
import { type Cell, paint, type Style, type Terminal } from './terminal-table.js';
import { wrapBehind } from './terminal-width.js';

const MARKS: Readonly<Record<KpiStatus | 'error', { text: string; style: Style }>> = {
  on_target: { text: `✔ ${STATUS_WORDS.on_target}`, style: 'green' },
  warning: { text: `▲ ${STATUS_WORDS.warning}`, style: 'yellow' },
  critical: { text: `✖ ${STATUS_WORDS.critical}`, style: 'red' },
  unknown: { text: `? ${STATUS_WORDS.unknown}`, style: 'dim' },
  error: { text: '! error', style: 'magenta' },
};

export function statusCell(status: KpiStatus | 'error'): { text: string; style: Style } {
  return MARKS[status];
}

/** "on target" and the like, without the mark. */
export function statusWord(status: KpiStatus): string {
  return STATUS_WORDS[status];
}

export function valueText(kpi: Kpi, value: number | undefined): string {
  return formatValue(value, kpi);
}

/** The side of a target that is good: "≤ 2 s". */
export function targetText(kpi: Kpi, target: number | undefined): string {
  if (target === undefined) return '';
  return `${kpi.direction === 'lower_is_better' ? '≤' : '≥'} ${valueText(kpi, target)}`;
}

/** The side of a warning or critical threshold that is bad: "≥ 2 s". */
export function thresholdText(kpi: Kpi, threshold: number | undefined): string {
  if (threshold === undefined) return '';
  return `${kpi.direction === 'lower_is_better' ? '≥' : '≤'} ${valueText(kpi, threshold)}`;
}

/** Signed, plus = better than the target. */
export function distanceCell(distance: number | undefined): Cell {
  if (distance === undefined) return '';
  const text = `${distance > 0 ? '+' : ''}${formatPercent(100 * distance)}`;
  return { text, style: distance < 0 ? 'yellow' : 'green' };
}

export function countText(count: number): string {
  return formatNumber(count);
}

export function shareText(share: number | undefined): string {
  return share === undefined ? '–' : formatPercent(100 * share);
}

export function ageText(ageS: number | undefined): string {
  return formatValue(ageS, { unit: 's', dataType: 'duration' });
}

export function groupText(group: KpiRow['group']): string {
  if (group === undefined) return 'all';
  return Object.entries(group)
    .map(([label, value]) => `${label}=${value === '' ? '(none)' : value}`)
    .join(', ');
}

/** "System Performance": the category's id in words. Its title is known only to the taxonomy of the server. */
export function categoryText({ category }: Kpi): string {
  return category.replaceAll('_', ' ').replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

/** A KPI's own row, or a group of it below. */
export function nameText(kpi: Kpi, group: KpiRow['group'], isFirst: boolean): string {
  if (group === undefined) return kpi.name;
  return isFirst ? `${kpi.name}  ${groupText(group)}` : `  ${groupText(group)}`;
}

export function timeText(unixS: number): string {
  return `${new Date(unixS * 1000).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

export function isoTime(unixS: number): string {
  return new Date(unixS * 1000).toISOString();
}

export function windowText(seconds: number): string {
  return formatDuration(seconds);
}

export function lines(...parts: (string | readonly string[])[]): string {
  return `${parts.flat().join('\n')}\n`;
}

export function note(text: string, terminal: Terminal): string {
  return wrapBehind('', text, terminal.columns)
    .map((line) => paint(line, 'dim', terminal))
    .join('\n');
}

/** What has no value is null, so that every object has the same keys. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, (_, each) => (each === undefined ? null : each), 2)}\n`;
}
