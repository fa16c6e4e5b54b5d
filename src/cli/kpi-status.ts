/**
 * `plumbline kpi status`: how KPIs stand at a time. Enters: answers of a KpiReader; leaves: a table or JSON. Worst groups come
 * first. Judges nothing itself: status and reason are those of the SQL.
 */
import { distanceToTarget } from '../kpi/attainment.js';
import type { KpiRow, KpiStatus } from '../kpi/kpi-reader.js';
import type { Kpi } from '../model/kpi.js';
import { type GroupFilter, matchesGroup } from './kpi-options.js';
import type { Answer } from './kpi-session.js';
import {
  ageText,
  categoryText,
  countText,
  distanceCell,
  isoTime,
  lines,
  nameText,
  note,
  shareText,
  statusCell,
  statusWord,
  targetText,
  timeText,
  toJson,
  valueText,
} from './kpi-texts.js';
import { type Cell, type Column, type Row, renderTable, type Terminal } from './terminal-table.js';

export interface StatusChoice {
  group?: GroupFilter;
  byGroup: boolean;
  failing: boolean;
  /** Groups of each KPI at most. */
  limit: number;
}

export interface StatusReport {
  endS: number;
  answers: Answer<ChosenRows>[];
}

export interface ChosenRows {
  rows: KpiRow[];
  /** Groups that `limit` left out. */
  hidden: number;
}

const WORST_FIRST: readonly KpiStatus[] = ['critical', 'warning', 'unknown', 'on_target'];

const COLUMNS: readonly Column[] = [
  { title: 'status' },
  { title: 'KPI', isFlexible: true },
  { title: 'value', align: 'right' },
  { title: 'target', align: 'right' },
  { title: 'to target', align: 'right', leavesAs: 4 },
  { title: 'samples', align: 'right', leavesAs: 3 },
  { title: 'measured', align: 'right', leavesAs: 2 },
  { title: 'age', align: 'right', leavesAs: 1 },
  { title: 'reason', goesBelow: true },
];

/** The rows that are asked for: of all series together, of groups, or of those that fail. */
export function chooseRows(kpi: Kpi, all: readonly KpiRow[], choice: StatusChoice): ChosenRows {
  const { group, byGroup, failing, limit } = choice;
  const isFailing = ({ status }: KpiRow) => !failing || status === 'critical' || status === 'warning';
  const own = group === undefined ? all.filter((row) => row.group === undefined) : [];
  const wantsGroups = kpi.groupBy.length > 0 && (byGroup || group !== undefined);
  const groups = wantsGroups
    ? all.filter((row) => row.group !== undefined && matchesGroup(row.group, group)).filter(isFailing)
    : [];
  const sorted = groups.toSorted((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status));
  const shown = sorted.slice(0, limit);
  // A group that fails is shown below its KPI, also where all together do not fail.
  const ownRows = shown.length > 0 ? own : own.filter(isFailing);
  return { rows: [...ownRows, ...shown], hidden: sorted.length - shown.length };
}

export function isAnyCritical({ answers }: StatusReport): boolean {
  return answers.some(
    ({ read, error }) => error !== undefined || read.rows.some(({ status }) => status === 'critical'),
  );
}

/** Leaves out KPIs without rows. */
export function showStatus(
  { endS, answers }: StatusReport,
  choice: StatusChoice,
  terminal: Terminal,
): string {
  const rows = withHeadings(answers);
  const title = note(`At ${timeText(endS)}`, terminal);
  if (rows.length === 0) {
    const nothing = choice.failing ? 'Nothing fails.' : 'No group like that had data in the window.';
    return lines(title, '', nothing);
  }
  return lines(title, '', renderTable(COLUMNS, rows, terminal), '', note(countAll(answers), terminal));
}

/** A heading above the first KPI of each category that has rows. */
function withHeadings(answers: readonly Answer<ChosenRows>[]): Row[] {
  const rows: Row[] = [];
  let category = '';
  for (const answer of answers) {
    const own = statusRows(answer);
    if (own.length === 0) continue;
    if (answer.kpi.category !== category) rows.push({ heading: categoryText(answer.kpi) });
    category = answer.kpi.category;
    rows.push(...own);
  }
  return rows;
}

export function statusRows({ kpi, read, error }: Answer<ChosenRows>): Cell[][] {
  if (error !== undefined) return [[statusCell('error'), kpi.name, '', '', '', '', '', '', error]];
  const cells = read.rows.map((row, i): Cell[] => [
    statusCell(row.status),
    nameText(kpi, row.group, i === 0),
    row.status === 'unknown'
      ? { text: valueText(kpi, row.value), style: 'dim' }
      : { text: valueText(kpi, row.value), style: 'bold' },
    targetText(kpi, row.target),
    distanceCell(distanceToTarget(row.value, row.target, kpi.direction)),
    countText(row.samples),
    shareText(row.completeness),
    ageText(row.ageS),
    // Status and target say it.
    row.status === 'on_target' && row.target !== undefined ? '' : row.reason,
  ]);
  if (read.hidden > 0)
    cells.push([
      '',
      `  … ${countText(read.hidden)} more ${read.hidden === 1 ? 'group' : 'groups'}`,
      '',
      '',
      '',
      '',
      '',
      '',
      'raise --limit to see them',
    ]);
  return cells;
}

export function showStatusTable(answer: Answer<ChosenRows>, terminal: Terminal): string[] {
  return renderTable(COLUMNS, statusRows(answer), terminal);
}

function countAll(answers: readonly Answer<ChosenRows>[]): string {
  const rows = answers.flatMap(({ read }) => read?.rows ?? []);
  const errors = answers.filter(({ error }) => error !== undefined).length;
  const counts = [...WORST_FIRST]
    .map((status) => ({ status, count: rows.filter((row) => row.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(({ status, count }) => `${count} ${statusWord(status)}`);
  if (errors > 0) counts.push(`${errors} could not be read`);
  return counts.join(', ');
}

export function statusAsJson({ endS, answers }: StatusReport): string {
  return toJson({
    at: isoTime(endS),
    kpis: answers.map(({ kpi, read, error }) => ({
      name: kpi.name,
      title: kpi.title,
      category: kpi.category,
      subcategory: kpi.subcategory,
      unit: kpi.unit,
      direction: kpi.direction,
      error,
      rows: (read?.rows ?? []).map((row) => rowAsJson(kpi, row)),
      groupsLeftOut: read?.hidden ?? 0,
    })),
  });
}

export function rowAsJson(kpi: Kpi, row: KpiRow) {
  const { timeS, group, good: _good, total: _total, ...rest } = row;
  return {
    from: isoTime(timeS),
    group,
    ...rest,
    distance: distanceToTarget(row.value, row.target, kpi.direction),
  };
}
