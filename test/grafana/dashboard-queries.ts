/**
 * Every question that a dashboard asks: of its panels, its variables and its annotations. Enters: the JSON of dashboards;
 * leaves: SQL with the shape that its answer is to have. Reads the files as they are, and nothing of what made them.
 */

export interface PanelTarget {
  refId: string;
  rawSql?: string;
  format?: number;
}

export interface DashboardPanel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  interval?: string;
  maxDataPoints?: number;
  targets?: PanelTarget[];
  panels?: DashboardPanel[];
  gridPos: { x: number; y: number; w: number; h: number };
}

export interface DashboardVariable {
  name: string;
  type: string;
  query?: string | { rawSql: string };
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  current?: { value: string | string[] };
}

export interface DashboardFile {
  uid: string;
  title: string;
  time: { from: string; to: string };
  panels: DashboardPanel[];
  templating: { list?: DashboardVariable[] };
  links?: { url?: string }[];
}

export interface Query {
  dashboard: string;
  /** Title of the panel, or name of the variable. */
  name: string;
  sql: string;
  shape: 'series' | 'table' | 'variable';
  panel: DashboardPanel | undefined;
}

export function listPanels({ panels }: Pick<DashboardFile, 'panels'>): DashboardPanel[] {
  return panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
}

export function listVariables({ templating }: DashboardFile): DashboardVariable[] {
  return templating.list ?? [];
}

export function listQueries(dashboard: DashboardFile): Query[] {
  const ofPanels = listPanels(dashboard).flatMap((panel) =>
    (panel.targets ?? []).map(
      (target): Query => ({
        dashboard: dashboard.uid,
        name: `${panel.id} ${panel.title}`,
        sql: target.rawSql!,
        shape: target.format === 1 ? 'table' : 'series',
        panel,
      }),
    ),
  );
  const ofVariables = listVariables(dashboard)
    .filter(({ type }) => type === 'query')
    .map(
      ({ name, query }): Query => ({
        dashboard: dashboard.uid,
        name: `variable ${name}`,
        sql: (query as { rawSql: string }).rawSql,
        shape: 'variable',
        panel: undefined,
      }),
    );
  return [...ofVariables, ...ofPanels];
}
