/**
 * The board of one KPI: everything that is known about it. Tiles and alerts of other boards lead here. Enters: a Kpi; leaves:
 * its board.
 */
import type { Kpi } from '../../model/kpi.js';
import { objectiveOf } from '../../model/service-level.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { hasExemplars, hasQuantiles, histogramsOf } from '../histogram-metrics.js';
import { describeKpi } from '../kpi-texts.js';
import {
  anomaliesItem,
  budgetItem,
  burnItem,
  comparisonItem,
  exemplarsItem,
  forecastItem,
  groupsItem,
  quantilesItem,
  statusItem,
  valueItem,
  versionsItem,
} from '../panels/detail-panels.js';
import { kpiTile } from '../panels/kpi-panels.js';
import { type BoardItem, createItem } from '../panels/panel.js';
import { textPanel } from '../panels/plain-panels.js';
import { groupNamesSql, histogramsSql } from '../sql/variable-sql.js';
import { dashboardUid } from '../uids.js';
import {
  environmentVariable,
  manyOf,
  oneOf,
  serviceVariable,
  traceUrlVariable,
  type Variable,
} from '../variables.js';
import type { Board, BoardPart } from './board.js';

const DAY_S = 86_400;

export function kpiBoard(kpi: Kpi, options: GrafanaOptions): Board {
  return {
    uid: dashboardUid('kpi', kpi.name),
    title: `KPI: ${kpi.title}`,
    description: kpi.description,
    kind: 'kpi',
    refreshS: kpi.refreshS,
    from: kpi.windowS > DAY_S ? 'now-7d' : 'now-24h',
    variables: variablesOf(kpi, options),
    parts: partsOf(kpi, options),
  };
}

function variablesOf(kpi: Kpi, options: GrafanaOptions): Variable[] {
  const variables = [serviceVariable(options), environmentVariable(options)];
  if (kpi.groupBy.length > 0)
    variables.push(
      manyOf({
        name: 'group',
        label: 'Group',
        description: `Values of ${kpi.groupBy.map(({ label }) => label).join(' / ')}`,
        sql: groupNamesSql(options.database, kpi),
      }),
    );
  const histograms = histogramsOf(kpi, options);
  if (histograms.length > 0)
    variables.push(
      oneOf({
        name: 'metric',
        label: 'Metric',
        description: 'Histogram that percentiles and exemplars are of',
        sql: histogramsSql(options.database, histograms),
      }),
    );
  if (hasExemplars(kpi, options)) variables.push(traceUrlVariable(options));
  return variables;
}

function partsOf(kpi: Kpi, options: GrafanaOptions): BoardPart[] {
  const tile = kpiTile(kpi, options);
  const objective = objectiveOf(kpi);
  const values = [
    ...(hasQuantiles(kpi, options) ? [quantilesItem(kpi, options)] : []),
    ...(hasExemplars(kpi, options) ? [exemplarsItem(kpi, options)] : []),
  ];
  return [
    { row: 'How it stands' },
    valueItem(kpi, options),
    { ...tile, width: 8, height: 9 },
    ...(kpi.groupBy.length > 0 ? [groupsItem(kpi, options)] : []),
    statusItem(kpi, options),
    { row: 'Before and after' },
    comparisonItem(kpi, options),
    anomaliesItem(kpi, options),
    forecastItem(kpi, options),
    ...(objective === undefined
      ? []
      : [{ row: 'Service level' }, burnItem(kpi, options, objective), budgetItem(kpi, options, objective)]),
    ...(values.length === 0 ? [] : [{ row: 'Single values' }, ...values]),
    { row: 'Definition' },
    definitionItem(kpi, options),
    versionsItem(kpi, options),
  ];
}

function definitionItem(kpi: Kpi, options: GrafanaOptions): BoardItem {
  const groups = kpi.groupBy.map(({ label, attributes }) => `${label} (${attributes.join(', ')})`);
  const text = [
    describeKpi(kpi, options.docsUrl),
    groups.length > 0 ? `Groups: ${groups.join('; ')}.` : '',
    `In SQL: \`SELECT * FROM ${options.database}.kpi_${kpi.name}_status(at_time = now())\``,
  ];
  return createItem(textPanel(text.filter((part) => part !== '').join('\n\n')), {
    name: 'definition',
    title: 'What it is',
    description: `How ${kpi.title} is measured and judged, who owns it, and what to do.`,
    width: 10,
    height: 8,
  });
}
