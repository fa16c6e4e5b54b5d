/**
 * What the drain tells of: enters: its events; leaves: log lines, the counts of the status, and what Plumbline measures
 * of itself.
 */
import type { Logger } from 'pino';
import type { SelfMetrics } from './self/self-metrics.js';
import type { DrainLog } from './store/drain.js';

/** Totals since the start. */
export interface StoredCounts {
  points: number;
  /** Points of segments that were put aside. */
  dropped: number;
  quarantinedSegments: number;
}

export function createDrainLog(log: Logger, stored: StoredCounts, self: SelfMetrics): DrainLog {
  return {
    onRetry: (segment, error, attempt) =>
      log.warn(
        { segment: segment.name, attempt, reason: error.message },
        'ClickHouse did not take a segment; trying again',
      ),
    onQuarantine: (segment, error, path, rowsByTable) => {
      const points = countPoints(rowsByTable);
      stored.quarantinedSegments++;
      stored.dropped += points;
      self.recordQuarantined(segment, points);
      log.error(
        { segment: segment.name, path, reason: error.message },
        'ClickHouse can never take this segment; it is kept aside',
      );
    },
    onTorn: (segment, tornBytes) =>
      log.warn(
        { segment: segment.name, tornBytes },
        'a crash cut a write short that was never acknowledged; ignored',
      ),
    onStored: (segment, rowsByTable) => {
      stored.points += countPoints(rowsByTable);
      self.recordStored(segment);
    },
  };
}

function countPoints(rowsByTable: ReadonlyMap<string, number>): number {
  let points = 0;
  for (const [table, rows] of rowsByTable) if (table.endsWith('_points')) points += rows;
  return points;
}
