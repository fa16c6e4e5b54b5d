/**
 * What is told about one KPI on its own board: groups, comparison, what is out of the ordinary, what is ahead, error budget,
 * quantiles, exemplars, definition. Enters: a Kpi; leaves: items for the board.
 */
import { PanelBuilder as TrendBuilder } from '@grafana/grafana-foundation-sdk/trend';
import type { Kpi } from '../../model/kpi.js';
import { burnPairsOf, type Objective, rateMaxOf } from '../../model/service-level.js';
import { STATUS_WORDS } from '../../model/status-words.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { hasQuantiles } from '../histogram-metrics.js';
import { describeKpi, durationText, titleWithTarget } from '../kpi-texts.js';
import { comparisonSql, groupsSql, statusSql } from '../sql/kpi-sql.js';
import { budgetSql, burnSql } from '../sql/level-sql.js';
import { exemplarsSql, quantilesSql, versionsSql } from '../sql/metric-sql.js';
import { anomaliesSql, forecastSql } from '../sql/outlook-sql.js';
import { decimalsOf, grafanaUnit } from '../units.js';
import { DISTANCE, minIntervalOf, questionOf, valueLine } from './kpi-panels.js';
import { type BoardItem, createItem, dataLink, fixed, type ItemSpec, override } from './panel.js';
import { allInTooltip, lastOf, legend, linePanel, NO_VALUE, statPanel, tablePanel } from './plain-panels.js';
import {
  CRITICAL,
  colorByThresholds,
  GOOD,
  kpiThresholds,
  NEUTRAL,
  thresholds,
  UNKNOWN,
  WARNING,
} from './thresholds.js';

/** Alert rules lead to the panel of this number. */
export const VALUE_PANEL_ID = 1;
const FINE_POINTS = 300;
const COARSE_POINTS = 150;

type Spec = Pick<ItemSpec, 'name' | 'title' | 'width' | 'height'> & { about: string };

/** Descriptions say first what the panel shows, then what the KPI is. */
function itemOf(kpi: Kpi, options: GrafanaOptions, { about, ...spec }: Spec) {
  const description = describeKpi(kpi, options.docsUrl, about);
  return { ...spec, description, minInterval: minIntervalOf(kpi), points: COARSE_POINTS };
}

export function valueItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'value',
    title: titleWithTarget(kpi),
    width: 16,
    height: 9,
    about: 'The value over time, with the thresholds in force then.',
  });
  const line = valueLine(kpi)
    .dataLinks([])
    .legend(legend(['lastNotNull', 'mean', 'min', 'max']));
  return createItem(line, { ...spec, ...questionOf(kpi, options), id: VALUE_PANEL_ID, points: FINE_POINTS });
}

export function groupsItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'groups',
    title: `By ${kpi.groupBy.map(({ label }) => label).join(' and ')}`,
    width: 12,
    height: 9,
    about: 'The groups with the most samples. All series together are not the mean of the groups.',
  });
  const lines = linePanel(grafanaUnit(kpi))
    .displayName('${__field.labels.group}')
    .thresholds(kpiThresholds(kpi));
  return createItem(lines, { ...spec, sql: groupsSql(options.database, kpi) });
}

export const STATUS_COLORS: Readonly<Record<string, string>> = {
  on_target: GOOD,
  warning: WARNING,
  critical: CRITICAL,
  unknown: UNKNOWN,
};

export const STATUS_MAPPINGS = [
  {
    type: 'value',
    options: Object.fromEntries(
      Object.entries(STATUS_WORDS).map(([status, text], index) => [
        status,
        { text, color: STATUS_COLORS[status], index },
      ]),
    ),
  },
];

export function statusItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'status',
    title: 'Status',
    width: kpi.groupBy.length === 0 ? 24 : 12,
    height: 9,
    about: `How it stands at the end of the time range, over the ${durationText(kpi.windowS)} before, and what that rests on.`,
  });
  const table = tablePanel(grafanaUnit(kpi));
  const share = { unit: 'percentunit', decimals: 0 };
  override(table, 'status', { mappings: STATUS_MAPPINGS, 'custom.cellOptions': { type: 'color-text' } });
  override(table, 'to target', { ...DISTANCE, 'custom.cellOptions': { type: 'color-text' } });
  override(table, 'samples', { unit: 'short' });
  override(table, 'completeness', share);
  override(table, 'age', { unit: 's' });
  return createItem(table, { ...spec, sql: statusSql(options.database, kpi), shape: 'table' });
}

export function comparisonItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'comparison',
    title: 'Compared with before',
    width: 24,
    height: 8,
    about: 'The time range, and the same one period, one day and one week earlier.',
  });
  const line = linePanel(grafanaUnit(kpi))
    .spanNulls(true)
    .fillOpacity(0)
    .legend(legend(['mean', 'min', 'max']));
  override(line, 'this period', { ...fixed(NEUTRAL), 'custom.lineWidth': 2, 'custom.fillOpacity': 8 });
  const dashed = { 'custom.lineStyle': { fill: 'dash', dash: [6, 6] } };
  override(line, 'previous period', { ...fixed('purple'), ...dashed });
  override(line, 'a day before', { ...fixed('yellow'), ...dashed });
  override(line, 'a week before', { ...fixed('orange'), ...dashed });
  return createItem(line, { ...spec, sql: comparisonSql(options.database, kpi) });
}

/** The area between `lower` and `upper`, without lines of its own. */
function band<B extends Parameters<typeof override>[0]>(builder: B, color: string): B {
  const quiet = { ...fixed(color), 'custom.lineWidth': 0 };
  override(builder as never, 'lower', { ...quiet, 'custom.fillOpacity': 0 });
  override(builder as never, 'upper', { ...quiet, 'custom.fillBelowTo': 'lower', 'custom.fillOpacity': 15 });
  return builder;
}

export function anomaliesItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'anomalies',
    title: 'Out of the ordinary',
    width: 12,
    height: 9,
    about:
      'What was to be expected by trend and time of day, from three more days before the range, with three residual deviations around it. Red: values beyond the outer fences of what is left (Tukey).',
  });
  const line = linePanel(grafanaUnit(kpi)).fillOpacity(0);
  override(line, 'value', { ...fixed(NEUTRAL), displayName: kpi.title });
  override(line, 'expected', { ...fixed('text'), 'custom.lineStyle': { fill: 'dash', dash: [4, 6] } });
  band(line, 'purple');
  override(line, 'anomaly', { ...fixed(CRITICAL), 'custom.drawStyle': 'points', 'custom.pointSize': 9 });
  return createItem(line, { ...spec, sql: anomaliesSql(options.database, kpi) });
}

export function forecastItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'forecast',
    title: 'Forecast for a day',
    width: 12,
    height: 9,
    about:
      'Hours from the end of the time range: the two days before, and the day after if the trend of the last 48 hours and the time of day go on as in the last week, with two residual deviations around.',
  });
  const trend = new TrendBuilder()
    .unit(grafanaUnit(kpi))
    .noValue(NO_VALUE)
    .xField('hours')
    .lineWidth(1)
    .fillOpacity(0)
    .thresholds(kpiThresholds(kpi))
    .legend(legend())
    .tooltip(allInTooltip());
  override(trend, 'hours', { unit: 'suffix: h', 'custom.axisLabel': 'hours from the end of the range' });
  override(trend, 'value', { ...fixed(NEUTRAL), displayName: kpi.title });
  override(trend, 'forecast', { ...fixed('purple'), 'custom.lineStyle': { fill: 'dash', dash: [6, 6] } });
  band(trend, 'purple');
  return createItem(trend, { ...spec, sql: forecastSql(options.database, kpi), shape: 'table' });
}

export function burnItem(kpi: Kpi, options: GrafanaOptions, objective: Objective): BoardItem {
  const pairs = burnPairsOf(objective.windowS).filter(({ action }) => action === 'page');
  const windows = [...new Set(pairs.flatMap(({ shortS, longS }) => [shortS, longS]))].sort((a, b) => a - b);
  const marks = pairs.map((pair): [number, string] => [rateMaxOf(pair, objective.windowS), CRITICAL]);
  marks.sort(([a], [b]) => a - b);
  const spec = itemOf(kpi, options, {
    name: 'burn',
    title: 'Error budget: burn rate',
    width: 16,
    height: 8,
    about: `How many times faster than the objective allows events go bad, over windows that end at each step. At 1 the ${durationText(objective.windowS)} just spend the budget; an alarm asks a long and a short window at once.`,
  });
  const line = linePanel('none')
    .min(0)
    .thresholds(thresholds(GOOD, [1, WARNING], ...marks));
  return createItem(line, { ...spec, sql: burnSql(options.database, kpi, objective, windows) });
}

export function budgetItem(kpi: Kpi, options: GrafanaOptions, objective: Objective): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'budget',
    title: `Error budget: ${durationText(objective.windowS)}`,
    width: 8,
    height: 8,
    about: `What is left of the bad events that the objective allows in ${durationText(objective.windowS)}: 100 % untouched, 0 % spent, below 0 overdrawn.`,
  });
  const stat = statPanel('percentunit')
    .decimals(3)
    .reduceOptions(lastOf('/.*/'))
    .thresholds(thresholds(CRITICAL, [0, WARNING], [0.25, GOOD]))
    .colorScheme(colorByThresholds());
  for (const column of ['achieved', 'objective']) override(stat, column, fixed('text'));
  for (const column of ['bad', 'events'])
    override(stat, column, { unit: 'short', decimals: 0, ...fixed('text') });
  return createItem(stat, { ...spec, sql: budgetSql(options.database, kpi, objective), shape: 'table' });
}

export function quantilesItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'quantiles',
    title: 'Percentiles: ${metric:text}',
    width: 12,
    height: 9,
    about:
      'Of all values that histograms of the metric chosen above recorded, by service. Environments are not told apart here.',
  });
  const line = linePanel(grafanaUnit(kpi))
    .fillOpacity(0)
    .displayName('${__field.name} ${__field.labels.service}');
  return createItem(line, { ...spec, sql: quantilesSql(options.database, kpi) });
}

export function exemplarsItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'exemplars',
    title: 'Exemplars: ${metric:text}',
    width: 12,
    height: 9,
    about:
      'Single measurements that senders picked out, the largest first, each with the trace it came from.',
  });
  const isOwnValue = hasQuantiles(kpi, options);
  const table = isOwnValue ? tablePanel(grafanaUnit(kpi)) : tablePanel();
  override(table, 'trace', { links: [dataLink('Trace', '${trace_url:raw}${__value.raw}', true).build()] });
  return createItem(table, { ...spec, sql: exemplarsSql(options.database, kpi, isOwnValue), shape: 'table' });
}

export function versionsItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const spec = itemOf(kpi, options, {
    name: 'versions',
    title: 'Definition and targets over time',
    width: 14,
    height: 8,
    about: 'What held from when on. A change never changes how the past was judged.',
  });
  const table = tablePanel(grafanaUnit(kpi));
  override(table, 'valid from', { unit: 'dateTimeAsIso' });
  override(table, 'window', { unit: 's' });
  const decimals = decimalsOf(kpi);
  if (decimals !== undefined) override(table, 'target', { decimals });
  return createItem(table, { ...spec, sql: versionsSql(options.database, kpi), shape: 'table' });
}
