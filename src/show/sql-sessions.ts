/**
 * Sessions of the SQL port (`session_id`): settings and a database that later statements of the same session and credential run
 * with. A session runs one statement at a time and ends when it was not used for its timeout. It holds nothing inside the
 * engine, where every statement has a session of its own.
 */
import { ClickHouseError } from '../model/clickhouse.js';

/** Sessions at once. */
export const SESSIONS_MAX = 1_000;
/** Of session_timeout, seconds, as with ClickHouse. */
const TIMEOUT_S_DEFAULT = 60;
const TIMEOUT_S_MAX = 3_600;
/** Settings and parameters of a session. */
const VALUES_MAX = 200;
const VALUE_LENGTH_MAX = 10_000;

export interface SqlSession {
  settings: Map<string, string>;
  database: string | undefined;
}

export interface SessionRequest {
  id: string;
  credential: string;
  /** `session_timeout`, as it stands in the URL. */
  timeout: string | undefined;
  /** `session_check`: it must exist. */
  mustExist: boolean;
  /** `close_session`: it ends with this statement. */
  closes: boolean;
}

export interface SqlSessions {
  /**
   * @throws ClickHouseError 372 where it must exist and does not, 373 while it runs another statement, 374 where its timeout is
   * none, 700 where there are too many.
   */
  enter(request: SessionRequest): { session: SqlSession; leave: () => void };
}

interface Entry extends SqlSession {
  isLocked: boolean;
  expiresAtMs: number;
}

export function createSqlSessions(nowMs: () => number = () => performance.now()): SqlSessions {
  const entries = new Map<string, Entry>();

  function removeExpired(): void {
    const now = nowMs();
    for (const [key, { isLocked, expiresAtMs }] of entries) {
      if (!isLocked && expiresAtMs <= now) entries.delete(key);
    }
  }

  function makeEntry({ id, mustExist }: SessionRequest): Entry {
    if (mustExist) throw new ClickHouseError(372, 'SESSION_NOT_FOUND', `Session ${id} not found`);
    if (entries.size >= SESSIONS_MAX) {
      const message = `There are ${SESSIONS_MAX} sessions already (SESSIONS_MAX); close some, or give them a shorter session_timeout`;
      throw new ClickHouseError(700, 'USER_SESSION_LIMIT_EXCEEDED', message);
    }
    return { settings: new Map(), database: undefined, isLocked: false, expiresAtMs: 0 };
  }

  return {
    enter(request) {
      const timeoutMs = readTimeout(request.timeout) * 1_000;
      const key = `${request.credential} ${request.id}`;
      removeExpired();
      const entry = entries.get(key) ?? makeEntry(request);
      if (entry.isLocked) {
        throw new ClickHouseError(
          373,
          'SESSION_IS_LOCKED',
          `Session ${request.id} is locked by a concurrent client`,
        );
      }
      entry.isLocked = true;
      entries.set(key, entry);
      const leave = () => {
        entry.isLocked = false;
        entry.expiresAtMs = nowMs() + timeoutMs;
        if (request.closes) entries.delete(key);
      };
      return { session: entry, leave: once(leave) };
    },
  };
}

/** Keeps a value for the statements that follow; undefined takes it back. */
export function keepSetting({ settings }: SqlSession, name: string, value: string | undefined): void {
  if (value === undefined) settings.delete(name);
  else if (value.length > VALUE_LENGTH_MAX || (!settings.has(name) && settings.size >= VALUES_MAX)) {
    const message = `A session keeps ${VALUES_MAX} settings of up to ${VALUE_LENGTH_MAX} characters`;
    throw new ClickHouseError(700, 'USER_SESSION_LIMIT_EXCEEDED', message);
  } else settings.set(name, value);
}

/** Seconds. */
function readTimeout(text: string | undefined): number {
  if (text === undefined || text === '') return TIMEOUT_S_DEFAULT;
  if (/^\d{1,9}$/.test(text) && Number(text) <= TIMEOUT_S_MAX) return Number(text);
  const message = /^\d+$/.test(text)
    ? `Session timeout '${text}' is larger than max_session_timeout: ${TIMEOUT_S_MAX}`
    : `Invalid session timeout: '${text}'`;
  throw new ClickHouseError(374, 'INVALID_SESSION_TIMEOUT', message);
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
