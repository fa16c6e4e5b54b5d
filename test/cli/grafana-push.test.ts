/**
 * push, diff and import against a stand-in for Grafana's HTTP API that answers as its documentation says (test/testkit/
 * grafana-api.ts). No real Grafana is part of this.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { createGrafanaCommand } from '../../src/cli/grafana.js';
import { createGrafanaClient } from '../../src/cli/grafana-client.js';
import { createKpiCommand } from '../../src/cli/kpi.js';
import { compare } from '../../src/grafana/api/compare.js';
import { normaliseRule } from '../../src/grafana/api/normalise.js';
import { readWanted } from '../../src/grafana/api/wanted.js';
import { makeFolder } from '../kpi/catalogue-folder.js';
import { type GrafanaStandIn, startGrafanaStandIn } from '../testkit/grafana-api.js';

const TOKEN = 'glsa_secret-of-the-test';
const KPIS = `
- name: error_rate
  title: Error Rate
  category: system_performance
  subcategory: error_rates
  description: Share of requests that fail.
  owner: shop
  unit: '%'
  direction: lower_is_better
  target: 1
  warning: 2
  critical: 5
  group_by: [service]
  sources: [{ name: http, ratio: { of: errors, to: requests } }]
  alerts:
    - { name: many_errors, level: critical, severity: critical, notify: [email, slack, phone], message: Many errors }
    - { name: very_many_errors, level: critical, threshold: 20, severity: critical, notify: [phone], message: Very many }
- name: response_time
  title: Response Time
  category: system_performance
  subcategory: response_times
  description: How long requests take.
  owner: shop
  unit: s
  direction: lower_is_better
  target: 2
  critical: 3
  sources: [{ name: http, average: http.server.request.duration }]
`;
const ADDRESSES = {
  PLUMBLINE_ALERT_EMAIL: 'on-call@example.com',
  PLUMBLINE_SLACK_WEBHOOK_URL: 'https://hooks.example.com/slack',
  PLUMBLINE_PAGERDUTY_KEY: 'pager-secret',
  PLUMBLINE_WEBHOOK_URL: 'https://hooks.example.com/any',
};

let grafana: GrafanaStandIn;
let catalogue: string;
const folder = mkdtempSync(join(tmpdir(), 'plumbline-grafana-'));

beforeAll(() => {
  vi.stubEnv('PLUMBLINE_CATALOGUE_BUILT_IN', 'false');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  grafana = await startGrafanaStandIn(TOKEN);
  catalogue = makeFolder({ 'kpis/kpis.yaml': KPIS });
  vi.stubEnv('GRAFANA_URL', grafana.url);
  vi.stubEnv('GRAFANA_TOKEN', TOKEN);
  for (const [name, value] of Object.entries(ADDRESSES)) vi.stubEnv(name, value);
});
afterEach(async () => {
  await grafana.close();
  process.exitCode = 0;
});

interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number;
}

async function run(...args: string[]): Promise<Ran> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  process.exitCode = 0;
  try {
    await createGrafanaCommand().parseAsync([...args, '--catalogue', catalogue], { from: 'user' });
    const text = (spy: typeof out) => spy.mock.calls.map(([chunk]) => String(chunk)).join('');
    return { stdout: text(out), stderr: text(err), exitCode: Number(process.exitCode) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const writes = () => grafana.requests.filter((request) => !request.startsWith('GET'));
type Rule = { data: { refId: string; model: Record<string, unknown> }[] } & Record<string, unknown>;
const rule = (uid: string) => grafana.rules.get(uid) as Rule;
/** As somebody who edits a threshold in Grafana's page. */
function setLimit(uid: string, limit: number): void {
  const { model } = rule(uid).data.find(({ refId }) => refId === 'C')!;
  const [condition] = model.conditions as { evaluator: { params: number[] } }[];
  condition!.evaluator.params = [limit];
}

describe('push', () => {
  test('into an empty Grafana sets everything, and a second time has nothing to do', async () => {
    const first = await run('push', '--yes');
    expect(first.stdout).toContain('create   folder plumbline  Plumbline\n');
    expect(first.stdout).toContain('create   dashboard plumbline-kpi-error-rate');
    expect(first.stdout).toContain('create   rule kpi-error-rate-many-errors  many_errors\n');
    expect(first.stdout).toMatch(/To do in Grafana at http:\/\/127\.0\.0\.1:\d+: \d+ create\.\nDone\.\n$/);
    expect(first.exitCode).toBe(0);
    expect([...grafana.dashboards.values()].every(({ folderUid }) => folderUid === 'plumbline')).toBe(true);
    expect(grafana.dashboards.size).toBeGreaterThan(5);
    expect(rule('kpi-error-rate-many-errors')).toMatchObject({
      folderUID: 'plumbline',
      ruleGroup: 'error_rate-1m',
      keep_firing_for: '5m',
      annotations: { __dashboardUid__: 'plumbline-kpi-error-rate', __panelId__: '1' },
      isPaused: false,
    });
    grafana.requests.length = 0;
    const second = await run('push', '--yes');
    expect(second.stdout).toMatch(/has everything as the catalogue says\.\n$/);
    expect(writes()).toEqual([]);
    const diff = await run('diff');
    expect([diff.exitCode, diff.stdout]).toEqual([0, second.stdout]);
  });

  test('leaves what is set editable in Grafana, and puts the addresses of the environment in', async () => {
    await run('push', '--yes');
    const all = [grafana.rules, grafana.contactPoints, grafana.muteTimings, grafana.templates].flatMap(
      (map) => [...map.values()],
    );
    expect(all.filter(({ provenance }) => provenance !== undefined)).toEqual([]);
    expect(grafana.contactPoints.get('contact-email-email')).toMatchObject({
      name: 'email',
      type: 'email',
      settings: { addresses: 'on-call@example.com', subject: '{{ template "plumbline.title" . }}' },
    });
    expect(grafana.contactPoints.get('contact-phone-pagerduty')).toMatchObject({
      settings: { integrationKey: 'pager-secret' },
    });
  });

  test('adds one route to the tree of policies, and leaves those of others as they are', async () => {
    const foreign = {
      receiver: 'grafana-default-email',
      object_matchers: [['team', '=', 'blue']],
      continue: true,
    };
    grafana.policies = { ...grafana.policies, routes: [foreign] };
    await run('push', '--yes');
    const { receiver, routes } = grafana.policies as { receiver: string; routes: Record<string, unknown>[] };
    expect(receiver).toBe('grafana-default-email');
    expect(routes).toHaveLength(2);
    expect(routes[0]).toMatchObject({
      receiver: 'email',
      object_matchers: [['kpi', '=~', '.+']],
      repeat_interval: '4h',
    });
    expect(routes[1]).toEqual(foreign);
    // Moved by somebody, it stays where it was put.
    grafana.policies = { ...grafana.policies, routes: [foreign, { ...routes[0], repeat_interval: '1h' }] };
    const again = await run('push', '--yes');
    expect(again.stdout).toContain(
      'change   policy plumbline  route of alerts of KPIs\n           repeat_interval: 3600 in Grafana, 14400 in the catalogue\n',
    );
    const after = (grafana.policies as { routes: Record<string, unknown>[] }).routes;
    expect(after[0]).toEqual(foreign);
    expect(after[1]).toMatchObject({ repeat_interval: '4h' });
  });

  test('removes what the catalogue no longer has, and nothing of anybody else', async () => {
    await run('push', '--yes');
    const foreign = { ...rule('kpi-error-rate-many-errors'), uid: 'mine', title: 'Mine' };
    grafana.rules.set('mine', foreign);
    grafana.dashboards.set('mine', {
      model: { uid: 'mine', title: 'Mine', version: 1 },
      folderUid: 'plumbline',
      provisioned: false,
    });
    grafana.contactPoints.set('mine', {
      uid: 'mine',
      name: 'email',
      type: 'email',
      settings: { addresses: 'me@example.com' },
    });
    const [errorRate] = KPIS.split('- name: response_time');
    writeFileSync(join(catalogue, 'kpis', 'kpis.yaml'), errorRate!.replace('critical: 5', 'critical: 6'));
    const pushed = await run('push', '--yes');
    expect(pushed.stdout).toContain('remove   dashboard plumbline-kpi-response-time');
    expect(pushed.stdout).toMatch(/remove {3}rule kpi-response-time-/);
    expect(pushed.stdout).toContain(
      "note     contact point email has a receiver that is not Plumbline's (email, uid mine)",
    );
    expect(grafana.dashboards.has('plumbline-kpi-response-time')).toBe(false);
    expect([...grafana.rules.keys()].filter((uid) => uid.startsWith('kpi-response-time'))).toEqual([]);
    // In a group that was set anew because of its neighbour.
    expect(rule('mine').title).toBe('Mine');
    expect(rule('kpi-error-rate-many-errors').data[2]!.model).toMatchObject({
      conditions: [{ evaluator: { params: [6] } }],
    });
    expect(grafana.dashboards.has('mine')).toBe(true);
    expect(grafana.contactPoints.has('mine')).toBe(true);
    expect((await run('diff')).exitCode).toBe(0);
  });

  test('sends a changed key when it is told to: it cannot see the old one', async () => {
    await run('push', '--yes');
    vi.stubEnv('PLUMBLINE_PAGERDUTY_KEY', 'another-secret');
    expect((await run('push', '--yes')).stdout).toContain('has everything');
    const { stdout } = await run('push', '--yes', '--only', 'contact-points', '--secrets');
    expect(stdout).toContain('change   contact point contact-phone-pagerduty  phone (pagerduty), its keys\n');
    expect(stdout).not.toContain('another-secret');
    expect(grafana.contactPoints.get('contact-phone-pagerduty')).toMatchObject({
      settings: { integrationKey: 'another-secret' },
    });
  });

  test('says where there is nothing to ask', async () => {
    grafana.datasources.clear();
    expect((await run('push', '--yes')).stdout).toContain(
      'note     there is no datasource with the uid clickhouse',
    );
  });

  test('of some kinds leaves the others alone', async () => {
    const pushed = await run('push', '--yes', '--only', 'rules', 'templates');
    expect(pushed.stdout).not.toContain('dashboard ');
    expect([grafana.dashboards.size, grafana.muteTimings.size, grafana.contactPoints.size]).toEqual([
      0, 0, 1,
    ]);
    expect([grafana.rules.size > 0, grafana.templates.size]).toEqual([true, 1]);
    await expect(run('push', '--only', 'dashbords')).rejects.toThrow();
  });

  test('changes nothing without being told to', async () => {
    await expect(run('push')).rejects.toThrow('nobody is here to agree to that');
    expect(writes()).toEqual([]);
  });

  test('changes nothing where an address is not set', async () => {
    vi.stubEnv('PLUMBLINE_PAGERDUTY_KEY', '');
    await expect(run('push', '--yes')).rejects.toThrow(
      'contact points need PLUMBLINE_PAGERDUTY_KEY, which are not set',
    );
    expect(writes()).toEqual([]);
    await run('push', '--yes', '--only', 'dashboards,rules');
    expect(grafana.rules.size).toBeGreaterThan(0);
  });

  test('changes nothing where a part of it comes from files', async () => {
    await run('push', '--yes');
    setLimit('kpi-error-rate-many-errors', 9);
    Object.assign(rule('kpi-error-rate-many-errors'), { provenance: 'file' });
    grafana.dashboards.get('plumbline-overview')!.provisioned = true;
    grafana.dashboards.get('plumbline-overview')!.model.title = 'Mine now';
    grafana.requests.length = 0;
    await expect(run('push', '--yes')).rejects.toThrow(
      /Grafana would refuse 2 of these, first dashboards plumbline-overview: it comes from files/,
    );
    expect(writes()).toEqual([]);
  });
});

describe('diff', () => {
  test('lists what is missing, changed and extra, and ends with 1', async () => {
    await run('push', '--yes');
    grafana.dashboards.delete('plumbline-service');
    grafana.dashboards.get('plumbline-overview')!.model.title = 'Over\u001b[31mview';
    grafana.dashboards.set('plumbline-old', {
      model: { uid: 'plumbline-old', title: 'Old' },
      folderUid: 'plumbline',
      provisioned: false,
    });
    setLimit('kpi-error-rate-many-errors', 7);
    grafana.muteTimings.clear();
    grafana.requests.length = 0;
    const { stdout, exitCode } = await run('diff');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('missing  dashboard plumbline-service');
    expect(stdout).toContain('changed  dashboard plumbline-overview');
    expect(stdout).toMatch(/title: "Over.*view" in Grafana/);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('extra    dashboard plumbline-old  Old\n');
    expect(stdout).toContain(
      'data[refId=C].model.conditions[0].evaluator.params[0]: 7 in Grafana, 5 in the catalogue',
    );
    expect(stdout).toMatch(/missing {2}mute timing outside-working-hours/);
    expect(stdout).toMatch(/differs from the catalogue: 2 missing, 2 changed, 1 extra\.\n$/);
    const json = JSON.parse((await run('diff', '--json')).stdout);
    expect(json.url).toBe(grafana.url);
    expect(json.changes).toContainEqual({
      kind: 'rules',
      id: 'kpi-error-rate-many-errors',
      title: 'many_errors',
      action: 'update',
      differences: [{ path: 'data[refId=C].model.conditions[0].evaluator.params[0]', wanted: 5, found: 7 }],
    });
    expect(writes()).toEqual([]);
  });

  test('takes ids, versions, defaults and other spellings for what they are', async () => {
    await run('push', '--yes');
    for (const { model } of grafana.dashboards.values()) {
      Object.assign(model, { version: 7, iteration: 1, schemaVersion: 99 });
      const annotations = { list: [], ...(model.annotations as { list?: object[] } | undefined) };
      model.annotations = { list: [...annotations.list, { builtIn: 1, name: 'Annotations & Alerts' }] };
      for (const variable of (model.templating as { list: object[] } | undefined)?.list ?? [])
        Object.assign(variable, { current: { text: 'shop', value: 'shop' }, options: [] });
    }
    for (const each of grafana.rules.values())
      Object.assign(each, { guid: 'x', for: each.for === '5m' ? '300s' : each.for });
    expect((await run('diff')).stdout).toMatch(/has everything as the catalogue says/);
  });

  test('does without addresses: what they would be is not compared', async () => {
    await run('push', '--yes');
    for (const name of Object.keys(ADDRESSES)) vi.stubEnv(name, '');
    expect((await run('diff')).exitCode).toBe(0);
    vi.stubEnv('PLUMBLINE_ALERT_EMAIL', 'others@example.com');
    const { stdout } = await run('diff', '--only', 'contact-points');
    expect(stdout).toContain(
      'settings.addresses: "on-call@example.com" in Grafana, "others@example.com" in the catalogue',
    );
  });

  test('ends with 2 where Grafana cannot be asked', async () => {
    vi.stubEnv('GRAFANA_TOKEN', 'wrong');
    const { exitCode, stderr, stdout } = await run('diff');
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('(401: Invalid API key): the token is not valid there');
    expect(stderr).not.toContain('wrong');
  });
});

describe('import', () => {
  test('writes what was changed as files, and proposes the thresholds', async () => {
    await run('push', '--yes');
    setLimit('kpi-error-rate-many-errors', 7);
    setLimit('kpi-error-rate-very-many-errors', 30);
    setLimit('kpi-response-time-warning', 2.5);
    const { model } = grafana.dashboards.get('plumbline-overview')!;
    model.title = 'My overview';
    const out = join(folder, 'import');
    const { stdout } = await run('import', '--out', out);
    expect(stdout).toMatch(/4 files were written; the catalogue is as it was\.\n$/);
    const board = JSON.parse(readFileSync(join(out, 'dashboards', 'plumbline-overview.json'), 'utf8'));
    expect([board.title, board.id, board.version]).toEqual(['My overview', undefined, undefined]);
    const group = readdirSync(join(out, 'provisioning', 'alerting')).find((name) =>
      name.startsWith('error_rate'),
    )!;
    const text = readFileSync(join(out, 'provisioning', 'alerting', group), 'utf8');
    expect(text).not.toContain('plumbline grafana render');
    const file = parse(text, { version: '1.1' });
    expect(file.groups[0]).toMatchObject({ orgId: 1, folder: 'Plumbline', interval: '1m' });
    expect(
      file.groups[0].rules.find(({ uid }: { uid: string }) => uid === 'kpi-error-rate-many-errors'),
    ).toMatchObject({
      dashboardUid: 'plumbline-kpi-error-rate',
      panelId: 1,
      keepFiringFor: '5m',
      missing_series_evals_to_resolve: 2,
    });
    const proposed = readFileSync(join(out, 'catalogue', 'kpis', 'from-grafana.yaml'), 'utf8');
    expect(parse(proposed)).toEqual([
      { name: 'error_rate', extends: true, critical: 7 },
      { name: 'response_time', extends: true, target: 2.5 },
    ]);
    expect(proposed).toContain(
      'fires at 30 in Grafana, at 20 in the catalogue: change the threshold of the alert very_many_errors',
    );
  });

  test('what it writes is what Grafana had: pushed again it differs in nothing', async () => {
    await run('push', '--yes');
    setLimit('kpi-error-rate-many-errors', 7);
    const out = join(folder, 'back');
    await run('import', '--out', out);
    const paths = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const files = new Map(
      paths.map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(out.length + 1), readFileSync(path, 'utf8')] as const;
      }),
    );
    const [group] = readWanted(files, {}).groups;
    expect(group!.rules.length).toBeGreaterThan(1);
    for (const each of group!.rules)
      expect(compare(normaliseRule(each), normaliseRule(rule(each.uid) as never))).toEqual([]);
  });

  test('takes any dashboard by its uid', async () => {
    grafana.dashboards.set('own-board', {
      model: { id: 9, uid: 'own-board', title: 'Own', version: 3, panels: [] },
      folderUid: '',
      provisioned: false,
    });
    const out = join(folder, 'own');
    await run('import', 'own-board', '--out', out);
    expect(JSON.parse(readFileSync(join(out, 'dashboards', 'own-board.json'), 'utf8'))).toEqual({
      uid: 'own-board',
      title: 'Own',
      panels: [],
    });
    await expect(run('import', 'nobody', '--out', out)).rejects.toThrow(
      'no dashboard and no alert rule with the uid nobody',
    );
  });

  test('finds nothing where nothing differs', async () => {
    await run('push', '--yes');
    expect((await run('import', '--out', join(folder, 'nothing'))).stdout).toContain(
      'no dashboard and no rule that differs',
    );
  });
});

describe('requests', () => {
  const client = () => createGrafanaClient({ url: grafana.url, token: TOKEN, retryMs: 1 });

  test('are tried again where Grafana asks to wait', async () => {
    grafana.answerNext({ status: 429, headers: { 'retry-after': '0' } }, { status: 503 }, { status: 502 });
    expect(await client().get('/api/v1/provisioning/templates')).toEqual([]);
    grafana.answerNext({ status: 503 });
    await client().send('POST', '/api/folders', { uid: 'a', title: 'A' });
    expect(grafana.folders.has('a')).toBe(true);
  });

  test('that may have had their effect are not tried again', async () => {
    grafana.answerNext({ status: 504, body: { message: 'gateway timeout' } });
    await expect(client().send('POST', '/api/folders', { uid: 'b', title: 'B' })).rejects.toThrow(
      '(504: gateway timeout)',
    );
    expect(grafana.folders.has('b')).toBe(false);
  });

  test.each([
    [
      {
        status: 403,
        body: { message: "You'll need additional permissions. Permissions needed: folders:read" },
      },
      "Permissions needed: folders:read): the token's service account lacks the right",
    ],
    [{ status: 302, headers: { location: '/login' } }, 'sends /api/search elsewhere (302, /login)'],
    [{ status: 200, body: '<html>hello</html>' }, 'is it the address of a Grafana?'],
    [{ status: 500, body: { message: 'boom\nboom' } }, '(500: boom boom)'],
  ])('%j says what to do', async (answer, message) => {
    grafana.answerNext(answer);
    await expect(client().get('/api/search')).rejects.toThrow(message);
  });

  test('carry the token in a header, and nothing says it', async () => {
    const secret = 'glsa_never-shown';
    const failing = createGrafanaClient({ url: grafana.url, token: secret, retryMs: 1 });
    const error = await failing.get('/api/search').catch((reason: Error) => reason);
    expect(String(error) + JSON.stringify(error)).not.toContain(secret);
    expect(() => createGrafanaClient({ url: 'http://admin:pw@grafana', token: TOKEN })).toThrow(
      'has a password in it',
    );
    expect(() => createGrafanaClient({ url: 'grafana:3000', token: TOKEN })).toThrow(
      'is no address of a Grafana',
    );
    const gone = createGrafanaClient({ url: 'http://127.0.0.1:2', token: TOKEN, retryMs: 1 });
    await expect(gone.get('/api/search')).rejects.toThrow(
      'no answer came from http://127.0.0.1:2 (ECONNREFUSED)',
    );
  });

  test('take the token from a file too', async () => {
    const path = join(folder, 'token');
    vi.stubEnv('GRAFANA_TOKEN', '');
    await expect(run('push', '--yes')).rejects.toThrow('there is no token: set GRAFANA_TOKEN');
    writeFileSync(path, `${TOKEN}\n`);
    expect((await run('diff', '--token-file', path)).exitCode).toBe(1);
    vi.stubEnv('GRAFANA_URL', '');
    await expect(run('push')).rejects.toThrow('give its address with --url, or set GRAFANA_URL');
  });
});

test('addresses of contact points are no settings of Plumbline that it would complain of', async () => {
  await expect(createKpiCommand().parseAsync(['check', '/nowhere'], { from: 'user' })).rejects.not.toThrow(
    'is not a setting',
  );
});
