/**
 * How far an export or import is: a bar on a terminal, a line for every tenth elsewhere. Enters: how much of the plan is done and
 * rows (or whatever is counted) so far; leaves: text on the stream it was given. A plan says about how many rows there are:
 * only `finish` says that all is done, with how many there were.
 */
import cliProgress from 'cli-progress';

export interface MoveProgress {
  /** `done`: of the planned rows. `rows`: those that are counted, where they are others. */
  show(done: number, what: string, rows?: number): void;
  /** All is done, and these are all rows. */
  finish(rows: number): void;
  /** Nothing more comes, whether all is done or not. */
  end(): void;
}

/** `planned`: rows in all, about. */
export function createMoveProgress(
  stream: NodeJS.WritableStream & { isTTY?: boolean },
  verb: string,
  planned: number,
  unit = 'rows',
): MoveProgress {
  const total = Math.max(1, planned);
  return stream.isTTY === true
    ? createBar(stream, verb, total, unit)
    : createLines(stream, verb, total, unit);
}

const format = (rows: number) => rows.toLocaleString('en-US');
/** Of a plan that was too short there is still something to do. */
const SHARE_MAX = 0.99;

function createBar(stream: NodeJS.WritableStream, verb: string, total: number, unit: string): MoveProgress {
  const bar = new cliProgress.SingleBar(
    { stream, format: `${verb} |{bar}| {percentage}% | {rows} ${unit} | {what}`, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { rows: 0, what: '' });
  return {
    show: (done, what, rows = done) =>
      bar.update(Math.min(done, SHARE_MAX * total), { rows: format(rows), what }),
    finish: (rows) => bar.update(total, { rows: format(rows), what: 'done' }),
    end: () => bar.stop(),
  };
}

function createLines(stream: NodeJS.WritableStream, verb: string, total: number, unit: string): MoveProgress {
  let shown = 0;
  return {
    show(done, what, rows = done) {
      const tenths = Math.floor(Math.min(SHARE_MAX, done / total) * 10);
      if (tenths <= shown) return;
      shown = tenths;
      stream.write(`${verb}: ${tenths * 10}% (${format(rows)} ${unit}, ${what})\n`);
    },
    finish: (rows) => void stream.write(`${verb}: 100% (${format(rows)} ${unit})\n`),
    end: () => {},
  };
}
