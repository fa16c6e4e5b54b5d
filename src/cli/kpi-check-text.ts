/** What `plumbline kpi check` prints. Enters: problems, warnings and a dry run; leaves: text or JSON. */
import type { FileProblem } from '../model/file-problem.js';
import type { Kpi } from '../model/kpi.js';
import type { CheckedKpi, DryRun, KpiChange, StatusChange } from './kpi-check-run.js';
import { rowAsJson } from './kpi-status.js';
import {
  countText,
  groupText,
  isoTime,
  lines,
  note,
  statusCell,
  statusWord,
  timeText,
  toJson,
  valueText,
} from './kpi-texts.js';
import { type Cell, type Column, clean, paint, renderTable, type Terminal } from './terminal-table.js';

export interface CheckReport {
  folders: readonly string[];
  problems: readonly FileProblem[];
  warnings: readonly string[];
  /** Undefined where the files cannot be loaded. */
  kpis: readonly Kpi[] | undefined;
  run: DryRun | undefined;
  /** Why there is no dry run; '' where there is one. */
  notRun: string;
}

const GROUPS_SHOWN_MAX = 5;
const COLUMNS: readonly Column[] = [
  { title: 'status' },
  { title: 'KPI', isFlexible: true },
  { title: 'value', align: 'right' },
  { title: 'samples', align: 'right', leavesAs: 1 },
  { title: 'source' },
  { title: 'groups', align: 'right', leavesAs: 2 },
  { title: 'reason', goesBelow: true },
];

export function showCheck(report: CheckReport, terminal: Terminal): string {
  const { kpis, problems, warnings, run, notRun } = report;
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const verdict =
    problems.length === 0
      ? paint('no problems', 'green', terminal)
      : paint(count(problems.length, 'problem'), 'red', terminal);
  const summary = kpis === undefined ? verdict : `${count(kpis.length, 'KPI')}, ${verdict}`;
  return lines(
    `${report.folders.map(clean).join(', ')}: ${summary}${warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`}`,
    problems.map(({ file, line, reason }) => clean(`  ${file}:${line}: ${reason}`)),
    warnings.length === 0
      ? []
      : [
          '',
          paint('Allowed, but surely not meant', 'bold', terminal),
          ...warnings.map((text) => clean(`  ${text}`)),
        ],
    run === undefined ? (notRun === '' ? [] : ['', note(clean(notRun), terminal)]) : runLines(run, terminal),
  );
}

function runLines(run: DryRun, terminal: Terminal): string[] {
  const changed = run.kpis.filter(({ isNew, changes }) => isNew || changes.length > 0);
  const gone = run.removed.map((name) => `  - ${clean(name)}  is in force and not in these files`);
  const changes = [...changed.flatMap(changeLines), ...gone];
  return [
    '',
    paint(
      `What they say of the stored data at ${timeText(run.endS)}, judged by these files`,
      'bold',
      terminal,
    ),
    ...renderTable(COLUMNS, run.kpis.map(runCells), terminal),
    '',
    paint('Against the definitions in force', 'bold', terminal),
    ...(changes.length === 0 ? ['  Nothing changes.'] : changes),
  ];
}

function runCells({ kpi, row, error, groups }: CheckedKpi): Cell[] {
  if (row === undefined) return [statusCell('error'), kpi.name, '', '', '', '', error];
  return [
    statusCell(row.status),
    kpi.name,
    valueText(kpi, row.value),
    countText(row.samples),
    row.source,
    groups > 0 ? String(groups) : '',
    row.reason,
  ];
}

function changeLines({ kpi, isNew, changes, statusChanges }: CheckedKpi): string[] {
  if (isNew) return [`  + ${clean(kpi.name)}  is new`];
  const shown = statusChanges.slice(0, GROUPS_SHOWN_MAX);
  const rest = statusChanges.length - shown.length;
  return [
    `  ~ ${clean(kpi.name)}  ${changes.map(changeText).join(', ')}`,
    ...shown.map((change) => `      ${statusChangeText(kpi, change)}`),
    ...(rest > 0 ? [`      … and ${rest} more groups`] : []),
  ];
}

function changeText({ key, from, to }: KpiChange): string {
  const isPlain = [from, to].every(
    (value) => value === undefined || ['number', 'string', 'boolean'].includes(typeof value),
  );
  const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return clean(isPlain ? `${name} ${from ?? 'none'} → ${to ?? 'none'}` : `other ${name}`);
}

function statusChangeText(kpi: Kpi, { group, from, to }: StatusChange): string {
  return clean(
    `${groupText(group)}: ${statusWord(from.status)} → ${statusWord(to.status)}, at ${valueText(kpi, to.value)} (${to.reason})`,
  );
}

export function checkAsJson({ folders, problems, warnings, kpis, run, notRun }: CheckReport): string {
  return toJson({
    folders,
    problems,
    warnings,
    kpis: kpis?.map(({ name, file, line }) => ({ name, file, line })),
    notRun,
    ...(run && {
      at: isoTime(run.endS),
      results: run.kpis.map((checked) => ({
        kpi: checked.kpi.name,
        error: checked.error,
        isNew: checked.isNew,
        groups: checked.groups,
        now: checked.row && rowAsJson(checked.kpi, checked.row),
        inForce: checked.inForce && rowAsJson(checked.kpi, checked.inForce),
        changes: checked.changes,
        statusChanges: checked.statusChanges.map(({ group, from, to }) => ({
          group,
          from: from.status,
          to: to.status,
        })),
      })),
      removed: run.removed,
    }),
  });
}
