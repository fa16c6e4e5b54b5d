/** What somebody should look at though points are taken and stored: one line each, for /readyz and the page. */
import { describeQuarantine, type StoredCounts } from './drain-log.js';
import type { Quarantine } from './spool/spool.js';

export interface NoticeSources {
  spool: { readQuarantine(): Promise<Quarantine> };
  stored: StoredCounts;
  catalogue: { problem(): string | undefined };
  source: { countStuck(): number };
}

export function createNotices({ spool, stored, catalogue, source }: NoticeSources): () => Promise<string[]> {
  return async () => {
    const quarantine = await spool.readQuarantine().then(
      (found) => describeQuarantine(found, stored),
      (error: Error) => `the quarantine of the spool cannot be read: ${error.message}`,
    );
    const found = [quarantine, catalogue.problem(), describeStuck(source.countStuck())];
    return found.filter((notice) => notice !== undefined);
  };
}

function describeStuck(count: number): string | undefined {
  if (count === 0) return undefined;
  return `${count} statements of the SQL port were stopped and have not ended: the engine looks at a stop between two blocks only`;
}
