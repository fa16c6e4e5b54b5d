/**
 * A stand-in for Grafana's HTTP API, for tests of push, diff and import: it answers as Grafana's documentation says (dashboard,
 * folder and alerting provisioning API of 11.6 to 13), adds what Grafana adds, and refuses what it refuses. It is not a Grafana:
 * it checks references, not whether anything can be shown or evaluated.
 */
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';

type Json = Record<string, unknown>;

export interface GrafanaStandIn {
  url: string;
  /** What people did there: tests change it as they like. */
  folders: Map<string, Json>;
  dashboards: Map<string, { model: Json; folderUid: string; provisioned: boolean }>;
  rules: Map<string, Json>;
  /** By folder and group. */
  intervals: Map<string, number>;
  contactPoints: Map<string, Json>;
  muteTimings: Map<string, Json>;
  templates: Map<string, Json>;
  policies: Json;
  datasources: Set<string>;
  /** `METHOD path` of every request that was let in. */
  requests: string[];
  /** What the next requests are answered instead. */
  answerNext(
    ...answers: { status: number; body?: object | string; headers?: Record<string, string> }[]
  ): void;
  close(): Promise<void>;
}

const SECRETS: Readonly<Record<string, string[]>> = {
  slack: ['url', 'token'],
  pagerduty: ['integrationKey'],
  webhook: ['authorization_credentials', 'password'],
};

export async function startGrafanaStandIn(token: string): Promise<GrafanaStandIn> {
  const state: Omit<GrafanaStandIn, 'url' | 'close' | 'answerNext'> = {
    folders: new Map(),
    dashboards: new Map(),
    rules: new Map(),
    intervals: new Map(),
    contactPoints: new Map([
      [
        '',
        {
          uid: '',
          name: 'grafana-default-email',
          type: 'email',
          settings: { addresses: '<example@email.com>' },
        },
      ],
    ]),
    muteTimings: new Map(),
    templates: new Map(),
    policies: { receiver: 'grafana-default-email', group_by: ['grafana_folder', 'alertname'] },
    datasources: new Set(['clickhouse']),
    requests: [],
  };
  const instead: Parameters<GrafanaStandIn['answerNext']>[number][] = [];
  let ids = 0;

  const app = new Hono();
  app.use(async (c, next) => {
    const answer = instead.shift();
    if (answer !== undefined) {
      for (const [name, value] of Object.entries(answer.headers ?? {})) c.header(name, value);
      return typeof answer.body === 'string'
        ? c.html(answer.body, answer.status as 200)
        : c.json(answer.body ?? {}, answer.status as 200);
    }
    if (c.req.header('authorization') !== `Bearer ${token}`)
      return c.json({ message: 'Invalid API key' }, 401);
    state.requests.push(`${c.req.method} ${c.req.path}`);
    return next();
  });
  const refuse = (c: Context, status: 400 | 404 | 409 | 412, message: string) => c.json({ message }, status);
  /** Of things that are set through the API, as long as it is not told otherwise. */
  const provenance = (c: Context) =>
    c.req.header('x-disable-provenance') === 'true' ? {} : { provenance: 'api' };

  app.get('/api/folders/:uid', (c) => {
    const folder = state.folders.get(c.req.param('uid'));
    return folder ? c.json(folder) : c.json({ message: 'folder not found', status: 'not-found' }, 404);
  });
  app.post('/api/folders', async (c) => {
    const { uid, title } = await c.req.json<Json>();
    if (state.folders.has(String(uid))) return refuse(c, 409, 'a folder with that UID already exists');
    const folder = {
      id: ++ids,
      uid,
      title,
      url: `/dashboards/f/${uid}/`,
      hasAcl: false,
      canSave: true,
      version: 1,
    };
    state.folders.set(String(uid), folder);
    return c.json(folder);
  });
  app.put('/api/folders/:uid', async (c) => {
    const folder = state.folders.get(c.req.param('uid'));
    if (!folder) return refuse(c, 404, 'folder not found');
    const { title, overwrite } = await c.req.json<Json>();
    if (overwrite !== true) return refuse(c, 412, 'The folder has been changed by someone else');
    Object.assign(folder, { title, version: Number(folder.version) + 1 });
    return c.json(folder);
  });

  app.get('/api/search', (c) => {
    const found = [...state.dashboards].filter(
      ([, { folderUid }]) => folderUid === c.req.query('folderUIDs'),
    );
    return c.json(
      found.map(([uid, { model, folderUid }]) => ({
        id: model.id,
        uid,
        title: model.title,
        type: 'dash-db',
        folderUid,
      })),
    );
  });
  app.get('/api/dashboards/uid/:uid', (c) => {
    const found = state.dashboards.get(c.req.param('uid'));
    if (!found) return refuse(c, 404, 'Dashboard not found');
    const { model, folderUid, provisioned } = found;
    return c.json({
      dashboard: model,
      meta: { type: 'db', folderUid, provisioned, version: model.version, isStarred: false },
    });
  });
  app.post('/api/dashboards/db', async (c) => {
    const { dashboard, folderUid, overwrite } = await c.req.json<{
      dashboard: Json;
      folderUid: string;
      overwrite: boolean;
    }>();
    const uid = String(dashboard.uid);
    const before = state.dashboards.get(uid);
    if (!state.folders.has(folderUid)) return refuse(c, 400, 'folder not found');
    if (before?.provisioned) return refuse(c, 400, 'Cannot save provisioned dashboard');
    if (before && !overwrite) return refuse(c, 412, 'A dashboard with the same uid already exists');
    const version = before === undefined ? 1 : Number(before.model.version) + 1;
    const model = {
      fiscalYearStartMonth: 0,
      links: [],
      ...dashboard,
      id: before?.model.id ?? ++ids,
      version,
    };
    state.dashboards.set(uid, { model, folderUid, provisioned: false });
    return c.json({ id: model.id, uid, url: `/d/${uid}/x`, status: 'success', version, slug: 'x' });
  });
  app.delete('/api/dashboards/uid/:uid', (c) => {
    const found = state.dashboards.get(c.req.param('uid'));
    if (!found) return refuse(c, 404, 'Dashboard not found');
    if (found.provisioned) return refuse(c, 400, 'provisioned dashboard cannot be deleted');
    state.dashboards.delete(c.req.param('uid'));
    return c.json({
      title: found.model.title,
      message: `Dashboard ${found.model.title} deleted`,
      id: found.model.id,
    });
  });

  app.get('/api/datasources/uid/:uid', (c) =>
    state.datasources.has(c.req.param('uid'))
      ? c.json({ uid: c.req.param('uid'), type: 'grafana-clickhouse-datasource' })
      : refuse(c, 404, 'Data source not found'),
  );

  const base = '/api/v1/provisioning';
  const groupOf = (folderUid: string, title: string) =>
    [...state.rules.values()].filter((rule) => rule.folderUID === folderUid && rule.ruleGroup === title);
  app.get(`${base}/alert-rules`, (c) => c.json([...state.rules.values()]));
  app.get(`${base}/alert-rules/:uid`, (c) => {
    const rule = state.rules.get(c.req.param('uid'));
    return rule ? c.json(rule) : c.body(null, 404);
  });
  app.delete(`${base}/alert-rules/:uid`, (c) => {
    state.rules.delete(c.req.param('uid'));
    return c.body(null, 204);
  });
  app.get(`${base}/folder/:folder/rule-groups/:group`, (c) => {
    const { folder, group } = c.req.param();
    const rules = groupOf(folder, group);
    if (rules.length === 0) return c.json({ message: 'rule group not found' }, 404);
    return c.json({
      title: group,
      folderUid: folder,
      interval: state.intervals.get(`${folder}/${group}`),
      rules,
    });
  });
  app.put(`${base}/folder/:folder/rule-groups/:group`, async (c) => {
    const { folder, group } = c.req.param();
    const body = await c.req.json<{ interval: number; rules: Json[] }>();
    if (!state.folders.has(folder)) return refuse(c, 404, 'folder does not exist');
    if (body.interval % 10 !== 0)
      return refuse(c, 400, 'interval should be non-zero and divided exactly by 10 seconds');
    const before = groupOf(folder, group);
    if (before.some((rule) => rule.provenance === 'file'))
      return refuse(c, 409, "cannot change provenance from 'file' to ''");
    for (const rule of before) state.rules.delete(String(rule.uid));
    for (const rule of body.rules)
      state.rules.set(String(rule.uid), {
        ...rule,
        id: ++ids,
        orgID: 1,
        folderUID: folder,
        ruleGroup: group,
        for: goDuration(rule.for),
        keep_firing_for: goDuration(rule.keep_firing_for),
        updated: '2026-01-02T03:04:05Z',
        notification_settings: null,
        record: null,
        ...provenance(c),
      });
    state.intervals.set(`${folder}/${group}`, body.interval);
    return c.json(body);
  });

  const redact = (point: Json) => ({
    ...point,
    settings: Object.fromEntries(
      Object.entries(point.settings as Json).map(([key, value]) => [
        key,
        SECRETS[String(point.type)]?.includes(key) ? '[REDACTED]' : value,
      ]),
    ),
  });
  app.get(`${base}/contact-points`, (c) => c.json([...state.contactPoints.values()].map(redact)));
  app.post(`${base}/contact-points`, async (c) => {
    const point = { ...(await c.req.json<Json>()), ...provenance(c) } as Json;
    if (state.contactPoints.has(String(point.uid))) return refuse(c, 409, 'receiver with that uid exists');
    state.contactPoints.set(String(point.uid), point);
    return c.json(redact(point), 202);
  });
  app.put(`${base}/contact-points/:uid`, async (c) => {
    if (!state.contactPoints.has(c.req.param('uid'))) return refuse(c, 404, 'receiver not found');
    state.contactPoints.set(c.req.param('uid'), {
      ...(await c.req.json<Json>()),
      uid: c.req.param('uid'),
      ...provenance(c),
    });
    return c.json({ message: 'contactpoint updated' }, 202);
  });
  app.delete(`${base}/contact-points/:uid`, (c) => {
    const point = state.contactPoints.get(c.req.param('uid'));
    if (
      point &&
      receiversOf(state.policies).includes(String(point.name)) &&
      countNamed(String(point.name)) === 1
    )
      return refuse(c, 409, 'contact point is currently used by a notification policy');
    state.contactPoints.delete(c.req.param('uid'));
    return c.json({ message: 'contactpoint deleted' }, 202);
  });
  const countNamed = (name: string) =>
    [...state.contactPoints.values()].filter((point) => point.name === name).length;

  app.get(`${base}/mute-timings`, (c) => c.json([...state.muteTimings.values()]));
  app.post(`${base}/mute-timings`, async (c) => {
    const timing = await c.req.json<Json>();
    if (state.muteTimings.has(String(timing.name)))
      return refuse(c, 409, 'a mute timing with this name already exists');
    state.muteTimings.set(String(timing.name), { ...timing, version: 'abc', ...provenance(c) });
    return c.json(timing, 201);
  });
  app.put(`${base}/mute-timings/:name`, async (c) => {
    const timing = await c.req.json<Json>();
    state.muteTimings.set(c.req.param('name'), { ...timing, version: 'abd', ...provenance(c) });
    return c.json(timing, 202);
  });

  app.get(`${base}/templates`, (c) => c.json([...state.templates.values()]));
  app.put(`${base}/templates/:name`, async (c) => {
    const { template } = await c.req.json<{ template: string }>();
    const stored = { name: c.req.param('name'), template: template.trim(), version: 'abc', ...provenance(c) };
    state.templates.set(c.req.param('name'), stored);
    return c.json(stored, 202);
  });

  app.get(`${base}/policies`, (c) => c.json(state.policies));
  app.put(`${base}/policies`, async (c) => {
    const tree = await c.req.json<Json>();
    const unknown = receiversOf(tree).find((name) => countNamed(name) === 0);
    if (unknown !== undefined)
      return refuse(c, 400, `invalid object specification: receiver '${unknown}' does not exist`);
    const mutes = mutesOf(tree).find((name) => !state.muteTimings.has(name));
    if (mutes !== undefined)
      return refuse(c, 400, `invalid object specification: time interval '${mutes}' does not exist`);
    state.policies = writeDurations({ ...tree, ...provenance(c) });
    return c.json({ message: 'policies updated' }, 202);
  });

  const server = await new Promise<ReturnType<typeof serve>>((done) => {
    const opened = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => done(opened));
  });
  const { port } = server.address() as { port: number };
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    answerNext: (...answers: typeof instead) => void instead.push(...answers),
    close: () => new Promise<void>((done) => server.close(() => done())),
  });
}

function receiversOf(policy: Json): string[] {
  const routes = (policy.routes ?? []) as Json[];
  return [String(policy.receiver), ...routes.flatMap(receiversOf)];
}

function mutesOf(policy: Json): string[] {
  const routes = (policy.routes ?? []) as Json[];
  return [...((policy.mute_time_intervals ?? []) as string[]), ...routes.flatMap(mutesOf)];
}

function writeDurations(policy: Json): Json {
  const routes = (policy.routes ?? []) as Json[];
  const durations = ['group_wait', 'group_interval', 'repeat_interval'].filter((name) => name in policy);
  return {
    ...policy,
    ...Object.fromEntries(durations.map((name) => [name, goDuration(policy[name])])),
    ...(routes.length > 0 && { routes: routes.map(writeDurations) }),
  };
}

/** As Grafana writes a duration, whatever way it was given: 90s is 1m30s, 24h is 1d. */
function goDuration(text: unknown): string {
  const units: [unit: string, seconds: number][] = [
    ['w', 604_800],
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ];
  let rest = [...String(text ?? '0s').matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units.find(([name]) => name === unit)![1],
    0,
  );
  if (rest === 0) return '0s';
  return units
    .map(([unit, seconds]) => {
      const count = Math.floor(rest / seconds);
      rest -= count * seconds;
      return count === 0 ? '' : `${count}${unit}`;
    })
    .join('');
}
