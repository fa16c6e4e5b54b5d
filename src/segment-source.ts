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
  return {
    seal: () => groupCommit.seal(),
    oldest: () => spool.oldest(),
    read: (segment) => spool.read(segment),
    commit: (segment) => spool.commit(segment),
    quarantine: (segment) => {
      // Not all of this segment is stored, and what is missing is not known here.
      series.forgetAllWritten();
      exemplars.forget();
      return spool.quarantine(segment);
    },
  };
}
