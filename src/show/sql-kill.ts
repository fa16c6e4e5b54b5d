/**
 * KILL QUERY of statements that the port runs, by their ids. The port does it itself: inside the engine the statement would
 * find Plumbline's own queries too. Enters: SQL; leaves: which ids, and the question whose answer is that of ClickHouse.
 */
import { quote } from '../model/sql-literal.js';
import type { RunningQuery } from './sql-running.js';
import { isName, isString, isWord, readText, readTokens } from './sql-tokens.js';

export interface KillStatement {
  ids: string[];
  /** ASYNC answers at once, SYNC when the queries are over, TEST ends none. */
  mode: 'ASYNC' | 'SYNC' | 'TEST';
  format: string | undefined;
}

/** Most tokens of such a statement: a list of 1,000 ids has 2,000. */
const TOKENS_MAX = 4_000;

/** Undefined where it is any other statement, other forms of KILL included. */
export function readKill(sql: string): KillStatement | undefined {
  const start = readTokens(sql, 4);
  if (!['KILL', 'QUERY', 'WHERE'].every((word, i) => isWord(start[i], word))) return undefined;
  if (start[3] === undefined || readText(start[3]) !== 'query_id') return undefined;
  const tokens = readTokens(sql, TOKENS_MAX).slice(4);
  const ids = takeIds(tokens);
  const mode = isWord(tokens[0], 'SYNC', 'ASYNC', 'TEST') ? tokens.shift()!.toUpperCase() : 'ASYNC';
  const format = isWord(tokens[0], 'FORMAT') && isName(tokens[1]) ? tokens.splice(0, 2)[1] : undefined;
  if (ids === undefined || tokens.length > 0) return undefined;
  return { ids, mode: mode as KillStatement['mode'], format };
}

/** Takes `= 'a'` or `IN ('a', 'b')` off the tokens. */
function takeIds(tokens: string[]): string[] | undefined {
  if (tokens[0] === '=' && isString(tokens[1])) return [readText(tokens.splice(0, 2)[1]!)];
  if (!isWord(tokens[0], 'IN') || tokens[1] !== '(') return undefined;
  const end = tokens.indexOf(')');
  const list = tokens.splice(0, end + 1).slice(2, -1);
  const isList =
    list.length % 2 === 1 && list.every((token, i) => (i % 2 === 0 ? isString(token) : token === ','));
  return isList ? list.filter((_, i) => i % 2 === 0).map(readText) : undefined;
}

/** As InterpreterKillQueryQuery of ClickHouse names them. */
const STATUS = { ASYNC: 'waiting', SYNC: 'finished', TEST: 'unknown_status' };

/** A SELECT of what KILL answers: a row for each query that was found. */
export function buildKillAnswer(queries: readonly RunningQuery[], { mode }: KillStatement): string {
  const rows = queries.map(({ id, user, sql }) => {
    const [status, queryId, userName, query] = [STATUS[mode], id, user, sql].map(quote);
    return `SELECT ${status} AS kill_status, ${queryId} AS query_id, ${userName} AS user, ${query} AS query`;
  });
  const none = "SELECT '' AS kill_status, '' AS query_id, '' AS user, '' AS query WHERE 0";
  return rows.length === 0 ? none : rows.join(' UNION ALL ');
}
