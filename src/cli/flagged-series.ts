/**
 * The part of `plumbline coverage` on series that are flagged for what they are, not for a KPI: two writers that share one, starts
 * that are not right. Enters: ClickHouse; leaves: metrics with the number of flagged points, and what to do about them.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { readQuery } from '../store/sql-files.js';
import { lines, note } from './kpi-texts.js';
import { clean, paint, renderTable, type Terminal } from './terminal-table.js';

export interface FlaggedSeries {
  metric: string;
  reason: string;
  services: string[];
  series: number;
  /** Of two writers: points of which another value was stored. Of starts: one for each series and hour. */
  points: number;
}

const LOOK_BACK_MS = 86_400_000;

/** Those of the last day. */
export async function readFlaggedSeries(clickhouse: ClickHouse, nowUnixMs: number): Promise<FlaggedSeries[]> {
  const since = new Date(nowUnixMs - LOOK_BACK_MS).toISOString().slice(0, 23).replace('T', ' ');
  const rows = await clickhouse.query<Record<string, unknown>>(readQuery('flagged_series'), {
    params: { since },
  });
  return rows.map((row) => ({
    metric: String(row.metric),
    reason: String(row.reason),
    services: row.services as string[],
    series: Number(row.series),
    points: Number(row.points),
  }));
}

/** Empty where there are none. */
export function showFlaggedSeries(flagged: readonly FlaggedSeries[], terminal: Terminal): string {
  if (flagged.length === 0) return '';
  const columns = [
    { title: 'metric', isFlexible: true },
    { title: 'services', isFlexible: true },
    { title: 'what', isFlexible: true },
    { title: 'series', align: 'right' as const },
    { title: 'points', align: 'right' as const },
  ];
  const cells = flagged.map(({ metric, reason, services, series, points }) => [
    metric,
    services.join(', '),
    WORDS[reason] ?? reason,
    String(series),
    String(points),
  ]);
  const reasons = [...new Set(flagged.map(({ reason }) => reason))];
  return lines(
    '',
    paint(
      'Series with two writers, or with start times that are not right, in the last day',
      'bold',
      terminal,
    ),
    renderTable(columns, cells, terminal),
    ...reasons.flatMap((reason) => (ADVICE[reason] ? [note(clean(ADVICE[reason]), terminal)] : [])),
  );
}

const WORDS: Readonly<Record<string, string>> = {
  conflicting_point: 'two writers',
  start_lost: 'start lost',
  start_moves: 'start moves',
  start_overlaps: 'starts overlap',
};

const ADVICE: Readonly<Record<string, string>> = {
  conflicting_point:
    'two writers: of each of these points one value was kept. Make the writers distinct, for example by service.instance.id. For the ' +
    "Collector's StatsD receiver set enable_ip_only_aggregation, which helps where one host sends from many ports.",
  start_lost:
    'start lost: points without a start time continue the point before. The sender should keep the start.',
  start_moves:
    'start moves: each point starts at the time of the one before, and continues it while its value does not fall. The sender should ' +
    'give all points the time when it began to count.',
  start_overlaps:
    'starts overlap: two senders write one series, each counted by itself. Make them distinct, for example by service.instance.id.',
};
