/**
 * Grafana's side of a comparison, read and written through its HTTP API: folder, dashboards, rules, contact points, policies, mute
 * timings, templates. Enters: a client; leaves: what is there, or the changes of a plan made one after the other. It decides
 * nothing: what is to change is plan.ts.
 */
import { type Change, isOwnRule, withOwnRoute } from '../grafana/api/plan.js';
import type {
  ApiContactPoint,
  ApiDashboard,
  ApiNamed,
  ApiPolicy,
  ApiRule,
  ApiRuleGroup,
  FoundState,
  Kind,
  WantedState,
} from '../grafana/api/resources.js';
import { UserError } from '../model/errors.js';
import type { GrafanaClient } from './grafana-client.js';

const PROVISIONING = '/api/v1/provisioning';
const DASHBOARDS_MAX = 5_000;

export async function readState(
  client: GrafanaClient,
  wanted: WantedState,
  kinds: readonly Kind[],
): Promise<FoundState> {
  const list = async <Item>(kind: Kind, path: string) =>
    kinds.includes(kind) ? ((await client.get<Item[] | null>(`${PROVISIONING}/${path}`)) ?? []) : [];
  const folder = await client.get<{ uid: string; title: string }>(`/api/folders/${wanted.folder.uid}`);
  return {
    folder: folder && { uid: folder.uid, title: folder.title },
    dashboards: kinds.includes('dashboards') ? await readDashboards(client, wanted) : [],
    groups: kinds.includes('rules') ? await readGroups(client, wanted) : [],
    contactPoints: await list<ApiContactPoint>('contact-points', 'contact-points'),
    muteTimings: await list<ApiNamed>('mute-timings', 'mute-timings'),
    templates: await list<ApiNamed>('templates', 'templates'),
    policies: kinds.includes('policies')
      ? await client.get<ApiPolicy>(`${PROVISIONING}/policies`)
      : undefined,
  };
}

async function readDashboards(
  client: GrafanaClient,
  { folder, dashboards }: WantedState,
): Promise<ApiDashboard[]> {
  const query = `type=dash-db&folderUIDs=${folder.uid}&limit=${DASHBOARDS_MAX}`;
  const listed = (await client.get<{ uid: string }[]>(`/api/search?${query}`)) ?? [];
  const uids = [...new Set([...dashboards, ...listed].map(({ uid }) => uid))].sort();
  const found: ApiDashboard[] = [];
  for (const uid of uids) {
    const dashboard = await readDashboard(client, uid);
    if (dashboard !== undefined) found.push(dashboard);
  }
  return found;
}

export async function readDashboard(client: GrafanaClient, uid: string): Promise<ApiDashboard | undefined> {
  const answer = await client.get<{
    dashboard: Record<string, unknown>;
    meta: { folderUid?: string; provisioned?: boolean };
  }>(`/api/dashboards/uid/${encodeURIComponent(uid)}`);
  return (
    answer && {
      uid,
      folderUid: answer.meta.folderUid ?? '',
      model: answer.dashboard,
      isFromFile: answer.meta.provisioned === true,
    }
  );
}

/** Groups of the folder, and those elsewhere that have a rule of ours. */
async function readGroups(client: GrafanaClient, { folder, groups }: WantedState): Promise<ApiRuleGroup[]> {
  const rules = (await client.get<ApiRule[]>(`${PROVISIONING}/alert-rules`)) ?? [];
  const wanted = new Set(groups.flatMap((group) => group.rules.map(({ uid }) => uid)));
  const places = new Map<string, ApiRule>();
  for (const rule of rules)
    if (rule.folderUID === folder.uid || wanted.has(rule.uid))
      places.set(JSON.stringify([rule.folderUID, rule.ruleGroup]), rule);
  const found: ApiRuleGroup[] = [];
  for (const { folderUID, ruleGroup } of places.values()) {
    const group = await readGroup(client, folderUID, ruleGroup);
    if (group !== undefined) found.push(group);
  }
  return found;
}

export async function readGroup(
  client: GrafanaClient,
  folderUid: string,
  title: string,
): Promise<ApiRuleGroup | undefined> {
  const group = await client.get<{ title: string; interval: number; rules: ApiRule[] }>(
    groupPath(folderUid, title),
  );
  return group && { title: group.title, intervalS: group.interval, rules: group.rules ?? [] };
}

export async function readRule(client: GrafanaClient, uid: string): Promise<ApiRule | undefined> {
  return client.get<ApiRule>(`${PROVISIONING}/alert-rules/${encodeURIComponent(uid)}`);
}

function groupPath(folderUid: string, title: string): string {
  return `${PROVISIONING}/folder/${encodeURIComponent(folderUid)}/rule-groups/${encodeURIComponent(title)}`;
}

/** Makes the changes in their order; what is removed goes last, when nothing points at it any more. */
export async function applyChanges(
  client: GrafanaClient,
  changes: readonly Change[],
  wanted: WantedState,
  found: FoundState,
): Promise<void> {
  const isLast = ({ action }: Change) => action === 'delete';
  for (const change of changes.filter((each) => !isLast(each) && each.kind !== 'rules'))
    await applyChange(client, change, wanted);
  const touched = new Set(
    changes.filter((each) => !isLast(each) && each.kind === 'rules').map(({ id }) => id),
  );
  for (const group of wanted.groups)
    if (group.rules.some(({ uid }) => touched.has(uid))) await putGroup(client, group, wanted, found);
  for (const change of changes.filter(isLast).toReversed()) await removeOne(client, change);
}

async function applyChange(
  client: GrafanaClient,
  { kind, id, action }: Change,
  wanted: WantedState,
): Promise<void> {
  const isNew = action === 'create';
  const name = encodeURIComponent(id);
  switch (kind) {
    case 'folder':
      return isNew
        ? client.send('POST', '/api/folders', wanted.folder)
        : client.send('PUT', `/api/folders/${name}`, { title: wanted.folder.title, overwrite: true });
    case 'dashboards': {
      const { model, folderUid } = pick(wanted.dashboards, 'uid', id);
      const dashboard = { ...model, id: null };
      return client.send('POST', '/api/dashboards/db', {
        dashboard,
        folderUid,
        overwrite: true,
        message: 'plumbline grafana push',
      });
    }
    case 'templates': {
      const { template } = pick(wanted.templates, 'name', id);
      return client.send('PUT', `${PROVISIONING}/templates/${name}`, { template });
    }
    case 'mute-timings': {
      const timing = pick(wanted.muteTimings, 'name', id);
      return isNew
        ? client.send('POST', `${PROVISIONING}/mute-timings`, timing)
        : client.send('PUT', `${PROVISIONING}/mute-timings/${name}`, timing);
    }
    case 'contact-points': {
      const point = pick(wanted.contactPoints, 'uid', id);
      return isNew
        ? client.send('POST', `${PROVISIONING}/contact-points`, point)
        : client.send('PUT', `${PROVISIONING}/contact-points/${name}`, point);
    }
    case 'policies': {
      // As it is now: somebody may have changed the tree while people looked at the plan.
      const tree = (await client.get<ApiPolicy>(`${PROVISIONING}/policies`)) ?? {};
      return client.send('PUT', `${PROVISIONING}/policies`, withOwnRoute(tree, wanted.route!));
    }
    case 'rules':
      return;
  }
}

/** A group is set as a whole: rules that others put into it stay in it. */
async function putGroup(
  client: GrafanaClient,
  { title, intervalS, rules }: ApiRuleGroup,
  { folder }: WantedState,
  found: FoundState,
): Promise<void> {
  const there = found.groups
    .flatMap((group) => group.rules)
    .filter((rule) => rule.folderUID === folder.uid && rule.ruleGroup === title);
  const body = {
    title,
    folderUid: folder.uid,
    interval: intervalS,
    rules: [...rules, ...there.filter((rule) => !isOwnRule(rule))],
  };
  await client.send('PUT', groupPath(folder.uid, title), body);
}

async function removeOne(client: GrafanaClient, { kind, id }: Change): Promise<void> {
  const name = encodeURIComponent(id);
  if (kind === 'dashboards') await client.send('DELETE', `/api/dashboards/uid/${name}`);
  if (kind === 'contact-points') await client.send('DELETE', `${PROVISIONING}/contact-points/${name}`);
  if (kind === 'rules') await client.send('DELETE', `${PROVISIONING}/alert-rules/${name}`);
}

function pick<Item, Key extends keyof Item>(items: readonly Item[], key: Key, id: string): Item {
  const found = items.find((item) => item[key] === id);
  if (found === undefined) throw new UserError(`there is no ${String(key)} ${id} among what is rendered`);
  return found;
}
