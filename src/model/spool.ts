/** What the spool holds and what the store reads back from it: segments of frames, each a Native block for one table. */

export interface Frame {
  table: string;
  rows: number;
  /** A ClickHouse Native block, revision 0. */
  payload: Uint8Array;
}

/** A closed segment. Its name is unique for ever, so that it can be the deduplication token of its inserts. */
export interface SealedSegment {
  name: string;
  bytes: number;
  /** When it was begun, milliseconds since the epoch; set only of segments that an earlier process left. */
  begunMs?: number;
}

/** What could be read of a segment. */
export interface SegmentContent {
  frames: Frame[];
  /** Bytes of a last write that a crash cut short; it was never acknowledged. */
  tornBytes: number;
  /** Set where acknowledged points are missing, or may be. */
  damage?: SegmentDamage;
}

export interface SegmentDamage {
  /** What is wrong, for a person. */
  reason: string;
  /** Points that are lost for certain; there may be more where even their number cannot be read. */
  pointsLostMin: number;
  /** Bytes that cannot be read, those included that are missing from the file. */
  bytesLost: number;
}

/** The reading side of the spool: oldest first, one at a time, removed only when ClickHouse has it. */
export interface SegmentSource {
  /** Close the segment being written, so that it can be read. */
  seal(): Promise<void>;
  oldest(): SealedSegment | undefined;
  /** Throws where the file could be read at another time (too many open files); everything else is damage. */
  read(segment: SealedSegment): Promise<SegmentContent>;
  commit(segment: SealedSegment): Promise<void>;
  /** Keep aside what is damaged, or what ClickHouse will never take; returns where. */
  quarantine(segment: SealedSegment): Promise<string>;
}

/** Points among the rows of a table: rows of series, exemplars and the like are none. */
export function countPoints(rowsByTable: Iterable<readonly [string, number]>): number {
  let points = 0;
  for (const [table, rows] of rowsByTable) if (table.endsWith('_points')) points += rows;
  return points;
}
