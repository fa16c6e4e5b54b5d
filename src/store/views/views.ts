/**
 * The views that readers use, made anew at every start: they hold no data, so there is nothing to migrate. A new one is
 * an entry of VIEWS.
 */
import type { ClickHouse } from '../../model/clickhouse.js';
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

const VIEWS: readonly string[] = [
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

/** Creates or replaces every view. Needs the tables of all migrations. */
export async function createViews(clickhouse: ClickHouse): Promise<void> {
  for (const statement of VIEWS) await clickhouse.command(statement);
}
