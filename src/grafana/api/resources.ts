/**
 * What Grafana's HTTP API holds, as far as Plumbline sets it: the shapes of its answers and requests. Types only. The files of
 * provisioning have other names for some of it; wanted.ts turns one into the other.
 */

export interface ApiDashboard {
  uid: string;
  folderUid: string;
  /** The classic dashboard JSON. */
  model: Record<string, unknown>;
  /** From files of Grafana's own: its API refuses to change it. */
  isFromFile: boolean;
}

/** An alert rule; fields that are not Plumbline's to set come and go with it. */
export interface ApiRule extends Record<string, unknown> {
  uid: string;
  title: string;
  folderUID: string;
  ruleGroup: string;
  labels?: Record<string, string>;
  data: ApiQuery[];
}

export interface ApiQuery extends Record<string, unknown> {
  refId: string;
  model: Record<string, unknown>;
}

export interface ApiRuleGroup {
  title: string;
  intervalS: number;
  rules: ApiRule[];
}

export interface ApiContactPoint extends Record<string, unknown> {
  uid: string;
  name: string;
  type: string;
  settings: Record<string, unknown>;
}

/** Found by its name. */
export interface ApiNamed extends Record<string, unknown> {
  name: string;
}

export interface ApiPolicy extends Record<string, unknown> {
  receiver?: string;
  object_matchers?: string[][];
  routes?: ApiPolicy[];
}

/** What the catalogue renders, for the API. */
export interface WantedState {
  folder: { uid: string; title: string };
  dashboards: Omit<ApiDashboard, 'isFromFile'>[];
  groups: ApiRuleGroup[];
  contactPoints: ApiContactPoint[];
  muteTimings: ApiNamed[];
  templates: ApiNamed[];
  /** The one route that is Plumbline's. */
  route: ApiPolicy | undefined;
  /** Environment variables that texts name and nobody has set. */
  unset: string[];
}

/** What Grafana has of it, and what stands beside it in the same lists. */
export interface FoundState {
  folder: { uid: string; title: string } | undefined;
  dashboards: ApiDashboard[];
  groups: ApiRuleGroup[];
  contactPoints: ApiContactPoint[];
  muteTimings: ApiNamed[];
  templates: ApiNamed[];
  policies: ApiPolicy | undefined;
}

/** Kinds of things, in the order in which they are set: each needs only those before it. */
export const KINDS = [
  'folder',
  'dashboards',
  'templates',
  'mute-timings',
  'contact-points',
  'policies',
  'rules',
] as const;
export type Kind = (typeof KINDS)[number];

/** How Grafana shows what it keeps secret. */
export const REDACTED = '[REDACTED]';
