/**
 * The views that readers use, made anew at every start: they hold no data, so there is nothing to migrate. A new one is
 * an entry of VIEWS.
 */
import type { ClickHouse } from '../../model/clickhouse.js';
import { NUMBER_INCREASE } from './number-increase.js';

const VIEWS: readonly string[] = [NUMBER_INCREASE];

/** Creates or replaces every view. Needs the tables of all migrations. */
export async function createViews(clickhouse: ClickHouse): Promise<void> {
  for (const statement of VIEWS) await clickhouse.command(statement);
}
