/**
 * Sessions for statements of readers: settings and limits are set, then rights and settings are locked, so that no statement
 * can change what a later one in the same session has. Sessions that are set up alike are used again, which takes half the
 * time of a new one. Each has a name of its own, by which a statement is stopped.
 */
import type { Session } from 'chdb';
import { quote } from '../model/sql-literal.js';
import type { StatementStatistics } from '../model/statement-statistics.js';
import { toClickHouseError } from './clickhouse-errors.js';
import type { EngineCalls } from './engine-calls.js';

/** After these a session can change no setting; the list of statements forbids to take a role again. */
export const LOCK: readonly string[] = ['SET ROLE NONE', 'SET readonly = 1'];

export interface WholeOutput {
  bytes: Uint8Array;
  statistics: StatementStatistics;
}

export interface ReadingSessions {
  /** The whole output of one statement, in a session that was prepared with these statements. Ends when the engine does. */
  run(
    preparation: string,
    sql: string,
    format: string,
    signal: AbortSignal | undefined,
  ): Promise<WholeOutput>;
  close(): void;
}

interface NamedSession {
  session: Session;
  name: string;
  preparation: string;
}

const IDLE_MAX = 16;

export function createReadingSessions(options: {
  openSession: () => Session;
  calls: EngineCalls;
}): ReadingSessions {
  const { openSession, calls } = options;
  /** The one that was used last at the end. */
  let idle: NamedSession[] = [];

  function take(preparation: string): NamedSession | undefined {
    const at = idle.findLastIndex((each) => each.preparation === preparation);
    return at === -1 ? undefined : idle.splice(at, 1)[0];
  }

  function giveBack(session: NamedSession): void {
    idle.push(session);
    if (idle.length > IDLE_MAX) idle.shift()!.session.close();
  }

  return {
    async run(preparation, sql, format, signal) {
      let text = sql;
      let named = take(preparation);
      if (named === undefined) {
        named = { session: openSession(), name: calls.nameCall(), preparation };
        text = [preparation, `SET log_comment = ${quote(named.name)}`, ...LOCK, sql].join(';\n');
      }
      const takeBackStop = calls.stopOnAbort(named.name, signal);
      const watch = calls.watch(named.name);
      try {
        const result = await named.session.queryAsync(text, { format });
        const bytes = result.bytes();
        // A stop that was on its way must not meet the next statement.
        if (signal?.aborted) named.session.close();
        else giveBack(named);
        // What the binding calls "read" is the result.
        const { rowsRead: resultRows, bytesRead: resultBytes } = result;
        return { bytes, statistics: { ...watch.seen(), resultRows, resultBytes } };
      } catch (error) {
        named.session.close();
        throw toClickHouseError(error);
      } finally {
        watch.stop();
        takeBackStop();
      }
    },
    close() {
      for (const { session } of idle) session.close();
      idle = [];
    },
  };
}
