/** The board of services: who they are, how the KPIs of the chosen ones stand, what they send. Enters: the KPIs; leaves: it. */
import type { Kpi } from '../../model/kpi.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { kpiPanel, kpiTile } from '../panels/kpi-panels.js';
import { type BoardItem, createItem, dataLink, HIDDEN, override } from '../panels/panel.js';
import { linePanel, tablePanel } from '../panels/plain-panels.js';
import { callRateSql, callTimesSql } from '../sql/metric-sql.js';
import { metricsOfServicesSql, servicesSeenSql } from '../sql/series-sql.js';
import { durationsSql } from '../sql/variable-sql.js';
import { dashboardUid } from '../uids.js';
import { environmentVariable, oneOf, serviceVariable } from '../variables.js';
import type { Board, BoardPart } from './board.js';

const REFRESH_S = 60;

export function serviceBoard(kpis: readonly Kpi[], options: GrafanaOptions): Board {
  const own = kpis.filter(({ groupBy }) => groupBy.some(({ attributes }) => attributes.includes('service')));
  const overTime = own.filter(({ visualisation }) => visualisation === 'line');
  const parts: BoardPart[] = [
    { row: 'Services' },
    servicesItem(options),
    { row: 'KPIs of the services chosen' },
    ...own.map((kpi) => kpiTile(kpi, options)),
    ...overTime.map((kpi) => kpiPanel(kpi, options)),
    { row: 'Durations' },
    ...durationItems(options),
    { row: 'Metrics' },
    metricsItem(options),
  ];
  return {
    uid: dashboardUid('service'),
    title: 'Plumbline: Services',
    description: 'One service or several: their KPIs, durations and metrics.',
    kind: 'operation',
    refreshS: REFRESH_S,
    from: 'now-6h',
    variables: [
      serviceVariable(options),
      environmentVariable(options),
      oneOf({
        name: 'metric',
        label: 'Duration',
        description: 'Histogram of a time, those with the most series first',
        sql: durationsSql(options.database),
      }),
    ],
    parts,
  };
}

/** A click on a service's name chooses it: by the value that it has in the dropdown, which is a column of its own. */
function servicesItem({ database }: GrafanaOptions): BoardItem {
  const table = tablePanel();
  const url = `/d/${dashboardUid('service')}?\${__url_time_range}&\${environment:queryparam}&var-service=\${__data.fields.choice:percentencode}`;
  override(table, 'service', { links: [dataLink('This service alone', url).build()] });
  override(table, 'choice', { 'custom.hidden': true, ...HIDDEN });
  override(table, 'last seen', { unit: 'dateTimeFromNow' });
  return createItem(table, {
    name: 'services',
    title: 'Services',
    description:
      'Every service that sends metrics, with its environments, versions and instances. A click on a name chooses it.',
    width: 24,
    height: 7,
    sql: servicesSeenSql(database),
    shape: 'table',
  });
}

function durationItems({ database }: GrafanaOptions): BoardItem[] {
  const name = '${__field.name} ${__field.labels.service}';
  const of = 'of the histogram chosen above, by service. Environments are not told apart here.';
  return [
    createItem(linePanel('s').fillOpacity(0).displayName(name), {
      name: 'durations',
      title: 'Percentiles: ${metric:text}',
      description: `Percentiles of all values ${of}`,
      width: 12,
      height: 8,
      sql: callTimesSql(database),
      points: 150,
    }),
    createItem(linePanel('cps').displayName('${__field.labels.service}'), {
      name: 'calls',
      title: 'Calls: ${metric:text}',
      description: `How many values were recorded in a second, ${of}`,
      width: 12,
      height: 8,
      sql: callRateSql(database),
      points: 150,
    }),
  ];
}

function metricsItem({ database }: GrafanaOptions): BoardItem {
  const table = tablePanel();
  override(table, 'last seen', { unit: 'dateTimeFromNow' });
  return createItem(table, {
    name: 'metrics',
    title: 'Metrics',
    description: 'What the services send, where the taxonomy places it, and how many series it is.',
    width: 24,
    height: 10,
    sql: metricsOfServicesSql(database),
    shape: 'table',
  });
}
