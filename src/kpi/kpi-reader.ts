/**
 * KPIs as they stand: asks ClickHouse the one SQL of each. Enters: a Kpi and times; leaves: what it is, for all series
 * together and for each group. Holds nothing between two questions.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { FactsSql } from '../model/facts.js';
import type { Kpi } from '../model/kpi.js';
import { planFaster } from '../model/planned-faster.js';
import { compileKpi, type KpiGrid } from './compile-kpi.js';
import { type ThresholdVersion, versionAt } from './judge-sql.js';
import { readBeforehand } from './kpi-beforehand.js';
import { type Window, windowAt } from './kpi-window.js';
import { kindsOf } from './metric-kinds.js';

export type KpiStatus = 'on_target' | 'warning' | 'critical' | 'unknown';

export interface KpiRow {
  /** Start of the window or step, seconds since the epoch. */
  timeS: number;
  /** Label → value; undefined: all series together. */
  group: Readonly<Record<string, string>> | undefined;
  /** In the KPI's unit. */
  value: number | undefined;
  status: KpiStatus;
  /** Why, in words. */
  reason: string;
  /** Name of the source that answered; '' where none did. */
  source: string;
  samples: number;
  /** Share of the window in which anything was measured, 0 to 1. */
  completeness: number;
  /** From the newest point to the end, seconds. */
  ageS: number | undefined;
  resets: number;
  points: number;
  /** In force at the end. */
  target: number | undefined;
  warning: number | undefined;
  critical: number | undefined;
  /** Good events and all events, of ratio and uptime KPIs. */
  good: number;
  total: number;
}

export interface KpiReader {
  /** The status at a time over the KPI's window, or over another; the row of all series together first. */
  readStatus(kpi: Kpi, endS: number, windowS?: number): Promise<KpiRow[]>;
  /** A row for each step and group; steps without data have none. */
  readSteps(kpi: Kpi, window: Window): Promise<KpiRow[]>;
}

/** `readQuery` gives the text of a file of clickhouse/queries; `thresholdsOf`: instead of those in force. */
export function createKpiReader(
  clickhouse: Pick<ClickHouse, 'query'>,
  facts: FactsSql,
  readQuery: (name: string) => string,
  thresholdsOf?: (kpi: Kpi) => readonly ThresholdVersion[],
): KpiReader {
  async function read(kpi: Kpi, window: Window, rows: KpiGrid['rows']): Promise<KpiRow[]> {
    const { kinds, waiting, thresholds } = await readBeforehand(clickhouse, readQuery, kpi, window.endS);
    const there = kindsOf(kpi, kinds);
    // Nothing that the KPI could read was ever sent: SQL of no shape at all would be none.
    if (there.shapes.length === 0) return rows === 'whole' ? [emptyRow(kpi, window)] : [];
    const versions = thresholdsOf?.(kpi) ?? thresholds;
    const last = versionAt(versions, window.endS * 1000);
    const ask = (isProbed: boolean) => {
      const sql = compileKpi(kpi, facts, {
        start: timeLiteral(window.startS),
        end: timeLiteral(window.endS),
        step: String(window.slotS),
        known: { startS: window.startS, endS: window.endS, stepS: window.slotS },
        waiting,
        isProbed,
        rows,
        there,
        judgedBy: rows === 'whole' ? (last === undefined ? [] : [last]) : versions,
      });
      // Where values are left out, or times are not known, the engine may find something.
      const isAsWritten = isProbed && waiting !== undefined;
      return planFaster((settings) =>
        clickhouse.query<Answer>(`${sql}${settings}${settings && isAsWritten ? AS_WRITTEN : ''}`),
      );
    };
    // What is usual is answered faster; where anything is not, the statement is asked that is right for everything.
    const probed = await ask(true);
    const answers = probed.some(({ misread = 0 }) => Number(misread) > 0) ? await ask(false) : probed;
    if (rows === 'whole' && answers.length === 0) return [emptyRow(kpi, window)];
    return answers.sort(inOrder).map((answer) => toRow(kpi, answer));
  }
  return {
    readStatus: (kpi, endS, windowS) => read(kpi, windowAt(kpi, endS, windowS), 'whole'),
    readSteps: (kpi, window) => read(kpi, window, 'steps'),
  };
}

/** All that is read is asked for right where it is read, so there is nothing to be moved. Primary keys are used all the same. */
const AS_WRITTEN = ', query_plan_enable_optimizations = 0';

function timeLiteral(unixS: number): string {
  return `toDateTime(${Math.floor(unixS)}, 'UTC')`;
}

/** A row of KPI_COLUMNS. */
interface Answer extends Record<string, unknown> {
  time: string;
  group: string[];
  /** KpiGrid.isProbed. */
  misread?: number | string | boolean;
}

/** By time, all series together first. Sorted by the engine they would be planned longer. */
function inOrder(a: Answer, b: Answer): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  if (a.group.length !== b.group.length) return a.group.length - b.group.length;
  const at = a.group.findIndex((value, i) => value !== b.group[i]);
  return at < 0 ? 0 : a.group[at]! < b.group[at]! ? -1 : 1;
}

function toRow(kpi: Kpi, row: Answer): KpiRow {
  const { group } = row;
  const isAll = group.length === 0;
  return {
    timeS: Date.parse(`${String(row.time).replace(' ', 'T')}Z`) / 1000,
    group: isAll ? undefined : Object.fromEntries(kpi.groupBy.map(({ label }, i) => [label, group[i]!])),
    value: number(row.value),
    status: row.status as KpiStatus,
    reason: String(row.reason),
    source: String(row.source),
    samples: Number(row.samples),
    completeness: Number(row.completeness),
    ageS: row.source === '' ? undefined : number(row.age_s),
    resets: Number(row.resets),
    points: Number(row.points),
    target: number(row.target),
    warning: number(row.warning),
    critical: number(row.critical),
    good: Number(row.good),
    total: Number(row.total),
  };
}

function number(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** No series of any source has a point in the window. */
function emptyRow(kpi: Kpi, window: Window): KpiRow {
  return {
    timeS: window.startS,
    group: undefined,
    value: undefined,
    status: 'unknown',
    reason: 'no data',
    source: '',
    samples: 0,
    completeness: 0,
    ageS: undefined,
    resets: 0,
    points: 0,
    target: kpi.target,
    warning: kpi.warning,
    critical: kpi.critical,
    good: 0,
    total: 0,
  };
}
