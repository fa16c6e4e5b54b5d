/**
 * What the drain reports. Enters: its events; leaves: log lines, the counts of the status, what Plumbline measures of
 * itself, and a notice for whoever watches this process.
 */
import type { Logger } from 'pino';
import { countPoints } from './model/spool.js';
import type { SelfMetrics } from './self/self-metrics.js';
import type { DrainLog } from './store/drain.js';

/** Totals since the start. */
export interface StoredCounts {
  points: number;
  /** Points of segments that were put aside, as far as they are not stored; of damaged ones at least so many. */
  dropped: number;
  /** Bytes of damaged segments that cannot be read. */
  bytesLost: number;
}

export function createDrainLog(log: Logger, stored: StoredCounts, self: SelfMetrics): DrainLog {
  return {
    onRetry: (segment, error, attempt) =>
      log.warn(
        { segment: segment.name, attempt, reason: error.message },
        'a segment could not be stored; trying again',
      ),
    onQuarantine: (segment, error, path, rowsByTable) => {
      const points = countPoints(rowsByTable);
      stored.dropped += points;
      self.recordQuarantined(segment, points);
      log.error(
        { segment: segment.name, path, reason: error.message },
        'ClickHouse can never take this segment; it is kept aside',
      );
    },
    onDamaged: (segment, { reason, pointsLostMin, bytesLost }, path) => {
      stored.dropped += pointsLostMin;
      stored.bytesLost += bytesLost;
      self.recordDamaged(segment, pointsLostMin);
      log.error(
        { segment: segment.name, path, reason, pointsLostMin, bytesLost },
        'a segment of the spool is damaged: what can be read of it is stored, and the file is kept aside; ' +
          'see "plumbline spool inspect"',
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

/** What an operator should know of segments that were put aside, also by earlier processes; nothing where there are none. */
export function describeQuarantine(
  { segments, bytes }: { segments: number; bytes: number },
  { dropped, bytesLost }: StoredCounts,
): string | undefined {
  if (segments === 0) return undefined;
  const files = segments === 1 ? '1 segment' : `${segments} segments`;
  const lost = `since the start at least ${dropped} points were dropped and ${bytesLost} bytes could not be read`;
  return `${files} of the spool (${bytes} bytes) in quarantine; ${lost}: see "plumbline spool inspect"`;
}
