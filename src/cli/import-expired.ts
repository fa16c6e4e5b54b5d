/**
 * What of an export a target would delete at once, because its retention is shorter than what came. Enters: pieces and the
 * TTLs that ClickHouse has; leaves: pieces that are wholly too old. It changes no TTL.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { describeDays, isLonger, keepOf } from '../model/retention.js';
import { type ReadTable, readTables } from '../store/retention-tables.js';

interface TimedPiece {
  table: string;
  toS?: number | undefined;
}

const DAY_S = 86_400;

/** Pieces of which no row would be kept, with the days that the target keeps. */
export async function findExpired<Piece extends TimedPiece>(
  clickhouse: ClickHouse,
  pieces: readonly Piece[],
  nowUnixMs: number,
): Promise<Map<Piece, number>> {
  const tables = new Map((await readTables(clickhouse)).map((table) => [table.table, table]));
  const expired = new Map<Piece, number>();
  for (const piece of pieces) {
    const table = tables.get(piece.table);
    const days = table?.rules === undefined ? 'forever' : keepOf(table.rules, '');
    if (days === 'forever' || piece.toS === undefined) continue;
    if (findAgeStart(table!, piece.toS - 1) + (days + 1) * DAY_S <= nowUnixMs / 1000)
      expired.set(piece, days);
  }
  return expired;
}

/** Points age from their day, rollups from the end of their month. */
function findAgeStart({ resolution }: ReadTable, lastS: number): number {
  if (resolution === 'raw' || resolution === 'exemplars') return Math.floor(lastS / DAY_S) * DAY_S;
  const last = new Date(lastS * 1000);
  return Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + 1, 0) / 1000;
}

/** Flagged points have a TTL of their own; of the others some categories may have a shorter one. */
export async function mayDeleteSooner(clickhouse: ClickHouse, table: string): Promise<boolean> {
  if (table === 'flagged_points') return true;
  const { ttl, rules } = (await readTables(clickhouse)).find((known) => known.table === table) ?? {};
  if (rules === undefined) return ttl !== undefined && ttl !== '';
  return (
    isLonger(keepOf(rules, ''), rules.default) ||
    Object.values(rules.categories).some((days) => isLonger(keepOf(rules, ''), days))
  );
}

export function describeExpired(expired: ReadonlyMap<TimedPiece, number>): string {
  const tables = new Map<string, { days: number; toS: number; pieces: number }>();
  for (const [{ table, toS = 0 }, days] of expired) {
    const known = tables.get(table) ?? { days, toS: 0, pieces: 0 };
    tables.set(table, { days, toS: Math.max(known.toS, toS), pieces: known.pieces + 1 });
  }
  const lines = [...tables].map(
    ([table, { days, toS, pieces }]) =>
      `  ${table}: ${pieces} pieces before ${new Date(toS * 1000).toISOString().slice(0, 10)} (kept there: ${describeDays(days)})`,
  );
  return (
    `the target would delete a part of this at once, because it keeps less:\n${lines.sort().join('\n')}\n` +
    'keep it longer there first (retention.yaml and "plumbline retention apply", docs/retention.md), or leave it out with --skip-expired'
  );
}
