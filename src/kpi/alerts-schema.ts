/**
 * The shape of alerts.yaml, key by key, each with what an editor shows for it. Every key may be missing: a file of a user
 * gives only what differs. Enters: plain values read from YAML; leaves: the same values, typed. Knows nothing of other keys'
 * values or of what is in other files.
 */
import { z } from 'zod';
import { DEFAULT_RULES } from '../model/alerts.js';
import { suggestName } from '../model/nearest-name.js';
import { type KnownKeys, mustBe } from '../model/schema-problems.js';
import { SEVERITIES } from './catalogue-schema.js';
import { duration, oneOf, text, yesOrNo } from './schema-values.js';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

export const RECEIVER_TYPES = ['email', 'slack', 'pagerduty', 'webhook'] as const;
export const ERROR_STATES = ['error', 'alerting', 'ok', 'keep_last'] as const;

/** As in KPIs: what `notify` may name. */
const contactName = text.regex(/^[a-z0-9]+([_-][a-z0-9]+)*$/, 'must be lower-case words joined by - or _');
const contactNames = z
  .array(contactName, mustBe('a list such as [email, slack]'))
  .min(1, 'is an empty list: nobody would hear of it');

const told = {
  tell_resolved: yesOrNo
    .nullish()
    .describe('Whether the end of an alert is told too; true unless said otherwise'),
};
const setting = text.describe('$NAME is an environment variable of Grafana');

const RECEIVERS = {
  email: z.strictObject({ type: z.literal('email'), addresses: setting, ...told }),
  slack: z.strictObject({
    type: z.literal('slack'),
    url: setting.nullish().describe('Address of an incoming webhook; or token and recipient'),
    token: setting.nullish(),
    recipient: setting.nullish().describe('Channel or user'),
    ...told,
  }),
  pagerduty: z.strictObject({ type: z.literal('pagerduty'), integration_key: setting, ...told }),
  webhook: z.strictObject({
    type: z.literal('webhook'),
    url: setting,
    http_method: oneOf(['POST', 'PUT']).nullish(),
    username: setting.nullish(),
    password: setting.nullish(),
    authorization_scheme: setting.nullish().describe('Bearer unless said otherwise'),
    authorization_credentials: setting.nullish(),
    ...told,
  }),
};

const receiver = z
  .discriminatedUnion('type', [RECEIVERS.email, RECEIVERS.slack, RECEIVERS.pagerduty, RECEIVERS.webhook], {
    error: ({ input }) => {
      const { type } = (input ?? {}) as { type?: unknown };
      if (type === undefined) return 'must be a map with a type: email, slack, pagerduty or webhook';
      return `must be one of ${RECEIVER_TYPES.join(', ')}${suggestName(String(type), RECEIVER_TYPES)}`;
    },
  })
  .superRefine((value, context) => {
    if (value.type !== 'slack' || value.url != null) return;
    if (value.token == null || value.recipient == null)
      context.addIssue({ code: 'custom', message: 'needs a url, or a token and a recipient' });
  });

const label = text.regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'must be the name of a label');
const labels = z.array(label, mustBe('a list of labels such as [category, kpi]')).min(1, 'is an empty list');
const labelValue = z.union([text, z.number(), z.boolean()], { error: 'must be text' });

const timing = {
  group_by: labels.nullish().describe('Labels whose values make one message'),
  group_wait: duration(0, DAY_S).nullish().describe('How long a first message waits for others'),
  group_interval: duration(10, DAY_S).nullish().describe('Least time between messages of one group'),
  repeat_interval: duration(MINUTE_S, 31 * DAY_S)
    .nullish()
    .describe('How often an alert that goes on is told again'),
};

const escalation = z.strictObject(
  {
    after: duration(MINUTE_S, 7 * DAY_S).describe('How long an alert must fire'),
    notify: contactNames,
  },
  mustBe('a map with after and notify'),
);

const route = z.strictObject(
  {
    match: z
      .record(
        label,
        z.union([labelValue, z.array(labelValue).min(1, 'is an empty list')], {
          error: 'must be a value, or a list of values of which one must be there',
        }),
        mustBe('a map of labels such as { severity: critical }'),
      )
      .describe('Labels that an alert must have'),
    notify: contactNames.describe('Contact points of alerts that name none themselves'),
    ...timing,
    mute: z
      .array(text, mustBe('a list of mute timings'))
      .nullish()
      .describe('Times in which it says nothing'),
    escalate: z.array(escalation, mustBe('a list')).nullish().describe('Who is told next'),
  },
  mustBe('a map with match and notify'),
);

const TIME = /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const DAYS = 'sunday|monday|tuesday|wednesday|thursday|friday|saturday';
const MONTHS =
  'january|february|march|april|may|june|july|august|september|october|november|december|[1-9]|1[0-2]';
const ranged = (one: string) => new RegExp(`^(${one})(:(${one}))?$`);
const listOf = (pattern: RegExp, what: string) =>
  z.array(z.coerce.string().regex(pattern, `must be ${what}`), mustBe(`a list of ${what}`)).nullish();

const interval = z
  .strictObject(
    {
      times: z
        .array(
          text.regex(TIME, 'must be a time of day such as 00:00-07:30').refine((value) => {
            const [start, end] = value.split('-');
            return start! < end!;
          }, 'must begin before it ends; a night is two times, 19:00-24:00 and 00:00-07:00'),
          mustBe('a list of times such as 00:00-07:30'),
        )
        .nullish(),
      weekdays: listOf(ranged(DAYS), 'weekdays such as saturday or monday:friday'),
      days_of_month: listOf(ranged('-?([1-9]|[12]\\d|3[01])'), 'days such as 1, 1:7 or -1'),
      months: listOf(ranged(MONTHS), 'months such as december or 1:3'),
      years: listOf(ranged('\\d{4}'), 'years such as 2030 or 2030:2031'),
    },
    mustBe('a map with times, weekdays, days_of_month, months or years'),
  )
  .refine((value) => Object.keys(value).length > 0, 'is empty: it would be all the time');

const muteTiming = z.strictObject(
  {
    location: text
      .refine(isTimeZone, 'must be a time zone such as Europe/Berlin')
      .nullish()
      .describe('Time zone; UTC unless said otherwise'),
    intervals: z.array(interval, mustBe('a list')).min(1, 'is an empty list'),
  },
  mustBe('a map with location and intervals'),
);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const rule = {
  enabled: yesOrNo.nullish(),
  severity: oneOf(SEVERITIES).nullish(),
  for: duration(0, 31 * DAY_S)
    .nullish()
    .describe('How long it must last'),
};
const plainRule = z.strictObject(rule, mustBe('a map with enabled, severity and for')).nullish();
const silenceRule = z
  .strictObject(
    {
      ...rule,
      lookback: duration(HOUR_S, 31 * DAY_S)
        .nullish()
        .describe('There must have been data within this time'),
    },
    mustBe('a map with enabled, severity, for and lookback'),
  )
  .nullish();
const escalationRule = z
  .strictObject(
    {
      ...rule,
      window_max: duration(MINUTE_S, 366 * DAY_S)
        .nullish()
        .describe('Not of KPIs over longer windows'),
    },
    mustBe('a map with enabled, severity, for and window_max'),
  )
  .nullish();

const RULES = {
  warning: plainRule,
  critical: plainRule,
  no_data: silenceRule,
  vanished_group: silenceRule,
  burn_page: plainRule,
  burn_ticket: plainRule,
  escalation: escalationRule,
} satisfies Record<(typeof DEFAULT_RULES)[number], z.ZodType>;

const notification = z.strictObject(
  { fallback: contactName.nullish().describe('Contact point of alerts that no route matches'), ...timing },
  mustBe('a map'),
);

const evaluation = z.strictObject(
  {
    delay: duration(0, HOUR_S).nullish().describe('How long before now a window ends'),
    interval_min: duration(10, HOUR_S)
      .refine((value) => /^\d+(m|h)$|0s$/.test(value), 'must be a multiple of 10s')
      .nullish()
      .describe('No rule is asked more often'),
    keep_firing_for: duration(0, DAY_S)
      .nullish()
      .describe('How long an alert goes on after its condition last held'),
    missing_evaluations: z
      .int(mustBe('a whole number from 1 up'))
      .min(1, 'must be a whole number from 1 up')
      .nullish()
      .describe('Evaluations that a group may be missing from before its alert ends'),
    on_error: oneOf(ERROR_STATES).nullish().describe('What a rule says when it cannot be evaluated'),
  },
  mustBe('a map'),
);

export const alertsSchema = z.strictObject(
  {
    contact_points: z
      .record(
        contactName,
        z.array(receiver, mustBe('a list of receivers')).min(1, 'is an empty list').nullable(),
        mustBe('a map of contact points'),
      )
      .nullish(),
    notification: notification.nullish(),
    routes: z.array(route, mustBe('a list')).nullish(),
    mute_timings: z.record(text, muteTiming.nullable(), mustBe('a map of mute timings')).nullish(),
    evaluation: evaluation.nullish(),
    rules: z.strictObject(RULES, mustBe('a map of kinds of rules')).nullish(),
  },
  mustBe('a map'),
);

export type RawAlerts = z.output<typeof alertsSchema>;
export type RawRoute = z.output<typeof route>;
export type RawReceiver = z.output<typeof receiver>;

const keysOf = (schema: { shape: object }) => Object.keys(schema.shape);
const SILENCE_KEYS = [...Object.keys(rule), 'lookback'];

/** Keys that each kind of map may have, by the key that holds it. `contacts`: names of contact points that a file has. */
export function knownAlertKeys(contacts: readonly string[], timings: readonly string[]): KnownKeys {
  const receiverKeys = [...new Set(Object.values(RECEIVERS).flatMap(keysOf))];
  return {
    '': keysOf(alertsSchema),
    notification: keysOf(notification),
    routes: keysOf(route),
    escalate: keysOf(escalation),
    intervals: keysOf(interval),
    evaluation: keysOf(evaluation),
    rules: DEFAULT_RULES,
    ...Object.fromEntries(DEFAULT_RULES.map((name) => [name, Object.keys(rule)])),
    no_data: SILENCE_KEYS,
    vanished_group: SILENCE_KEYS,
    escalation: [...Object.keys(rule), 'window_max'],
    ...Object.fromEntries(timings.map((name) => [name, keysOf(muteTiming)])),
    ...Object.fromEntries(contacts.map((name) => [name, receiverKeys])),
  };
}
