/**
 * The views that readers use, made anew at every start: they hold no data, so there is nothing to migrate. A new one is
 * an entry of VIEWS.
 */
import type { ClickHouse } from '../../model/clickhouse.js';
import { createView, viewMark } from '../../model/created-view.js';
import { RESOURCE_ACTIVITY, SERIES_ACTIVITY } from './activity.js';
import { EXPONENTIAL_HISTOGRAM_INCREASE } from './exponential-increase.js';
import { HISTOGRAM_INCREASE } from './histogram-increase.js';
import { HISTOGRAM_QUANTILES } from './histogram-quantiles.js';
import { METRIC_EXEMPLARS } from './metric-exemplars.js';
import { METRIC_FACTS } from './metric-facts.js';
import { NUMBER_INCREASE } from './number-increase.js';
import { NUMBER_QUANTILES } from './number-quantiles.js';
import { NUMBER_LAST, NUMBER_VALUES } from './number-values.js';
import { PERFORMANCE_METRICS, SERIES_OF_POINTS } from './series-of-points.js';
import { SUMMARY_INCREASE, SUMMARY_QUANTILES } from './summary-increase.js';

export const VIEWS: readonly string[] = [
  SERIES_ACTIVITY,
  RESOURCE_ACTIVITY,
  SERIES_OF_POINTS,
  PERFORMANCE_METRICS,
  NUMBER_INCREASE,
  NUMBER_VALUES,
  NUMBER_LAST,
  NUMBER_QUANTILES,
  METRIC_EXEMPLARS,
  METRIC_FACTS,
  HISTOGRAM_INCREASE,
  EXPONENTIAL_HISTOGRAM_INCREASE,
  SUMMARY_INCREASE,
  SUMMARY_QUANTILES,
  HISTOGRAM_QUANTILES,
];

const CREATE = /^\s*CREATE OR REPLACE VIEW (\w+) AS/;

/** Creates every view, or replaces it where its text is another. Needs the tables of all migrations. */
export async function createViews(clickhouse: ClickHouse): Promise<void> {
  const rows = await clickhouse.query<{ name: string; comment: string }>(
    "SELECT name, comment FROM system.tables WHERE database = {database:String} AND engine = 'View'",
    { params: { database: clickhouse.database } },
  );
  const known = new Map(rows.map(({ name, comment }) => [name, comment]));
  for (const statement of VIEWS) {
    // Making a view takes longer than reading what it says; one that is the same is left alone.
    const mark = viewMark(statement);
    const name = CREATE.exec(statement)![1]!;
    if (known.get(name) !== mark) await createView(clickhouse, statement, mark);
  }
}
