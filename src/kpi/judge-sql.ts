/**
 * The status of a KPI in SQL: on_target, warning, critical or unknown, with the reason in words. Judged with the thresholds
 * that were in force at the end of each row, from metric_definitions. The one place where values meet thresholds.
 */
import type { Kpi } from '../model/kpi.js';
import { quote } from '../model/sql-literal.js';
import { numberLiteral, quoteList } from './sql-text.js';

/** The thresholds of metric_definitions at the time of a row, or those that the Kpi itself has. */
export type JudgedBy = 'in_force' | 'own';

/** Rows of (group, time) and what each source says of them. */
export interface Tried {
  /**
   * SQL of an array with a tuple for each source: value, samples, points, resets, time of the newest point, measured slots,
   * good and total. A source without points has nothing to say.
   */
  tried: string;
  from: string;
}

/**
 * The ladder, for the first source that has any points. Beyond `critical` or `warning` (reaching it counts) is that; a target
 * that is missed is at least a warning, also where no warning was set or it is further out. A value nobody can stand behind
 * is unknown.
 *
 * Two SELECTs: in the inner one what is needed more than once gets a name, because the engine repeats an expression for
 * each use of its alias; each SELECT more costs milliseconds before anything is read.
 */
export function judgeSql(
  kpi: Kpi,
  { tried, from }: Tried,
  isSteps: boolean,
  judgedBy: JudgedBy = 'in_force',
): string {
  const isLower = kpi.direction === 'lower_is_better';
  const [reaches, misses] = isLower ? ['>=', '>'] : ['<=', '<'];
  const missesWord = isLower ? 'above' : 'below';
  const show = (sql: string) => `toString(round(ifNull(${sql}, 0), 6))`;
  const end = isSteps ? 'least(time + step_s, to_time)' : 'to_time';
  const slots = 'greatest(1, ceil((to_s - from_s) / step_s))';
  const inForce = `
        toInt64(toUnixTimestamp(${end})) * 1000 AS judged_ms,
        multiIf(empty(versions), (toInt64(0), NULL, NULL, NULL), versions[1].1 > judged_ms, versions[1], arrayLast(v -> v.1 <= judged_ms, versions)) AS in_force`;
  const best = `
    SELECT
        ${isSteps ? 'time' : 'from_time AS time'},
        group,
        ${tried} AS tried,
        arrayFirstIndex(t -> t.3 > 0, tried) AS place,
        tried[greatest(place, 1)] AS best,${inForce}
    FROM (${from})`;
  const doubts = isSteps
    ? ''
    : `completeness < ${numberLiteral(kpi.completenessMin)}, concat('only ', toString(round(100 * completeness)), ' % of the window is measured'),
            age_s > ${numberLiteral(kpi.staleAfterS)}, concat('nothing new for ', toString(round(age_s)), ' s'),`;
  return `,${versionsSql(kpi, judgedBy)}
SELECT
    time,
    group,
    value,
    multiIf(doubt != '', 'unknown', is_critical, 'critical', is_warning OR is_missed, 'warning', 'on_target') AS status,
    multiIf(
        doubt != '', doubt,
        is_critical, concat('at or ${missesWord} critical ', ${show('critical')}),
        is_warning, concat('at or ${missesWord} warning ', ${show('warning')}),
        is_missed, concat('misses target ', ${show('target')}),
        isNull(target), 'no threshold reached',
        concat('meets target ', ${show('target')})) AS reason,
    source,
    best.2 AS samples,
    completeness,
    age_s,
    best.4 AS resets,
    best.3 AS points,
    in_force.2 AS target,
    in_force.3 AS warning,
    in_force.4 AS critical,
    best.7 AS good,
    best.8 AS total
FROM
(
    SELECT
        time, group, best, in_force,
        if(isFinite(best.1), best.1, NULL) AS value,
        if(place = 0, '', ${quoteList(kpi.sources.map(({ name }) => name))}[place]) AS source,
        ${isSteps ? '1.' : `least(1., best.6 / ${slots})`} AS completeness,
        if(place = 0, NULL, toUnixTimestamp64Milli(toDateTime64(${end}, 3, 'UTC')) - toUnixTimestamp64Milli(toDateTime64(best.5, 3, 'UTC'))) / 1000 AS age_s,
        ifNull(value ${reaches} in_force.4, false) AS is_critical,
        ifNull(value ${reaches} in_force.3, false) AS is_warning,
        ifNull(value ${misses} in_force.2, false) AS is_missed,
        multiIf(
            place = 0, 'no data',
            isNull(value), 'no value can be made of the data',
            best.2 < ${numberLiteral(kpi.samplesMin)}, concat('too few samples: ', toString(round(best.2)), ' of ${kpi.samplesMin}'),
            ${doubts}
            '') AS doubt
    FROM (${best})
)`;
}

function versionsSql(kpi: Kpi, judgedBy: JudgedBy): string {
  if (judgedBy === 'own') {
    const thresholds = [kpi.target, kpi.warning, kpi.critical].map((value) =>
      value === undefined ? 'NULL' : numberLiteral(value),
    );
    const type = 'Array(Tuple(Int64, Nullable(Float64), Nullable(Float64), Nullable(Float64)))';
    return `
    CAST([(0, ${thresholds.join(', ')})], '${type}') AS versions`;
  }
  return `
    (
        SELECT arraySort(v -> v.1, groupArray((toUnixTimestamp64Milli(valid_from), target_value, warning_threshold, critical_threshold)))
        FROM metric_definitions FINAL
        WHERE metric_name = ${quote(kpi.name)}
    ) AS versions`;
}
