/**
 * The files of grafana/provisioning/alerting, held against the format that Grafana reads: JSON Schemas of our own, references
 * between files, what its environment variables and templates would make of them. Nothing is asked of an engine here.
 */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAlertsConfig } from '../../src/alerts-source.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import type { AlertingFile, PolicyFile, RuleFile } from '../../src/grafana/alerting/file-format.js';
import { renderAlerting } from '../../src/grafana/alerting/render-alerting.js';
import type { AlertsConfig } from '../../src/model/alerts.js';
import type { Kpi } from '../../src/model/kpi.js';
import { loadOverShipped, loadShippedCatalogue } from '../kpi/catalogue-folder.js';
import { findTemplateProblems } from './go-template.js';

const OPTIONS = { database: 'plumbline', docsUrl: 'https://docs.example.com/' };
const FOLDER = 'provisioning/alerting/';
let kpis: readonly Kpi[];
let alerts: AlertsConfig;
let files: Map<string, string>;
let rules: RuleFile[];

/** As Grafana reads it: YAML 1.1. */
const read = (name: string): AlertingFile => parse(files.get(`${FOLDER}${name}.yaml`)!, { version: '1.1' });

function rulesIn(rendered: ReadonlyMap<string, string>): RuleFile[] {
  const texts = [...rendered].filter(([path]) => path.startsWith(`${FOLDER}rules-`));
  const groups = texts.flatMap(([, text]) => (parse(text) as AlertingFile).groups ?? []);
  return groups.flatMap((group) => group.rules).sort((a, b) => (a.uid < b.uid ? -1 : 1));
}

function listPolicies(policy: PolicyFile): PolicyFile[] {
  return [policy, ...(policy.routes ?? []).flatMap(listPolicies)];
}

beforeAll(async () => {
  ({ kpis } = await loadShippedCatalogue());
  const { categories } = await loadTaxonomy(
    new URL('../../catalogue/taxonomy.yaml', import.meta.url).pathname,
  );
  alerts = await readAlertsConfig([], categories);
  files = renderAlerting(kpis, alerts, OPTIONS);
  rules = rulesIn(files);
});

describe('format', () => {
  it.each(['contact-points', 'mute-timings', 'policies', 'templates', 'rules'])('%s', (kind) => {
    const url = new URL(`schemas/alerting-${kind}.json`, import.meta.url);
    const validate = new Ajv({ allErrors: true, strict: false }).compile(
      JSON.parse(readFileSync(url, 'utf8')),
    );
    const named = [...files].filter(([path]) => path.startsWith(`${FOLDER}${kind}`));
    expect(named.length).toBeGreaterThan(0);
    for (const [path, text] of named) {
      validate(parse(text, { version: '1.1' }));
      expect({ path, errors: validate.errors }).toEqual({ path, errors: null });
    }
  });

  it('is the same for YAML 1.1, which Grafana reads, and for 1.2', () => {
    for (const text of files.values())
      if (!text.startsWith('# Alert rules\n')) expect(parse(text, { version: '1.1' })).toEqual(parse(text));
  });

  it('does not depend on the order of KPIs', () => {
    expect(
      renderAlerting([...kpis].reverse(), alerts, OPTIONS).get(`${FOLDER}rules-system-performance.yaml`),
    ).toBe(files.get(`${FOLDER}rules-system-performance.yaml`));
  });
});

describe('references', () => {
  it('uids and titles are unique', () => {
    for (const of of [({ uid }: RuleFile) => uid, ({ title }: RuleFile) => title])
      expect(new Set(rules.map(of)).size).toBe(rules.length);
    const receivers = read('contact-points').contactPoints!.flatMap((point) => point.receivers);
    expect(new Set(receivers.map(({ uid }) => uid)).size).toBe(receivers.length);
  });

  it('policies name contact points and mute timings that exist', () => {
    const contacts = read('contact-points').contactPoints!.map(({ name }) => name);
    const timings = read('mute-timings').muteTimes!.map(({ name }) => name);
    for (const { receiver, mute_time_intervals = [] } of listPolicies(read('policies').policies![0]!)) {
      expect(contacts).toContain(receiver);
      expect(timings).toEqual(expect.arrayContaining(mute_time_intervals));
    }
  });

  it('a muted route is muted in every policy that tells somebody: children do not inherit it', () => {
    for (const { mute_time_intervals, routes = [] } of read('policies').policies![0]!.routes!)
      for (const child of routes) expect(child.mute_time_intervals).toEqual(mute_time_intervals);
  });

  it('rules name contact points that exist, and a KPI that names another is told where', async () => {
    const contacts = alerts.contactPoints.map(({ name }) => name);
    for (const { labels } of rules)
      expect(contacts).toEqual(expect.arrayContaining(labels.notify?.split(',') ?? []));
    const [kpi] = kpis.filter(({ name }) => name === 'error_rate');
    const odd = { ...kpi!, alerts: kpi!.alerts.map((alert) => ({ ...alert, notify: ['slak'] })) };
    expect(() => renderAlerting([odd], alerts, OPTIONS)).toThrow(
      /error_rate\.yaml:\d+: error_rate: alert high_error_rate: no contact point "slak" \(did you mean "slack"\?\)/,
    );
  });

  it('every rule links the dashboard of its KPI and its runbook', () => {
    for (const { dashboardUid, panelId, annotations, labels } of rules) {
      expect(dashboardUid).toBe(`plumbline-kpi-${labels.kpi!.replaceAll('_', '-')}`);
      expect(panelId).toBe(1);
      expect(annotations.runbook_url).toBe(`https://docs.example.com/docs/runbooks/${labels.kpi}.md`);
    }
  });
});

describe('environment variables', () => {
  /** What Grafana makes of a text: $$ is a dollar, $NAME and ${NAME} are put in. */
  const expand = (text: string) =>
    text
      .split('$$')
      .map((part) => part.replaceAll(/\$(\w+|\{\w+\})/g, ''))
      .join('$');

  it('nothing of titles, labels and groups is one', () => {
    for (const { title, labels } of rules)
      for (const text of [title, ...Object.values(labels)])
        expect(expand(text)).toBe(text.replaceAll('$$', '$'));
  });

  it('contact points take what is secret from them, and nothing else', () => {
    for (const { receivers } of read('contact-points').contactPoints!)
      for (const { settings } of receivers)
        for (const value of Object.values(settings))
          if (String(value).includes('$')) expect(value).toMatch(/^\$PLUMBLINE_[A-Z_]+$/);
  });

  it('text of the catalogue with dollars and braces stays as it is', async () => {
    const [kpi] = kpis.filter(({ name }) => name === 'roi');
    const odd = { ...kpi!, owner: 'team $HOME', description: 'Costs ${money} and {{ braces }}' };
    const [rule] = rulesIn(renderAlerting([odd], alerts, OPTIONS));
    expect(expand(rule!.labels.owner!)).toBe('team $HOME');
    expect(rule!.annotations.description).toContain('Costs $ {money} and {{ "{{" }} braces }}');
  });
});

describe('queries', () => {
  it('use only macros that the backend knows, and no variable of a dashboard', () => {
    for (const { data } of rules) {
      const sql = String(data[0]!.model.rawSql);
      const macros = [...sql.matchAll(/\$\w+|\$\{/g)].map(([name]) => name);
      expect(new Set(macros)).toEqual(new Set(['$__toTime_ms']));
    }
  });

  it('end before now by the delay of the settings', () => {
    for (const { data } of rules)
      for (const { relativeTimeRange } of data) expect(relativeTimeRange.to).toBe(alerts.evaluation.delayS);
  });

  it('are asked at whole minutes, quantiles at most every 5', () => {
    const groups = [...files.keys()].filter((path) => path.includes('/rules-'));
    for (const path of groups)
      for (const { interval, name } of (parse(files.get(path)!) as AlertingFile).groups!) {
        expect(interval).toMatch(/^\d+m$/);
        if (name.startsWith('user_interaction'))
          expect(Number.parseInt(interval, 10)).toBeGreaterThanOrEqual(5);
      }
  });
});

describe('templates', () => {
  const MESSAGE_FIELDS = [
    ...['Alerts', 'CommonLabels', 'Labels', 'Annotations', 'StartsAt', 'PanelURL', 'SilenceURL'],
  ];
  const MESSAGE_FUNCTIONS = ['toUpper', 'match', 'join'];

  it('of messages are whole, and read only what a notification has', () => {
    const { template } = read('templates').templates![0]!;
    const templates = [...template.matchAll(/define "([^"]+)"/g)].map(([, name]) => name!);
    const names = { functions: MESSAGE_FUNCTIONS, fields: MESSAGE_FIELDS, variables: [], templates };
    expect(findTemplateProblems(template, names)).toEqual([]);
    for (const { receivers } of read('contact-points').contactPoints!)
      for (const { settings } of receivers)
        for (const value of Object.values(settings))
          expect(findTemplateProblems(String(value), names), String(value)).toEqual([]);
  });

  it('read only annotations and labels that rules have', () => {
    const { template } = read('templates').templates![0]!;
    const used = (of: string) =>
      [...template.matchAll(new RegExp(`\\.${of}\\.(\\w+)`, 'g'))].map(([, name]) => name!);
    const [rule] = rules.filter(({ labels }) => labels.escalation === '1');
    expect(Object.keys(rule!.annotations)).toEqual(expect.arrayContaining(used('Annotations')));
    const labels = [...Object.keys(rule!.labels), 'alertname', 'kpi_group'];
    expect(labels).toEqual(expect.arrayContaining([...used('Labels'), ...used('CommonLabels')]));
  });

  it('of annotations are whole, and read only $labels and $values', () => {
    const names = {
      functions: ['humanizeDuration', 'externalURL'],
      fields: ['Value'],
      variables: ['labels', 'values'],
      templates: [],
    };
    for (const { annotations } of rules)
      for (const text of Object.values(annotations))
        expect(findTemplateProblems(text, names), text).toEqual([]);
  });

  it('that are broken are noticed', () => {
    const names = { functions: [], fields: ['A'], variables: [], templates: [] };
    const broken = [
      '{{ if .A }}',
      '{{ end }}',
      '{{ .B }}',
      '{{ foo .A }}',
      '{{ .A',
      '{{ $x }}',
      '{{ template "t" . }}',
    ];
    for (const text of broken) expect(findTemplateProblems(text, names), text).not.toEqual([]);
    expect(
      findTemplateProblems(
        '{{- if eq .A "}" -}} x {{ else if not .A }}{{ len .A | printf "%d" }}{{- end }}',
        names,
      ),
    ).toEqual([]);
  });
});

describe('the founding plan', () => {
  const find = (name: string) => rules.find(({ labels }) => labels.alert === name)!;
  const condition = ({ data }: RuleFile) =>
    (data[2]!.model.conditions as { evaluator: unknown }[])[0]!.evaluator as {
      type: string;
      params: number[];
    };

  it.each([
    ['high_response_time', 'high', 'email,slack', 'gte', 2],
    ['high_error_rate', 'critical', 'email,slack,phone', 'gte', 5],
    ['low_user_satisfaction', 'medium', 'email', 'lte', 3],
    ['low_throughput', 'high', 'email,slack', 'lte', 10 / 60],
    ['slow_page_load', 'medium', 'email,slack', 'gte', 2],
    ['inefficient_navigation', 'low', 'email', 'gte', 5],
    ['low_process_efficiency', 'medium', 'email', 'lte', 80],
    ['low_automation_rate', 'medium', 'email', 'lte', 70],
    ['low_roi', 'medium', 'email', 'lte', 200],
    ['low_adoption_rate', 'medium', 'email', 'lte', 50],
  ])('%s is %s and told to %s', (name, severity, notify, type, limit) => {
    const rule = find(name);
    expect(rule.labels).toMatchObject({ severity, notify });
    expect(rule.title).toBe(name);
    expect(condition(rule)).toMatchObject({ type });
    expect(condition(rule).params[0]).toBeCloseTo(limit, 3);
  });

  it('KPIs with thresholds and without an alert of their own get rules for both levels', () => {
    const names = rules.map(({ labels }) => labels.alert);
    expect(names).toEqual(
      expect.arrayContaining(['error_rate_warning', 'availability_critical', 'availability_warning']),
    );
    expect(names).not.toContain('error_rate_critical');
    // Critical from the value on that would be its warning.
    expect(names).not.toContain('page_load_time_warning');
  });
});

describe('what a user changes', () => {
  it('a KPI file more adds its rules and changes no others', async () => {
    const own = `- name: checkout_response_time
  extends: response_time
  title: Checkout Response Time
  sources:
    - name: checkout
      average: { metric: http.server.request.duration, where: { service: checkout } }
`;
    const more = rulesIn(
      renderAlerting((await loadOverShipped({ 'checkout.yaml': own })).kpis, alerts, OPTIONS),
    );
    const added = more.filter(({ labels }) => labels.kpi === 'checkout_response_time');
    expect(added.length).toBeGreaterThan(3);
    expect(added.map(({ title }) => title)).toContain('checkout_response_time: high_response_time');
    expect(more.filter(({ labels }) => labels.kpi !== 'checkout_response_time')).toEqual(rules);
  });

  it('rules that are switched off are taken out of Grafana', () => {
    const off = { ...alerts.rules, warning: { ...alerts.rules.warning, isEnabled: false } };
    const rendered = renderAlerting(kpis, { ...alerts, rules: off }, OPTIONS);
    const file = parse(rendered.get(`${FOLDER}rules-system-performance.yaml`)!) as AlertingFile;
    expect(file.deleteRules!.map(({ uid }) => uid)).toContain('kpi-error-rate-warning');
    expect(rulesIn(rendered).map(({ uid }) => uid)).not.toContain('kpi-error-rate-warning');
  });
});
