/**
 * Writes history into a backend: generates slices and keeps a few of them on their way. Enters a plan, an address and a
 * signal to stop early; leaves a report of what the backend took.
 */
import type { Clock } from '../clock.js';
import { joinMetricsPath } from '../exporters.js';
import type { MetricTruth } from '../ground-truth.js';
import { createRandom } from '../random.js';
import { createHistorySender } from './history-sender.js';
import { createHistory, type HistoryPlan } from './history-steps.js';

export interface HistoryOptions {
  plan: HistoryPlan;
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  clock: Clock;
  /** Stop taking new slices; what is on its way still arrives. */
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
  requests: number;
  retries: number;
  rejectedPoints: number;
  bytes: number;
  durationMs: number;
  /** True where it was stopped early: `points` is then less than planned. */
  isPartial: boolean;
  metrics: Record<string, MetricTruth>;
}

const REQUESTS_UNDER_WAY_MAX = 3;

export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { plan, clock, signal } = options;
  const startedMs = clock.monotonicMs();
  const history = createHistory(plan);
  const { seriesCount, stepsTotal } = history;
  const sender = createHistorySender({
    ...{ url: joinMetricsPath(options.endpoint), headers: options.headers, clock },
    random: createRandom(plan.seed).fork('retries'),
  });
  const done = { steps: 0, points: 0, bytes: 0 };
  const showProgress = (): void =>
    options.onProgress({
      ...{ stepsDone: done.steps, stepsTotal, points: done.points, pointsTotal: stepsTotal * seriesCount },
      elapsedMs: clock.monotonicMs() - startedMs,
    });
  const underWay = new Set<Promise<void>>();
  showProgress();
  try {
    for (const slice of history.slices()) {
      const sending = sender.send(slice.bytes).then(() => {
        done.steps += slice.steps;
        done.points += slice.points;
        done.bytes += slice.bytes.length;
        underWay.delete(sending);
        showProgress();
      });
      underWay.add(sending);
      // Sockets and gzip get their turn here, whether or not there is room for another request.
      if (underWay.size >= REQUESTS_UNDER_WAY_MAX) await Promise.race(underWay);
      else await new Promise(setImmediate);
      if (signal.aborted) break;
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
    sender.close();
  }
  return {
    ...{ fromUnixMs: plan.fromUnixMs, toUnixMs: plan.fromUnixMs + done.steps * plan.intervalMs },
    ...{ intervalMs: plan.intervalMs, series: seriesCount, points: done.points, bytes: done.bytes },
    ...sender.tally,
    durationMs: clock.monotonicMs() - startedMs,
    isPartial: done.steps < stepsTotal,
    metrics: history.readTruth(),
  };
}
