/**
 * How far an export or import is: a bar on a terminal, a line for every tenth elsewhere. Enters rows (or whatever is counted) done and in all; leaves
 * text on the stream it was given.
 */
import cliProgress from 'cli-progress';

export interface MoveProgress {
  show(rows: number, what: string): void;
  end(): void;
}

export function createMoveProgress(
  stream: NodeJS.WritableStream & { isTTY?: boolean },
  verb: string,
  rowsTotal: number,
  unit = 'rows',
): MoveProgress {
  const total = Math.max(1, rowsTotal);
  return stream.isTTY === true
    ? createBar(stream, verb, total, unit)
    : createLines(stream, verb, total, unit);
}

function createBar(stream: NodeJS.WritableStream, verb: string, total: number, unit: string): MoveProgress {
  const format = `${verb} |{bar}| {percentage}% | {rows} ${unit} | {what}`;
  const bar = new cliProgress.SingleBar(
    { stream, format, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { rows: 0, what: '' });
  return {
    show: (rows, what) => bar.update(Math.min(rows, total), { rows: rows.toLocaleString('en-US'), what }),
    end: () => bar.stop(),
  };
}

function createLines(stream: NodeJS.WritableStream, verb: string, total: number, unit: string): MoveProgress {
  let shown = 0;
  return {
    show(rows, what) {
      const tenths = Math.floor(Math.min(1, rows / total) * 10);
      if (tenths <= shown) return;
      shown = tenths;
      stream.write(`${verb}: ${tenths * 10}% (${rows.toLocaleString('en-US')} ${unit}, ${what})\n`);
    },
    end: () => {},
  };
}
