/**
 * What the SQL port needs of the embedded engine. The embedded driver offers it beside the interface every stage uses;
 * a ClickHouse server does not (it has an HTTP port of its own).
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { ExternalTable } from '../model/external-table.js';
import type { StatementStatistics } from '../model/statement-statistics.js';

export interface SqlStatement {
  sql: string;
  /** Output format where the statement names none. */
  format: string;
  access: 'read-only' | 'read-write';
  /** Database of unqualified names; the driver's own where undefined. */
  database?: string | undefined;
  /** Limits that the statement's own settings may override. */
  defaults: Record<string, string | number>;
  settings: Record<string, string>;
  /** Parameters as HTTP text. */
  params: Record<string, string>;
  /** Tables that only this statement has. */
  externalTables?: readonly ExternalTable[];
  /** A file with the data of an INSERT. */
  dataPath?: string | undefined;
  /** Waits for no place: a short one of the port's own, which must not queue behind what it ends. */
  isUrgent?: boolean;
  signal: AbortSignal;
}

/** A statement under way; its first chunk is ready, so most errors have come already. */
export interface SqlAnswer {
  format: string;
  /** As far as the engine has told by now. */
  statistics(): StatementStatistics;
  next(): Promise<Uint8Array | undefined>;
  /** Must be called once. */
  end(): Promise<void>;
}

export interface SqlEngine extends ClickHouse {
  readonly temporaryDirectory: string;
  runStatement(statement: SqlStatement): Promise<SqlAnswer>;
}

export function asSqlEngine(clickhouse: ClickHouse): SqlEngine {
  if (!('runStatement' in clickhouse)) throw new Error('The SQL port needs the embedded engine');
  return clickhouse as SqlEngine;
}
