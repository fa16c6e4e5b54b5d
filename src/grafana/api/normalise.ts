/**
 * What is the same to people, in one spelling: Grafana adds ids, versions and defaults, and writes durations, months and policies
 * its own way. Enters: a thing as rendered or as Grafana answers it; leaves: what of it can be compared. It changes nothing there.
 */
import { parseSeconds } from './durations.js';
import type { ApiContactPoint, ApiDashboard, ApiNamed, ApiPolicy, ApiRule } from './resources.js';

type Json = Record<string, unknown>;

/** `folderUid` counts: a dashboard that was moved is not where links look for it. */
export function normaliseDashboard({ folderUid, model }: Pick<ApiDashboard, 'folderUid' | 'model'>): Json {
  const { id, version, iteration, schemaVersion, ...rest } = model;
  const { annotations, templating } = rest as {
    annotations?: { list?: Json[] };
    templating?: { list?: Json[] };
  };
  return {
    ...(withoutKeys(rest, ['pluginVersion']) as Json),
    folderUid,
    // Grafana's own annotations come with the first save in its page.
    annotations: { list: (annotations?.list ?? []).filter(({ builtIn }) => builtIn !== 1) },
    // What was chosen last is no part of what was built.
    templating: { list: (templating?.list ?? []).map(({ current, options, ...variable }) => variable) },
  };
}

export function normaliseRule(rule: ApiRule): Json {
  const { id, orgID, updated, provenance, guid, version, ...rest } = rule;
  return {
    ...rest,
    for: toSeconds(rest.for),
    keep_firing_for: toSeconds(rest.keep_firing_for),
    data: rule.data.map(({ model, ...query }) => ({
      ...query,
      model: withoutKeys(model, ['pluginVersion']),
    })),
  };
}

/** `unknown`: settings that cannot be compared. */
export function normaliseContactPoint(
  { provenance, version, settings, ...point }: ApiContactPoint,
  unknown: readonly string[],
): Json {
  const known = Object.entries(settings).filter(([key]) => !unknown.includes(key));
  return { ...point, settings: Object.fromEntries(known) };
}

export function normaliseTemplate({ name, template }: ApiNamed): Json {
  return { name, template: String(template).trim() };
}

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
].concat(['november', 'december']);

export function normaliseMuteTiming({ name, time_intervals }: ApiNamed): Json {
  const intervals = (time_intervals ?? []) as Json[];
  return {
    name,
    time_intervals: intervals.map((interval) => ({
      ...interval,
      ...(Array.isArray(interval.months) && { months: interval.months.map(numberMonths) }),
    })),
  };
}

/** `january:march` and `1:3` are the same. */
function numberMonths(months: unknown): string {
  return String(months)
    .toLowerCase()
    .split(':')
    .map((month) => (MONTHS.includes(month) ? String(MONTHS.indexOf(month) + 1) : month))
    .join(':');
}

export function normalisePolicy(policy: ApiPolicy): Json {
  const { provenance, version, routes, ...rest } = policy;
  return {
    ...rest,
    object_matchers: (policy.object_matchers ?? []).map((matcher) => matcher.join(' ')).sort(),
    ...Object.fromEntries(
      ['group_wait', 'group_interval', 'repeat_interval'].map((name) => [name, toSeconds(rest[name])]),
    ),
    routes: (routes ?? []).map(normalisePolicy),
  };
}

/** Of a duration that cannot be read the text says whether it changed. */
function toSeconds(duration: unknown): unknown {
  if (typeof duration !== 'string') return duration;
  const seconds = parseSeconds(duration);
  return Number.isNaN(seconds) ? duration : seconds;
}

function withoutKeys(value: unknown, keys: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutKeys(item, keys));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !keys.includes(key))
      .map(([key, item]) => [key, withoutKeys(item, keys)]),
  );
}
