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

/** The reading side of the spool: oldest first, one at a time, removed only when ClickHouse has it. */
export interface SegmentSource {
  /** Close the segment being written, so that it can be read. */
  seal(): Promise<void>;
  oldest(): SealedSegment | undefined;
  /** `tornBytes` > 0 where a crash cut an unacknowledged write short. */
  read(segment: SealedSegment): Promise<{ frames: Frame[]; tornBytes: number }>;
  commit(segment: SealedSegment): Promise<void>;
  /** Keep aside what ClickHouse will never take; returns where. */
  quarantine(segment: SealedSegment): Promise<string>;
}
