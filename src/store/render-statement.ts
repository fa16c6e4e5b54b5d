/** A statement as the engine's parser understands it: one line, no comments, quoted names, exactly one statement. */
import { ClickHouseError } from '../model/clickhouse.js';
import { quote } from '../model/sql-literal.js';

const RENDER = 'formatQuerySingleLine';
/** What the caller sets must not reach this question: it always has exactly one row. */
const RENDER_SETTINGS = 'extremes = 0, limit = 0, offset = 0, max_result_rows = 0, max_result_bytes = 0';

/** @throws ClickHouseError with the parser's message where the text is no statement, or more than one. */
export async function renderStatement(ask: (sql: string) => Promise<string>, sql: string): Promise<string> {
  const question = `SELECT ${RENDER}(${quote(sql)}) SETTINGS ${RENDER_SETTINGS}`;
  const text = await ask(question).catch((error) => {
    if (!(error instanceof ClickHouseError)) throw error;
    // Our question around the statement is nothing its author should read.
    const message = error.message.split(`: In scope SELECT ${RENDER}(`, 1)[0]!;
    throw new ClickHouseError(error.code, error.type, message, { cause: error });
  });
  return text.trimEnd();
}
