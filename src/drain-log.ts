/**
 * What the drain reports. Enters: its events; leaves: log lines, the counts of the status, what Plumbline measures of
 * itself, and a notice for whoever watches this process.
 */
import type { Logger } from 'pino';
import { countPoints } from './model/spool.js';
import type { SelfMetrics } from './self/self-metrics.js';
import type { DrainLog, RefusedTable } from './store/drain.js';

/** Totals since the start. */
export interface StoredCounts {
  points: number;
  /** Rows of series, described and folded ones. */
  series: number;
  /** Points that ClickHouse refused, and those of damaged segments that cannot be read: of these at least so many. */
  dropped: number;
  /** Bytes of damaged segments that cannot be read. */
  bytesLost: number;
  /** Tables of which ClickHouse refused rows. */
  refusedTables: Set<string>;
  /** Segments that stay in the spool for now, and why. */
  left: Map<string, string>;
}

export function createStoredCounts(): StoredCounts {
  return { points: 0, series: 0, dropped: 0, bytesLost: 0, refusedTables: new Set(), left: new Map() };
}

/** @param asksFirst Every reader stores what waits before it reads, so that points do not wait for the next turn to be seen. */
export function createDrainLog(
  log: Logger,
  stored: StoredCounts,
  self: SelfMetrics,
  asksFirst: boolean,
): DrainLog {
  return {
    onRetry: (segment, error, attempt) =>
      log.warn(
        { segment: segment.name, attempt, reason: error.message },
        'a segment could not be stored; trying again',
      ),
    onQuarantine: (segment, refused, path) => {
      const points = countPoints(refused.map(({ table, rows }) => [table, rows]));
      stored.dropped += points;
      for (const { table } of refused) stored.refusedTables.add(table);
      self.recordQuarantined(segment, points);
      log.error(
        { segment: segment.name, path, refused },
        `ClickHouse can never take the rows of this segment for ${listTables(refused)}; what it has for other tables is ` +
          'stored, and the file is kept aside',
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
    onStored: (segment, rowsByTable, times) => {
      stored.points += countPoints(rowsByTable);
      stored.series += (rowsByTable.get('series') ?? 0) + (rowsByTable.get('folded_series') ?? 0);
      self.recordStored(segment, asksFirst ? times : undefined);
    },
    onLeft: (segment, error) => {
      stored.left.set(segment.name, error.message);
      log.error(
        { segment: segment.name, reason: error.message },
        'a segment stays in the spool for now: it cannot be read, removed or put aside; it is tried again every minute, ' +
          'and the others are stored',
      );
    },
    onTaken: (segment) => {
      stored.left.delete(segment.name);
    },
  };
}

function listTables(refused: readonly RefusedTable[]): string {
  return refused.map(({ table }) => table).join(', ');
}

/** What an operator should know of segments that were put aside, also by earlier processes, or cannot be; nothing where there are none. */
export function describeQuarantine(
  { segments, bytes, failure }: { segments: number; bytes: number; failure?: string },
  { dropped, bytesLost, refusedTables, left }: StoredCounts,
): string | undefined {
  const notices = failure === undefined ? [] : [`the quarantine of the spool cannot be read (${failure})`];
  if (segments > 0) {
    const refused =
      refusedTables.size === 0 ? '' : `, ClickHouse refused rows of ${[...refusedTables].join(', ')}`;
    const lost = `since the start at least ${dropped} points were dropped and ${bytesLost} bytes could not be read${refused}`;
    notices.push(`${countSegments(segments)} of the spool (${bytes} bytes) in quarantine; ${lost}`);
  }
  const [first] = left;
  if (first !== undefined) {
    const [name, reason] = first;
    const others = left.size === 1 ? '' : ` and ${left.size - 1} more`;
    notices.push(
      `${countSegments(left.size)} of the spool cannot be read, removed or put aside for now (${name}: ${reason}${others})`,
    );
  }
  return notices.length === 0 ? undefined : `${notices.join('; ')}: see "plumbline spool inspect"`;
}

function countSegments(segments: number): string {
  return segments === 1 ? '1 segment' : `${segments} segments`;
}
