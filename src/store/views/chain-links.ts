/**
 * Which row of a series a row goes on from, and whether the first row of a stream counts from zero: the rules 2 to 4 of
 * docs/increase.md, in one place for all views. Enters: names of columns; leaves: SQL.
 *
 * Rows that share a start time form a stream, so that two senders of one series are never resets of each other. A row whose
 * start was lost, or whose start is the time of the row before, goes on from the latest row of the series instead.
 */

const ZERO = `toDateTime64(0, 9, 'UTC')`;

/** Of the rows with the same start: `chain`; of all rows of the series: `line`. Needs `series_id`, `epoch`, `first_time`. */
export const LINK_WINDOWS = `chain AS (PARTITION BY series_id, epoch ORDER BY first_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
        line AS (PARTITION BY series_id ORDER BY first_time, epoch ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)`;

/** When the series was first seen, as far as its rows are read. */
export const SERIES_SINCE = 'min(first_time) OVER (PARTITION BY series_id) AS series_since';

/** Names of what is known of an earlier row: whether there is one, the time of its last point, its start. */
export interface EarlierRow {
  exists: string;
  time: string;
  epoch: string;
}

/**
 * Whether a row goes on from the latest row of its series rather than from that with the same start. `isNotBelow`: its first
 * value is not below the last of `latest`.
 *
 * - Without a start it does.
 * - After a row without a start it does where that came after the last row with its own start, or where its start is
 *   not later than that row: the start was lost for a while, or appeared.
 * - Where its start is exactly the time of the latest row: a sender that gives each point the time of the one before.
 */
export function followsLatest(same: EarlierRow, latest: EarlierRow, isNotBelow: string): string {
  return `${latest.exists} AND (epoch = ${ZERO}
            OR ${latest.epoch} = ${ZERO} AND if(${same.exists}, ${latest.time} >= ${same.time}, epoch <= ${latest.time} AND ${isNotBelow})
            OR NOT ${same.exists} AND epoch = ${latest.time} AND ${isNotBelow})`;
}

/** Since when anything of this database is known; 0 as long as nothing was rolled up. A WITH element. */
export const DATABASE_SINCE = '(SELECT min(first_time) FROM resource_activity_states) AS database_since';

/** Of the process: by what was rolled up, or else by the series itself. */
const PROCESS_SINCE = `if(observed_since > ${ZERO}, least(observed_since, series_since), series_since)`;

/**
 * Whether the first point of a stream counts from zero. Needs `epoch`, `first_time`, `series_since`, `database_since` and
 * `observed_since`, when the process was first seen.
 *
 * A start that is 0 or the very time of the point is unknown (OTLP metrics data model, "Unknown start time"). A process that
 * ran long before its first point arrived sends totals of that time, which would all fall into one step: the series that
 * arrive within a minute of that first point begin with a baseline. A series that comes up later is new, and counts in
 * full although SDKs give it the start of the process.
 */
export const IS_START_KNOWN = `(epoch > ${ZERO} AND epoch < first_time AND NOT (
            series_since <= ${PROCESS_SINCE} + INTERVAL 1 MINUTE
            AND epoch < ${PROCESS_SINCE} - if(database_since = ${ZERO} OR epoch < database_since, toIntervalSecond(300), toIntervalSecond(86400))))`;
