/**
 * SQL in which nothing needs to be looked at closely. It answers yes only where every reader of SQL sees the same in a text; no says
 * nothing, such a text has to be rendered by the engine's parser and inspected.
 */

/** Functions that read files or start processes, without a right of their own. */
export const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set([
  'file',
  'catboostEvaluate',
  'naiveBayesClassifier',
]);

/**
 * One token of a text in which every reader of SQL sees the same: names, numbers, strings without escapes, operators. No
 * comments, no quoted name that is called, no second statement. Strings are one token, so that words in them do not count.
 */
const PLAIN_TOKEN =
  /[ \t\r\n]+|'[^'\\]*'|`[^`\\]+`(?![ \t\r\n]*\()|[A-Za-z_][A-Za-z0-9_]*|\d[\w.]*|-(?!-)|\/(?![*/])|[(),=<>+*%[\].:!|?]/y;
/** Words that begin something that has to be looked at closely. */
const NOT_PLAIN: ReadonlySet<string> = new Set([
  ...['settings', 'format', 'into', 'outfile', 'infile', 'insert', 'set', 'explain', 'parallel', 'apply'],
  ...[...FORBIDDEN_FUNCTIONS].map((name) => name.toLowerCase()),
]);
const PLAIN_CHARACTERS_MAX = 65_536;

/** Whether nothing in the text needs to be looked at closely. `denied`: further words, lower case. */
export function isPlain(text: string, denied: ReadonlySet<string>): boolean {
  if (text.length > PLAIN_CHARACTERS_MAX) return false;
  for (let at = 0; at < text.length; at = PLAIN_TOKEN.lastIndex) {
    PLAIN_TOKEN.lastIndex = at;
    const token = PLAIN_TOKEN.exec(text)?.[0];
    if (token === undefined) return false;
    if (!/^[A-Za-z_]/.test(token)) continue;
    const word = token.toLowerCase();
    if (NOT_PLAIN.has(word) || denied.has(word)) return false;
  }
  return true;
}
