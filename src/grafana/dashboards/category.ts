/**
 * One board for each category: its KPIs by subcategory, each as the catalogue says that it is shown, and the metrics that
 * arrive in every subcategory, with KPIs or without. Enters: a category and its KPIs; leaves: the board.
 */
import type { Kpi } from '../../model/kpi.js';
import type { GrafanaCategory, GrafanaOptions } from '../grafana-options.js';
import { kpiPanel } from '../panels/kpi-panels.js';
import { type BoardItem, createItem, override } from '../panels/panel.js';
import { tablePanel } from '../panels/plain-panels.js';
import { metricsInPlaceSql } from '../sql/series-sql.js';
import { dashboardUid } from '../uids.js';
import { environmentVariable, serviceVariable } from '../variables.js';
import type { Board, BoardPart } from './board.js';

const REFRESH_DEFAULT_S = 60;

export function categoryBoard(
  category: GrafanaCategory,
  kpis: readonly Kpi[],
  options: GrafanaOptions,
): Board {
  const own = kpis.filter((kpi) => kpi.category === category.id);
  // Of a category's KPIs the one that is to be shown anew first.
  const refreshS = Math.min(...own.map((kpi) => kpi.refreshS));
  return {
    uid: dashboardUid(category.id),
    title: `Plumbline: ${category.title}`,
    description: category.description,
    kind: 'category',
    refreshS: Number.isFinite(refreshS) ? refreshS : REFRESH_DEFAULT_S,
    from: own.some((kpi) => kpi.visualisation === 'bar') ? 'now-24h' : 'now-6h',
    variables: [serviceVariable(options), environmentVariable(options)],
    parts: category.subcategories.flatMap((subcategory): BoardPart[] => [
      { row: subcategory.title },
      ...own.filter((kpi) => kpi.subcategory === subcategory.id).map((kpi) => kpiPanel(kpi, options)),
      metricsPanel(category, subcategory, options),
    ]),
  };
}

function metricsPanel(
  category: GrafanaCategory,
  subcategory: GrafanaCategory['subcategories'][number],
  { database }: GrafanaOptions,
): BoardItem {
  const table = tablePanel();
  override(table, 'last seen', { unit: 'dateTimeFromNow' });
  return createItem(table, {
    name: `metrics ${subcategory.id}`,
    title: `Metrics: ${subcategory.title}`,
    description: `Metrics that the taxonomy places in ${category.title} / ${subcategory.title}: ${subcategory.description}`,
    width: 12,
    height: 8,
    sql: metricsInPlaceSql(database, category.title, subcategory.title),
    shape: 'table',
  });
}
