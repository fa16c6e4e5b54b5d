/**
 * The board of Plumbline itself: what comes in, how fast it is seen, what it costs. All of it from the metrics that Plumbline
 * records about itself. Enters: the KPIs; leaves: the board.
 */
import type { Kpi } from '../../model/kpi.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { kpiTile } from '../panels/kpi-panels.js';
import { type BoardItem, createItem, fixed, type ItemSpec, override } from '../panels/panel.js';
import { linePanel, stackedBars, tablePanel } from '../panels/plain-panels.js';
import { CRITICAL, GOOD, WARNING } from '../panels/thresholds.js';
import { EVERYTHING } from '../sql/kpi-sql.js';
import { ownDurationSql, ownGaugeSql, ownRateSql, receiversSql } from '../sql/own-sql.js';
import { dashboardUid } from '../uids.js';
import type { Board } from './board.js';

const REFRESH_S = 30;
/** KPIs of Plumbline itself are marked so in the catalogue. */
const OWN_TAG = 'plumbline';

export function ingestBoard(kpis: readonly Kpi[], options: GrafanaOptions): Board {
  const { database } = options;
  return {
    uid: dashboardUid('ingest'),
    title: 'Plumbline: Ingest and health',
    description: 'What Plumbline takes in, how soon it is visible, and what it needs for that.',
    kind: 'operation',
    refreshS: REFRESH_S,
    from: 'now-1h',
    variables: [],
    parts: [
      { row: 'KPIs of Plumbline itself' },
      ...kpis.filter(({ tags }) => tags.includes(OWN_TAG)).map((kpi) => kpiTile(kpi, options, EVERYTHING)),
      { row: 'What comes in' },
      rateItem(
        database,
        'plumbline.points',
        ['accepted', 'rejected', 'dropped'],
        'Points',
        'Points in a second that came through the receivers, by what became of them. **dropped** ones had been accepted before.',
      ),
      rateItem(
        database,
        'plumbline.requests',
        ['answered', 'malformed', 'refused'],
        'Requests',
        'Requests in a second, by what became of them. **refused** ones were asked to come again.',
      ),
      rateItem(
        database,
        'plumbline.data.checked',
        ['valid', 'flagged'],
        'Points checked',
        'Points of metrics that feed KPIs, in a second: **flagged** ones break type, unit or valid range.',
      ),
      durationItem(database),
      { row: 'What it needs' },
      gaugeItem(database, ['plumbline.storage.utilization'], 'store', 'percentunit', {
        name: 'storage',
        title: 'Storage',
        description: 'Used share of the file system of the data directory, and of the spool.',
      }),
      gaugeItem(database, ['plumbline.memory.rss'], 'service.instance.id', 'bytes', {
        name: 'memory',
        title: 'Memory',
        description: 'Memory of the process, the embedded engine included, by receiver.',
      }),
      gaugeItem(database, ['plumbline.series.active', 'plumbline.series.budget'], '', 'short', {
        name: 'series',
        title: 'Active series',
        description: 'Series that had a point within PLUMBLINE_SERIES_ACTIVE_MS, and how many there may be.',
      }),
      gaugeItem(database, ['plumbline.rollups.waiting'], 'service.instance.id', 'short', {
        name: 'rollups',
        title: 'Rollups that wait',
        description: 'Buckets of minutes, hours and days that are still to be reckoned, by receiver.',
      }),
      { row: 'Receivers' },
      receiversItem(database),
    ],
  };
}

const OUTCOME_COLORS: Readonly<Record<string, string>> = {
  accepted: GOOD,
  answered: GOOD,
  valid: GOOD,
  rejected: WARNING,
  refused: WARNING,
  flagged: WARNING,
  malformed: 'purple',
  dropped: CRITICAL,
};

function rateItem(
  database: string,
  metric: string,
  outcomes: readonly string[],
  title: string,
  description: string,
): BoardItem {
  const bars = stackedBars('cps');
  for (const outcome of outcomes) override(bars, outcome, fixed(OUTCOME_COLORS[outcome]!));
  const sql = ownRateSql(database, metric, outcomes);
  return createItem(bars, { name: metric, title, description, width: 12, height: 8, sql, points: 120 });
}

function durationItem(database: string): BoardItem {
  return createItem(linePanel('s').fillOpacity(0), {
    name: 'duration',
    title: 'Time until points are visible',
    description:
      'From the arrival of a request until its points are visible in SQL: half, 90 % and 99 % of the requests took no longer.',
    width: 12,
    height: 8,
    sql: ownDurationSql(database),
    points: 120,
  });
}

function gaugeItem(
  database: string,
  metrics: readonly string[],
  attribute: string,
  unit: string,
  spec: Pick<ItemSpec, 'name' | 'title' | 'description'>,
): BoardItem {
  const line = linePanel(unit).min(0).displayName('${__field.labels.name}');
  return createItem(line, {
    ...spec,
    width: 12,
    height: 8,
    sql: ownGaugeSql(database, metrics, attribute),
    points: 120,
  });
}

function receiversItem(database: string): BoardItem {
  return createItem(tablePanel(), {
    name: 'receivers',
    title: 'Receivers',
    description: 'Every Plumbline that wrote into this ClickHouse in the last week.',
    width: 24,
    height: 6,
    sql: receiversSql(database),
    shape: 'table',
  });
}
