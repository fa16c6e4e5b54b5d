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
  /** Bytes behind what was acknowledged that are no whole frame: a crash or a power failure cut a write short. */
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

/** When a segment was stored, seen from its turn: a question asked after the turn before waits for one such turn. */
export interface TurnTimes {
  /** From the beginning of the turn, milliseconds. */
  turnMs: number;
  /** From the end of the turn before to the beginning of this one, milliseconds; Infinity in the first. */
  pauseMs: number;
}

/** The reading side of the spool: oldest first, one at a time, removed only when ClickHouse has it. */
export interface SegmentSource {
  /** Close the segment being written, so that it can be read. */
  seal(): Promise<void>;
  /** Nothing waits, neither in closed segments nor in the one being written. */
  readonly isEmpty: boolean;
  /** Names of the closed segments, oldest first. */
  list(): string[];
  /** The oldest closed segment for which `isSkipped` is false. */
  oldest(isSkipped?: (name: string) => boolean): SealedSegment | undefined;
  /** Throws where the system fails, which says nothing of the content; what is wrong with the content is damage. */
  read(segment: SealedSegment): Promise<SegmentContent>;
  commit(segment: SealedSegment): Promise<void>;
  /** Keep aside what is damaged, or what ClickHouse will never take; returns where. */
  quarantine(segment: SealedSegment): Promise<string>;
}

/** What is known of a segment of which nothing can be read. */
export function createUnreadable({ bytes }: SealedSegment, reason: string): SegmentContent {
  return { frames: [], tornBytes: 0, damage: { reason, pointsLostMin: 0, bytesLost: bytes } };
}

/** Points among the rows of a table: rows of series, exemplars and the like are none. */
export function countPoints(rowsByTable: Iterable<readonly [string, number]>): number {
  let points = 0;
  for (const [table, rows] of rowsByTable) if (table.endsWith('_points')) points += rows;
  return points;
}
