/** `plumbline kpi list`: what is in the catalogue. Enters: KPIs; leaves: a table or JSON. Asks for no values. */
import type { Kpi } from '../model/kpi.js';
import { placeOf } from './kpi-session.js';
import { lines, note, targetText, thresholdText, toJson, windowText } from './kpi-texts.js';
import { type Column, renderTable, type Terminal } from './terminal-table.js';

const COLUMNS: readonly Column[] = [
  { title: 'KPI', isFlexible: true },
  { title: 'title', leavesAs: 5 },
  { title: 'category', leavesAs: 2 },
  { title: 'unit', leavesAs: 4 },
  { title: 'better', leavesAs: 3 },
  { title: 'target', align: 'right' },
  { title: 'warning', align: 'right' },
  { title: 'critical', align: 'right' },
  { title: 'window', align: 'right' },
  { title: 'sources', leavesAs: 1 },
];

export function showList(kpis: readonly Kpi[], terminal: Terminal): string {
  const rows = kpis.map((kpi) => [
    kpi.name,
    kpi.title,
    placeOf(kpi),
    kpi.unit,
    kpi.direction === 'lower_is_better' ? 'lower' : 'higher',
    targetText(kpi, kpi.target),
    thresholdText(kpi, kpi.warning),
    thresholdText(kpi, kpi.critical),
    windowText(kpi.windowS),
    listSources(kpi),
  ]);
  return lines(
    renderTable(COLUMNS, rows, terminal),
    '',
    note(`${kpis.length} KPIs. "plumbline kpi show NAME" says how one is measured.`, terminal),
  );
}

/** Fallbacks are many and all alike. */
function listSources({ sources }: Kpi): string {
  const names = sources.filter(({ isFallback }) => !isFallback).map(({ name }) => name);
  const fallbacks = sources.length - names.length;
  if (fallbacks > 0) names.push(fallbacks === 1 ? '1 fallback' : `${fallbacks} fallbacks`);
  return names.join(', ');
}

export function listAsJson(kpis: readonly Kpi[]): string {
  return toJson(
    kpis.map((kpi) => ({
      name: kpi.name,
      title: kpi.title,
      category: kpi.category,
      subcategory: kpi.subcategory,
      unit: kpi.unit,
      direction: kpi.direction,
      target: kpi.target,
      warning: kpi.warning,
      critical: kpi.critical,
      windowS: kpi.windowS,
      groupBy: kpi.groupBy.map(({ label }) => label),
      sources: kpi.sources.map(({ name }) => name),
      owner: kpi.owner,
      tags: kpi.tags,
    })),
  );
}
