/**
 * How long what is stored is kept: the words that the file, ClickHouse's TTLs, the plan of a change, the page's API and
 * the command share. Types and what follows from them alone.
 */

/** raw: points as they were sent. The others are exemplars and the three rollups. */
export const RESOLUTIONS = ['raw', 'exemplars', '1m', '1h', '1d'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** Whole days, or no end. */
export type Days = number | 'forever';

/** What one table keeps: every category for `default`, except those named. */
export interface KeepRules {
  default: Days;
  categories: Readonly<Record<string, Days>>;
}

export type RetentionPolicy = Readonly<Record<Resolution, KeepRules>>;

/** `category` is DEFAULT_CATEGORY where every category that is not named is meant. */
export interface RetentionChange {
  resolution: Resolution;
  category: string;
  from: Days;
  to: Days;
}

export const DEFAULT_CATEGORY = 'default';

/** Rows of one category in one table. Times are ISO 8601, of the rows themselves. */
export interface RowsOfCategory {
  table: string;
  resolution: Resolution;
  /** '' where nothing says what series they belong to. */
  category: string;
  rows: number;
  /** Their share of the bytes on disk. */
  bytes: number;
  oldest: string;
  newest: string;
}

/** A table as ClickHouse has it. */
export interface StoredTable {
  table: string;
  resolution: Resolution;
  /** Read from its TTL; undefined where the TTL was written by somebody else. */
  rules: KeepRules | undefined;
  /** The TTL in ClickHouse's words; '' where there is none. */
  ttl: string;
}

export interface RetentionReport {
  tables: StoredTable[];
  stored: (RowsOfCategory & { keep: Days })[];
  /** What the file would change. */
  changes: RetentionChange[];
}

export interface RetentionPlan {
  changes: RetentionChange[];
  /** Tables with a TTL that somebody else wrote and that would be replaced. */
  replacesForeign: string[];
  /** What would be deleted at once. */
  deletions: RowsOfCategory[];
  /** Which moment "too old" is judged at, milliseconds since the epoch. */
  plannedAtMs: number;
  /** Of exactly this plan: whoever sends it back has seen what is above. */
  confirmation: string;
}

/** Says yes to a plan that was shown. */
export type RetentionConsent = Pick<RetentionPlan, 'plannedAtMs' | 'confirmation'>;

/** What a server offers to whoever sits at its machine. */
export interface RetentionAccess {
  report(): Promise<RetentionReport>;
  plan(): Promise<RetentionPlan>;
  /** Throws UserError where the plan has changed since it was shown. */
  apply(consent: RetentionConsent): Promise<RetentionPlan>;
}

export function isLonger(a: Days, b: Days): boolean {
  return a !== b && (a === 'forever' || (b !== 'forever' && a > b));
}

export function longerOf(a: Days, b: Days): Days {
  return isLonger(a, b) ? a : b;
}

/** Rows of a series that nobody knows ('') are kept as long as any. */
export function keepOf(rules: KeepRules, category: string): Days {
  if (category === '') return Object.values(rules.categories).reduce(longerOf, rules.default);
  return Object.hasOwn(rules.categories, category) ? rules.categories[category]! : rules.default;
}

/** `default` first, then every category that either names. */
export function namesIn(...rules: readonly KeepRules[]): string[] {
  const named = new Set(rules.flatMap(({ categories }) => Object.keys(categories)));
  return [DEFAULT_CATEGORY, ...[...named].sort()];
}

/** The longer of both, category by category. */
export function longestRules(a: KeepRules, b: KeepRules): KeepRules {
  const [, ...named] = namesIn(a, b);
  return {
    default: longerOf(a.default, b.default),
    categories: Object.fromEntries(
      named.map((category) => [category, longerOf(keepOf(a, category), keepOf(b, category))]),
    ),
  };
}

export function describeDays(days: Days): string {
  return days === 'forever' ? days : `${days}d`;
}
