/** Tables as a terminal shows them, and when there is colour. */
import { describe, expect, it } from 'vitest';
import { describeTerminal, renderTable, type Terminal } from '../../src/cli/terminal-table.js';
import { wrapBehind } from '../../src/cli/terminal-width.js';

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

  it('is no wider than the terminal where a column can give way: texts go on in the next line', () => {
    const long = [['a', '1', '', 'because it is so, andAWordThatNoLineHolds'], ROWS[1]!];
    expect(renderTable(COLUMNS, long, { ...FILE, columns: 27 })).toEqual([
      'name      n  why',
      'a         1  because it is',
      '             so,',
      '             andAWordThatNo',
      '             LineHolds',
      'bcd   1,000  no·[31mne',
    ]);
    // Words of a dozen letters are left of each column, even so.
    expect(renderTable(COLUMNS, ROWS, { ...FILE, columns: 10 })[1]).toBe('a         1  because it');
  });

  it('puts a column that may go below under each row, then leaves columns out and names them', () => {
    const columns = [
      { title: 'name', isFlexible: true },
      { title: 'n', align: 'right' as const },
      { title: 'samples', align: 'right' as const, leavesAs: 2 },
      { title: 'age', align: 'right' as const, leavesAs: 1 },
      { title: 'why', goesBelow: true },
    ];
    const rows = [
      ['first', '1', '3,000', '2 s', 'because it is so, and long'],
      { heading: 'Others' },
      ['second', '12', '4', '60 s', ''],
    ];
    expect(renderTable(columns, rows, { ...FILE, columns: 60 })).toEqual([
      'name     n  samples   age  why',
      'first    1    3,000   2 s  because it is so, and long',
      '',
      'Others',
      'second  12        4  60 s',
    ]);
    expect(renderTable(columns, rows, { ...FILE, columns: 26 })).toEqual([
      'name     n  samples   age',
      'first    1    3,000   2 s',
      '        because it is so,',
      '        and long',
      '',
      'Others',
      'second  12        4  60 s',
    ]);
    expect(renderTable(columns, rows, { ...FILE, columns: 20 })).toEqual([
      'name     n  samples',
      'first    1    3,000',
      '        because it',
      '        is so, and',
      '        long',
      '',
      'Others',
      'second  12        4',
      '',
      'Left out: age. A',
      'wider terminal shows',
      'it.',
    ]);
  });

  it('counts the cells that a terminal gives to wide, combining and joined characters', () => {
    const rows = [
      ['東京', '1', '', 'wide'],
      ['Zu\u0308rich', '22', '', 'combining'],
      ['a👍b', '3', '', 'emoji'],
    ];
    expect(renderTable(COLUMNS, rows, FILE)).toEqual([
      'name     n  why',
      '東京     1  wide',
      'Zu\u0308rich  22  combining',
      'a👍b     3  emoji',
    ]);
    const narrow = renderTable(COLUMNS, [['a', '1', '', '東京都庁舎前停留所行き']], { ...FILE, columns: 22 });
    expect(narrow.slice(1)).toEqual(['a     1  東京都庁舎前', '         停留所行き']);
  });

  it('has the same columns in colour', () => {
    const [, , last] = renderTable(COLUMNS, ROWS, { ...FILE, hasColour: true });
    expect(last).toBe('bcd   1,000  \u001b[31mno·[31mne\u001b[39m');
  });
});

describe('a text behind a label', () => {
  it('goes on below its own beginning, and in one line where it goes to a file', () => {
    const label = '  東京   ';
    expect(wrapBehind(label, 'a text that is longer than a line', 30)).toEqual([
      '  東京   a text that is longer',
      '         than a line',
    ]);
    expect(wrapBehind(label, 'a text that is longer than a line', undefined)).toHaveLength(1);
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
