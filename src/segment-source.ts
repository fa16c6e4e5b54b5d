/**
 * The spool as the drain reads it. Only the group commit may close the segment being written, and what was put aside is
 * forgotten where it was held for stored.
 */
import type { SeriesTable } from './decode/series-table.js';
import type { WrittenExemplars } from './decode/written-exemplars.js';
import type { SegmentSource } from './model/spool.js';
import type { GroupCommit } from './spool/group-commit.js';
import type { Spool } from './spool/spool.js';

export function createSegmentSource(
  spool: Spool,
  groupCommit: GroupCommit,
  series: SeriesTable,
  exemplars: WrittenExemplars,
): SegmentSource {
  /** Of segments that are still to be moved. */
  const forgotten = new Set<string>();
  return {
    seal: () => groupCommit.seal(),
    get isEmpty() {
      return spool.isEmpty;
    },
    list: () => spool.list(),
    oldest: (isSkipped) => spool.oldest(isSkipped),
    read: (segment) => spool.read(segment),
    commit: (segment) => spool.commit(segment),
    quarantine: async (segment) => {
      // Not all of this segment is stored, and what is missing is not known here. Once is enough, however often it is tried.
      if (!forgotten.has(segment.name)) {
        forgotten.add(segment.name);
        series.forgetAllWritten();
        exemplars.forget();
      }
      const path = await spool.quarantine(segment);
      forgotten.delete(segment.name);
      return path;
    },
  };
}
