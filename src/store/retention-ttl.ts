/**
 * Rules of retention ↔ the TTL of a table, as text. Enters: rules; leaves: the clause that ClickHouse enforces and the
 * condition of what is too old, both made of the same expressions. And back: what a table's TTL says. Runs no statements.
 */
import {
  type Days,
  isLonger,
  type KeepRules,
  keepOf,
  longerOf,
  type Resolution,
} from '../model/retention.js';
import { quote } from '../model/sql-literal.js';
import { SHAPES } from './rollup-marks.js';
import { quoteIdentifier } from './session-settings.js';

export interface RetainedTable {
  table: string;
  resolution: Resolution;
  /** Column with the time of a row. */
  time: string;
  /** When a row is too old, in seconds after the moment that this SQL gives. */
  agesFrom: string;
  /** When a row was written: late ones stay long enough to be rolled up. */
  writtenAt: string;
}

const DAY_S = 86_400;
/** Rows that come when their time is over already stay this long: rollups read them within seconds. */
const LATE_DAYS = 2;

/** Of rows that come in: gone in whole days, as they are partitioned. */
const incoming = (time: string) => ({
  time,
  agesFrom: `toStartOfDay(${time}, 'UTC')`,
  writtenAt: 'received_at',
});
/** Of rollups: gone in whole months. */
const ROLLED_UP = {
  time: 'time',
  agesFrom: "toDateTime(toLastDayOfMonth(time), 'UTC')",
  writtenAt: 'rolled_at',
};

/** Finest first. Rows of a partition grow too old all at once, so that parts are dropped and not written anew for a few rows. */
export const RETAINED_TABLES: readonly RetainedTable[] = [
  ...SHAPES.map((shape) => ({
    table: `${shape}_points`,
    resolution: 'raw' as const,
    ...incoming('time'),
  })),
  // Not partitioned: parts are rewritten, once a day (docs/decisions/0019-exemplars.md).
  { table: 'exemplars', resolution: 'exemplars', ...incoming('point_time') },
  ...(['1m', '1h', '1d'] as const).flatMap((resolution) =>
    SHAPES.map((shape) => ({ table: `${shape}_${resolution}`, resolution, ...ROLLED_UP })),
  ),
];

/** The TTL clause of a table; '' where everything is kept for ever. */
export function buildTtl(table: RetainedTable, rules: KeepRules, database: string): string {
  return listLimits(rules)
    .map(({ days, category }) => {
      const expiry = buildExpiry(table, days);
      return category === undefined ? expiry : `${expiry} DELETE WHERE ${ofCategory(category, database)}`;
    })
    .join(', ');
}

/** The condition of rows that are too old at {now:DateTime64(9, 'UTC')}; undefined where none ever is. */
export function buildExpired(table: RetainedTable, rules: KeepRules, database: string): string | undefined {
  const limits = listLimits(rules);
  if (limits.length === 0) return undefined;
  const shortest = Math.min(...limits.map(({ days }) => days));
  const conditions = limits.map(({ days, category }) => {
    const isOld = `${buildExpiry(table, days)} <= {now:DateTime64(9, 'UTC')}`;
    return category === undefined ? `(${isOld})` : `(${isOld} AND (${ofCategory(category, database)}))`;
  });
  // Follows from what comes behind it, and lets whole partitions be passed over.
  const isPast = `${table.time} < {now:DateTime64(9, 'UTC')} - INTERVAL ${shortest} DAY`;
  return `${isPast} AND (${conditions.join(' OR ')})`;
}

function buildExpiry({ agesFrom, writtenAt }: RetainedTable, days: number): string {
  return `greatest(${agesFrom} + ${days + 1} * ${DAY_S}, ${writtenAt} + ${LATE_DAYS} * ${DAY_S})`;
}

/** One limit of a table: for every row (`category` undefined), or where `category` holds. */
interface Limit {
  days: number;
  /** Condition on a column `category`. */
  category: string | undefined;
}

/** The longest limit holds for every row, so that one whose series nobody knows is kept as long as any. */
function listLimits(rules: KeepRules): Limit[] {
  const exceptions = Object.entries(rules.categories).filter(([, days]) => days !== rules.default);
  const every = [rules.default, ...exceptions.map(([, days]) => days)];
  const longest = every.reduce(longerOf);
  const limits: Limit[] = longest === 'forever' ? [] : [{ days: longest, category: undefined }];
  const shorter = [...new Set(every)].filter((days) => days !== 'forever' && days !== longest);
  for (const days of shorter.sort((a, b) => (isLonger(a, b) ? -1 : 1)) as number[]) {
    const isDefault = days === rules.default;
    const names = exceptions.filter((exception) => isDefault || exception[1] === days).map(([name]) => name);
    const list = names.sort().map(quote).join(', ');
    limits.push({ days, category: `category ${isDefault ? 'NOT ' : ''}IN (${list})` });
  }
  return limits;
}

/** Series of a category, and those that are folded into one of them (docs/decisions/0011-cardinality.md). */
function ofCategory(category: string, database: string): string {
  const series = `${quoteIdentifier(database)}.series`;
  const folded = `${quoteIdentifier(database)}.folded_series`;
  const own = `SELECT series_id FROM ${series} FINAL WHERE ${category}`;
  return (
    `series_id IN (${own}) OR series_id IN (SELECT series_id FROM ${folded} ` +
    `WHERE overflow_series_id IN (${own}) AND series_id NOT IN (SELECT series_id FROM ${series}))`
  );
}

/** The TTL in the CREATE statement that ClickHouse shows; '' where there is none. */
export function findTtl(createStatement: string): string {
  return / ORDER BY .*? TTL (.*?)(?: SETTINGS [^']*)?(?: COMMENT '.*)?$/s.exec(createStatement)?.[1] ?? '';
}

/** What a TTL of ours says; undefined where it is not one of ours. */
export function parseTtl(table: RetainedTable, ttl: string, database: string): KeepRules | undefined {
  const [before, after] = strip(buildExpiry(table, -1)).split('0*', 2).map(escapeRegExp);
  const series = `WHEREseries_idINSELECTseries_idFROM[^']+?category(NOT)?IN((?:${TEXT},?)+)`;
  const limit = new RegExp(`${before}(\\d+)\\*${after}(?:${series})?`, 'g');
  const limits = [...strip(ttl).matchAll(limit)].map(([, days, not, list]) => ({
    days: Number(days) - 1,
    isExcept: not !== undefined,
    names: list?.match(new RegExp(TEXT, 'g'))?.map(readText),
  }));
  const keep = (category: string) =>
    limits
      .filter(({ names, isExcept }) => names === undefined || names.includes(category) !== isExcept)
      .reduce<Days>((shortest, { days }) => (isLonger(shortest, days) ? days : shortest), 'forever');
  const named = [...new Set(limits.flatMap(({ names }) => names ?? []))].sort();
  const exceptions = named.map((name) => [name, keep(name)] as const).filter(([, days]) => days !== keep(''));
  const read: KeepRules = { default: keep(''), categories: Object.fromEntries(exceptions) };
  return strip(buildTtl(table, read, database)) === strip(ttl) ? read : undefined;
}

/** A text in quotes. */
const TEXT = "'(?:[^'\\\\]|\\\\.)*'";

function readText(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
}

/** ClickHouse adds brackets and takes away what goes without saying. */
function strip(sql: string): string {
  return sql.replaceAll(
    new RegExp(`(${TEXT})|[\\s()\`]|\\bDELETE\\b`, 'g'),
    (_, text?: string) => text ?? '',
  );
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Whether both keep the same, whatever they name. */
export function isSame(a: KeepRules, b: KeepRules): boolean {
  const names = [...Object.keys(a.categories), ...Object.keys(b.categories)];
  return a.default === b.default && names.every((name) => keepOf(a, name) === keepOf(b, name));
}
