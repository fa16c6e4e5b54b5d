/**
 * The board of alerts: rules and what became of them, and when KPIs crossed their thresholds, which is told by the stored data
 * whether or not a rule was there. Enters: the KPIs; leaves: the board.
 */
import { PanelBuilder as AnnotationsBuilder } from '@grafana/grafana-foundation-sdk/annotationslist';
import { VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import type { Kpi } from '../../model/kpi.js';
import { STATUS_WORDS } from '../../model/status-words.js';
import type { GrafanaCategory, GrafanaOptions } from '../grafana-options.js';
import { alertList } from '../panels/alert-list.js';
import { STATUS_COLORS, STATUS_MAPPINGS } from '../panels/detail-panels.js';
import { type BoardItem, createItem, override } from '../panels/panel.js';
import { legend, tablePanel } from '../panels/plain-panels.js';
import { crossingsSql, STATUSES, statusesSql } from '../sql/kpi-sql.js';
import { dashboardUid } from '../uids.js';
import { customVariable, environmentVariable, serviceVariable } from '../variables.js';
import type { Board } from './board.js';

const REFRESH_S = 300;
const STEPS = 150;
const ROW_HEIGHT = 1.2;

export function alertHistoryBoard(kpis: readonly Kpi[], options: GrafanaOptions): Board {
  const kpiVariable = customVariable(
    'kpi',
    'KPI',
    'Whose threshold crossings are listed',
    kpis.map(({ title, name }) => ({ text: title, value: name })),
  );
  const timelines = options.categories
    .map((category) => ({ category, own: kpis.filter((kpi) => kpi.category === category.id) }))
    .filter(({ own }) => own.length > 0);
  return {
    uid: dashboardUid('alerts'),
    title: 'Plumbline: Alert history',
    description: 'Alert rules and their changes of state, and when KPIs crossed their thresholds.',
    kind: 'operation',
    refreshS: REFRESH_S,
    from: 'now-24h',
    variables: [serviceVariable(options), environmentVariable(options), kpiVariable],
    parts: [
      { row: 'Alerts' },
      alertsItem(),
      changesItem(),
      { row: 'Threshold crossings' },
      crossingsItem(options),
      ...timelines.map(({ category, own }) => timelineItem(category, own, options)),
    ],
  };
}

function alertsItem(): BoardItem {
  return createItem(alertList(), {
    name: 'alerts',
    title: 'Alert rules',
    description: 'All rules that Grafana was provisioned with from the catalogue, those that fire first.',
    width: 12,
    height: 10,
  });
}

function changesItem(): BoardItem {
  const list = new AnnotationsBuilder()
    .onlyFromThisDashboard(false)
    .onlyInTimeRange(true)
    .limit(100)
    .showTags(true)
    .showTime(true);
  return createItem(list, {
    name: 'changes',
    title: 'Changes of state',
    description:
      'What Grafana noted in the time range: alerts that began or ended, and notes that people made.',
    width: 12,
    height: 10,
  });
}

function crossingsItem({ database }: GrafanaOptions): BoardItem {
  const table = tablePanel('none');
  for (const column of ['from', 'to'])
    override(table, column, { mappings: STATUS_MAPPINGS, 'custom.cellOptions': { type: 'color-text' } });
  return createItem(table, {
    name: 'crossings',
    title: 'Threshold crossings: ${kpi:text}',
    description:
      'When the status of the KPI chosen above changed, step by step, with the thresholds in force then.',
    width: 24,
    height: 9,
    // The board's variable stands where others have the name of their KPI.
    sql: crossingsSql(database, { name: '${kpi}' }),
    shape: 'table',
    minInterval: '10m',
    points: STEPS,
  });
}

const NUMBERED = [
  {
    type: 'value',
    options: Object.fromEntries(
      STATUSES.map((status, index) => [
        String(index + 1),
        { text: STATUS_WORDS[status], color: STATUS_COLORS[status], index },
      ]),
    ),
  },
];

function timelineItem(
  { id, title }: GrafanaCategory,
  kpis: readonly Kpi[],
  options: GrafanaOptions,
): BoardItem {
  const timeline = new TimelineBuilder()
    .unit('none')
    .displayName('${__field.labels.kpi}')
    .mappings(NUMBERED as never)
    .mergeValues(true)
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8)
    .fillOpacity(80)
    .lineWidth(0)
    .legend({ build: () => ({ ...legend().build(), showLegend: true }) });
  return createItem(timeline, {
    name: `statuses ${id}`,
    title: `${title}: status`,
    description: `The status of every KPI of ${title} over time, judged in each step by the thresholds in force then.`,
    width: 24,
    height: Math.ceil(3 + ROW_HEIGHT * kpis.length),
    sql: statusesSql(options.database, kpis),
    minInterval: '10m',
    points: STEPS,
  });
}
