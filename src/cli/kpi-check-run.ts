/**
 * The dry run of `plumbline kpi check`. Enters: a catalogue that could be loaded, a ClickHouse and a time; leaves: for each KPI what
 * it says of the stored data, judged by its own thresholds, next to what the definition in force says. Reads only.
 */
import { compileKpi } from '../kpi/compile-kpi.js';
import { ownThresholds } from '../kpi/judge-sql.js';
import { createKpiReader, type KpiRow } from '../kpi/kpi-reader.js';
import { describeDefinition } from '../kpi/publish-catalogue.js';
import type { ClickHouse } from '../model/clickhouse.js';
import type { Kpi } from '../model/kpi.js';
import { readQuery } from '../store/sql-files.js';
import { FACTS } from '../store/views/metric-facts.js';
import { parseDefinition, readEach } from './kpi-session.js';

/** A key of a KPI that differs; undefined: it has none. */
export interface KpiChange {
  key: string;
  from: unknown;
  to: unknown;
}

/** A group (undefined: all together) whose status would be another. */
export interface StatusChange {
  group: KpiRow['group'];
  from: KpiRow;
  to: KpiRow;
}

export interface CheckedKpi {
  kpi: Kpi;
  /** All series together; undefined where it cannot be read. */
  row: KpiRow | undefined;
  groups: number;
  /** Why it cannot be read; '' where it can. */
  error: string;
  isNew: boolean;
  /** All series together by the definition in force, over its window. */
  inForce: KpiRow | undefined;
  changes: KpiChange[];
  statusChanges: StatusChange[];
}

export interface DryRun {
  endS: number;
  kpis: CheckedKpi[];
  /** Names of KPIs in force that the catalogue does not have. */
  removed: string[];
}

export async function dryRun(kpis: readonly Kpi[], clickhouse: ClickHouse, endS: number): Promise<DryRun> {
  const inForce = await readInForce(clickhouse);
  const before = createKpiReader(clickhouse, FACTS, readQuery);
  const after = createKpiReader(clickhouse, FACTS, readQuery, ownThresholds);
  const answers = await readEach(kpis, async (kpi) => {
    const known = inForce.get(kpi.name);
    const isSame = known !== undefined && describeDefinition(known) === describeDefinition(kpi);
    const rows = await after.readStatus(kpi, endS);
    if (known === undefined || isSame) return { rows, rowsBefore: isSame ? rows : [] };
    // One that a newer Plumbline wrote may not be readable here; that says nothing about the new one.
    const rowsBefore = await before.readStatus(known, endS).catch((): KpiRow[] => []);
    return { rows, rowsBefore };
  });
  const checked = answers.map(({ kpi, read, error }): CheckedKpi => {
    const known = inForce.get(kpi.name);
    const all = (rows: readonly KpiRow[] | undefined) => rows?.find(({ group }) => group === undefined);
    return {
      kpi,
      row: all(read?.rows),
      groups: (read?.rows.length ?? 1) - 1,
      error: error ?? '',
      isNew: known === undefined,
      inForce: all(read?.rowsBefore),
      changes: known === undefined ? [] : listChanges(known, kpi),
      statusChanges: read === undefined ? [] : listStatusChanges(read.rowsBefore, read.rows),
    };
  });
  const names = new Set(kpis.map(({ name }) => name));
  return { endS, kpis: checked, removed: [...inForce.keys()].filter((name) => !names.has(name)).sort() };
}

async function readInForce(clickhouse: ClickHouse): Promise<Map<string, Kpi>> {
  const rows = await clickhouse.query<{ metric_name: string; definition: string; active: boolean | number }>(
    readQuery('kpi_definitions'),
  );
  const active = rows.filter((row) => Number(row.active) && row.definition !== '');
  return new Map(active.map((row) => [row.metric_name, parseDefinition(row.definition)]));
}

export function listChanges(from: Kpi, to: Kpi): KpiChange[] {
  const [before, after] = [from, to].map(
    (kpi) => JSON.parse(describeDefinition(kpi)) as Record<string, unknown>,
  ) as [Record<string, unknown>, Record<string, unknown>];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => ({ key, from: before[key], to: after[key] }));
}

/** Of groups that both have. */
function listStatusChanges(before: readonly KpiRow[], after: readonly KpiRow[]): StatusChange[] {
  const keyOf = ({ group }: KpiRow) => JSON.stringify(group ?? null);
  const known = new Map(before.map((row) => [keyOf(row), row]));
  return after.flatMap((to) => {
    const from = known.get(keyOf(to));
    return from === undefined || from.status === to.status ? [] : [{ group: to.group, from, to }];
  });
}

/** What is wrong with a KPI's SQL, as far as that shows without data; '' where nothing is. */
export function findSqlProblem(kpi: Kpi): string {
  try {
    const time = 'toDateTime(0)';
    compileKpi(kpi, FACTS, { start: time, end: time, step: '60', rows: 'whole' });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
