/**
 * A board: panels from left to right and top to bottom, links to the others, variables. Enters: what is on it, in its order;
 * leaves: a dashboard in Grafana's classic JSON. Places are reckoned here, because the SDK's own placing lets panels run over
 * the edge.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  type GridPos,
  type Panel,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { durationText } from '../kpi-texts.js';
import { type BoardItem, panelId } from '../panels/panel.js';
import { dashboardUid } from '../uids.js';
import type { Variable } from '../variables.js';

export type BoardPart = BoardItem | { row: string };

export interface Board {
  uid: string;
  title: string;
  description: string;
  /** What kind of board it is: `category`, `kpi`. Links list boards by it. */
  kind: string;
  refreshS: number;
  /** Begin of the time range when it is opened. */
  from: string;
  variables: readonly Variable[];
  parts: readonly BoardPart[];
}

const COLUMNS = 24;
const TAG = 'plumbline';
const TAG_OF_KIND = (kind: string) => `${TAG}-${kind}`;
const MENUS = [
  { title: 'Categories', kind: 'category' },
  { title: 'KPIs', kind: 'kpi' },
  { title: 'Operation', kind: 'operation' },
] as const;

export function buildBoard(board: Board): Dashboard {
  const builder = new DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([TAG, TAG_OF_KIND(board.kind)])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh(durationText(board.refreshS))
    .time({ from: board.from, to: 'now' })
    .timezone('browser')
    .variables([...board.variables])
    .links(linksOf(board));
  for (const panel of placeParts(board)) builder.withPanel({ build: () => panel });
  return builder.build();
}

/** To the overview, and to all boards of a kind. What is chosen above, and the time, go along. */
function linksOf(board: Board): Builder<DashboardLink>[] {
  const kept = (link: DashboardLinkBuilder): Builder<DashboardLink> => {
    const built = link.keepTime(true).includeVars(true).build();
    // Beside the dropdowns, where they are seen.
    const { placement: _placement, ...visible } = built;
    return { build: () => visible };
  };
  const overview = dashboardUid('overview');
  const menus = MENUS.map(({ title, kind }) =>
    kept(
      new DashboardLinkBuilder(title)
        .type(DashboardLinkType.Dashboards)
        .tags([TAG_OF_KIND(kind)])
        .asDropdown(true),
    ),
  );
  if (board.uid === overview) return menus;
  const home = new DashboardLinkBuilder('Overview')
    .type(DashboardLinkType.Link)
    .url(`/d/${overview}`)
    .icon('apps');
  return [kept(home), ...menus];
}

/** Items fill lines from the left; one that no longer fits begins the next line, a row is a line of its own. */
function placeParts({ uid, parts }: Board): Panel[] {
  let [x, y, lineHeight] = [0, 0, 0];
  const nextLine = () => {
    y += lineHeight;
    [x, lineHeight] = [0, 0];
  };
  const ids = new Map<number, string>();
  const number = (id: number, name: string) => {
    const taken = ids.get(id);
    if (taken !== undefined)
      throw new Error(`${uid}: the panels "${taken}" and "${name}" have the same id ${id}`);
    ids.set(id, name);
    return id;
  };
  return parts.map((part) => {
    if ('row' in part) {
      nextLine();
      const gridPos = { x: 0, y: y++, w: COLUMNS, h: 1 };
      const name = `row ${part.row}`;
      const row = new RowBuilder(part.row)
        .id(number(panelId(name), name))
        .collapsed(false)
        .gridPos(gridPos);
      return row.build() as unknown as Panel;
    }
    if (x + part.width > COLUMNS) nextLine();
    const gridPos: GridPos = { x, y, w: part.width, h: part.height };
    x += part.width;
    lineHeight = Math.max(lineHeight, part.height);
    return { ...part.panel, id: number(part.panel.id!, part.name), gridPos };
  });
}
