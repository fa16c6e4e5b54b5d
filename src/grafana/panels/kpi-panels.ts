/**
 * How a KPI stands, on boards of many of them: a tile, or the visualisation that the catalogue asks for. All ask one and the
 * same question, and lead to the KPI's own board. Enters: a Kpi; leaves: items for boards.
 */
import { PanelBuilder as BarChartBuilder } from '@grafana/grafana-foundation-sdk/barchart';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueTextMode,
  GraphThresholdsStyleMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import type { DashboardLink, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as GaugeBuilder } from '@grafana/grafana-foundation-sdk/gauge';
import type { Kpi } from '../../model/kpi.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { describeKpi, titleWithTarget } from '../kpi-texts.js';
import { CHOSEN, thresholdsOf, valueSql } from '../sql/kpi-sql.js';
import { dashboardUid } from '../uids.js';
import { decimalsOf, grafanaUnit } from '../units.js';
import { type BoardItem, createItem, dataLink, fixed, HIDDEN, override } from './panel.js';
import { allInTooltip, lastOf, legend, linePanel, NO_VALUE, statPanel } from './plain-panels.js';
import { CRITICAL, colorByThresholds, GOOD, kpiThresholds, NEUTRAL, WARNING } from './thresholds.js';

const TILE = { width: 6, height: 5 } as const;
const PANEL = { width: 12, height: 8 } as const;
const TILE_POINTS = 60;
const LINE_POINTS = 300;
const BAR_POINTS = 30;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** A KPI about a month need not be reckoned for every minute. */
export function minIntervalOf({ windowS }: Kpi): string {
  if (windowS > DAY_S) return '1h';
  return windowS > HOUR_S ? '10m' : '1m';
}

/** Time and what was chosen go along. */
export function kpiLink({ name, title }: Kpi): Builder<DashboardLink> {
  const kept = '${__url_time_range}&${service:queryparam}&${environment:queryparam}';
  return dataLink(`${title} in detail`, `/d/${dashboardUid('kpi', name)}?${kept}`);
}

/** Value with its trend, and the distance to the target. `chosen`: of which services and environments. */
export function kpiTile(kpi: Kpi, options: GrafanaOptions, chosen = CHOSEN): BoardItem {
  const tile = statPanel(grafanaUnit(kpi))
    .thresholds(kpiThresholds(kpi))
    .colorScheme(colorByThresholds())
    .textMode(BigValueTextMode.ValueAndName)
    .reduceOptions(lastOf('/^(value|to target)$/'))
    .dataLinks([kpiLink(kpi)]);
  override(tile, 'to target', DISTANCE);
  const decimals = decimalsOf(kpi);
  if (decimals !== undefined) tile.decimals(decimals);
  return createItem(tile, {
    ...TILE,
    ...questionOf(kpi, options, chosen),
    name: `tile ${kpi.name}`,
    title: titleWithTarget(kpi),
    description: describeKpi(kpi, options.docsUrl, TILE_TEXT),
    points: TILE_POINTS,
  });
}

const TILE_TEXT =
  'The value of the latest step, its colour the status by the thresholds, its trend over the time range. **to target**: how much better (+) or worse (-) than the target it is.';

/** Better than the target is positive. */
export const DISTANCE = {
  unit: 'percentunit',
  decimals: 1,
  thresholds: {
    mode: 'absolute',
    steps: [
      { value: null, color: WARNING },
      { value: 0, color: GOOD },
    ],
  },
} as const;

export function questionOf(kpi: Kpi, { database }: GrafanaOptions, chosen = CHOSEN) {
  return { sql: valueSql(database, kpi, chosen), shape: 'series', minInterval: minIntervalOf(kpi) } as const;
}

/** The catalogue's `visualisation` of the KPI. */
export function kpiPanel(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const [builder, points, about] = VISUALISATIONS[kpi.visualisation](kpi);
  return createItem(builder, {
    ...PANEL,
    ...questionOf(kpi, options),
    name: `${kpi.visualisation} ${kpi.name}`,
    title: titleWithTarget(kpi),
    description: describeKpi(kpi, options.docsUrl, about),
    points,
  });
}

type Visual = [builder: Builder<Panel>, points: number, about: string];

const VISUALISATIONS: Readonly<Record<Kpi['visualisation'], (kpi: Kpi) => Visual>> = {
  line: (kpi) => [valueLine(kpi), LINE_POINTS, 'The value over time, with the thresholds in force then.'],
  gauge: (kpi) => [valueGauge(kpi), TILE_POINTS, 'The value of the latest step against the thresholds.'],
  bar: (kpi) => [
    valueBars(kpi),
    BAR_POINTS,
    'The value of each step, its colour the status by the thresholds.',
  ],
  stat: (kpi) => [valueStat(kpi), TILE_POINTS, 'The value of the latest step and its trend.'],
};

const LEVEL_COLORS = { target: GOOD, warning: WARNING, critical: CRITICAL } as const;

/** The value against its thresholds as they were in force. */
export function valueLine(kpi: Kpi): ReturnType<typeof linePanel> {
  const line = linePanel(grafanaUnit(kpi))
    .thresholds(kpiThresholds(kpi))
    .dataLinks([kpiLink(kpi)]);
  override(line, 'value', { displayName: kpi.title, ...fixed(NEUTRAL), 'custom.lineWidth': 2 });
  for (const level of thresholdsOf(kpi))
    override(line, level, {
      ...fixed(LEVEL_COLORS[level]),
      'custom.lineStyle': { fill: 'dash', dash: [8, 6] },
      'custom.fillOpacity': 0,
      links: [],
    });
  return override(line, 'to target', HIDDEN);
}

function valueGauge(kpi: Kpi): GaugeBuilder {
  const { min, max } = scaleOf(kpi);
  return new GaugeBuilder()
    .unit(grafanaUnit(kpi))
    .min(min)
    .max(max)
    .noValue(NO_VALUE)
    .thresholds(kpiThresholds(kpi))
    .colorScheme(colorByThresholds())
    .showThresholdMarkers(true)
    .showThresholdLabels(false)
    .reduceOptions(lastOf('/^value$/'))
    .dataLinks([kpiLink(kpi)]);
}

function valueBars(kpi: Kpi): BarChartBuilder {
  const bars = new BarChartBuilder()
    .unit(grafanaUnit(kpi))
    .noValue(NO_VALUE)
    .thresholds(kpiThresholds(kpi))
    .thresholdsStyle({ build: () => ({ mode: GraphThresholdsStyleMode.Dashed }) })
    .colorScheme(colorByThresholds())
    .xField('time')
    .xTickLabelSpacing(100)
    .showValue(VisibilityMode.Never)
    .fillOpacity(80)
    .axisSoftMin(0)
    .colorByField('value')
    .legend({ build: () => ({ ...legend().build(), showLegend: false }) })
    .tooltip(allInTooltip())
    .dataLinks([kpiLink(kpi)]);
  for (const column of [...thresholdsOf(kpi), 'to target']) override(bars, column, HIDDEN);
  return bars;
}

function valueStat(kpi: Kpi): ReturnType<typeof statPanel> {
  return statPanel(grafanaUnit(kpi))
    .thresholds(kpiThresholds(kpi))
    .colorScheme(colorByThresholds())
    .reduceOptions(lastOf('/^value$/'))
    .dataLinks([kpiLink(kpi)]);
}

/** Beyond a valid range that ends near the thresholds nothing is to be seen; a wide one would press everything flat. */
function scaleOf({ target, warning, critical, validMin, validMax }: Kpi): { min: number; max: number } {
  const known = [target, warning, critical].filter((value) => value !== undefined);
  const largest = Math.max(...known, 0) || 1;
  const max = validMax !== undefined && validMax <= 2 * largest ? validMax : 1.5 * largest;
  return { min: validMin ?? Math.min(0, ...known), max: Number(max.toPrecision(6)) };
}
