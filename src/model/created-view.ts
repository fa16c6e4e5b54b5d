/** Views of ours in ClickHouse: made with the settings that plan them faster, and marked, so that the same is not made again. */
import { createHash } from 'node:crypto';
import type { CallOptions, ClickHouse } from './clickhouse.js';
import { PLANNED_FASTER, planFaster } from './planned-faster.js';
import { quote } from './sql-literal.js';

/** 16 hexadecimal digits that differ when the view would. `statement`: CREATE … VIEW … AS SELECT … */
export function viewMark(statement: string): string {
  return createHash('sha256')
    .update(statement + PLANNED_FASTER)
    .digest('hex')
    .slice(0, 16);
}

/** Runs `statement`, with a comment on the view. */
export async function createView(
  clickhouse: Pick<ClickHouse, 'command'>,
  statement: string,
  comment: string,
  options?: CallOptions,
): Promise<void> {
  await planFaster((settings) =>
    clickhouse.command(`${statement}${settings}\nCOMMENT ${quote(comment)}`, options),
  );
}
