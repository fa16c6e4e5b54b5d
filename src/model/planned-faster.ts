/**
 * Settings that only save time, for statements of many layers: SQL that ends with them is planned a fifth to a third faster.
 * Inside of a view they hold for everybody who reads it, also for those who may set nothing.
 */
import { ClickHouseError } from './clickhouse.js';

/**
 * The engine would look for what follows from chains of comparisons and for keys of groups that it can do without, at every
 * layer again, which takes it longer than what it finds saves. It would also make machine code of what it is asked for the
 * fourth time, which takes that question a tenth to half of a second longer and the others no less.
 */
export const PLANNED_FASTER = `
SETTINGS optimize_and_compare_chain = 0, optimize_group_by_function_keys = 0, optimize_aggregators_of_group_by_keys = 0,
compile_expressions = 0, compile_aggregate_expressions = 0, compile_sort_description = 0`;

/** READONLY (a user who may set nothing), UNKNOWN_SETTING, SETTING_CONSTRAINT_VIOLATION. */
const CANNOT_SET = new Set([164, 115, 452]);

/** `run` with the settings; where they may not be set with '', as the answer does not depend on them. */
export async function planFaster<T>(run: (settings: string) => Promise<T>): Promise<T> {
  try {
    return await run(PLANNED_FASTER);
  } catch (error) {
    if (!(error instanceof ClickHouseError && CANNOT_SET.has(error.code))) throw error;
    return await run('');
  }
}
