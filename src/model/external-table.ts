/** Data that a client sends along with a statement, which reads it as a table (ClickHouse calls that external data). */
export interface ExternalTable {
  name: string;
  /** Columns and types, `id UInt32, name String`; or their types alone, for columns named _1, _2 and so on. */
  structure: string | undefined;
  types: string | undefined;
  /** Of the data. */
  format: string;
  /** The file that has the data. */
  path: string;
}
