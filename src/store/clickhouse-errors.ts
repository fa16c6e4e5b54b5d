/**
 * What ClickHouse says went wrong, as text, → ClickHouseError with its code and name.
 * `message` keeps the explanation alone: the code, the name and the server version around it are taken off.
 * It never decides what to do about an error.
 */
import { ClickHouseError } from '../model/clickhouse.js';

/** The binding puts `Query failed:` before errors of its blocking calls. */
const PREFIX = /^(?:Query failed:\s*)?Code:\s*(\d+)\.\s*DB::(?:Net)?Exception:\s*/;
const SUFFIX = /[.\s]*\(([A-Z][A-Z0-9_]*)\)[.\s]*(?:\(version [^()]*(?:\([^()]*\)[^()]*)?\))?[.\s]*$/;

/** Parse `Code: 47. DB::Exception: … (UNKNOWN_IDENTIFIER)`; text of any other shape becomes code 0, INTERNAL. */
export function parseClickHouseError(text: string, cause?: unknown): ClickHouseError {
  let rest = text.trim();
  let code = 0;
  let type = 'INTERNAL';
  // The engine sometimes wraps its own message a second time; each layer is peeled off.
  for (let prefix = PREFIX.exec(rest); prefix; prefix = PREFIX.exec(rest)) {
    code = Number(prefix[1]);
    rest = rest.slice(prefix[0].length);
    const suffix = SUFFIX.exec(rest);
    if (suffix) {
      type = suffix[1]!;
      rest = rest.slice(0, suffix.index);
    }
  }
  return new ClickHouseError(code, type, rest, cause === undefined ? undefined : { cause });
}

/** Any error of a driver or of the engine's binding as ClickHouseError; one that already is one stays itself. */
export function toClickHouseError(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError) return error;
  return parseClickHouseError(error instanceof Error ? error.message : String(error), error);
}
