/** What the page shows and /api/status answers: totals of every stage since this process started. */
import type { Config } from './config.js';
import type { StoredCounts } from './drain-log.js';
import type { Health } from './health.js';
import type { Intake } from './intake.js';
import type { ClickHouse } from './model/clickhouse.js';
import type { CategoryCount, Status } from './show/web-server.js';
import type { Quarantine } from './spool/spool.js';
import { readQuery } from './store/sql-files.js';

export interface StatusSources {
  version: string;
  config: Config;
  nowUnixMs: () => number;
  addresses: () => Status['addresses'];
  intake: Pick<Intake, 'counts'>;
  stored: StoredCounts;
  spool: { readonly bytes: number; readQuarantine(): Promise<Quarantine> };
  rollups: { readonly waiting: number };
  series: { readonly size: number };
  /** Requests that were refused before they were read. */
  inflight: { readonly refused: number };
  refusedSenders: { readonly count: number };
  clickhouse: ClickHouse;
  storage: { isReady(): boolean };
  /** Stores what is acknowledged. */
  flush: () => Promise<boolean>;
  health: Pick<Health, 'findProblems'>;
  findNotices: () => Promise<string[]>;
}

export function createStatusReader(sources: StatusSources): () => Promise<Status> {
  const { version, config, nowUnixMs, intake, stored, spool, rollups, series, clickhouse, storage } = sources;
  const startedMs = nowUnixMs();
  const readCategories = async () => {
    await sources.flush();
    return clickhouse.query<CategoryCount>(readQuery('category_counts')).catch(() => [] as CategoryCount[]);
  };

  return async () => {
    const { counts } = intake;
    const [quarantine, problems, notices, categories] = await Promise.all([
      spool.readQuarantine(),
      sources.health.findProblems('all'),
      sources.findNotices(),
      storage.isReady() ? readCategories() : [],
    ]);
    return {
      version,
      uptimeS: (nowUnixMs() - startedMs) / 1000,
      addresses: sources.addresses(),
      problems,
      notices,
      points: {
        accepted: counts.pointsAccepted,
        rejected: counts.pointsRejected,
        flagged: counts.pointsFlagged,
        folded: counts.pointsFolded,
        stored: stored.points,
        dropped: stored.dropped,
      },
      requests: {
        answered: counts.requestsAnswered,
        malformed: counts.requestsMalformed,
        refused: counts.requestsRefused + sources.inflight.refused,
        unauthenticated: sources.refusedSenders.count,
      },
      spool: {
        bytes: spool.bytes,
        bytesMax: config.spoolBytesMax,
        quarantinedSegments: quarantine.segments,
        quarantinedBytes: quarantine.bytes,
        bytesLost: stored.bytesLost,
      },
      rollups: { waiting: rollups.waiting },
      series: { active: series.size, budget: config.seriesMax },
      categories,
    };
  };
}
