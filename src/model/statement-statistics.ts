/**
 * What the engine says about a statement: how much it read, wrote and answered. What it did not say is absent, for the embedded
 * engine does not say everything of every statement.
 */

export interface StatementStatistics {
  readRows?: number;
  readBytes?: number;
  /** Of the tables that it reads, as far as its plan has them. */
  totalRowsToRead?: number;
  writtenRows?: number;
  writtenBytes?: number;
  resultRows?: number;
  /** Of the engine's blocks, in which a constant counts once. */
  resultBytes?: number;
  /** Most that it used, bytes. */
  memoryUsage?: number;
}
