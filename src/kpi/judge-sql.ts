/**
 * The status of a KPI in SQL: on_target, warning, critical or unknown, with the reason in words. Judged with the thresholds
 * that were in force at the end of each row, from metric_definitions. The one place where values meet thresholds.
 */
import type { Kpi } from '../model/kpi.js';
import { numberLiteral, quote } from './sql-text.js';

/** The thresholds of metric_definitions at the time of a row, or those that the Kpi itself has. */
export type JudgedBy = 'in_force' | 'own';

/**
 * The ladder. Beyond `critical` or `warning` (reaching it counts) is that; a target that is missed is at least a warning,
 * also where no warning was set or it is further out. A value nobody can stand behind is unknown.
 */
export function judgeSql(
  kpi: Kpi,
  measured: string,
  isSteps: boolean,
  judgedBy: JudgedBy = 'in_force',
): string {
  const isLower = kpi.direction === 'lower_is_better';
  const [reaches, misses] = isLower ? ['>=', '>'] : ['<=', '<'];
  const missesWord = isLower ? 'above' : 'below';
  const show = (sql: string) => `toString(round(ifNull(${sql}, 0), 6))`;
  const versions =
    judgedBy === 'own'
      ? ownVersion(kpi)
      : `
    (
        SELECT arraySort(v -> v.1, groupArray((toUnixTimestamp64Milli(valid_from), target_value, warning_threshold, critical_threshold)))
        FROM metric_definitions FINAL
        WHERE metric_name = ${quote(kpi.name)}
    ) AS versions`;
  const inForce = `
    SELECT *, multiIf(empty(versions), (toInt64(0), NULL, NULL, NULL), versions[1].1 > judged_ms, versions[1], arrayLast(v -> v.1 <= judged_ms, versions)) AS in_force
    FROM (${measured})`;
  const doubted = `
    SELECT
        * EXCEPT (in_force, judged_ms),
        in_force.2 AS target,
        in_force.3 AS warning,
        in_force.4 AS critical,
        ifNull(value ${reaches} critical, false) AS is_critical,
        ifNull(value ${reaches} warning, false) AS is_warning,
        ifNull(value ${misses} target, false) AS is_missed,
        multiIf(
            place = 0, 'no data',
            isNull(value), 'no value can be made of the data',
            samples < ${numberLiteral(kpi.samplesMin)}, concat('too few samples: ', toString(round(samples)), ' of ${kpi.samplesMin}'),
            ${
              isSteps
                ? ''
                : `completeness < ${numberLiteral(kpi.completenessMin)}, concat('only ', toString(round(100 * completeness)), ' % of the window is measured'),
            age_s > ${numberLiteral(kpi.staleAfterS)}, concat('nothing new for ', toString(round(age_s)), ' s'),`
            }
            '') AS doubt
    FROM (${inForce})`;
  return `,${versions}
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
    samples,
    completeness,
    age_s,
    resets,
    points,
    target,
    warning,
    critical,
    good,
    total
FROM (${doubted})`;
}

function ownVersion({ target, warning, critical }: Kpi): string {
  const thresholds = [target, warning, critical].map((value) =>
    value === undefined ? 'NULL' : numberLiteral(value),
  );
  const type = 'Array(Tuple(Int64, Nullable(Float64), Nullable(Float64), Nullable(Float64)))';
  return `
    CAST([(0, ${thresholds.join(', ')})], '${type}') AS versions`;
}
