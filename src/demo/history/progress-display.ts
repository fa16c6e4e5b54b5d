/**
 * Shows how far the history is: a bar on a terminal, a line for every tenth elsewhere. Enters progress; leaves text on
 * the stream it was given, nothing else.
 */
import cliProgress from 'cli-progress';
import type { HistoryProgress } from './run-history.js';

export interface ProgressDisplay {
  show(progress: HistoryProgress): void;
  end(): void;
}

export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean;
}

export function createProgressDisplay(stream: ProgressStream): ProgressDisplay {
  return stream.isTTY === true ? createBar(stream) : createLines(stream);
}

function createBar(stream: ProgressStream): ProgressDisplay {
  const format = 'History |{bar}| {percentage}% | {points} of {pointsTotal} points | {elapsed} s';
  const bar = new cliProgress.SingleBar(
    { stream, format, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(progress) {
      const shown = describeCounts(progress);
      if (!isStarted) bar.start(progress.stepsTotal, 0, shown);
      isStarted = true;
      bar.update(progress.stepsDone, shown);
    },
    end: () => bar.stop(),
  };
}

function createLines(stream: ProgressStream): ProgressDisplay {
  let shownTenths = -1;
  return {
    show(progress) {
      const tenths = Math.floor((progress.stepsDone / progress.stepsTotal) * 10);
      if (tenths <= shownTenths) return;
      shownTenths = tenths;
      const { points, pointsTotal, elapsed } = describeCounts(progress);
      stream.write(`History ${tenths * 10}% (${points} of ${pointsTotal} points, ${elapsed} s)\n`);
    },
    end: () => {},
  };
}

function describeCounts(progress: HistoryProgress): { points: string; pointsTotal: string; elapsed: string } {
  return {
    points: progress.points.toLocaleString('en-US'),
    pointsTotal: progress.pointsTotal.toLocaleString('en-US'),
    elapsed: (progress.elapsedMs / 1000).toFixed(1),
  };
}
