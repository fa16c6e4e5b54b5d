/**
 * A KPI in words, for descriptions of panels and for the list of them. Enters: a Kpi; leaves: plain text and Markdown. Knows
 * nothing of Grafana.
 */
import { termsOf } from '../model/formula-parts.js';
import type { Formula, Kpi } from '../model/kpi.js';
import { formatValue } from '../model/value-text.js';

const DURATIONS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
  [1, 's'],
] as const;

/** Seconds with the largest unit that leaves no rest: 5m, 1h, 30d. */
export function durationText(seconds: number): string {
  const [length, unit] = DURATIONS.find(([length]) => seconds % length === 0) ?? [1, 's'];
  return `${seconds / length}${unit}`;
}

/** `≤ 2 s`, `≥ 99.9 %`; '' where there is none. */
export function targetText(kpi: Kpi): string {
  if (kpi.target === undefined) return '';
  return `${kpi.direction === 'lower_is_better' ? '≤' : '≥'} ${formatValue(kpi.target, kpi)}`;
}

export function thresholdText(kpi: Kpi, level: 'warning' | 'critical'): string {
  const value = kpi[level];
  if (value === undefined) return '';
  return `${kpi.direction === 'lower_is_better' ? '≥' : '≤'} ${formatValue(value, kpi)}`;
}

/** Title and target, as tiles are headed. */
export function titleWithTarget(kpi: Kpi): string {
  return kpi.target === undefined ? kpi.title : `${kpi.title} (${targetText(kpi)})`;
}

/** Names of the metrics of a formula, in their order. */
export function metricsOfFormula(formula: Formula): string[] {
  const metrics = termsOf(formula).flatMap(({ selectors }) => selectors.map(({ metric }) => metric));
  return [...new Set(metrics)];
}

export function metricsOfKpi(kpi: Kpi): string[] {
  return [...new Set(kpi.sources.flatMap(({ formula }) => metricsOfFormula(formula)))];
}

/** Where a runbook is: an address, or the file's name where nothing says below which address it is; '' where there is none. */
export function runbookAddress({ runbook }: Kpi, docsUrl: string): string {
  if (runbook === '' || docsUrl === '' || /^[a-z]+:\/\//.test(runbook)) return runbook;
  return `${docsUrl.replace(/\/$/, '')}/${runbook}`;
}

/** The same in Markdown. */
export function runbookLink(kpi: Kpi, docsUrl: string): string {
  const address = runbookAddress(kpi, docsUrl);
  if (address === '') return '';
  return /^https?:/.test(address) ? `[${kpi.runbook}](${address})` : `\`${address}\``;
}

/** A file of docs/, such as docs/grafana.md, in Markdown. */
export function documentLink(file: string, docsUrl: string): string {
  return docsUrl === '' ? `\`${file}\`` : `[${file}](${docsUrl.replace(/\/$/, '')}/${file})`;
}

/** What every panel about a KPI says of it. `about`: what this panel shows of it. */
export function describeKpi(kpi: Kpi, docsUrl: string, about = ''): string {
  const marks = [
    targetText(kpi) && `Target ${targetText(kpi)}`,
    thresholdText(kpi, 'warning') && `warning ${thresholdText(kpi, 'warning')}`,
    thresholdText(kpi, 'critical') && `critical ${thresholdText(kpi, 'critical')}`,
    `status over ${durationText(kpi.windowS)}`,
  ].filter((text) => text !== '');
  const sources = kpi.sources
    .filter(({ isFallback }) => !isFallback)
    .map(({ name, formula }) => `${name} (${formula.kind} of ${metricsOfFormula(formula).join(', ')})`);
  const fallbacks = kpi.sources.filter(({ isFallback }) => isFallback).map(({ name }) => name);
  const paragraphs = [
    about,
    kpi.description,
    `${marks.join(', ')}.`,
    `Sources, the first with data counts: ${sources.join('; ')}.`,
    fallbacks.length === 0 ? '' : `Where a service has none of these: ${fallbacks.join(', ')}.`,
    kpi.owner && `Owner: ${kpi.owner}.`,
    runbookLink(kpi, docsUrl) && `Runbook: ${runbookLink(kpi, docsUrl)}`,
  ];
  return paragraphs.filter((text) => text !== '').join('\n\n');
}
