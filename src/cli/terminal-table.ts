/**
 * Tables and colours for a terminal. Enters: cells; leaves: lines, numbers right-aligned, no wider than the terminal where a
 * column can give way; no text is cut. Texts may come from senders: nothing of them may move the cursor.
 */
import { styleText } from 'node:util';
import { padEndTo, padStartTo, textWidth, wrapText } from './terminal-width.js';

export type Style = Parameters<typeof styleText>[0];
export type Cell = string | { text: string; style: Style };

/** Cells, one for each column; or a line above the rows that follow. */
export type Row = readonly Cell[] | { heading: string };

/** What gives way where the terminal is too narrow, in this order: goesBelow, leavesAs, isFlexible. */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Its texts go to lines of their own below each row. */
  goesBelow?: boolean;
  /** It is left out: 1 first, then 2 and so on. */
  leavesAs?: number;
  /** Its texts go on in the next line. */
  isFlexible?: boolean;
}

export interface Terminal {
  /** Undefined: as wide as need be, as for a file. */
  columns: number | undefined;
  hasColour: boolean;
}

const FLEXIBLE_CHARS_MIN = 12;
const GAP = '  ';

export function describeTerminal(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true;
  return {
    columns: isTerminal ? stream.columns : undefined,
    hasColour: isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
  };
}

export function paint(text: string, style: Style, { hasColour }: Terminal): string {
  return hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** Columns without any text are left out. */
export function renderTable(columns: readonly Column[], rows: readonly Row[], terminal: Terminal): string[] {
  const cellRows = rows.filter((row) => !('heading' in row)) as (readonly Cell[])[];
  const layout = layOut(columns, cellRows, terminal.columns);
  const titles: Cell[] = columns.map(({ title }) => ({ text: title, style: 'dim' }));
  const body = rows.flatMap((row, r) =>
    'heading' in row
      ? [...(r === 0 ? [] : ['']), paint(clean(row.heading), 'bold', terminal)]
      : renderRow(row, columns, layout, terminal),
  );
  return [
    ...renderRow(titles, columns, { ...layout, below: undefined }, terminal),
    ...body,
    ...describeLeftOut(layout.leftOut, terminal),
  ];
}

/** Which columns are shown where, and how wide each is. */
interface Layout {
  shown: number[];
  widths: number[];
  /** The column whose texts are below the rows, and the cells there are for them. */
  below: { column: number; indent: number; width: number } | undefined;
  leftOut: string[];
}

function layOut(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  columnsMax = Number.POSITIVE_INFINITY,
): Layout {
  const widths = columns.map(({ title }, i) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(textOf(row[i]!)))),
  );
  let shown = columns.map((_, i) => i).filter((i) => rows.some((row) => textOf(row[i]!) !== ''));
  const excess = () =>
    shown.reduce((sum, i) => sum + widths[i]!, 0) + GAP.length * (shown.length - 1) - Math.max(columnsMax, 0);
  let below: Layout['below'];
  const last = shown.find((i) => columns[i]!.goesBelow);
  if (last !== undefined && excess() > 0) {
    shown = shown.filter((i) => i !== last);
    const indent = shown.length > 0 ? widths[shown[0]!]! + GAP.length : 0;
    below = { column: last, indent, width: Math.max(columnsMax - indent, FLEXIBLE_CHARS_MIN) };
  }
  const leftOut: string[] = [];
  const leaving = shown
    .filter((i) => columns[i]!.leavesAs !== undefined)
    .sort((a, b) => columns[a]!.leavesAs! - columns[b]!.leavesAs!);
  for (const i of leaving) {
    if (excess() <= 0) break;
    shown = shown.filter((each) => each !== i);
    leftOut.unshift(columns[i]!.title);
  }
  narrow(
    shown.filter((i) => columns[i]!.isFlexible),
    widths,
    excess(),
  );
  return { shown, widths, below, leftOut };
}

/** Takes what is too much from the widest of these columns, again and again. */
function narrow(flexible: readonly number[], widths: number[], excess: number): void {
  for (let left = excess; left > 0; left--) {
    const widest = flexible.toSorted((a, b) => widths[b]! - widths[a]!)[0];
    if (widest === undefined || widths[widest]! <= FLEXIBLE_CHARS_MIN) return;
    widths[widest]!--;
  }
}

function renderRow(
  row: readonly Cell[],
  columns: readonly Column[],
  { shown, widths, below }: Layout,
  terminal: Terminal,
): string[] {
  const wrapped = new Map(shown.map((i) => [i, wrapText(textOf(row[i]!), widths[i]!)]));
  const height = Math.max(1, ...[...wrapped.values()].map((texts) => texts.length));
  const lines = Array.from({ length: height }, (_, n) =>
    shown
      .map((i) => {
        const text = wrapped.get(i)![n] ?? '';
        const padded =
          columns[i]!.align === 'right' ? padStartTo(text, widths[i]!) : padEndTo(text, widths[i]!);
        return text === '' ? padded : padded.replace(text, () => paintCell(text, row[i]!, terminal));
      })
      .join(GAP)
      .trimEnd(),
  );
  const under = below === undefined ? '' : textOf(row[below.column]!);
  if (below === undefined || under === '') return lines;
  const texts = wrapText(under, below.width);
  return [
    ...lines,
    ...texts.map((text) => ' '.repeat(below.indent) + paintCell(text, row[below.column]!, terminal)),
  ];
}

function paintCell(text: string, cell: Cell, terminal: Terminal): string {
  return typeof cell === 'string' ? text : paint(text, cell.style, terminal);
}

function textOf(cell: Cell): string {
  return clean(typeof cell === 'string' ? cell : cell.text);
}

function describeLeftOut(titles: readonly string[], terminal: Terminal): string[] {
  if (titles.length === 0) return [];
  const text = `Left out: ${titles.join(', ')}. A wider terminal shows ${titles.length === 1 ? 'it' : 'them'}.`;
  return ['', ...wrapText(text, terminal.columns!).map((line) => paint(line, 'dim', terminal))];
}

/** Control characters would move the cursor or colour the screen. */
export function clean(text: string): string {
  return text.replaceAll(/\p{C}/gu, '·');
}
