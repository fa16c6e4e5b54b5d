/** Tables of `plumbline series top` for a terminal. Enters: counts; leaves: text, numbers right-aligned, names last. */
import { padEndTo, padStartTo, textWidth } from './terminal-width.js';

export interface SeriesRow {
  name: string;
  active: number;
  total: number;
  folded: number;
  newInLastHour: number;
}

export interface SeriesReport {
  by: string;
  /** Active series that each row may have, and all together; 0 = unlimited. */
  budget: number;
  budgetOfAll: number;
  all: SeriesRow;
  rows: SeriesRow[];
}

export interface AttributeRow {
  /** point, resource or scope. */
  place: string;
  key: string;
  values: number;
  series: number;
  examples: string[];
}

const NAME_CHARS_MAX = 80;

export function showSeries(report: SeriesReport, activeFor: string): string {
  const { all, by, budget, budgetOfAll, rows } = report;
  const limit = budget > 0 ? budget : budgetOfAll;
  const lines = [
    `${count(all.active)} active series${ofBudget(all.active, budgetOfAll)} (a point in the last ${activeFor}), ` +
      `${count(all.folded)} folded beyond a budget, ${count(all.total)} known, ${count(all.newInLastHour)} new in the last hour`,
  ];
  if (rows.length === 0) return `${lines[0]}\n`;
  const header = ['active', limit > 0 ? 'of budget' : '', 'folded', 'known', 'new/1h', by];
  const cells = rows.map((row) => [
    count(row.active),
    limit > 0 ? percent(row.active, limit) : '',
    count(row.folded),
    count(row.total),
    count(row.newInLastHour),
    shorten(row.name || '(none)'),
  ]);
  if (limit > 0) lines.push(`Budget ${budget > 0 ? `of each ${by}` : 'of all series'}: ${count(limit)}`);
  return `${[...lines, '', ...table([header, ...cells])].join('\n')}\n`;
}

export function showAttributes(metric: string, rows: readonly AttributeRow[]): string {
  const what = metric === '' ? 'all metrics' : `metric ${metric}`;
  if (rows.length === 0) return `No series of ${what} has attributes.\n`;
  const cells = rows.map((row) => [
    count(row.values),
    count(row.series),
    row.place,
    shorten(row.key),
    shorten(row.examples.join(', ')),
  ]);
  const header = ['values', 'series', 'of', 'attribute', 'often'];
  return `${[`Attributes of ${what} by their number of distinct values`, '', ...table([header, ...cells], 2)].join('\n')}\n`;
}

/** Columns as wide as they need to be; the first `numbers` ones right-aligned, the last one as it is. */
function table(rows: readonly string[][], numbers = 5): string[] {
  const used = rows[0]!.map((_, i) => rows.some((row) => row[i] !== ''));
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => textWidth(row[i]!))));
  return rows.map((row) =>
    row
      .map((cell, i) => (i < numbers ? padStartTo(cell, widths[i]!) : padEndTo(cell, widths[i]!)))
      .filter((_, i) => used[i])
      .join('  ')
      .trimEnd(),
  );
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(value: number, of: number): string {
  const share = (100 * value) / of;
  return share > 0 && share < 0.1 ? '<0.1 %' : `${share.toFixed(1)} %`;
}

function ofBudget(active: number, budget: number): string {
  return budget > 0 ? ` of ${count(budget)} (${percent(active, budget)})` : '';
}

/** Names come from senders: nothing of them may move the cursor. */
function shorten(text: string): string {
  const plain = text.replaceAll(/\p{C}/gu, '·');
  return plain.length <= NAME_CHARS_MAX ? plain : `${plain.slice(0, NAME_CHARS_MAX - 1)}…`;
}
