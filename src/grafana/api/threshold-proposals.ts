/**
 * Thresholds that somebody changed in Grafana → the change of the catalogue that would say the same. Enters: KPIs, what is
 * rendered for them and what Grafana has; leaves: keys of KPIs with their new values, and remarks where a change in Grafana has no
 * single place in the catalogue. It changes no file.
 */
import { stringify } from 'yaml';
import type { Kpi } from '../../model/kpi.js';
import { dashboardUid } from '../uids.js';
import type { ApiRule, FoundState, WantedState } from './resources.js';

type ThresholdKey = 'target' | 'warning' | 'critical';

export interface Proposals {
  /** By KPI, then by key. */
  keys: Map<string, Map<ThresholdKey, number>>;
  remarks: string[];
}

/** Of a KPI's dashboard: the value against its thresholds. */
const VALUE_PANEL_ID = 1;

export function proposeThresholds(kpis: readonly Kpi[], wanted: WantedState, found: FoundState): Proposals {
  const proposals: Proposals = { keys: new Map(), remarks: [] };
  const rules = new Map(found.groups.flatMap((group) => group.rules.map((rule) => [rule.uid, rule])));
  for (const rule of wanted.groups.flatMap((group) => group.rules)) {
    const kpi = kpis.find(({ name }) => name === rule.labels?.kpi);
    const there = rules.get(rule.uid);
    if (kpi !== undefined && there !== undefined) readRule(proposals, kpi, rule, there);
  }
  for (const kpi of kpis) readPanel(proposals, kpi, wanted, found);
  return proposals;
}

function readRule(proposals: Proposals, kpi: Kpi, wanted: ApiRule, found: ApiRule): void {
  const [before, after] = [limitOf(wanted), limitOf(found)];
  if (before === undefined || after === undefined || before === after) return;
  const where = `alert rule ${wanted.title} (${wanted.uid}) fires at ${after} in Grafana, at ${before} in the catalogue`;
  const { kind, alert = '', level } = wanted.labels ?? {};
  const own = kpi.alerts.find(({ name }) => name === alert.replace(/_escalated$/, ''));
  if (kind !== 'threshold') proposals.remarks.push(`${where}: that is no threshold of ${kpi.name}`);
  else if (own?.threshold !== undefined)
    proposals.remarks.push(`${where}: change the threshold of the alert ${own.name} of ${kpi.name}`);
  else {
    const key = kpi[level as ThresholdKey] === undefined ? 'target' : (level as ThresholdKey);
    propose(proposals, kpi, key, after, where);
  }
}

/** The number that the last expression of a rule compares with. */
function limitOf({ data }: ApiRule): number | undefined {
  const threshold = data.find(({ model }) => model.type === 'threshold')?.model as
    | { conditions?: { evaluator?: { params?: unknown[] } }[] }
    | undefined;
  const limit = threshold?.conditions?.[0]?.evaluator?.params?.[0];
  return typeof limit === 'number' ? limit : undefined;
}

/** Steps whose value is a threshold of the KPI, and another one in Grafana. */
function readPanel(proposals: Proposals, kpi: Kpi, wanted: WantedState, found: FoundState): void {
  const uid = dashboardUid('kpi', kpi.name);
  const [before, after] = [wanted, found].map(({ dashboards }) =>
    stepsOf(dashboards.find((dashboard) => dashboard.uid === uid)?.model),
  ) as [number[], number[]];
  if (before.length !== after.length) return;
  for (const [i, value] of before.entries()) {
    if (value === after[i]) continue;
    const where = `panel ${VALUE_PANEL_ID} of dashboard ${uid} has a threshold at ${after[i]} in Grafana, at ${value} in the catalogue`;
    const key = (['critical', 'warning', 'target'] as const).find((name) => kpi[name] === value);
    if (key === undefined) proposals.remarks.push(`${where}: that is no threshold of ${kpi.name}`);
    else propose(proposals, kpi, key, after[i]!, where);
  }
}

function stepsOf(model: Record<string, unknown> | undefined): number[] {
  const panels = (model?.panels ?? []) as {
    id?: number;
    fieldConfig?: { defaults?: { thresholds?: { steps?: { value?: number | null }[] } } };
  }[];
  const steps =
    panels.find(({ id }) => id === VALUE_PANEL_ID)?.fieldConfig?.defaults?.thresholds?.steps ?? [];
  return steps.flatMap(({ value }) => value ?? []);
}

function propose(proposals: Proposals, kpi: Kpi, key: ThresholdKey, value: number, where: string): void {
  const keys = proposals.keys.get(kpi.name) ?? new Map<ThresholdKey, number>();
  const known = keys.get(key);
  if (known !== undefined && known !== value)
    proposals.remarks.push(`${where}, and something else has ${known}: choose one`);
  else keys.set(key, value);
  proposals.keys.set(kpi.name, keys);
}

/** A file for kpis/ of a catalogue of one's own; undefined where nothing is proposed. */
export function formatProposals({ keys, remarks }: Proposals): string | undefined {
  if (keys.size === 0 && remarks.length === 0) return undefined;
  const entries = [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, changes]) => ({ name, extends: true, ...Object.fromEntries(changes) }));
  const comment = [
    'Thresholds as they were changed in Grafana. Put this into kpis/ of the folder that PLUMBLINE_CATALOGUE names, where it is',
    'meant; "plumbline kpi check FOLDER" says what it would change.',
    ...remarks.map((remark) => `Not here: ${remark}.`),
  ];
  return `${comment.map((line) => `# ${line}\n`).join('')}${entries.length > 0 ? stringify(entries, { lineWidth: 0 }) : ''}`;
}
