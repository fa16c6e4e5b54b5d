/**
 * Every bound of a DateTime64 column is a DateTime64, in all SQL that Plumbline has or makes: files, views, KPIs, checks,
 * retention, dashboards, alert rules, documentation. See docs/decisions/0018-time-bounds.md.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileChecks } from '../../src/kpi/check-sql.js';
import { compileKpi } from '../../src/kpi/compile-kpi.js';
import { coverageSql } from '../../src/kpi/coverage-sql.js';
import { viewsOf } from '../../src/kpi/publish-catalogue.js';
import { buildExpired, buildTtl, RETAINED_TABLES } from '../../src/store/retention-ttl.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { VIEWS } from '../../src/store/views/views.js';
import { expandMacros } from '../grafana/expand-macros.js';
import { loadShippedCatalogue } from '../kpi/catalogue-folder.js';
import { findWholeNumbers, findWrongBounds } from '../testkit/time-bounds.js';

const root = new URL('../..', import.meta.url).pathname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((name) => name !== '');
const read = (name: string) => readFileSync(`${root}/${name}`, 'utf8');
const named = (pattern: RegExp) => tracked.filter((name) => pattern.test(name));

/** What is wrong in texts, each with its name. */
function wrongIn(texts: Iterable<readonly [name: string, sql: string]>): string[] {
  return [...texts].flatMap(([name, sql]) => findWrongBounds(sql).map((wrong) => `${name}: ${wrong}`));
}

const { kpis } = await loadShippedCatalogue();
const RULES = { default: 30, categories: { business_impact: 90 } };

describe('bounds of DateTime64 columns are DateTime64', () => {
  it('in migrations and queries', () => {
    const files = named(/^clickhouse\/.*\.sql$/);
    expect(files.length).toBeGreaterThan(30);
    expect(wrongIn(files.map((name) => [name, read(name)]))).toEqual([]);
  });

  it('in statements that sources write', () => {
    const files = named(/^(src|packages)\/.*\.ts$/);
    expect(files.length).toBeGreaterThan(200);
    expect(wrongIn(files.map((name) => [name, read(name)]))).toEqual([]);
  });

  it('in views', () => {
    expect(wrongIn(VIEWS.map((sql) => [sql.slice(0, 60), sql]))).toEqual([]);
  });

  it('in KPIs, as views and as the command line asks for them', () => {
    const time = (unixS: number) => `toDateTime(${unixS}, 'UTC')`;
    const known = { startS: 1_767_225_600, endS: 1_767_232_800, stepS: 60 };
    const grid = { start: time(known.startS), end: time(known.endS), step: '60', known } as const;
    const waiting = { number: { day: [], hour: [known.startS], minute: [known.startS + 60] } };
    const texts = kpis.flatMap((kpi) => [
      ...Object.entries(viewsOf(kpi, FACTS)),
      [kpi.name, compileKpi(kpi, FACTS, { ...grid, rows: 'steps' })] as const,
      [kpi.name, compileKpi(kpi, FACTS, { ...grid, rows: 'whole', waiting, isProbed: true })] as const,
    ]);
    expect(texts.length).toBeGreaterThan(100);
    expect(wrongIn(texts)).toEqual([]);
    expect(wrongIn([['kpi_coverage', coverageSql(kpis)]])).toEqual([]);
  });

  it('in checks of points and in retention', () => {
    const { flag, ...checks } = compileChecks(kpis)!;
    expect(wrongIn(Object.entries({ ...flag, ...checks }))).toEqual([]);
    const retention = RETAINED_TABLES.flatMap((table) => [
      [table.table, `FROM ${table.table} WHERE ${buildExpired(table, RULES, 'plumbline')}`] as const,
      [table.table, buildTtl(table, RULES, 'plumbline')] as const,
    ]);
    expect(wrongIn(retention)).toEqual([]);
  });

  it('in dashboards and alert rules, as the datasource sends them', () => {
    const files = named(/^grafana\/.*\.(json|yaml)$/);
    expect(files.length).toBeGreaterThan(30);
    const hour = { fromMs: 1_767_225_600_000, toMs: 1_767_229_200_000, intervalMs: 60_000 };
    const texts = files.flatMap((name) => [
      [name, read(name)] as const,
      [
        name,
        expandMacros(
          read(name)
            .replaceAll(/\\["nt]/g, ' ')
            .replaceAll(/["'`#]/g, ' '),
          hour,
        ),
      ] as const,
    ]);
    expect(wrongIn(texts)).toEqual([]);
  });

  it('in documentation, whose code people copy', () => {
    const files = named(/^(README|CHANGELOG|docs\/.*|grafana\/README|catalogue\/.*)\.(md|yaml)$/);
    const blocks = files.flatMap((name) =>
      name.endsWith('.md')
        ? [...read(name).matchAll(/^```(?:sql|sh)\n(.*?)^```/gms)].map(([, code]) => [name, code!] as const)
        : [[name, read(name)] as const],
    );
    expect(blocks.length).toBeGreaterThan(30);
    expect(wrongIn(blocks)).toEqual([]);
  });
});

describe('the reader of bounds', () => {
  it.each([
    "SELECT 1 FROM number_points WHERE time < toDateTime(5, 'UTC')",
    'SELECT 1 FROM number_points FINAL WHERE series_id IN (SELECT 1) AND time >= {from:DateTime}',
    "SELECT 1 FROM d.histogram_points WHERE time < {to:DateTime('UTC')}",
    'SELECT 1 FROM number_points WHERE series_id IN (SELECT id FROM series) AND (time >= 1767225600 OR x)',
    'SELECT 1 FROM exemplars WHERE point_time >= 1767225600',
    'SELECT 1 FROM performance_metrics WHERE timestamp > now() - INTERVAL 1 HOUR',
    "SELECT 1 FROM flagged_points WHERE time BETWEEN '2026-01-01' AND '2026-01-02'",
    'SELECT 1 FROM (SELECT first_time FROM t) WHERE first_time >= toStartOfHour(x)',
    'SELECT 1 FROM t WHERE x = {at:DateTime64(9)}',
    'SELECT 1 FROM number_points WHERE $__timeFilter(time)',
    'SELECT 1 FROM number_points WHERE time >= $__fromTime',
  ])('refuses %s', (sql) => {
    expect(findWrongBounds(sql)).not.toEqual([]);
  });

  it.each([
    "SELECT 1 FROM number_points WHERE time < toDateTime64(5, 9, 'UTC')",
    "SELECT 1 FROM number_points WHERE time < {to:DateTime64(9, 'UTC')}",
    "SELECT 1 FROM number_1m WHERE time < {to:DateTime('UTC')} AND time >= 1767225600",
    'SELECT 1 FROM (SELECT 1 FROM number_points) WHERE time >= 1767225600',
    'SELECT 1 FROM number_points WHERE time >= $__fromTime_ms AND $__timeFilter_ms(time)',
    'SELECT 1 FROM performance_metrics WHERE timestamp > now64() - INTERVAL 1 HOUR',
  ])('takes %s', (sql) => {
    expect(findWrongBounds(sql)).toEqual([]);
  });

  it('sees in plans which bounds the engine holds as whole numbers', () => {
    const plan = (table: string, condition: string) => [
      `└──ReadFromMergeTree (plumbline.${table})`,
      `   │ Condition: ${condition}`,
    ];
    const both = "and((time in (-Inf, '1767225660')), (time in [1767225600, +Inf)))";
    expect(findWholeNumbers(plan('number_points', both))).toEqual([
      'number_points: (time in [1767225600, +Inf))',
    ]);
    expect(findWholeNumbers(plan('number_points', "(time in ['1767225600', '1767225660'))"))).toEqual([]);
    expect(findWholeNumbers(plan('number_1m', '(time in (-Inf, 1767225659])'))).toEqual([]);
    expect(findWholeNumbers(plan('number_points', '(toStartOfHour(time) in (-Inf, 5])'))).toEqual([]);
  });
});
