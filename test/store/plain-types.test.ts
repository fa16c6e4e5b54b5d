/**
 * Everything that users select from has types that every ClickHouse client reads: a client that does not know a type reads none
 * of the columns.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { kpisOf } from '../testkit/stored-metrics.js';

const KPIS = kpisOf('{ name: error_rate, unit: "1", sources: [{ name: errors, average: app.errors }] }');

/** Tables whose values are merged states; a view of the name before `_states` shows them. */
const STATES = ['resource_activity_states', 'series_activity_states'];

/** Of views with parameters. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  start_time: "'2026-12-01 00:00:00'",
  end_time: "'2026-12-01 01:00:00'",
  at_time: "'2026-12-01 01:00:00'",
  step_s: '60',
  stale_after_s: '300',
  metric: "'orders'",
  metrics: "['orders']",
  group_by: "''",
  service: "'%'",
  environment: "'%'",
};

const PLAIN =
  /^(?:Bool|U?Int\d+|Float64|String|UUID|FixedString\(\d+\)|DateTime\('UTC'\)|DateTime64\(\d, 'UTC'\)|Enum8\('\w+' = \d.*\))$/;

/** Of what is in them too. */
function isPlain(type: string): boolean {
  const [, name, inner] = /^(Nullable|LowCardinality|Array|Map|Tuple)\((.*)\)$/s.exec(type.trim()) ?? [];
  switch (name) {
    case undefined:
      return PLAIN.test(type.trim());
    case 'Map': {
      const [, key, value] = /^(LowCardinality\(String\)|String), (.*)$/s.exec(inner!) ?? [];
      return key !== undefined && isPlain(value!);
    }
    case 'Tuple':
      return inner!.split(',').every((part) => isPlain(part.trim().replace(/^\w+ /, '')));
    default:
      return isPlain(inner!);
  }
}

let engine: ScratchEngine;
beforeAll(async () => {
  engine = await openScratchEngine();
  await publishCatalogue(
    { kpis: KPIS, folders: [], warnings: [] },
    { clickhouse: engine.clickhouse, facts: FACTS, readQuery, nowUnixMs: Date.now() },
  );
});
afterAll(() => engine.close());

describe('types', () => {
  it.each([
    ['SimpleAggregateFunction(max, UInt64)', false],
    ['Variant(String, UInt64)', false],
    ['Map(LowCardinality(String), Variant(String, UInt64))', false],
    ['Tuple(a Nullable(Float64), b Dynamic)', false],
    ['Array(Tuple(Nullable(UInt8), LowCardinality(String)))', true],
    ["DateTime64(9, 'Asia/Tokyo')", false],
  ])('%s: plain is %s', (type, plain) => {
    expect(isPlain(type)).toBe(plain);
  });

  it('are plain in every table and view without parameters', async () => {
    const columns = await engine.clickhouse.query<{ table: string; name: string; type: string }>(
      "SELECT table, name, type FROM system.columns WHERE database = 'plumbline' ORDER BY table, position",
    );
    const tables = new Set(columns.map(({ table }) => table));
    for (const name of ['kpi_coverage', 'series_activity', 'number_points', ...STATES])
      expect(tables).toContain(name);
    expect(columns.filter(({ table, type }) => !STATES.includes(table) && !isPlain(type))).toEqual([]);
  });

  // The engine takes a second and more for each of the larger views.
  it('are plain in what views with parameters return', { timeout: 120_000 }, async () => {
    const views = await engine.clickhouse.query<{ name: string; parameters: string[] }>(
      `SELECT name, arrayDistinct(extractAll(create_table_query, '\\\\{(\\\\w+):')) AS parameters FROM system.tables
       WHERE database = 'plumbline' AND notEmpty(parameters)`,
    );
    expect(views.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'number_increase',
        'histogram_quantiles',
        'kpi_error_rate',
        'kpi_error_rate_status_of',
      ]),
    );
    for (const { name, parameters } of views) {
      const given = parameters.map((parameter) => `${parameter} = ${ARGUMENTS[parameter]}`);
      const columns = await engine.clickhouse.query<{ name: string; type: string }>(
        `DESCRIBE (SELECT * FROM ${name}(${given.join(', ')}))`,
      );
      expect(columns.length).toBeGreaterThan(3);
      expect({ name, columns: columns.filter(({ type }) => !isPlain(type)) }).toEqual({ name, columns: [] });
    }
  });
});
