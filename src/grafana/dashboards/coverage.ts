/**
 * The board of coverage and cardinality: which metrics feed which KPI, what is missing, and what makes series many. Enters:
 * the database's name; leaves: the board.
 */
import type { GrafanaOptions } from '../grafana-options.js';
import { type BoardItem, createItem, dataLink, override } from '../panels/panel.js';
import { barsByRow, lastOf, statPanel, tablePanel } from '../panels/plain-panels.js';
import { colorByThresholds, fixedColor, GOOD, NEUTRAL, thresholds, WARNING } from '../panels/thresholds.js';
import { countsSql, coverageSql, fedSql, needsLookSql } from '../sql/own-sql.js';
import { attributesSql, seriesBySql } from '../sql/series-sql.js';
import { dashboardUid } from '../uids.js';
import type { Board } from './board.js';

const REFRESH_S = 300;
const BARS_MAX = 15;

export function coverageBoard({ database }: GrafanaOptions): Board {
  return {
    uid: dashboardUid('coverage'),
    title: 'Plumbline: Coverage and cardinality',
    description:
      'Which metrics feed which KPI, what is missing or cannot be used, and what makes series many.',
    kind: 'operation',
    refreshS: REFRESH_S,
    from: 'now-24h',
    variables: [],
    parts: [
      countsItem(database),
      { row: 'Coverage' },
      fedItem(database),
      coverageItem(database),
      needsLookItem(database),
      { row: 'Cardinality' },
      barsItem(database, 'metric_name', 'metric', 'Series by metric'),
      barsItem(database, 'source_system', 'service', 'Series by service'),
      barsItem(
        database,
        "if(subcategory = '', category, concat(category, ' / ', subcategory))",
        'place',
        'Series by place in the taxonomy',
      ),
      attributesItem(database),
    ],
  };
}

function countsItem(database: string): BoardItem {
  const stat = statPanel('short').reduceOptions(lastOf('/.*/')).colorScheme(fixedColor(NEUTRAL)).decimals(0);
  const alarming = thresholds(GOOD, [1, WARNING]).build();
  for (const column of ['unclassified', 'folded', 'flagged'])
    override(stat, column, { color: colorByThresholds().build(), thresholds: alarming });
  return createItem(stat, {
    name: 'counts',
    title: 'At a glance',
    description:
      'Series, metrics and services that were ever seen; metrics that no rule of the taxonomy takes; series folded beyond a budget; points of the time range that break type, unit or valid range of a KPI, or whose series has two writers.',
    width: 24,
    height: 4,
    sql: countsSql(database),
    shape: 'table',
  });
}

const STATE_MAPPINGS = [
  {
    type: 'value',
    options: {
      'feeds the KPI': { color: GOOD, index: 0 },
      measured: { color: GOOD, index: 1 },
      'cannot be used': { color: WARNING, index: 2 },
      'no data': { color: WARNING, index: 3 },
      'nobody sends it': { color: 'text', index: 4 },
    },
  },
];
const STATE = { mappings: STATE_MAPPINGS, 'custom.cellOptions': { type: 'color-text' } };

function fedItem(database: string): BoardItem {
  const table = tablePanel();
  override(table, 'state', STATE);
  override(table, 'kpi', {
    links: [dataLink('The KPI', '/d/${__data.fields.board}?${__url_time_range}').build()],
  });
  override(table, 'board', { 'custom.hidden': true });
  return createItem(table, {
    name: 'fed',
    title: 'KPIs and what feeds them',
    description: 'How many metrics and series each KPI is made of; those without data first.',
    width: 8,
    height: 10,
    sql: fedSql(database),
    shape: 'table',
  });
}

function coverageItem(database: string): BoardItem {
  const table = tablePanel();
  override(table, 'state', STATE);
  override(table, 'last seen', { unit: 'dateTimeFromNow' });
  return createItem(table, {
    name: 'coverage',
    title: 'Metrics that KPIs ask for',
    description:
      'Each metric of each source: who sends it, when it was last seen, and why some of its series cannot be used.',
    width: 16,
    height: 10,
    sql: coverageSql(database),
    shape: 'table',
  });
}

function needsLookItem(database: string): BoardItem {
  const table = tablePanel();
  override(table, 'count', {
    thresholds: thresholds(GOOD, [1, WARNING]).build(),
    'custom.cellOptions': { type: 'color-text' },
  });
  return createItem(table, {
    name: 'needs a look',
    title: 'What needs a look',
    description:
      'Metrics, series and points that something is wrong with, and one of each. `plumbline coverage` says what to do.',
    width: 24,
    height: 6,
    sql: needsLookSql(database),
    shape: 'table',
  });
}

function barsItem(database: string, column: string, name: string, title: string): BoardItem {
  const bars = barsByRow('short').decimals(0).colorScheme(fixedColor(NEUTRAL));
  return createItem(bars, {
    name: `series by ${name}`,
    title,
    description: `The ${BARS_MAX} with the most series that were ever seen. \`plumbline series top\` shows the active ones and the budgets.`,
    width: 8,
    height: 11,
    sql: seriesBySql(database, column, name, BARS_MAX),
    shape: 'table',
  });
}

function attributesItem(database: string): BoardItem {
  return createItem(tablePanel(), {
    name: 'attributes',
    title: 'Attributes by number of values',
    description:
      'The attributes that make the most series of a metric: an identifier among them is what multiplies.',
    width: 24,
    height: 10,
    sql: attributesSql(database),
    shape: 'table',
  });
}
