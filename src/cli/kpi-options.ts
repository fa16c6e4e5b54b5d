/** Options that `plumbline kpi` commands share. Enters: text; leaves: values, or what is wrong and how to write it. */
import { InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../demo/demo-options.js';
import { UserError } from '../model/errors.js';
import type { Kpi } from '../model/kpi.js';
import { suggestName } from '../model/nearest-name.js';
import { checkUrl } from './sql.js';

const MINUTE_MS = 60_000;
const YEARS_MS = 3_650 * 86_400_000;

export type GroupFilter = Readonly<Record<string, string>>;

export const jsonOption = () => new Option('--json', 'one JSON document instead of a table').default(false);
export const urlOption = () =>
  new Option(
    '--url <url>',
    'where to ask (default: the Plumbline on this machine, or CLICKHOUSE_URL)',
  ).argParser(checkUrl);
export const categoryOption = () =>
  new Option('--category <id>', 'KPIs of this category only, or of category/subcategory');
export const groupOption = () =>
  new Option('--group <label=value>', 'groups with this label only; may be repeated').argParser(addGroup);
export const atOption = () =>
  new Option('--at <time>', 'as it was then: 2025-03-01T12:00 (UTC), or 2h for two hours ago').argParser(
    parseTime,
  );

/** A duration in whole seconds. */
export function durationOption(flags: string, about: string, minMs = MINUTE_MS): Option {
  return new Option(flags, about).argParser((text) => {
    try {
      const durationMs = parseDurationMs(text, minMs, YEARS_MS);
      if (durationMs === 0) throw new Error('It must be longer than 0.');
      return Math.floor(durationMs / 1000);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  });
}

/** Seconds since the epoch, or how long before now. */
export type Time = { unixS: number } | { agoS: number };

/** @throws UserError where the time has not come yet. */
export function resolveTime(time: Time | undefined, nowUnixMs: number): number {
  const nowS = Math.floor(nowUnixMs / 1000);
  if (time === undefined) return nowS;
  if ('unixS' in time && time.unixS > nowS)
    throw new UserError(
      `--at ${showTime(time.unixS)} is in the future: it is ${showTime(nowS)} now, and nothing is known of later times`,
    );
  return 'unixS' in time ? time.unixS : nowS - time.agoS;
}

function showTime(unixS: number): string {
  return `${new Date(unixS * 1000).toISOString().slice(0, 19)}Z`;
}

function parseTime(text: string): Time {
  try {
    return { agoS: Math.floor(parseDurationMs(text, 0, YEARS_MS) / 1000) };
  } catch {
    // A date then.
  }
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim()) ?? [];
  const unixMs = Date.parse(`${date}T${time}${zone}`);
  if (Number.isNaN(unixMs))
    throw new InvalidArgumentError('Write a time such as 2025-03-01T12:00 (UTC), or 2h for two hours ago.');
  return { unixS: Math.floor(unixMs / 1000) };
}

function addGroup(text: string, groups: GroupFilter = {}): GroupFilter {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must look like label=value, for example service=checkout.');
  return { ...groups, [text.slice(0, at)]: text.slice(at + 1) };
}

/** KPIs that have all labels of the filter; an error where none has. */
export function withLabels(kpis: readonly Kpi[], filter: GroupFilter | undefined): Kpi[] {
  if (filter === undefined) return [...kpis];
  const labelsOf = ({ groupBy }: Kpi) => groupBy.map(({ label }) => label);
  const known = [...new Set(kpis.flatMap(labelsOf))].sort();
  for (const label of Object.keys(filter)) {
    if (known.includes(label)) continue;
    const there = known.length === 0 ? 'there are no groups here' : `labels are ${known.join(', ')}`;
    throw new UserError(`no KPI here is grouped by ${label}${suggestName(label, known)}: ${there}`);
  }
  const kept = kpis.filter((kpi) => Object.keys(filter).every((label) => labelsOf(kpi).includes(label)));
  if (kept.length === 0)
    throw new UserError(`no KPI is grouped by ${Object.keys(filter).join(' and ')} at once`);
  return kept;
}

export function matchesGroup(group: GroupFilter | undefined, filter: GroupFilter | undefined): boolean {
  if (filter === undefined) return true;
  return group !== undefined && Object.entries(filter).every(([label, value]) => group[label] === value);
}
