/**
 * The statements that the port runs, by query id: two may not have the same, and one can be ended by whoever sent it. The ids
 * are the port's own, since the engine takes none.
 */
import { ClickHouseError } from '../model/clickhouse.js';

export interface RunningQuery {
  id: string;
  user: string;
  /** Whose it is; see `SqlRequest.credential`. */
  credential: string;
  sql: string;
}

export interface RunningQueries {
  /** @throws ClickHouseError 216 while another of that id runs. */
  begin(query: RunningQuery): { killed: AbortSignal; end: () => void };
  /** Those of the ids that this credential sent. */
  find(ids: readonly string[], credential: string): RunningQuery[];
  /** Ends them; resolves when the last of them is over. */
  kill(queries: readonly RunningQuery[]): Promise<void>;
}

interface Entry {
  query: RunningQuery;
  controller: AbortController;
  over: Promise<void>;
}

export function createRunningQueries(): RunningQueries {
  const entries = new Map<string, Entry>();
  return {
    begin(query) {
      if (entries.has(query.id)) {
        const message = `Query with id = ${query.id} is already running`;
        throw new ClickHouseError(216, 'QUERY_WITH_SAME_QUERY_ID_IS_ALREADY_RUNNING', message);
      }
      const controller = new AbortController();
      let sayOver = () => {};
      const over = new Promise<void>((done) => {
        sayOver = done;
      });
      const entry = { query, controller, over };
      entries.set(query.id, entry);
      const end = () => {
        if (entries.get(query.id) === entry) entries.delete(query.id);
        sayOver();
      };
      return { killed: controller.signal, end };
    },
    find(ids, credential) {
      const found = [...new Set(ids)].map((id) => entries.get(id)?.query);
      return found.filter(
        (query) => query !== undefined && query.credential === credential,
      ) as RunningQuery[];
    },
    async kill(queries) {
      const found = queries.map(({ id }) => entries.get(id)).filter((entry) => entry !== undefined);
      const reason = new ClickHouseError(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled');
      for (const { controller } of found) controller.abort(reason);
      await Promise.all(found.map(({ over }) => over));
    },
  };
}
