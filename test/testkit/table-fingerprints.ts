/** Tables of two ClickHouses compared by what is in them: rows, each once, and a sum over every byte of them. */
import type { ClickHouse } from '../../src/model/clickhouse.js';

/** When rows were rolled up is not compared. */
async function fingerprint(clickhouse: ClickHouse, table: string): Promise<unknown> {
  const columns = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}
     AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') AND name != 'rolled_at' ORDER BY name`,
    { params: { table } },
  );
  const row = `formatRow('RowBinary', ${columns.map(({ name }) => `\`${name}\``).join(', ')})`;
  const [found] = await clickhouse.query(
    `SELECT count() AS rows, groupBitXor(sipHash64(${row})) AS sum FROM {table:Identifier} FINAL`,
    { params: { table } },
  );
  return found;
}

export async function fingerprints(
  clickhouse: ClickHouse,
  tables: readonly string[],
): Promise<Record<string, unknown>> {
  const found = await Promise.all(
    tables.map(async (table) => [table, await fingerprint(clickhouse, table)] as const),
  );
  return Object.fromEntries(found);
}
