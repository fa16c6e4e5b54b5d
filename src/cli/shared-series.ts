/**
 * The part of `plumbline coverage` on series that two writers share. Enters: ClickHouse; leaves: metrics with the number of
 * points of which only one of several values was kept, and what to do about it.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import { readQuery } from '../store/sql-files.js';
import { lines, note } from './kpi-texts.js';
import { clean, paint, renderTable, type Terminal } from './terminal-table.js';

export interface SharedSeries {
  metric: string;
  services: string[];
  series: number;
  /** Points of which another value was stored with the same series, start time and time. */
  points: number;
}

const LOOK_BACK_MS = 86_400_000;

/** Those of the last day. */
export async function readSharedSeries(clickhouse: ClickHouse, nowUnixMs: number): Promise<SharedSeries[]> {
  const since = new Date(nowUnixMs - LOOK_BACK_MS).toISOString().slice(0, 23).replace('T', ' ');
  const rows = await clickhouse.query<Record<string, unknown>>(readQuery('shared_series'), {
    params: { since },
  });
  return rows.map((row) => ({
    metric: String(row.metric),
    services: row.services as string[],
    series: Number(row.series),
    points: Number(row.points),
  }));
}

/** Empty where there are none. */
export function showSharedSeries(shared: readonly SharedSeries[], terminal: Terminal): string {
  if (shared.length === 0) return '';
  const columns = [
    { title: 'metric', isFlexible: true },
    { title: 'services', isFlexible: true },
    { title: 'series', align: 'right' as const },
    { title: 'points', align: 'right' as const },
  ];
  const cells = shared.map(({ metric, services, series, points }) => [
    metric,
    services.join(', '),
    String(series),
    String(points),
  ]);
  return lines(
    '',
    paint(
      'Series with two writers in the last day: of each of these points one value was kept',
      'bold',
      terminal,
    ),
    renderTable(columns, cells, terminal),
    note(clean(ADVICE), terminal),
  );
}

const ADVICE =
  "Make the writers distinct, for example by service.instance.id. For the Collector's StatsD receiver set " +
  'enable_ip_only_aggregation, which helps where one host sends from many ports.';
