/** Texts of `plumbline retention`. Enters: a report or a plan; leaves: lines for a terminal. */
import {
  DEFAULT_CATEGORY,
  describeDays,
  isLonger,
  keepOf,
  namesIn,
  RESOLUTIONS,
  type RetentionPlan,
  type RetentionReport,
  type RowsOfCategory,
} from '../model/retention.js';
import { type Column, renderTable, type Terminal } from './terminal-table.js';

const OTHERS = '(every other)';
const UNKNOWN = '(unknown series)';

export function showReport(report: RetentionReport, terminal: Terminal): string {
  const { tables, stored, changes } = report;
  const rules = tables.map((table) => table.rules).filter((rule) => rule !== undefined);
  const foreign = tables.filter((table) => table.rules === undefined);
  const inForce = namesIn(...rules).map((category) => [
    categoryText(category),
    ...RESOLUTIONS.map((resolution) => {
      const own = tables.filter((table) => table.resolution === resolution);
      const times = own.map((table) => (table.rules ? describeDays(keepOf(table.rules, category)) : '?'));
      return [...new Set(times)].join(' or ');
    }),
  ]);
  const columns = [{ title: 'category' }, ...RESOLUTIONS.map((title): Column => ({ title, align: 'right' }))];
  return lines(
    'In force in ClickHouse (raw and exemplars go in whole days, rollups in whole months):',
    '',
    ...renderTable(columns, inForce, terminal),
    ...foreign.map(({ table, ttl }) => `${table} has a TTL that is not Plumbline's: ${ttl}`),
    '',
    ...(stored.length === 0 ? ['Nothing is stored yet.'] : showStored(stored, terminal)),
    '',
    changes.length === 0
      ? 'The file says the same.'
      : 'The file says something else: "plumbline retention plan" shows what it would change.',
  );
}

function showStored(stored: RetentionReport['stored'], terminal: Terminal): string[] {
  const columns: Column[] = [
    { title: 'table' },
    { title: 'category' },
    { title: 'kept', align: 'right' },
    { title: 'rows', align: 'right' },
    { title: 'on disk', align: 'right' },
    { title: 'oldest (UTC)' },
  ];
  const rows = stored.map((row) => [
    row.table,
    row.category || UNKNOWN,
    describeDays(row.keep),
    count(row.rows),
    bytes(row.bytes),
    time(row.oldest),
  ]);
  return renderTable(columns, rows, terminal);
}

export function showPlan(plan: RetentionPlan, terminal: Terminal): string {
  const { changes, deletions, replacesForeign } = plan;
  if (isUnchanged(plan)) return 'Nothing to change: what is in force is what the file says.\n';
  const columns: Column[] = [
    { title: 'resolution' },
    { title: 'category' },
    { title: 'in force', align: 'right' },
    { title: 'file', align: 'right' },
    { title: '' },
  ];
  const rows = changes.map(({ resolution, category, from, to }) => [
    resolution,
    categoryText(category),
    describeDays(from),
    describeDays(to),
    isLonger(from, to) ? 'shorter' : 'longer',
  ]);
  return lines(
    'The file changes:',
    '',
    ...renderTable(columns, rows, terminal),
    ...replacesForeign.map((table) => `The TTL of ${table}, which is not Plumbline's, is replaced.`),
    '',
    ...(deletions.length === 0
      ? ['Nothing that is stored is older than that: nothing would be deleted now.']
      : showDeletions(deletions, terminal)),
  );
}

function showDeletions(deletions: readonly RowsOfCategory[], terminal: Terminal): string[] {
  const columns: Column[] = [
    { title: 'table' },
    { title: 'category' },
    { title: 'rows', align: 'right' },
    { title: 'on disk', align: 'right' },
    { title: 'from (UTC)' },
    { title: 'to (UTC)' },
  ];
  const rows = deletions.map((row) => [
    row.table,
    row.category || UNKNOWN,
    count(row.rows),
    bytes(row.bytes),
    time(row.oldest),
    time(row.newest),
  ]);
  return ['Deleted at once, for good:', '', ...renderTable(columns, rows, terminal), '', sumUp(deletions)];
}

/** `1,234 rows, 5.6 MiB`. */
export function sumUp(deletions: readonly RowsOfCategory[]): string {
  const add = (key: 'rows' | 'bytes') => deletions.reduce((sum, row) => sum + row[key], 0);
  return `In all ${count(add('rows'))} rows, about ${bytes(add('bytes'))}.`;
}

export function isUnchanged({ changes, replacesForeign }: RetentionPlan): boolean {
  return changes.length === 0 && replacesForeign.length === 0;
}

export function hasShorter({ changes, replacesForeign }: RetentionPlan): boolean {
  return replacesForeign.length > 0 || changes.some(({ from, to }) => isLonger(from, to));
}

function categoryText(category: string): string {
  return category === DEFAULT_CATEGORY ? OTHERS : category;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

function time(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

function lines(...texts: string[]): string {
  return `${texts.join('\n')}\n`;
}
