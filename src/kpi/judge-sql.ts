/**
 * The status of a KPI in SQL: on_target, warning, critical or unknown, with the reason in words. Judged with the thresholds
 * that were in force at the end of each row, from metric_definitions. The one place where values meet thresholds.
 */
import type { Kpi } from '../model/kpi.js';
import { quote } from '../model/sql-literal.js';
import { unitAffixes } from '../model/value-text.js';
import { numberLiteral, quoteList } from './sql-text.js';

/** Thresholds in the KPI's unit, in force from a time on. */
export interface ThresholdVersion {
  fromMs: number;
  target: number | undefined;
  warning: number | undefined;
  critical: number | undefined;
}

/** The thresholds of metric_definitions at the time of a row, or known ones in the order of time. */
export type JudgedBy = 'in_force' | readonly ThresholdVersion[];

/** The one that was in force at a time: before all of them the first. */
export function versionAt(versions: readonly ThresholdVersion[], atMs: number): ThresholdVersion | undefined {
  return versions.findLast(({ fromMs }) => fromMs <= atMs) ?? versions[0];
}

/** Those that the Kpi itself has, whatever was in force. */
export function ownThresholds({ target, warning, critical }: Kpi): ThresholdVersion[] {
  return [{ fromMs: 0, target, warning, critical }];
}

/** What a source says, in SQL. One without points has nothing to say. */
export interface SourceColumns {
  /** In the KPI's unit, a Nullable(Float64). */
  value: string;
  samples: string;
  points: string;
  resets: string;
  /** Time of the newest point. */
  lastTime: string;
  /** Slots of the grid with any. */
  slots: string;
  /** Events of ratios of amounts and of uptime. */
  good: string;
  total: string;
}

/** Rows of (group, time) and what each source says of them. */
export interface Tried {
  sources: readonly SourceColumns[];
  /** Columns that the answer has too. */
  carried: readonly string[];
  /** What the sources refer to beside the columns of the rows: SQL AS name, in this order. */
  named: readonly string[];
  from: string;
}

/**
 * The ladder, for the first source that has any points. Beyond `critical` or `warning` (reaching it counts) is that; a target
 * that is missed is at least a warning, also where no warning was set or it is further out. A value nobody can stand behind
 * is unknown.
 *
 * Two SELECTs, three where there are sources to choose from: each one more costs milliseconds before anything is read.
 */
export function judgeSql(
  kpi: Kpi,
  { sources, carried, named, from }: Tried,
  isSteps: boolean,
  judgedBy: JudgedBy = 'in_force',
): string {
  const carry = carried.map((column) => `, ${column}`).join('');
  const isLower = kpi.direction === 'lower_is_better';
  const [reaches, misses] = isLower ? ['>=', '>'] : ['<=', '<'];
  const beyond = isLower ? 'above' : 'below';
  const end = isSteps ? 'least(time + step_s, to_time)' : 'to_time';
  const slots = 'greatest(1, ceil((to_s - from_s) / step_s))';
  const versionOf = `multiIf(empty(versions), (toInt64(0), NULL, NULL, NULL), versions[1].1 > judged_ms, versions[1], arrayLast(v -> v.1 <= judged_ms, versions))`;
  const isAlways = judgedBy !== 'in_force' && judgedBy.length <= 1;
  const isConstant = !isSteps && judgedBy === 'in_force';
  // Then in_force is a column.
  const isPerRow = !isAlways && !isConstant;
  const known = isAlways ? (judgedBy[0] ?? NO_THRESHOLDS) : undefined;
  const target = thresholdSql(known, 'target');
  const warning = thresholdSql(known, 'warning');
  const critical = thresholdSql(known, 'critical');
  // A value that is NULL, or a threshold, reaches nothing; what is not set is not asked for.
  const rungs = (
    [
      {
        of: 'critical',
        status: 'critical',
        is: `value ${reaches} ${critical}`,
        reason: `at or ${beyond} critical `,
      },
      {
        of: 'warning',
        status: 'warning',
        is: `value ${reaches} ${warning}`,
        reason: `at or ${beyond} warning `,
      },
      { of: 'target', status: 'warning', is: `value ${misses} ${target}`, reason: 'misses target ' },
    ] as const
  ).filter(({ of }) => known === undefined || known[of] !== undefined);
  const affixes = unitAffixes(kpi);
  const show = (of: ThresholdName) => {
    const number = known ? numberLiteral(known[of] ?? 0) : `ifNull(${thresholdSql(known, of)}, 0)`;
    const scaled = affixes.factor === 1 ? number : `${number} * ${numberLiteral(affixes.factor)}`;
    const text = `toString(round(${scaled}, 6))`;
    return affixes.suffix === '' ? text : `${text}, ${quote(affixes.suffix)}`;
  };
  const met = `concat(${quote(`meets target ${affixes.prefix}`)}, ${show('target')})`;
  const unmet = `'no threshold reached'`;
  const asked = `if(isNull(${target}), ${unmet}, ${met})`;
  const otherwise = known === undefined ? asked : known.target === undefined ? unmet : met;
  const judgedMs = `toInt64(toUnixTimestamp(${end})) * 1000`;
  const { said, rows } =
    sources.length === 1
      ? sayOne(sources[0]!, kpi, named, from)
      : sayFirst(sources, kpi, named, from, `group${carry}${isSteps ? ', time' : ''}`);
  const thresholds = isPerRow
    ? `,
    ${versionsSql(kpi, judgedBy)} AS versions`
    : isConstant
      ? `,
    ${inForceSql(kpi)} AS in_force`
      : '';
  const doubts = isSteps
    ? ''
    : `completeness < ${numberLiteral(kpi.completenessMin)}, concat('only ', toString(round(100 * completeness)), ' % of the window is measured'),
            age_s > ${numberLiteral(kpi.staleAfterS)}, concat('nothing new for ', toString(round(age_s)), ' s'),`;
  return `${thresholds}
SELECT
    time,
    group,
    value,
    multiIf(doubt != '', 'unknown', ${rungs.map(({ is, status }) => `${is}, '${status}', `).join('')}'on_target') AS status,
    multiIf(
        doubt != '', doubt,
        ${rungs.map(({ is, reason, of }) => `${is}, concat(${quote(`${reason}${affixes.prefix}`)}, ${show(of)}),\n        `).join('')}${otherwise}) AS reason,
    source,
    samples,
    completeness,
    age_s,
    resets,
    points,
    ${target} AS target,
    ${warning} AS warning,
    ${critical} AS critical,
    good,
    total${carry}
FROM
(
    SELECT
        ${isSteps ? 'time' : 'from_time AS time'},
        group${carry},
        ${said.join(',\n        ')},${
          isPerRow
            ? `
        ${judgedMs} AS judged_ms,
        ${versionOf} AS in_force,`
            : ''
        }
        if(isFinite(found), found, NULL) AS value,
        ${isSteps ? '1.' : `least(1., slots / ${slots})`} AS completeness,
        if(points = 0, NULL, toUnixTimestamp64Milli(toDateTime64(${end}, 3, 'UTC')) - toUnixTimestamp64Milli(toDateTime64(newest, 3, 'UTC'))) / 1000 AS age_s,
        multiIf(
            points = 0, 'no data',
            isNull(value), 'no value can be made of the data',
            samples < ${numberLiteral(kpi.samplesMin)}, concat('too few samples: ', toString(round(samples)), ' of ${kpi.samplesMin}'),
            ${doubts}
            '') AS doubt
    FROM (${rows})${sources.length === 1 ? '' : keepOneOfService(kpi, isSteps)}
)`;
}

/**
 * A fallback sees the same events as the sources above it, in groups that may have other labels: groups that it gives are left out
 * where another source gives any of the same service. '' where there is no fallback, or no label that says the service.
 */
function keepOneOfService({ sources, groupBy }: Kpi, isSteps: boolean): string {
  const fallbacks = sources.flatMap(({ isFallback }, i) => (isFallback ? [i + 1] : []));
  const label = groupBy.findIndex(({ attributes }) => attributes.length === 1 && attributes[0] === 'service');
  if (fallbacks.length === 0 || label < 0) return '';
  const service = `empty(group), group[${label + 1}]${isSteps ? ', time' : ''}`;
  return `
    QUALIFY NOT has([${fallbacks.join(', ')}], place) OR place = minIf(place, place > 0) OVER (PARTITION BY ${service})`;
}

/** Names that the judge has for what a source says. */
const SAID: readonly (readonly [name: string, column: keyof SourceColumns])[] = [
  ['found', 'value'],
  ['samples', 'samples'],
  ['points', 'points'],
  ['resets', 'resets'],
  ['newest', 'lastTime'],
  ['slots', 'slots'],
  ['good', 'good'],
  ['total', 'total'],
];

/** SQL AS name of `SAID` and source, and the rows that they are columns of. */
interface Said {
  said: string[];
  rows: string;
}

/** One alone needs no search. */
function sayOne(s: SourceColumns, { sources }: Kpi, named: readonly string[], from: string): Said {
  const source = `if(points = 0, '', ${quote(sources[0]!.name)}) AS source`;
  return { said: [...named, ...SAID.map(([name, column]) => `${s[column]} AS ${name}`), source], rows: from };
}

/** Of several the first that has any points. `kept`: columns of `from` that the rows have too. */
function sayFirst(
  all: readonly SourceColumns[],
  { sources }: Kpi,
  named: readonly string[],
  from: string,
  kept: string,
): Said {
  const tuples = all.map((s) => `(${SAID.map(([, column]) => s[column]).join(', ')})`);
  const source = `if(points = 0, '', ${quoteList(sources.map(({ name }) => name))}[place]) AS source`;
  return {
    said: [...SAID.map(([name], i) => `best.${i + 1} AS ${name}`), source],
    rows: `
    SELECT
        ${[kept, ...named].join(',\n        ')},
        [${tuples.join(',\n            ')}] AS tried,
        arrayFirstIndex(t -> t.${SAID.findIndex(([name]) => name === 'points') + 1} > 0, tried) AS place,
        tried[greatest(place, 1)] AS best
    FROM (${from})`,
  };
}

const NO_THRESHOLDS: ThresholdVersion = {
  fromMs: 0,
  target: undefined,
  warning: undefined,
  critical: undefined,
};

type ThresholdName = 'target' | 'warning' | 'critical';

/** A threshold as a Nullable(Float64): a known one, or that of in_force. */
function thresholdSql(known: ThresholdVersion | undefined, which: ThresholdName): string {
  if (known === undefined) return `in_force.${{ target: 2, warning: 3, critical: 4 }[which]}`;
  const value = known[which];
  return value === undefined
    ? `CAST(NULL, 'Nullable(Float64)')`
    : `CAST(${numberLiteral(value)}, 'Nullable(Float64)')`;
}

/** That in force at the end, before all of them the first. A scalar subquery is worked out once, and a constant from there on. */
function inForceSql(kpi: Kpi): string {
  return `
    (
        SELECT argMax(
            (toUnixTimestamp64Milli(valid_from) AS from_ms, target_value, warning_threshold, critical_threshold),
            (from_ms <= 1000 * to_s AS is_past, if(is_past, from_ms, -from_ms)))
        FROM metric_definitions FINAL
        WHERE metric_name = ${quote(kpi.name)}
    )`;
}

const VERSION_TYPE = 'Tuple(Int64, Nullable(Float64), Nullable(Float64), Nullable(Float64))';

function versionLiteral(version: ThresholdVersion | undefined): string {
  const literal = (value: number | undefined) => (value === undefined ? 'NULL' : numberLiteral(value));
  const { fromMs = 0, target, warning, critical } = version ?? {};
  return `(${fromMs}, ${literal(target)}, ${literal(warning)}, ${literal(critical)})`;
}

/** All versions of the thresholds, (from, target, warning, critical) in the order of time. */
function versionsSql(kpi: Kpi, judgedBy: JudgedBy): string {
  if (judgedBy !== 'in_force')
    return `CAST([${judgedBy.map(versionLiteral).join(', ')}], 'Array(${VERSION_TYPE})')`;
  return `
    (
        SELECT arraySort(v -> v.1, groupArray((toUnixTimestamp64Milli(valid_from), target_value, warning_threshold, critical_threshold)))
        FROM metric_definitions FINAL
        WHERE metric_name = ${quote(kpi.name)}
    )`;
}
