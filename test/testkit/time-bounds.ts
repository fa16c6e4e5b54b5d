/**
 * Finds bounds of DateTime64 columns that are no DateTime64, and parameters of times that name no zone
 * (docs/decisions/0018-time-bounds.md). Enters: SQL, or text that has SQL in it; leaves: what is wrong, in its own words.
 */

/** Columns that are DateTime64 wherever they are. */
const ALWAYS =
  'point_time|timestamp|start_time|first_time|last_time|ended_time|seen_at|observed_since|valid_from|checked_at|epoch';
/** What `time` is a DateTime64 of. A name that a parameter holds may be any table, but for those that rollups read. */
const TABLES_OF_POINTS =
  /^(?:\w+\.)?(?:\w*_points|exemplars|flagged_points|metric_exemplars|\{(?:table|finer|time):Identifier\}|\$\{(?:shape|database|table)\}\w*points)\b/;
/** Values that are a DateTime, a whole number, or a text. */
const WRONG = [
  String.raw`toDateTime\(`,
  String.raw`fromUnixTimestamp\(`,
  String.raw`toUnixTimestamp\w*\(`,
  String.raw`now\(`,
  String.raw`today\(`,
  String.raw`toStartOf\w+\(`,
  String.raw`\$__(?:from|to)Time\b(?!_ms)`,
  String.raw`\{\w+:(?:DateTime\b(?!64)|Date\b|U?Int\d+|String)[^}]*\}`,
  String.raw`\d+(?![\d.\w])`,
  String.raw`'\d{4}-`,
  'from_s\\b',
  'to_s\\b',
].join('|');
const COMPARED = new RegExp(
  String.raw`(?<![\w.])(?:\w+\.)?(${ALWAYS}|time)\s*(?:>=|<=|>|<|BETWEEN)\s*(?:${WRONG})`,
  'g',
);
const FROM = /\bFROM\s+(\(|[\w.${}:]+)/y;
const MACRO = /\$__timeFilter\(/g;
const WITHOUT_ZONE = /\{\w+:(?:Array\()?(?:DateTime(?:\(\s*\))?|DateTime64(?:\(\s*\d\s*\))?)\)?\}/g;

/** Nothing is wrong where this is empty. */
export function findWrongBounds(sql: string): string[] {
  const compared = [...sql.matchAll(COMPARED)].filter(({ 1: column, index }) => {
    return column !== 'time' || TABLES_OF_POINTS.test(tableAt(sql, index));
  });
  return [...compared, ...sql.matchAll(WITHOUT_ZONE), ...sql.matchAll(MACRO)].map(({ index }) =>
    sql.slice(Math.max(0, index - 60), index + 80).replaceAll(/\s+/g, ' '),
  );
}

/** What the SELECT around a position reads: brackets that are closed before it are passed over. */
function tableAt(sql: string, position: number): string {
  let depth = 0;
  for (let at = position; at >= 0; at--) {
    if (sql[at] === ')') depth++;
    if (sql[at] === '(') depth = Math.max(0, depth - 1);
    FROM.lastIndex = at;
    const table = depth === 0 && sql[at] === 'F' ? FROM.exec(sql)?.[1] : undefined;
    if (table !== undefined) return table;
  }
  return '';
}

const READ = /ReadFromMergeTree \((?:\w+\.)?(\w+)\)/;
const TABLE_WITH_NANOSECONDS = /_points$|^exemplars$/;
/** A bound that the engine holds as a whole number; those of DateTime64 are in quotes. */
const WHOLE_NUMBER = /\((?:time|point_time) in [[(](?:-Inf|'[^']*'|\d+), (?:\+Inf|'[^']*'|\d+)[\])]\)/g;

/** Conditions on times of points that the engine holds as whole numbers, in lines of EXPLAIN indexes = 1. */
export function findWholeNumbers(plan: readonly string[]): string[] {
  let table = '';
  return plan.flatMap((line) => {
    table = READ.exec(line)?.[1] ?? table;
    if (!TABLE_WITH_NANOSECONDS.test(table)) return [];
    const conditions = [...line.matchAll(WHOLE_NUMBER)].map(([condition]) => condition);
    return conditions
      .filter((condition) => /[[(, ]\d+[,\])]/.test(condition))
      .map((condition) => `${table}: ${condition}`);
  });
}
