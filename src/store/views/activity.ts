/**
 * Since when, and until when, something was heard of a series or of a process: one row each, with plain times. The tables behind
 * them hold states that are merged, of types that some clients cannot read.
 */

export const SERIES_ACTIVITY = `
CREATE OR REPLACE VIEW series_activity AS
SELECT
    series_id,
    CAST(min(s.first_time) AS DateTime64(9, 'UTC')) AS first_time,
    CAST(max(s.last_time) AS DateTime64(9, 'UTC')) AS last_time
FROM series_activity_states AS s
GROUP BY series_id`;

export const RESOURCE_ACTIVITY = `
CREATE OR REPLACE VIEW resource_activity AS
SELECT resource_id, CAST(min(s.first_time) AS DateTime64(9, 'UTC')) AS first_time
FROM resource_activity_states AS s
GROUP BY resource_id`;
