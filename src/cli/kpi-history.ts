/**
 * `plumbline kpi history`: a KPI step by step, with the thresholds in force in each, and where its definition or its status
 * changed. Enters: rows of a KpiReader and versions of the definition; leaves: a table or JSON for each group.
 */
import { type Attainment, measureAttainment } from '../kpi/attainment.js';
import type { KpiRow } from '../kpi/kpi-reader.js';
import type { Kpi } from '../model/kpi.js';
import { parseDefinition } from './kpi-session.js';
import {
  countText,
  groupText,
  isoTime,
  lines,
  note,
  shareText,
  statusCell,
  statusWord,
  targetText,
  thresholdText,
  timeText,
  toJson,
  valueText,
  windowText,
} from './kpi-texts.js';
import { type Cell, type Column, paint, renderTable, type Terminal } from './terminal-table.js';

export interface KpiVersion {
  validFromMs: number;
  active: boolean;
  /** What is different from the version before, in words. */
  changes: string[];
}

export interface VersionRow {
  valid_from_ms: string | number;
  definition: string;
  active: boolean | number;
}

/** A step, or several without data in a row. */
export interface HistoryStep {
  fromS: number;
  toS: number;
  /** Undefined: no data. */
  row: KpiRow | undefined;
  /** What changed in it. */
  marks: string[];
}

export interface HistoryReport {
  kpi: Kpi;
  group: KpiRow['group'];
  startS: number;
  endS: number;
  stepS: number;
  steps: HistoryStep[];
  attainment: Attainment;
}

const COLUMNS: readonly Column[] = [
  { title: 'from (UTC)' },
  { title: 'value', align: 'right' },
  { title: 'status' },
  { title: 'target', align: 'right' },
  { title: 'warning', align: 'right', leavesAs: 1 },
  { title: 'critical', align: 'right', leavesAs: 2 },
  { title: 'samples', align: 'right', leavesAs: 3 },
  { title: 'what changed', goesBelow: true },
];

/** Versions in order, each with what it changed. */
export function readVersions(rows: readonly VersionRow[]): KpiVersion[] {
  let before: Kpi | undefined;
  let wasActive = false;
  return rows.map((row) => {
    const after = row.definition === '' ? undefined : parseDefinition(row.definition);
    const active = Boolean(Number(row.active));
    const changes = !active
      ? ['taken out of the catalogue']
      : !wasActive || before === undefined || after === undefined
        ? [wasActive ? 'definition changed' : 'put into the catalogue']
        : describeChanges(before, after);
    before = after;
    wasActive = active;
    return { validFromMs: Number(row.valid_from_ms), active, changes };
  });
}

/** Thresholds with both values, everything else by its name. */
function describeChanges(before: Kpi, after: Kpi): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof Kpi)[];
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => {
      if (key !== 'target' && key !== 'warning' && key !== 'critical') return `${key} changed`;
      const show = (kpi: Kpi) => (kpi[key] === undefined ? 'none' : valueText(kpi, kpi[key]));
      return `${key} ${show(before)} → ${show(after)}`;
    });
}

/** One report for the rows of one group. */
export function buildHistory(
  kpi: Kpi,
  rows: readonly KpiRow[],
  versions: readonly KpiVersion[],
  { startS, endS, stepS }: { startS: number; endS: number; stepS: number },
): HistoryReport {
  const byTime = new Map(rows.map((row) => [row.timeS, row]));
  const steps: HistoryStep[] = [];
  let status: KpiRow['status'] | undefined;
  for (let fromS = startS; fromS < endS; fromS += stepS) {
    const toS = Math.min(fromS + stepS, endS);
    const row = byTime.get(fromS);
    // The SQL judges a step with what is in force at its end.
    const marks = versions
      .filter(({ validFromMs }) => validFromMs > fromS * 1000 && validFromMs <= toS * 1000)
      .map(({ validFromMs, changes }) => `definition ${timeText(validFromMs / 1000)}: ${changes.join(', ')}`);
    if (row !== undefined) {
      if (status !== undefined && status !== row.status)
        marks.unshift(`${statusWord(status)} → ${statusWord(row.status)}`);
      status = row.status;
    }
    const last = steps.at(-1);
    const goesOn = row === undefined && last !== undefined && last.row === undefined;
    if (goesOn && marks.length === 0 && last.marks.length === 0) last.toS = toS;
    else steps.push({ fromS, toS, row, marks });
  }
  const attainment = measureAttainment(rows, kpi.direction);
  return { kpi, group: rows[0]?.group, startS, endS, stepS, steps, attainment };
}

export function showHistory(report: HistoryReport, terminal: Terminal): string {
  const { kpi, group, startS, endS, stepS, steps, attainment } = report;
  const cells = steps.map((step): Cell[] => {
    const { row, marks } = step;
    const mark: Cell = { text: marks.join('; '), style: 'cyan' };
    if (row === undefined) {
      const count = Math.round((step.toS - step.fromS) / stepS);
      const gap: Cell = { text: count > 1 ? `no data, ${count} steps` : 'no data', style: 'dim' };
      return [clock(step.fromS), '', gap, '', '', '', '', mark];
    }
    return [
      clock(step.fromS),
      valueText(kpi, row.value),
      statusCell(row.status),
      targetText(kpi, row.target),
      thresholdText(kpi, row.warning),
      thresholdText(kpi, row.critical),
      countText(row.samples),
      mark,
    ];
  });
  const title = `${paint(kpi.name, 'bold', terminal)}  ${groupText(group)}, steps of ${windowText(stepS)}, ${timeText(startS)} to ${timeText(endS)}`;
  return lines(
    title,
    '',
    renderTable(COLUMNS, cells, terminal),
    '',
    note(attainmentText(attainment), terminal),
  );
}

function clock(unixS: number): string {
  return timeText(unixS).slice(0, -1);
}

export function attainmentText({ stepsMeasured, stepsOnTarget, bySteps, bySamples }: Attainment): string {
  if (stepsMeasured === 0) return 'On target: nothing to judge';
  const weighted = bySamples === undefined ? '' : `, ${shareText(bySamples)} of samples`;
  return `On target in ${stepsOnTarget} of ${stepsMeasured} measured steps (${shareText(bySteps)}${weighted})`;
}

export function historyAsJson(reports: readonly HistoryReport[], versions: readonly KpiVersion[]): string {
  const { kpi, startS, endS, stepS } = reports[0]!;
  return toJson({
    name: kpi.name,
    unit: kpi.unit,
    direction: kpi.direction,
    from: isoTime(startS),
    to: isoTime(endS),
    stepS,
    definitions: versions.map(({ validFromMs, active, changes }) => ({
      validFrom: isoTime(validFromMs / 1000),
      active,
      changes,
    })),
    groups: reports.map(({ group, steps, attainment }) => ({
      group,
      attainment,
      steps: steps
        .filter(({ row }) => row !== undefined)
        .map(({ row, marks }) => {
          const { timeS, group: _group, good: _good, total: _total, completeness: _share, ...rest } = row!;
          return { time: isoTime(timeS), ...rest, marks };
        }),
    })),
  });
}
