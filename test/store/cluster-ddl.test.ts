/**
 * The statements of a cluster: the same text as the golden files, understood by the engine's parser, and, where this engine
 * can, carried out by it: replicated tables with a Keeper in memory. Not proven here: ON CLUSTER and replication themselves.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { viewsOf } from '../../src/kpi/publish-catalogue.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { insertOnShards, rewriteForCluster } from '../../src/store/cluster-ddl.js';
import { isKnownTable, shardingKeyOf } from '../../src/store/cluster-tables.js';
import { applyMigrations, readMigrations } from '../../src/store/migrations.js';
import { RETAINED_TABLES } from '../../src/store/retention-ttl.js';
import { writeStatement } from '../../src/store/roll-up.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { CLUSTER, clusterXml, onOneServer } from '../testkit/cluster-engine.js';
import { GOLDEN_FOLDER, listClusterFiles, NAMES } from '../testkit/cluster-statements.js';
import { openEmptyEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { kpisOf } from '../testkit/stored-metrics.js';

let scratch: ScratchEngine;
const rewrite = (sql: string, params?: Record<string, unknown>) =>
  rewriteForCluster({ sql, ...(params && { params }) }, NAMES);
let engine: ClickHouse;
/** Every statement of a start on an empty database, views included. */
const recorded: string[] = [];

beforeAll(async () => {
  scratch = await openEmptyEngine({ engineXml: clusterXml(1) });
  engine = scratch.clickhouse;
  const recording: ClickHouse = {
    ...engine,
    async command(sql, call) {
      recorded.push(...rewrite(sql, call?.params).map((statement) => statement.sql));
      await engine.command(sql, call);
    },
  };
  await applyMigrations(recording);
});

afterAll(async () => {
  await scratch?.close();
});

async function format(sql: string): Promise<string> {
  const [row] = await engine.query<{ text: string }>('SELECT formatQuery({sql:String}) AS text', {
    params: { sql },
    settings: { max_query_size: 10_000_000, max_parser_backtracks: 10_000_000 },
  });
  return row!.text;
}

describe('statements of a cluster', () => {
  it('are those of the golden files; "npm run golden:cluster" writes them', async () => {
    const files = await listClusterFiles();
    expect(readdirSync(GOLDEN_FOLDER).sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) expect(readFileSync(new URL(name, GOLDEN_FOLDER), 'utf8')).toBe(text);
  });

  it('are understood by the engine, migrations and views alike, and every change of a table names the cluster', async () => {
    expect(recorded.length).toBeGreaterThan(80);
    for (const sql of recorded) {
      const text = await format(sql);
      const isChange = /^(CREATE|DROP)|^ALTER TABLE \w+_local/.test(text);
      if (isChange) expect(text).toContain(`ON CLUSTER ${NAMES.cluster}`);
    }
    expect(
      recorded.filter((sql) => /CREATE OR REPLACE VIEW \w+ ON CLUSTER/.test(sql)).length,
    ).toBeGreaterThan(10);
  });

  it('give every table of the migrations a place', async () => {
    const statements = (await readMigrations()).flatMap(({ statements: texts }) => texts);
    const tables = statements.flatMap((sql) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(sql)?.[1] ?? []);
    expect(tables.length).toBeGreaterThan(25);
    for (const table of tables) expect(() => shardingKeyOf(table)).not.toThrow();
    // These two are dropped by a later one.
    expect(tables.filter((table) => !isKnownTable(table))).toEqual(['series_activity', 'resource_activity']);
    expect(RETAINED_TABLES.filter(({ table }) => shardingKeyOf(table) !== 'series_id')).toEqual([]);
  });

  it('make views of KPIs on every server, and take them away there', async () => {
    const [kpi] = kpisOf('name: wait\nunit: s\nsources: [{ name: a, average: wait }]');
    for (const [name, sql] of Object.entries(viewsOf(kpi!, FACTS))) {
      const [statement, ...rest] = rewrite(`CREATE OR REPLACE VIEW ${name} AS ${sql}\nCOMMENT 'x'`);
      expect(rest).toEqual([]);
      expect(await format(statement!.sql)).toContain(`VIEW ${name} ON CLUSTER production`);
    }
    const drop = rewrite('DROP VIEW IF EXISTS {name:Identifier}', { name: 'kpi_wait' });
    expect(drop).toEqual([
      { sql: 'DROP VIEW IF EXISTS {name:Identifier} ON CLUSTER `production`', params: { name: 'kpi_wait' } },
    ]);
  });

  it('create the database on every server', () => {
    expect(rewrite('CREATE DATABASE IF NOT EXISTS {database:Identifier}', { database: 'plumbline' })).toEqual(
      [
        {
          sql: 'CREATE DATABASE IF NOT EXISTS {database:Identifier} ON CLUSTER `production`',
          params: { database: 'plumbline' },
        },
      ],
    );
  });

  it('delete and expire rows where they are: on the shards, or once where every server has all', async () => {
    const onShards = rewrite('ALTER TABLE {table:Identifier} DELETE WHERE time < {now:DateTime}', {
      table: 'number_points',
      now: 1,
    });
    expect(onShards).toEqual([
      {
        sql: 'ALTER TABLE {table:Identifier} ON CLUSTER `production` DELETE WHERE time < {now:DateTime}',
        params: { table: 'number_points_local', now: 1 },
      },
    ]);
    const ttl = rewrite(
      'ALTER TABLE {table:Identifier} MODIFY TTL time + 1, time + 2 DELETE WHERE x IN (1, 2)',
      {
        table: 'number_1m',
      },
    );
    expect(ttl).toHaveLength(1);
    await format(ttl[0]!.sql);
    const once = 'ALTER TABLE rollup_marks DELETE WHERE version < {before:UInt64}';
    expect(rewrite(once)).toEqual([{ sql: once }]);
  });

  it('change columns of both tables of a pair, and what only stored rows have of one', () => {
    const texts = rewrite(
      "ALTER TABLE exemplars ADD COLUMN a UInt8 DEFAULT if(1, 2, 3) AFTER b, MODIFY ORDER BY (a, b), ADD COLUMN c String COMMENT ', DROP COLUMN x'",
    ).map(({ sql }) => sql);
    expect(texts).toEqual([
      "ALTER TABLE exemplars_local ON CLUSTER `production` ADD COLUMN a UInt8 DEFAULT if(1, 2, 3) AFTER b, MODIFY ORDER BY (a, b), ADD COLUMN c String COMMENT ', DROP COLUMN x'",
      "ALTER TABLE exemplars ON CLUSTER `production` ADD COLUMN a UInt8 DEFAULT if(1, 2, 3) AFTER b, ADD COLUMN c String COMMENT ', DROP COLUMN x'",
    ]);
  });

  it('leave questions and inserts as they are, and refuse what nobody thought of', () => {
    for (const sql of ['SELECT 1', 'INSERT INTO series SELECT 1', '-- CREATE TABLE x\nSELECT 1'])
      expect(rewrite(sql)).toEqual([{ sql }]);
    expect(() => rewrite('RENAME TABLE number_1m TO x')).toThrow(/cluster-ddl.ts does not know/);
    expect(() =>
      rewrite('CREATE TABLE IF NOT EXISTS newcomers (a UInt8) ENGINE = MergeTree ORDER BY a'),
    ).toThrow(/add it to PLACES/);
  });
});

describe('rollups of a cluster', () => {
  const shapes = ['number', 'histogram', 'exponential_histogram', 'summary'] as const;
  const statements = shapes.flatMap((shape) => [
    ...(['points', '1m'] as const).flatMap((source) =>
      [[], ['kept', 'lost', 'new'] as const].map((parts) => {
        const buckets = { shape, source, series: new Set([1n]) };
        const query = source === 'points' ? `rollup_${shape}_points` : `rollup_${shape}`;
        const lost = writeStatement(buckets, 'rollup_lost_starts', []);
        return [
          `${query} (${parts.join(', ')})`,
          writeStatement(buckets, query, parts, ` AND series_id IN (${lost})`),
        ];
      }),
    ),
    ...['rollup_activity', 'rollup_resources', 'flag_starts'].map((query) => [
      `${query} of ${shape}`,
      writeStatement({ shape, source: '1m', series: undefined }, query, ['new']),
    ]),
  ]);

  it.each(statements)('%s reads local tables only, named in full', async (_, sql) => {
    const { sql: sent } = insertOnShards(
      { sql: sql!, params: { source: 'number_1m', target: 'number_1h' } },
      NAMES,
    );
    const text = await format(sent);
    const view = text.slice(text.indexOf('view('));
    expect(text).toContain("cluster('production', view(");
    const tables = [...view.matchAll(/\b(?:FROM|JOIN)\s+([\w.]+)/g)].map(([, table]) => table!);
    expect(tables.length).toBeGreaterThan(0);
    const whole = ['plumbline.series', 'plumbline.folded_series'];
    expect(tables.filter((table) => !/^plumbline\.\w+_local$/.test(table) && !whole.includes(table))).toEqual(
      [],
    );
  });

  it('ask all live replicas whether one of them is behind', async () => {
    const sql = readQuery('replicas_behind').replace('{cluster}', `'${CLUSTER}'`);
    const params = { database: 'plumbline', before: 4_000_000_000, delay_max_s: 60 };
    await engine.query(sql, { params });
  });

  it('count a replica as behind until it has fetched what was written before, unless nobody reads it any more', async () => {
    const at = (s: number) => `toDateTime(${1_000 + s})`;
    const replicas = {
      'has everything': `20, 19, ${at(-900)}, 0, toDateTime(0), 0`,
      'has not seen the newest entries of the log': `20, 25, ${at(-5)}, 0, toDateTime(0), 5`,
      'has seen the log since then': `20, 25, ${at(1)}, 0, toDateTime(0), 0`,
      'has an old insert in its queue': `26, 25, ${at(1)}, 1, ${at(-3)}, 3`,
      'has only a newer insert in its queue': `26, 25, ${at(1)}, 1, ${at(1)}, 0`,
      'is so far behind that it is not read': `20, 90, ${at(-300)}, 40, ${at(-300)}, 300`,
    };
    const rows = Object.entries(replicas).map(([table, values]) => `('plumbline', '${table}', ${values})`);
    const columns =
      'database String, table String, log_pointer UInt64, log_max_index UInt64, last_queue_update DateTime, inserts_in_queue UInt32, inserts_oldest_time DateTime, absolute_delay UInt64';
    const sql = readQuery('replicas_behind').replace(
      'clusterAllReplicas({cluster}, system.replicas)',
      `values('${columns}', ${rows.join(', ')})`,
    );
    const params = { database: 'plumbline', before: 1_000, delay_max_s: 60 };
    const behind = await engine.query<{ table: string }>(sql, { params });
    expect(behind.map(({ table }) => table)).toEqual([
      'has not seen the newest entries of the log',
      'has an old insert in its queue',
    ]);
  });
});

describe('replicated tables', () => {
  interface Created {
    replicas: { table: string; path: string; replica: string }[];
    tables: { name: string; engine: string; statement: string }[];
  }
  let created: Created;

  beforeAll(() => {
    // The last of those that a later migration drops and makes again; those that copy columns come after what they copy.
    const latest = new Map<string, string>();
    for (const sql of recorded) {
      const [, word, table] = /^\s*(CREATE|DROP) TABLE IF (?:NOT )?EXISTS (\w+)/.exec(sql) ?? [];
      if (table === undefined) continue;
      latest.delete(table);
      if (word === 'CREATE') latest.set(table, sql.replaceAll(/ ON CLUSTER `\w+`/g, ''));
    }
    created = create('first', [...latest.values()]);
  });

  function create(name: string, statements: readonly string[]): Created {
    const own = join(scratch.directory, name);
    mkdirSync(own);
    const file = join(own, 'creates.json');
    writeFileSync(file, JSON.stringify(statements));
    const program = new URL('../testkit/replicated-tables-program.mjs', import.meta.url).pathname;
    const { stdout } = spawnSync(process.execPath, [program, own, file], { encoding: 'utf8' });
    return JSON.parse(stdout) as Created;
  }

  it('are created by the engine, each shard by itself and tables for all as one', () => {
    const places = Object.fromEntries(
      created.replicas.map((row) => [row.table, `${row.path} ${row.replica}`]),
    );
    expect(places.number_points_local).toBe('/clickhouse/tables/07/plumbline/number_points_local b');
    expect(places.series).toBe('/clickhouse/tables/all/plumbline/series 07-b');
    const sharded = created.tables.filter(({ engine: kind }) => kind === 'Distributed');
    expect(sharded).toHaveLength(19);
    expect(created.replicas).toHaveLength(19 + 8);
  });

  it('say themselves how a further server makes them: macros stay macros', () => {
    const statementOf = (table: string) => created.tables.find(({ name }) => name === table)!.statement;
    expect(statementOf('series')).toContain("'/clickhouse/tables/all/plumbline/series', '{shard}-{replica}'");
    expect(statementOf('series')).toContain('replicated_deduplication_window = 10000');
    expect(statementOf('number_1h_local')).toContain(
      "'/clickhouse/tables/{shard}/plumbline/number_1h_local', '{replica}'",
    );
    expect(statementOf('number_1h_local')).toContain('replicated_deduplication_window = 0');
  });

  it('and those statements make them there, in the order of docs/scaling.md', () => {
    const order = (kind: string) => (kind.endsWith('MergeTree') ? 0 : 1);
    const statements = [...created.tables]
      .sort((a, b) => order(a.engine) - order(b.engine))
      .map(({ statement }) => statement);
    const { replicas } = create('second', statements);
    const sorted = (rows: Created['replicas']) => [...rows].sort((a, b) => (a.table < b.table ? -1 : 1));
    expect(sorted(replicas)).toEqual(sorted(created.replicas));
  });

  it('stand for the same tables as those of one server', () => {
    const creates = recorded.filter((sql) => /ENGINE = Replicated/.test(sql));
    for (const sql of creates) expect(onOneServer(sql, 1)).not.toMatch(/Replicated|ON CLUSTER/);
  });
});

describe('CLICKHOUSE_CLUSTER', () => {
  it('needs a server, and a name that can be part of a statement', () => {
    expect(() => readConfig({ CLICKHOUSE_CLUSTER: 'production' })).toThrow(
      /set CLICKHOUSE_URL to a server of the cluster/,
    );
    const url = { CLICKHOUSE_URL: 'http://127.0.0.1:8123' };
    expect(() => readConfig({ ...url, CLICKHOUSE_CLUSTER: "x' ON" })).toThrow(/letters, digits and _/);
    expect(readConfig({ ...url, CLICKHOUSE_CLUSTER: 'production' }).clickhouseCluster).toBe('production');
  });
});
