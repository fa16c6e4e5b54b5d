/**
 * Sessions of the embedded engine for statements whose whole result fits in memory. A session runs one statement at a
 * time; idle ones are used again after every setting of the last call went back to its default, and one that saw an
 * error is thrown away. Statements run on native threads, never on the event loop.
 */
import type { Session } from 'chdb';
import { toClickHouseError } from './clickhouse-errors.js';
import {
  buildResetStatement,
  buildSetStatement,
  quoteIdentifier,
  type Settings,
} from './session-settings.js';

export interface SessionCall {
  format: string;
  settings: Settings;
  /** HTTP text, see formatParams. */
  params: Record<string, string>;
}

export interface SessionPool {
  /** One statement; resolves with its whole output when the engine is done with it. */
  run(sql: string, call: SessionCall): Promise<Uint8Array>;
  close(): void;
}

interface PooledSession {
  session: Session;
  /** Settings that differ from their defaults since the last call. */
  changed: string[];
  isNew: boolean;
}

export function createSessionPool(options: { database: string; openSession: () => Session }): SessionPool {
  const idle: PooledSession[] = [];

  return {
    async run(sql, call) {
      const pooled = idle.pop() ?? { session: options.openSession(), changed: [], isNew: true };
      try {
        const text = [...buildPreparation(pooled, call, options.database), sql].join(';\n');
        const result = await pooled.session.queryAsync(text, { format: call.format });
        pooled.isNew = false;
        pooled.changed = Object.keys(call.settings);
        idle.push(pooled);
        return result.bytes();
      } catch (error) {
        pooled.session.close();
        throw toClickHouseError(error);
      }
    },
    close() {
      for (const pooled of idle.splice(0)) pooled.session.close();
    },
  };
}

/** Statements that put the session into the state the call wants; the engine runs them before it, in the same go. */
function buildPreparation(pooled: PooledSession, call: SessionCall, database: string): string[] {
  const statements = [
    pooled.isNew ? `USE ${quoteIdentifier(database)}` : undefined,
    buildResetStatement(pooled.changed),
    buildSetStatement(call.settings, call.params),
  ];
  return statements.filter((statement) => statement !== undefined);
}
