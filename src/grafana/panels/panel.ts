/**
 * What all panels have: a name that stays, a size, a title, a description, a unit, one question. Enters: a builder of Grafana's
 * SDK with what is particular to a panel; leaves: an item that a board puts in its place. The SDK gives panels no id; it comes
 * from the name, so that no other panel's id changes when one is added.
 */
import { createHash } from 'node:crypto';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { DashboardLink, DynamicConfigValue, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { type AnswerShape, DATASOURCE, targetOf } from '../clickhouse-query.js';

export interface BoardItem {
  name: string;
  width: number;
  height: number;
  panel: Panel;
}

export interface ItemSpec {
  /** Unique on its board, and the same for as long as the panel is what it is. */
  name: string;
  title: string;
  /** Markdown; every panel says what it shows. */
  description: string;
  /** Of 24 columns. */
  width: number;
  /** In rows of 30 pixels. */
  height: number;
  sql?: string;
  shape?: AnswerShape;
  /** No shorter steps than this: 1m, 1h. */
  minInterval?: string | undefined;
  /** About how many steps are asked for. */
  points?: number;
  /** Where something outside refers to the panel by its number. */
  id?: number;
}

/** Numbers from 2 on; 1 is given by hand. */
const ID_SPAN = 0xffffff;
/** Panels say for which version of Grafana's own panels they were written, so that none takes them for older ones. */
const PANEL_VERSION = '11.6.0';
const MIN_INTERVAL = '1m';

export function panelId(name: string): number {
  const digest = createHash('sha256').update(name).digest();
  return 2 + (digest.readUIntBE(0, 3) % (ID_SPAN - 2));
}

export function createItem(builder: Builder<Panel>, spec: ItemSpec): BoardItem {
  const { name, title, description, width, height, sql, shape = 'series', id = panelId(name) } = spec;
  const asked: Partial<Panel> =
    sql === undefined
      ? {}
      : {
          datasource: { ...DATASOURCE },
          targets: [targetOf(sql, shape) as never],
          interval: spec.minInterval ?? MIN_INTERVAL,
          ...(spec.points !== undefined && { maxDataPoints: spec.points }),
        };
  const panel: Panel = {
    fieldConfig: { defaults: {}, overrides: [] },
    ...builder.build(),
    ...{ id, title, description, pluginVersion: PANEL_VERSION },
    ...asked,
  };
  return { name, width, height, panel };
}

/** A link on values and rows. Grafana's own fields only: the SDK's links are those of dashboards. */
export function dataLink(title: string, url: string, targetBlank = false): Builder<DashboardLink> {
  return { build: () => ({ title, url, targetBlank }) as unknown as DashboardLink };
}

type Overridable<B> = { overrideByName(name: string, properties: DynamicConfigValue[]): B };

/** Settings of one column, by their ids in Grafana's field options. */
export function override<B extends Overridable<B>>(
  builder: B,
  column: string,
  settings: Readonly<Record<string, unknown>>,
): B {
  return builder.overrideByName(
    column,
    Object.entries(settings).map(([id, value]) => ({ id, value })),
  );
}

export const HIDDEN = { 'custom.hideFrom': { legend: true, tooltip: true, viz: true } } as const;

export function fixed(color: string): Record<string, unknown> {
  return { color: { mode: 'fixed', fixedColor: color } };
}
