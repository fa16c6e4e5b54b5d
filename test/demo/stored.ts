/**
 * Sums up what a server stored of one run of the demo, by SQL alone. Enters a server and the id of the run; leaves, per
 * series, what compare-truth.ts compares. Restarts of a program (other start times) add up.
 */
import type { Attributes } from '@opentelemetry/api';
import { describeSeries } from '../../src/demo/ground-truth.js';
import { querySql } from '../testkit/server.js';
import type { Totals } from './compare-truth.js';

interface Row {
  metric_name: string;
  attributes: Record<string, string>;
  attribute_types: Record<string, string>;
  value: number;
  count: number;
  sum: number;
}

export async function readStored(server: { sql: string }, instanceId: string): Promise<Map<string, Totals>> {
  const rows = await querySql<Row>(server, buildQuery(instanceId));
  return new Map(
    rows.map(({ metric_name, attributes, attribute_types, value, count, sum }) => [
      describeSeries(metric_name, readAttributes(attributes, attribute_types)),
      { value: Number(value), count: Number(count), sum: Number(sum) },
    ]),
  );
}

function buildQuery(instanceId: string): string {
  return `
    SELECT metric_name, attributes, attribute_types, t.value AS value, t.count AS count, t.sum AS sum
    FROM
    (
      SELECT series_id, sum(epoch_value) AS value, sum(epoch_count) AS count, sum(epoch_sum) AS sum
      FROM
      (
        SELECT series_id, if(kind = 'gauge', toDateTime64(0, 9, 'UTC'), start_time) AS epoch,
            argMax(value, time) AS epoch_value, 0 AS epoch_count, 0. AS epoch_sum
        FROM number_points FINAL GROUP BY series_id, epoch
        UNION ALL
        ${selectHistograms('histogram_points')}
        UNION ALL
        ${selectHistograms('exponential_histogram_points')}
      ) AS epochs
      GROUP BY series_id
    ) AS t
    INNER JOIN (SELECT * FROM series FINAL) AS s USING (series_id)
    WHERE endsWith(s.resource_attributes['service.instance.id'], '${instanceId}')`;
}

/** The newest point of each start time: delta points have a start time each. */
function selectHistograms(table: string): string {
  return `SELECT series_id, start_time AS epoch, 0. AS epoch_value, argMax(count, time) AS epoch_count,
            argMax(ifNull(sum, 0), time) AS epoch_sum
        FROM ${table} FINAL GROUP BY series_id, start_time`;
}

function readAttributes(values: Record<string, string>, types: Record<string, string>): Attributes {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      if (types[key] === 'bool') return [key, value === 'true'];
      return [key, types[key] === 'int' || types[key] === 'double' ? Number(value) : value];
    }),
  );
}
