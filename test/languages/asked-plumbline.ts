/**
 * A server that wants a token of its readers, with something in its tables, and what is in them. Enters: nothing; leaves: where
 * it is, and its tables with columns and rows.
 */
import { EVERY_SHAPE, NOW_S } from '../testkit/every-shape.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { toProtobuf } from '../testkit/otlp-message.js';
import { makeDataDirectory, startServer, waitUntil } from '../testkit/server.js';
import type { TableColumns } from './rust/row-structs.js';

export interface AskedPlumbline {
  /** Of its SQL port. */
  address: string;
  token: string;
  /** Every table, and every view that takes no parameters. Views stand before tables of states. */
  tables: (TableColumns & { rows: number })[];
  stop(): Promise<void>;
}

/** Clients show it as a password, in URLs too. */
const TOKEN = 'r3ad-._~token';

/** Days, too, are rolled up when they are over. */
const SENT_S = Math.floor(Date.now() / 1000) - 2 * 86_400;

export async function startAskedPlumbline(): Promise<AskedPlumbline> {
  const data = makeDataDirectory();
  const server = await startServer(data.path, {
    PLUMBLINE_READ_TOKENS: TOKEN,
    PLUMBLINE_CATALOGUE_BUILT_IN: 'true',
    PLUMBLINE_DRAIN_INTERVAL_MS: '100',
  });
  const ask = async <Row>(sql: string): Promise<Row[]> => {
    const response = await fetch(`http://${server.sql}/?database=plumbline&default_format=JSON`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}` },
      body: sql,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return (JSON.parse(text) as { data: Row[] }).data;
  };
  const sent = await fetch(`http://${server.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-protobuf' },
    body: toProtobuf(moveTimes(EVERY_SHAPE, BigInt(SENT_S - NOW_S) * 1_000_000_000n)),
  });
  if (!sent.ok) throw new Error(await sent.text());
  const rollups = ['number', 'histogram', 'exponential_histogram', 'summary'].map((shape) => `${shape}_1d`);
  const filled = `SELECT ${[...rollups, 'metric_definitions'].map((table) => `(SELECT count() > 0 FROM ${table})`).join(' AND ')} AS yes`;
  await waitUntil(
    () => ask<{ yes: number }>(filled),
    ([row]) => row!.yes === 1,
    30_000,
  );
  const described = await ask<TableColumns>(
    `SELECT table, groupArray(CAST((name, type), 'Tuple(name String, type String)')) AS columns
     FROM (SELECT * FROM system.columns WHERE database = 'plumbline' AND default_kind NOT IN ('ALIAS', 'MATERIALIZED')
         AND NOT endsWith(table, '_states')
       ORDER BY table, position)
     GROUP BY table ORDER BY table`,
  );
  const tables: AskedPlumbline['tables'] = [];
  for (const each of described) {
    const [row] = await ask<{ rows: string }>(`SELECT count() AS rows FROM ${each.table}`);
    tables.push({ ...each, rows: Number(row!.rows) });
  }
  return {
    address: server.sql,
    token: TOKEN,
    tables,
    stop: async () => {
      await server.stop();
      data.remove();
    },
  };
}

/** A message with all its times later by as much. */
function moveTimes<Value>(value: Value, byNanos: bigint): Value {
  if (Array.isArray(value)) return value.map((each) => moveTimes(each, byNanos)) as Value;
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  const moved = Object.entries(value as OtlpMessage).map(([name, field]) => [
    name,
    name.endsWith('UnixNano') ? (field as bigint) + byNanos : moveTimes(field, byNanos),
  ]);
  return Object.fromEntries(moved) as Value;
}
