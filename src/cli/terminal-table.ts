/**
 * Tables and colours for a terminal. Enters: cells; leaves: lines, numbers right-aligned, no wider than the terminal where a
 * column can give way. Texts may come from senders: nothing of them may move the cursor.
 */
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];
export type Cell = string | { text: string; style: Style };

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Gives way where the terminal is too narrow. */
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
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal,
): string[] {
  const texts = rows.map((row) => row.map((cell) => clean(typeof cell === 'string' ? cell : cell.text)));
  const used = columns.map((_, i) => i).filter((i) => texts.some((row) => row[i] !== ''));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...texts.map((row) => row[i]!.length)));
  narrow(columns, used, widths, terminal.columns);
  const line = (row: readonly string[], style: (i: number) => Style | undefined) =>
    used
      .map((i) => {
        const text = shorten(row[i]!, widths[i]!);
        const isLast = i === used.at(-1) && columns[i]!.align !== 'right';
        const padding = isLast ? '' : ' '.repeat(widths[i]! - text.length);
        const wanted = text === '' ? undefined : style(i);
        const painted = wanted === undefined ? text : paint(text, wanted, terminal);
        return columns[i]!.align === 'right' ? padding + painted : painted + padding;
      })
      .join(GAP)
      .trimEnd();
  const styleOf = (cell: Cell) => (typeof cell === 'string' ? undefined : cell.style);
  return [
    line(
      columns.map(({ title }) => title),
      () => 'dim',
    ),
    ...texts.map((row, r) => line(row, (i) => styleOf(rows[r]![i]!))),
  ];
}

/** Takes what is too much from the widest flexible column, again and again. */
function narrow(
  columns: readonly Column[],
  used: readonly number[],
  widths: number[],
  columnsMax: number | undefined,
): void {
  if (columnsMax === undefined) return;
  const flexible = used.filter((i) => columns[i]!.isFlexible);
  let excess =
    used.reduce((sum, i) => sum + widths[i]!, 0) + GAP.length * (used.length - 1) - Math.max(columnsMax, 0);
  while (excess > 0) {
    const widest = flexible.toSorted((a, b) => widths[b]! - widths[a]!)[0];
    if (widest === undefined || widths[widest]! <= FLEXIBLE_CHARS_MIN) return;
    widths[widest]!--;
    excess--;
  }
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Control characters would move the cursor or colour the screen. */
export function clean(text: string): string {
  return text.replaceAll(/\p{C}/gu, '·');
}
