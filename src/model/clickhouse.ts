/**
 * The one interface to ClickHouse. Two drivers implement it (store/embedded-driver.ts, store/http-driver.ts)
 * and one contract suite runs on both. Everything that talks to ClickHouse takes this.
 */

export interface CallOptions {
  /** Values for `{name:Type}` placeholders; never spliced into the SQL text. */
  params?: Record<string, unknown>;
  /** ClickHouse settings for this call. */
  settings?: Record<string, string | number>;
  signal?: AbortSignal;
}

export interface InsertOptions {
  /** The same token a second time inserts nothing: a retry counts once. */
  deduplicationToken: string;
  settings?: Record<string, string | number>;
}

export interface ClickHouse {
  readonly kind: 'embedded' | 'http';
  /** Database that unqualified table names resolve to. */
  readonly database: string;
  /** Name of the cluster that this server is one of, where its tables are spread over all of them. */
  readonly cluster?: string;
  /** A statement without a result (DDL, INSERT … SELECT). */
  command(sql: string, options?: CallOptions): Promise<void>;
  /** All rows of a SELECT (no FORMAT clause) as objects; 64-bit integers as strings. For results known to be small. */
  query<Row extends object>(sql: string, options?: CallOptions): Promise<Row[]>;
  /** The bytes of a SELECT (no FORMAT clause) in `format`, chunk by chunk with bounded memory. */
  stream(sql: string, format: string, options?: CallOptions): AsyncIterable<Uint8Array>;
  /** Insert Native blocks (revision 0, as `FORMAT Native` of a file) in one statement. */
  insertNative(table: string, blocks: readonly Uint8Array[], options: InsertOptions): Promise<void>;
  /** Resolves when ClickHouse answers; throws ClickHouseError otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** An answer of ClickHouse that is an error, or no answer at all (`code` 0). */
export class ClickHouseError extends Error {
  override readonly name = 'ClickHouseError';
  /** ClickHouse's error code; 0 where it could not be reached. */
  readonly code: number;
  /** ClickHouse's error name, for example UNKNOWN_IDENTIFIER; NETWORK where it could not be reached. */
  readonly type: string;
  constructor(code: number, type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.type = type;
  }
}

/** Whether ClickHouse could not be reached, which passes. */
export function isAway(error: unknown): boolean {
  return error instanceof ClickHouseError && error.type === 'NETWORK';
}
