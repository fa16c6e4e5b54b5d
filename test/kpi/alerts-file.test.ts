/** alerts.yaml: the shipped file, a user's file over it, and every kind of mistake told with file, line and what was meant. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { makeAlertsJsonSchema } from '../../src/kpi/catalogue-json-schema.js';
import { parseAlerts } from '../../src/kpi/load-alerts.js';
import type { AlertsConfig } from '../../src/model/alerts.js';
import { listProblems } from '../testkit/listed-problems.js';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const SHIPPED = { file: 'alerts.yaml', text: read('catalogue/alerts.yaml') };
const { categories } = await loadTaxonomy(new URL('../../catalogue/taxonomy.yaml', import.meta.url).pathname);
const CATEGORIES = categories.map(({ id }) => id);

const load = (own?: string): AlertsConfig =>
  parseAlerts(own === undefined ? [SHIPPED] : [SHIPPED, { file: 'my.yaml', text: own }], CATEGORIES);

const problemsOf = (own: string) => listProblems(() => load(own));

describe('the shipped file', () => {
  it('has the channels of the founding plan, with addresses from the environment', () => {
    const { contactPoints, fallback } = load();
    expect(contactPoints.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['email', 'slack', 'phone']),
    );
    expect(fallback).toBe('email');
    for (const { receivers } of contactPoints)
      for (const { settings } of receivers)
        for (const value of Object.values(settings)) expect(value).toMatch(/^\$PLUMBLINE_[A-Z_]+$/);
  });

  it('makes every kind of rule, and sends more urgent alerts to more people', () => {
    const { rules, routes } = load();
    expect(Object.values(rules).every(({ isEnabled }) => isEnabled)).toBe(true);
    const told = (severity: string) =>
      routes.find(({ match }) => match.severity?.includes(severity) && match.category === undefined)!.notify;
    expect(told('critical')).toEqual(['email', 'slack', 'phone']);
    expect(told('high')).toEqual(['email', 'slack']);
    expect(told('medium')).toEqual(['email']);
  });

  it('names only categories that there are', () => {
    const named = load().routes.flatMap(({ match }) => match.category ?? []);
    expect(CATEGORIES).toEqual(expect.arrayContaining(named));
  });

  it('has a schema for editors that is up to date (npm run catalogue:schema)', () => {
    expect(JSON.parse(read('catalogue/alerts.schema.json'))).toEqual(
      JSON.parse(JSON.stringify(makeAlertsJsonSchema())),
    );
  });
});

describe('a file of a user over it', () => {
  it('changes what it gives and nothing else', () => {
    const own = load('rules: { warning: { for: 30m }, vanished_group: { enabled: false } }\n');
    const shipped = load();
    expect(own.rules.warning).toEqual({ ...shipped.rules.warning, forS: 1800 });
    expect(own.rules.vanished_group).toEqual({ ...shipped.rules.vanished_group, isEnabled: false });
    expect(own.routes).toEqual(shipped.routes);
    expect(own.contactPoints).toEqual(shipped.contactPoints);
  });

  it('adds a contact point, replaces lists as a whole, and takes away with null', () => {
    const { contactPoints, routes } = load(`
contact_points:
  webhook: null
  pager-b: [{ type: webhook, url: $PAGER_B, authorization_credentials: $PAGER_B_KEY }]
routes:
  - { match: { severity: [high, critical], service: checkout }, notify: [pager-b] }
`);
    expect(contactPoints.map(({ name }) => name)).toEqual(['email', 'slack', 'phone', 'pager-b']);
    expect(routes).toHaveLength(1);
    expect(routes[0]!.match).toEqual({ severity: ['high', 'critical'], service: ['checkout'] });
  });

  it('is empty, and changes nothing', () => {
    expect(load('# nothing yet\n')).toEqual(load());
  });

  it('may have times of a time zone of its own', () => {
    const { muteTimings } = load(`
mute_timings:
  sunday: { location: Europe/Berlin, intervals: [{ weekdays: [sunday], times: ['08:00-12:30'], months: [1, december] }] }
`);
    expect(muteTimings.at(-1)).toEqual({
      name: 'sunday',
      location: 'Europe/Berlin',
      intervals: [
        {
          times: [{ start: '08:00', end: '12:30' }],
          weekdays: ['sunday'],
          daysOfMonth: [],
          months: ['1', 'december'],
          years: [],
        },
      ],
    });
  });
});

describe('mistakes', () => {
  it.each<[string, string, string[]]>([
    ['no YAML', 'routes: [\n', [expect.stringContaining('my.yaml:2: not YAML') as unknown as string]],
    ['an unknown key', 'rout: []\n', ['my.yaml:1: unknown key "rout" (did you mean "routes"?)']],
    [
      'an unknown kind of rule',
      'rules:\n  vanished: { enabled: false }\n',
      ['my.yaml:2: rules: unknown key "vanished"'],
    ],
    [
      'an unknown key of a rule',
      'rules:\n  warning: { sevrity: low }\n',
      ['my.yaml:2: rules.warning: unknown key "sevrity" (did you mean "severity"?)'],
    ],
    [
      'a severity that is misspelt',
      'rules: { warning: { severity: hihg } }\n',
      ['my.yaml:1: rules.warning.severity must be one of low, medium, high, critical (did you mean "high"?)'],
    ],
    [
      'a duration without a unit',
      'evaluation: { delay: 30 }\n',
      ['my.yaml:1: evaluation.delay must be a duration such as 30s, 5m, 1h or 30d'],
    ],
    [
      'a receiver of no kind',
      'contact_points:\n  email:\n    - { type: mail, addresses: a@example.com }\n',
      [
        'my.yaml:3: contact_points.email[0].type must be one of email, slack, pagerduty, webhook (did you mean "email"?)',
      ],
    ],
    [
      'a key that a receiver does not have',
      'contact_points:\n  email:\n    - { type: email, adresses: a@example.com }\n',
      [
        'my.yaml:3: contact_points.email[0].addresses is missing',
        'my.yaml:3: contact_points.email[0]: unknown key "adresses" (did you mean "addresses"?)',
      ],
    ],
    [
      'a Slack receiver without an address',
      'contact_points:\n  slack:\n    - { type: slack, token: $T }\n',
      ['my.yaml:3: contact_points.slack[0] needs a url, or a token and a recipient'],
    ],
    [
      'a contact point that does not exist',
      'routes:\n  - match: { severity: high }\n    notify: [email, slak]\n',
      [
        'my.yaml:3: routes[0].notify[1]: no contact point "slak" (did you mean "slack"?); there is email, slack, phone, webhook',
      ],
    ],
    [
      'a fallback that was taken away',
      'contact_points: { email: null }\nroutes: []\n',
      [
        expect.stringMatching(
          /^alerts\.yaml:\d+: notification\.fallback: no contact point "email"; there is slack, phone, webhook$/,
        ) as unknown as string,
      ],
    ],
    [
      'an escalation to who knows already',
      'routes:\n  - match: { severity: high }\n    notify: [email]\n    escalate: [{ after: 5m, notify: [email] }]\n',
      [
        'my.yaml:4: routes[0].escalate[0].notify: email is told at once by this route; name another contact point',
      ],
    ],
    [
      'a mute timing that does not exist',
      'routes:\n  - { match: { severity: low }, notify: [email], mute: [outside-work-hours] }\n',
      [
        'my.yaml:2: routes[0].mute[0]: no mute timing "outside-work-hours" (did you mean "outside-working-hours"?); there is outside-working-hours',
      ],
    ],
    [
      'a category and a severity that do not exist',
      'routes:\n  - { match: { severity: urgent, category: system_perfomance }, notify: [email] }\n',
      [
        'my.yaml:2: routes[0].match.severity: no severity "urgent"; there is low, medium, high, critical',
        expect.stringContaining(
          'no category "system_perfomance" (did you mean "system_performance"?)',
        ) as unknown as string,
      ],
    ],
    [
      'a night in one piece',
      "mute_timings:\n  night: { intervals: [{ times: ['19:00-07:00'] }] }\n",
      [
        'my.yaml:2: mute_timings.night.intervals[0].times[0] must begin before it ends; a night is two times, 19:00-24:00 and 00:00-07:00',
      ],
    ],
    [
      'a time zone that does not exist',
      'mute_timings:\n  night: { location: Berlin, intervals: [{ weekdays: [sunday] }] }\n',
      ['my.yaml:2: mute_timings.night.location must be a time zone such as Europe/Berlin'],
    ],
    [
      'what is needed, taken away',
      'rules: { warning: null }\n',
      [
        'alerts.yaml:1: rules.warning.enabled is missing; null took it away',
        'alerts.yaml:1: rules.warning.severity is missing; null took it away',
        'alerts.yaml:1: rules.warning.for is missing; null took it away',
      ],
    ],
  ])('%s', (_, own, problems) => {
    expect(problemsOf(own)).toEqual(problems);
  });

  it('a taxonomy of other categories is no mistake of the built-in routes', () => {
    expect(() => parseAlerts([SHIPPED], ['speed'])).not.toThrow();
  });
});
