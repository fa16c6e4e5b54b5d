/**
 * What facts know of their series: under which row of `series` they are shown, their labels, and when their process was
 * first heard of. Enters: a FactsQuery; leaves: a SELECT that metric-facts.ts joins to rows of chains.
 */
import type { FactsQuery, ValidRange } from '../../model/facts.js';

/** What belongs to a valid range that is only looked for: columns that say for which series, in which unit. */
function probeLabels({ series, factor, offset }: ValidRange): { name: string; sql: string }[] {
  return [
    { name: 'is_ranged', sql: series },
    { name: 'range_factor', sql: factor },
    { name: 'range_offset', sql: offset },
  ];
}

/**
 * (id, shown_series_id, observed_since, labels) of the metrics' series; shown_series_id only where any may be folded,
 * observed_since only where chains need it. `own`: SELECT of the ids of those that are not.
 */
export function describedSeries(
  { metrics, labels: wanted = [], where = 'true', hasFolded = true }: FactsQuery,
  own: string,
  { isChained, probed }: { isChained: boolean; probed: ValidRange | undefined },
): string {
  const labels = probed === undefined ? wanted : [...wanted, ...probeLabels(probed)];
  const select = labels.map(({ name, sql }) => `, ${sql} AS ${name}`).join('');
  const names = labels.map(({ name }) => `, ${name}`).join('');
  const resource = isChained ? ', resource_id' : '';
  const ownOnly = `SELECT series_id AS id${resource}${select} FROM series WHERE metric_name IN ${metrics} AND ${where}`;
  // A folded series is described by its overflow series; what is in both tables describes itself.
  const withFolded = `
                SELECT ids.id AS id, s.series_id AS shown_series_id${resource}${select}
                FROM series AS s
                INNER JOIN
                (
                    SELECT series_id AS id, series_id AS shown FROM series WHERE metric_name IN ${metrics}
                    UNION ALL
                    SELECT series_id AS id, overflow_series_id AS shown FROM folded_series FINAL
                    WHERE overflow_series_id IN (${own}) AND series_id NOT IN (${own})
                ) AS ids ON ids.shown = s.series_id
                WHERE metric_name IN ${metrics} AND ${where}`;
  const from = hasFolded ? withFolded : ownOnly;
  if (!isChained) return from;
  const shown = hasFolded ? ', shown_series_id' : '';
  return `
            SELECT id${shown}, r.observed_since AS observed_since${names}
            FROM (${from}) AS s
            LEFT JOIN (SELECT resource_id, min(first_time) AS observed_since FROM resource_activity_states GROUP BY resource_id) AS r
                ON s.resource_id = r.resource_id`;
}
