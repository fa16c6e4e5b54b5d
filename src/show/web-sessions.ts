/**
 * Sessions of people at the web port. Enters: the digest of a token that was shown once; leaves: a random id for a cookie, and
 * the digest again for that id, as long as the session lasts. They are kept in memory: a restart ends them all.
 */
import { randomBytes } from 'node:crypto';

export const SESSION_MAX_MS = 12 * 3_600_000;
/** The oldest one ends where there are more. */
const SESSIONS_MAX = 1_000;

interface Session {
  digest: Buffer;
  endsMs: number;
}

export interface WebSessions {
  open(digest: Buffer): string;
  /** Undefined where there is none, or where it has ended. */
  find(id: string): Buffer | undefined;
  close(id: string): void;
}

export function createWebSessions(nowUnixMs: () => number): WebSessions {
  const sessions = new Map<string, Session>();
  return {
    open(digest) {
      const id = randomBytes(32).toString('base64url');
      for (const oldest of sessions.keys()) {
        if (sessions.size < SESSIONS_MAX) break;
        sessions.delete(oldest);
      }
      sessions.set(id, { digest, endsMs: nowUnixMs() + SESSION_MAX_MS });
      return id;
    },
    find(id) {
      const session = sessions.get(id);
      if (session === undefined || session.endsMs > nowUnixMs()) return session?.digest;
      sessions.delete(id);
      return undefined;
    },
    close: (id) => void sessions.delete(id),
  };
}
