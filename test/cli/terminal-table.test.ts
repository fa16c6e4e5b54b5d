/** Tables as a terminal shows them, and when there is colour. */
import { describe, expect, it } from 'vitest';
import { describeTerminal, renderTable, type Terminal } from '../../src/cli/terminal-table.js';

const FILE: Terminal = { columns: undefined, hasColour: false };
const COLUMNS = [
  { title: 'name' },
  { title: 'n', align: 'right' as const },
  { title: 'unused' },
  { title: 'why', isFlexible: true },
];
const ROWS = [
  ['a', '1', '', 'because it is so'],
  ['bcd', '1,000', '', { text: 'no\u001b[31mne', style: 'red' as const }],
];

describe('a table', () => {
  it('aligns numbers to the right, drops empty columns, and shows control characters as dots', () => {
    expect(renderTable(COLUMNS, ROWS, FILE)).toEqual([
      'name      n  why',
      'a         1  because it is so',
      'bcd   1,000  no·[31mne',
    ]);
  });

  it('is no wider than the terminal where a column can give way', () => {
    const lines = renderTable(COLUMNS, ROWS, { ...FILE, columns: 27 });
    expect(lines[1]).toBe('a         1  because it is…');
    // Words of a dozen letters are left of each column, even so.
    expect(renderTable(COLUMNS, ROWS, { ...FILE, columns: 10 })[1]).toBe('a         1  because it …');
  });

  it('has the same columns in colour', () => {
    const [, , last] = renderTable(COLUMNS, ROWS, { ...FILE, hasColour: true });
    expect(last).toBe('bcd   1,000  \u001b[31mno·[31mne\u001b[39m');
  });
});

describe('colour', () => {
  const stream = (isTTY: boolean) => ({ isTTY, columns: 80 }) as NodeJS.WriteStream;

  it('is for terminals only, and not where NO_COLOR says so', () => {
    expect(describeTerminal(stream(true), {})).toEqual({ columns: 80, hasColour: true });
    expect(describeTerminal(stream(true), { NO_COLOR: '' }).hasColour).toBe(true);
    expect(describeTerminal(stream(true), { NO_COLOR: '1' }).hasColour).toBe(false);
    expect(describeTerminal(stream(true), { TERM: 'dumb' }).hasColour).toBe(false);
    expect(describeTerminal(stream(false), {})).toEqual({ columns: undefined, hasColour: false });
  });
});
