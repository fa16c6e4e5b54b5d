/**
 * The files that Grafana reads from provisioning/alerting/, as types: what is written here has the file's names, which are not
 * those of its HTTP API. And their text. Enters: values of these types; leaves: YAML. Knows nothing of KPIs.
 *
 * Grafana puts environment variables into texts when it reads a file, except in annotations, models of queries, mute timings
 * and templates. `withoutVariables` keeps a text as it is in all other places.
 */
import { stringify } from 'yaml';
import { durationText } from '../kpi-texts.js';

export interface AlertingFile {
  apiVersion: 1;
  contactPoints?: ContactPointFile[];
  groups?: RuleGroup[];
  deleteRules?: { orgId: 1; uid: string }[];
  muteTimes?: MuteTimeFile[];
  policies?: RootPolicy[];
  templates?: { orgId: 1; name: string; template: string }[];
}

export interface RuleGroup {
  orgId: 1;
  name: string;
  /** Title of the folder. */
  folder: string;
  interval: string;
  rules: RuleFile[];
}

export interface RuleFile {
  uid: string;
  title: string;
  condition: string;
  for: string;
  keepFiringFor: string;
  noDataState: 'OK' | 'NoData' | 'Alerting' | 'KeepLast';
  execErrState: 'OK' | 'Error' | 'Alerting' | 'KeepLast';
  missing_series_evals_to_resolve: number;
  dashboardUid: string;
  panelId: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  data: QueryFile[];
}

export interface QueryFile {
  refId: string;
  datasourceUid: string;
  /** Seconds before now. */
  relativeTimeRange: { from: number; to: number };
  model: Record<string, unknown>;
}

export interface ContactPointFile {
  orgId: 1;
  name: string;
  receivers: {
    uid: string;
    type: string;
    disableResolveMessage: boolean;
    settings: Record<string, string | boolean>;
  }[];
}

export type Matcher = [label: string, operator: '=' | '!=' | '=~' | '!~', value: string];

export interface PolicyFile {
  receiver: string;
  object_matchers?: Matcher[];
  continue?: boolean;
  group_by?: string[];
  group_wait?: string;
  group_interval?: string;
  repeat_interval?: string;
  mute_time_intervals?: string[];
  routes?: PolicyFile[];
}

export interface RootPolicy extends PolicyFile {
  orgId: 1;
}

export interface MuteTimeFile {
  orgId: 1;
  name: string;
  time_intervals: {
    times?: { start_time: string; end_time: string }[];
    weekdays?: string[];
    days_of_month?: string[];
    months?: string[];
    years?: string[];
    location: string;
  }[];
}

export function withoutVariables(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** As Prometheus and Grafana write durations: 90s, 5m, 4h, 1d. */
export function formatSeconds(seconds: number): string {
  return seconds === 0 ? '0s' : durationText(seconds);
}

/** Keys in order of the alphabet, so that a change of one thing changes its lines only. */
export function formatFile(file: AlertingFile, about: string): string {
  // Grafana reads YAML 1.1, in which 19:00 is a number and `on` is true: such texts get quotes.
  const text = stringify(file, {
    version: '1.1',
    sortMapEntries: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `# ${about}\n# Rendered by \`plumbline grafana render\` from the catalogue: changes belong there.\n${text}`;
}
