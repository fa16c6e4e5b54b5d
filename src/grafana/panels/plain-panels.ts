/**
 * Panels with the defaults of this project: lines, tables, single numbers, text. Enters: a unit; leaves: builders that panels
 * of a kind start from. No colours beyond Grafana's palette, so that dark and light both read well.
 */
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  type ReduceDataOptions,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  type VizLegendOptions,
  VizOrientation,
  type VizTooltipOptions,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { paletteByName } from './thresholds.js';

export const NO_VALUE = 'not measured';

export function legend(calcs: string[] = []): Builder<VizLegendOptions> {
  const displayMode = calcs.length > 0 ? LegendDisplayMode.Table : LegendDisplayMode.List;
  return { build: () => ({ displayMode, placement: LegendPlacement.Bottom, showLegend: true, calcs }) };
}

export function allInTooltip(): Builder<VizTooltipOptions> {
  return { build: () => ({ mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending }) };
}

/** The last value of the columns whose names fit. */
export function lastOf(fields: string): Builder<ReduceDataOptions> {
  return { build: () => ({ calcs: ['lastNotNull'], fields, values: false }) };
}

/** Every row of a table as a value of its own. */
export function eachRow(fields = ''): Builder<ReduceDataOptions> {
  return { build: () => ({ calcs: ['lastNotNull'], fields, values: true }) };
}

export function linePanel(unit: string): TimeseriesBuilder {
  return new TimeseriesBuilder()
    .unit(unit)
    .colorScheme(paletteByName())
    .noValue(NO_VALUE)
    .lineWidth(1)
    .fillOpacity(8)
    .spanNulls(false)
    .legend(legend())
    .tooltip(allInTooltip());
}

/** Bars over time, those of one step on top of each other. */
export function stackedBars(unit: string): TimeseriesBuilder {
  return linePanel(unit)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(60)
    .stacking({ build: () => ({ mode: StackingMode.Normal, group: 'A' }) });
}

export function statPanel(unit: string): StatBuilder {
  return new StatBuilder()
    .unit(unit)
    .noValue(NO_VALUE)
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .textMode(BigValueTextMode.Auto)
    .reduceOptions(lastOf(''));
}

/** A bar for each row: how much of the largest it is. */
export function barsByRow(unit: string): BarGaugeBuilder {
  return new BarGaugeBuilder()
    .unit(unit)
    .noValue(NO_VALUE)
    .min(0)
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(eachRow());
}

export function tablePanel(unit = 'short'): TableBuilder {
  return new TableBuilder().unit(unit).noValue('').filterable(true);
}

export function textPanel(markdown: string): TextBuilder {
  return new TextBuilder().mode(TextMode.Markdown).content(markdown);
}
