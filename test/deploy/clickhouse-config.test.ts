/**
 * The configuration files of the containers. The users' file is loaded by the real engine, which says what each user may do;
 * the others are read as XML, and what they name is compared with the compose files.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMigrations, VERSION_TABLE } from '../../src/store/migrations.js';
import { READER_ROWS } from '../../src/store/reader-rows.js';
import { readCompose } from '../testkit/compose-file.js';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const SECRETS = {
  CLICKHOUSE_PASSWORD: 'a',
  CLICKHOUSE_GRAFANA_PASSWORD: 'b',
  GRAFANA_ADMIN_PASSWORD: 'c',
  CLICKHOUSE_CLUSTER_SECRET: 'd',
  PLUMBLINE_AUTH_TOKENS: 'e',
  PLUMBLINE_READ_TOKENS: 'f',
};
const cluster = readCompose(new URL('docker-compose.cluster.yml', root), SECRETS);
const single = readCompose(new URL('docker-compose.yml', root), SECRETS);
const directory = mkdtempSync(join(tmpdir(), 'plumbline-users-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: as deep as the files are.
function parseXml(path: string): any {
  const xml = text(path);
  expect(XMLValidator.validate(xml)).toBe(true);
  return new XMLParser({ ignoreAttributes: false }).parse(xml).clickhouse;
}

/** Names of environment variables that a file takes values from. */
function variablesOf(path: string): string[] {
  return [...text(path).matchAll(/from_env="(\w+)"/g)].map(([, name]) => name!);
}

describe('users of ClickHouse', () => {
  const users = 'docker/clickhouse/users.d/plumbline.xml';

  function runProgram(...args: string[]): unknown {
    const program = new URL('../testkit/users-program.mjs', import.meta.url).pathname;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, directory, new URL(users, root).pathname, ...args],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH ?? '',
          PLUMBLINE_WRITER_PASSWORD: 'writer',
          CLICKHOUSE_GRAFANA_PASSWORD: 'reader',
          CLICKHOUSE_QUERY_MEMORY_BYTES: '4294967296',
        },
      },
    );
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  let described: Record<'users' | 'grants' | 'profiles', Record<string, string>[]>;
  beforeAll(() => {
    described = runProgram() as typeof described;
  });

  it('have passwords of the environment, and default works on the machine itself only', () => {
    const signIn = Object.fromEntries(described.users.map(({ name, auth }) => [name, auth]));
    expect(signIn).toMatchObject({
      grafana_ro: "['plaintext_password']",
      plumbline: "['plaintext_password']",
    });
    expect(parseXml(users).users.default.networks.ip).toEqual(['127.0.0.1', '::1']);
    for (const service of [single.services.clickhouse!, cluster.services['clickhouse-2-2']!]) {
      const given = Object.keys(service.environment!);
      expect(variablesOf(users).filter((name) => !given.includes(name))).toEqual([]);
    }
  });

  it('have rights in the database and to ask other servers, and no others', () => {
    const grants = (user: string) =>
      described.grants
        .filter((row) => row.user === user)
        .map((row) => `${row.right} ON ${row.database}.${row.table}`);
    expect(
      grants('grafana_ro').filter(
        (grant) => !/^SELECT ON (plumbline\.\*|system\.(tables|columns|databases|functions))$/.test(grant),
      ),
    ).toEqual([]);
    const everywhere = grants('plumbline').filter((grant) => grant.endsWith(' ON *.*'));
    // READ and WRITE: of the source REMOTE, which the tries below show.
    expect(everywhere.sort()).toEqual(
      ['CLUSTER', 'CREATE TEMPORARY TABLE', 'READ', 'WRITE'].map((right) => `${right} ON *.*`),
    );
  });

  it('the reader is read-only, within limits, and may only say how long a query may run', () => {
    const ofReader = described.profiles.filter(({ profile }) => profile === 'grafana_reader');
    const settings = Object.fromEntries(ofReader.map((row) => [row.setting, row]));
    expect(settings.readonly!.value).toBe('1');
    expect(settings.max_memory_usage!.value).toBe('4294967296');
    expect(settings.max_execution_time).toMatchObject({ value: '60', min: '1', max: '300' });
    const constraint = parseXml(users).profiles.grafana_reader.constraints.max_execution_time;
    expect('changeable_in_readonly' in constraint).toBe(true);
  });

  it('the reader lists no view with parameters, as on the embedded engine', () => {
    const { grafana_ro, plumbline } = parseXml(users).users;
    expect(grafana_ro.databases.system.tables.filter).toBe(READER_ROWS.tables);
    expect(plumbline.databases).toBeUndefined();
  });

  it('the writer may run every migration, and nothing that is not about its database', async () => {
    const file = join(directory, 'migrations.json');
    const migrations = (await readMigrations()).flatMap(({ statements }) => statements);
    writeFileSync(file, JSON.stringify([VERSION_TABLE, ...migrations]));
    const results = runProgram('plumbline', file) as Record<string, string>;
    expect(Object.entries(results).filter(([, result]) => result !== 'ok')).toEqual([
      ['SELECT count() FROM other.points', 'ACCESS_DENIED'],
      ['SELECT count() FROM system.users', 'ACCESS_DENIED'],
      ['DROP DATABASE plumbline', 'ACCESS_DENIED'],
      ['CREATE USER eve', 'ACCESS_DENIED'],
      ["SELECT * FROM file('/etc/passwd', LineAsString)", 'ACCESS_DENIED'],
      ["SELECT * FROM url('http://127.0.0.1:9/', LineAsString)", 'ACCESS_DENIED'],
    ]);
  });

  it('the reader may look at its tables and do nothing else', () => {
    const results = runProgram('grafana_ro') as Record<string, string>;
    const allowed = Object.keys(results).filter((sql) => results[sql] === 'ok');
    expect(allowed).toEqual(['SELECT count() FROM plumbline.points', 'SELECT count() FROM system.tables']);
    expect(results['SELECT 1 SETTINGS max_memory_usage = 1']).toBe('READONLY');
  });
});

describe('the cluster of the compose file', () => {
  const { macros, remote_servers, zookeeper } = parseXml('docker/cluster/cluster.xml');
  const servers = Object.entries(cluster.services).filter(([, { image = '' }]) =>
    image.includes('clickhouse-server'),
  );

  it('is the one that Plumbline is told of, with the four servers that are there, each in its shard', () => {
    const name = cluster.services['plumbline-1']!.environment!.CLICKHOUSE_CLUSTER!;
    const shards = remote_servers[name].shard as {
      internal_replication: boolean;
      replica: { host: string }[];
    }[];
    expect(shards.map(({ internal_replication }) => internal_replication)).toEqual([true, true]);
    const placed = shards.flatMap(({ replica }, i) =>
      replica.map(({ host }, j) => [host, String(i + 1), String(j + 1)]),
    );
    expect(placed).toEqual(
      servers.map(([host, { environment }]) => [
        host,
        environment!.CLICKHOUSE_SHARD,
        environment!.CLICKHOUSE_REPLICA,
      ]),
    );
    for (const [host, { environment }] of servers) expect(environment!.CLICKHOUSE_HOST_NAME).toBe(host);
    expect(macros).toMatchObject({
      shard: { '@_from_env': 'CLICKHOUSE_SHARD' },
      replica: { '@_from_env': 'CLICKHOUSE_REPLICA' },
    });
  });

  it('gives every file the variables that it takes', () => {
    for (const [, { environment, volumes }] of servers) {
      const files = volumes!.filter((mount) => mount.startsWith('./')).map((mount) => mount.split(':')[0]!);
      expect(files).toHaveLength(3);
      const asked = files.flatMap((file) => variablesOf(file));
      expect(asked.filter((name) => environment![name] === undefined)).toEqual([]);
    }
  });

  it('has three Keepers that know each other, each with a number of its own', () => {
    const { keeper_server } = parseXml('docker/cluster/keeper.xml');
    const known = keeper_server.raft_configuration.server as { id: number; hostname: string }[];
    const keepers = Object.entries(cluster.services).filter(([, { image = '' }]) => image.includes('keeper'));
    expect(known.map(({ id, hostname }) => [hostname, String(id)])).toEqual(
      keepers.map(([host, { environment }]) => [host, environment!.KEEPER_SERVER_ID]),
    );
    const nodes = zookeeper.node as { host: string; port: number }[];
    expect(nodes.map(({ host, port }) => [host, port])).toEqual(
      keepers.map(([host]) => [host, keeper_server.tcp_port]),
    );
    expect(parseXml('docker/clickhouse/config.d/plumbline.xml').access_control_improvements).toEqual({
      settings_constraints_replace_previous: true,
    });
  });

  it.each(['otlp', 'clickhouse'])(
    'has a balancer (%s) that names services and ports that are there',
    (name) => {
      const conf = text(`docker/nginx/${name}.conf`);
      const targets = [...conf.matchAll(/^\s*server ([\w-]+):(\d+) resolve/gm)].map(
        ([, host, port]) => [host!, Number(port)] as const,
      );
      expect(targets.length).toBeGreaterThan(3);
      expect(targets.filter(([host]) => !(host in cluster.services))).toEqual([]);
      expect(targets.filter(([, port]) => ![4317, 4318, 4320, 8123].includes(port))).toEqual([]);
      const upstreams = [...conf.matchAll(/upstream (\w+) \{/g)].map(([, upstream]) => upstream);
      const passed = [...conf.matchAll(/(?:proxy|grpc)_pass \w+:\/\/(\w+);/g)].map(
        ([, upstream]) => upstream,
      );
      expect(passed.sort()).toEqual(upstreams.sort());
      const service = name === 'otlp' ? 'balancer' : 'clickhouse';
      const listens = [...conf.matchAll(/listen (\d+);/g)].map(([, port]) => port);
      for (const port of cluster.services[service]!.ports!) expect(listens).toContain(port.split(':')[2]);
      const { 3: path } = /"(http:\/\/127\.0\.0\.1:(\d+))(\/\w+)"/.exec(
        JSON.stringify(cluster.services[service]!.healthcheck!.test),
      )!;
      expect(conf).toContain(`location = ${path}`);
      const brackets = [...conf.replaceAll(/#.*/g, '')].reduce(
        (depth, c) => depth + (c === '{' ? 1 : c === '}' ? -1 : 0),
        0,
      );
      expect(brackets).toBe(0);
    },
  );

  const hasNginx = spawnSync('nginx', ['-v']).status === 0;
  it.skipIf(!hasNginx).each(['otlp', 'clickhouse'])('has a balancer (%s) that nginx takes', (name) => {
    const { status, stderr } = spawnSync(
      'nginx',
      ['-t', '-c', new URL(`docker/nginx/${name}.conf`, root).pathname],
      { encoding: 'utf8' },
    );
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});
