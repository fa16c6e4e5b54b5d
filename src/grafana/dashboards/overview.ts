/** The board to begin with: every KPI as a tile, by category. Enters: the KPIs; leaves: the board. */
import type { Kpi } from '../../model/kpi.js';
import type { GrafanaOptions } from '../grafana-options.js';
import { kpiTile } from '../panels/kpi-panels.js';
import { dashboardUid } from '../uids.js';
import { environmentVariable, serviceVariable } from '../variables.js';
import type { Board, BoardPart } from './board.js';

/** All KPIs at once take some twenty seconds of one core: the shortest of their refresh times would ask for nothing else. */
const REFRESH_S = 120;

export function overviewBoard(kpis: readonly Kpi[], options: GrafanaOptions): Board {
  return {
    uid: dashboardUid('overview'),
    title: 'Plumbline: Overview',
    description:
      'Every KPI of the catalogue: how it stands, where it is going, how far it is from its target.',
    kind: 'overview',
    refreshS: REFRESH_S,
    from: 'now-6h',
    variables: [serviceVariable(options), environmentVariable(options)],
    parts: options.categories.flatMap(({ id, title }): BoardPart[] => {
      const own = kpis.filter(({ category }) => category === id);
      return own.length === 0 ? [] : [{ row: title }, ...own.map((kpi) => kpiTile(kpi, options))];
    }),
  };
}
