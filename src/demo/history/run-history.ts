/**
 * Writes history into a backend with the real exporters: makes it slice by slice and keeps a few slices on their way.
 * Enters a plan, where to send and a signal to stop early; leaves a report of what the backend took.
 */
import type { Clock } from '../clock.js';
import { createExporter, type ExportTarget } from '../exporters.js';
import type { MetricTruth } from '../ground-truth.js';
import { watchPartialSuccess } from '../partial-success.js';
import { createHistory, type HistoryPlan } from './history-steps.js';
import { sendPoints } from './send-points.js';

export interface HistoryOptions {
  plan: HistoryPlan;
  target: ExportTarget;
  clock: Clock;
  /** Make no more slices; what is on its way still arrives. */
  signal: AbortSignal;
  onProgress(progress: HistoryProgress): void;
}

export interface HistoryProgress {
  stepsDone: number;
  stepsTotal: number;
  points: number;
  pointsTotal: number;
  elapsedMs: number;
}

export interface HistoryReport {
  fromUnixMs: number;
  toUnixMs: number;
  intervalMs: number;
  series: number;
  /** What the backend acknowledged. */
  points: number;
  /** Requests that it took. */
  exports: number;
  rejectedPoints: number;
  durationMs: number;
  /** True where it was stopped early: `points` is then less than planned. */
  isPartial: boolean;
  metrics: Record<string, MetricTruth>;
}

const SLICES_UNDER_WAY_MAX = 3;
/** Long enough for a backend that asks to wait a minute. */
const EXPORT_TIMEOUT_MS = 120_000;

export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { plan, clock, signal } = options;
  const startedMs = clock.monotonicMs();
  const history = createHistory(plan);
  const { seriesCount, stepsTotal } = history;
  const exporter = createExporter({ ...options.target, timeoutMs: EXPORT_TIMEOUT_MS });
  let rejectedPoints = 0;
  const unwatch = watchPartialSuccess((points) => {
    rejectedPoints += points;
  });
  let stepsDone = 0;
  let exports = 0;
  const showProgress = (): void =>
    options.onProgress({
      stepsDone,
      stepsTotal,
      points: stepsDone * seriesCount,
      pointsTotal: stepsTotal * seriesCount,
      elapsedMs: clock.monotonicMs() - startedMs,
    });
  const underWay = new Set<Promise<void>>();
  showProgress();
  try {
    for (const slice of history.slices()) {
      const sending = Promise.all(slice.programs.map((points) => sendPoints(exporter, points))).then(() => {
        stepsDone += slice.steps;
        exports += slice.programs.length;
        underWay.delete(sending);
        showProgress();
      });
      underWay.add(sending);
      // Sockets get their turn here, whether or not there is room for another slice.
      if (underWay.size >= SLICES_UNDER_WAY_MAX) await Promise.race(underWay);
      else await new Promise(setImmediate);
      if (signal.aborted) break;
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
    await exporter.shutdown();
    unwatch();
  }
  return {
    fromUnixMs: plan.fromUnixMs,
    toUnixMs: plan.fromUnixMs + stepsDone * plan.intervalMs,
    intervalMs: plan.intervalMs,
    series: seriesCount,
    points: stepsDone * seriesCount,
    exports,
    rejectedPoints,
    durationMs: clock.monotonicMs() - startedMs,
    isPartial: stepsDone < stepsTotal,
    metrics: history.readTruth(),
  };
}
