/**
 * The committed datasource, provider and dashboards, held against the formats that Grafana reads: JSON Schemas of our own, and
 * what no schema can say: places, numbers, links, variables. Nothing is asked of an engine here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type DashboardFile,
  type DashboardPanel,
  listPanels,
  listQueries,
  listVariables,
} from './dashboard-queries.js';

const FOLDER = new URL('../../grafana/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, FOLDER), 'utf8');
const ajv = new Ajv({ allErrors: true, strict: false });

function problemsOf(schema: string, value: unknown): string[] {
  const text = readFileSync(new URL(`schemas/${schema}.json`, import.meta.url), 'utf8');
  const { title } = JSON.parse(text) as { title: string };
  const validate = ajv.getSchema(title) ?? ajv.compile({ ...(JSON.parse(text) as object), $id: title });
  validate(value);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const dashboards = readdirSync(new URL('dashboards/', FOLDER)).map((name) => ({
  name,
  text: read(`dashboards/${name}`),
  board: JSON.parse(read(`dashboards/${name}`)) as DashboardFile & { tags: string[]; refresh: string },
}));
const boards = dashboards.map(({ board }) => board);
const byUid = new Map(boards.map((board) => [board.uid, board]));

describe('provisioning', () => {
  it('names the datasource as the plugin reads it, with its password in the environment', () => {
    expect(
      problemsOf('datasources', parse(read('provisioning/datasources/plumbline.yaml'), { version: '1.1' })),
    ).toEqual([]);
  });

  it('names where the dashboards are', () => {
    expect(
      problemsOf('providers', parse(read('provisioning/dashboards/plumbline.yaml'), { version: '1.1' })),
    ).toEqual([]);
  });
});

describe('dashboards', () => {
  it.each(dashboards.map(({ name, board }) => [name, board] as const))('%s has the format', (_, board) => {
    expect(problemsOf('dashboard', board)).toEqual([]);
  });

  it('are in files of their uid, and titles are unique', () => {
    for (const { name, board } of dashboards) expect(name).toBe(`${board.uid}.json`);
    expect(new Set(boards.map(({ title }) => title)).size).toBe(boards.length);
  });

  it('are the boards that others link to', () => {
    const categories = [
      'system-performance',
      'user-experience',
      'operational-efficiency',
      'business-impact',
      'quality-indicators',
    ];
    const names = [...categories, 'overview', 'service', 'ingest', 'coverage', 'alerts'];
    expect(names.filter((name) => !byUid.has(`plumbline-${name}`))).toEqual([]);
  });

  it.each([
    ['system-performance', '30s', 'timeseries'],
    ['user-experience', '1m', 'gauge'],
    ['business-impact', '5m', 'barchart'],
  ])('of %s are shown anew each %s, their KPIs as %s', (name, refresh, type) => {
    const board = byUid.get(`plumbline-${name}`)!;
    expect(board).toMatchObject({ refresh });
    expect(board.panels.some((panel) => panel.type === type)).toBe(true);
  });

  it('hold every subcategory of the taxonomy', () => {
    const taxonomy = parse(
      readFileSync(new URL('../../catalogue/taxonomy.yaml', import.meta.url), 'utf8'),
    ) as {
      categories: { id: string; subcategories: { title: string }[] }[];
    };
    for (const { id, subcategories } of taxonomy.categories) {
      const rows = byUid
        .get(`plumbline-${id.replaceAll('_', '-')}`)!
        .panels.filter(({ type }) => type === 'row');
      expect(rows.map(({ title }) => title)).toEqual(subcategories.map(({ title }) => title));
    }
  });
});

describe('panels', () => {
  it('have numbers that are theirs alone', () => {
    for (const board of boards) {
      const ids = listPanels(board).map(({ id }) => id);
      expect(new Set(ids).size, board.uid).toBe(ids.length);
    }
  });

  it('lie within 24 columns and never on each other', () => {
    for (const board of boards) {
      const panels = listPanels(board);
      for (const { gridPos } of panels) expect(gridPos.x + gridPos.w, board.uid).toBeLessThanOrEqual(24);
      const pairs = panels.flatMap((one, i) => panels.slice(i + 1).map((other) => [one, other] as const));
      const overlaps = pairs.filter(([one, other]) => isOver(one, other));
      expect(overlaps.map(([one, other]) => `${board.uid}: ${one.title} and ${other.title}`)).toEqual([]);
    }
  });

  it('that show numbers have a unit', () => {
    const bare = boards.flatMap((board) =>
      listPanels(board)
        .filter(({ targets }) => targets !== undefined)
        .filter(
          (panel) => !(panel as { fieldConfig?: { defaults: { unit?: string } } }).fieldConfig?.defaults.unit,
        )
        .map(({ title }) => `${board.uid}: ${title}`),
    );
    expect(bare).toEqual([]);
  });

  it('of one KPI begin with its value, as panel 1', () => {
    for (const board of boards.filter(({ uid }) => uid.startsWith('plumbline-kpi-'))) {
      const first = listPanels(board).find(({ id }) => id === 1)!;
      expect(first.targets![0]!.rawSql).toContain('value, target');
    }
  });

  it('say what they show', () => {
    const short = boards.flatMap((board) =>
      listPanels(board)
        .filter(({ type, description = '' }) => type !== 'row' && description.length < 20)
        .map(({ title }) => `${board.uid}: ${title}`),
    );
    expect(short).toEqual([]);
  });
});

function isOver({ gridPos: a }: DashboardPanel, { gridPos: b }: DashboardPanel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

describe('links', () => {
  it('lead to boards that are there', () => {
    const missing = dashboards.flatMap(({ name, text }) =>
      [...text.matchAll(/\/d\/([A-Za-z0-9_-]+)/g)]
        .map(([, uid]) => uid!)
        .filter((uid) => !byUid.has(uid))
        .map((uid) => `${name}: ${uid}`),
    );
    expect(missing).toEqual([]);
  });

  it('by tag lead to some', () => {
    const tags = new Set(boards.flatMap((board) => board.tags));
    const asked = boards.flatMap(({ links = [] }) =>
      links.flatMap((link) => (link as { tags?: string[] }).tags ?? []),
    );
    expect([...new Set(asked)].filter((tag) => !tags.has(tag))).toEqual([]);
  });

  it('of every tile take time and what was chosen along to the KPI', () => {
    const tiles = byUid.get('plumbline-overview')!.panels.filter(({ type }) => type === 'stat');
    expect(tiles.length).toBe(boards.filter(({ uid }) => uid.startsWith('plumbline-kpi-')).length);
    for (const tile of tiles)
      expect(JSON.stringify(tile)).toMatch(
        /\/d\/plumbline-kpi-[a-z-]+\?\$\{__url_time_range\}&\$\{service:queryparam\}&\$\{environment:queryparam\}/,
      );
  });
});

describe('variables', () => {
  it('that questions use are there', () => {
    const missing = boards.flatMap((board) => {
      const names = new Set(listVariables(board).map(({ name }) => name));
      return listQueries(board).flatMap(({ name, sql }) =>
        [...sql.matchAll(/\$\{?(\w+)/g)]
          .map(([, used]) => used!)
          .filter((used) => !used.startsWith('__') && !names.has(used))
          .map((used) => `${board.uid}: ${name} uses ${used}`),
      );
    });
    expect(missing).toEqual([]);
  });

  it('and macros are those that the backend of the datasource expands', () => {
    const known = ['fromTime_ms', 'toTime_ms', 'interval_s', 'timeFilter_ms'];
    const used = new Set(
      boards.flatMap((board) =>
        listQueries(board).flatMap(({ sql }) => [...sql.matchAll(/\$__(\w+)/g)].map(([, name]) => name!)),
      ),
    );
    expect([...used].filter((name) => !known.includes(name))).toEqual([]);
  });
});
