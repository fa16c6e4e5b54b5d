/**
 * The little of SQL's spelling that the port reads itself: tokens of the statements that it answers (KILL QUERY, SET, USE), and
 * calls of queryID(). It decides nothing about what a statement may do; the engine's parser does. Every pattern takes time in
 * proportion to the text, whatever is in it: what is not closed reaches to the end.
 */

const STRING = String.raw`'(?:[^'\\]|\\[^]?|'')*(?:'|$)`;
const BACKTICKS = '`(?:[^`\\\\]|\\\\[^]?)*(?:`|$)';
const DOUBLE_QUOTES = String.raw`"(?:[^"\\]|\\[^]?)*(?:"|$)`;
const COMMENT = String.raw`--[^\n]*|#[ !][^\n]*|\/\*[^]*?(?:\*\/|$)`;
const NUMBER = String.raw`\d[\w.]*(?:(?<=[eE])[+-]\d+)?`;
const TOKEN = new RegExp(
  [
    String.raw`(?<gap>\s+|${COMMENT})`,
    STRING,
    BACKTICKS,
    DOUBLE_QUOTES,
    String.raw`[A-Za-z_]\w*`,
    NUMBER,
    '[^]',
  ].join('|'),
  'gy',
);
const HEREDOC = String.raw`\$(\w*)\$[^]*?(?:\$\1\$|$)`;
const NOT_CODE = [STRING, BACKTICKS, DOUBLE_QUOTES, COMMENT, HEREDOC, '‘[^’]*(?:’|$)', '“[^”]*(?:”|$)'].join(
  '|',
);

/** The tokens of a statement without space, comments and what ends it; at most `countMax` of them. */
export function readTokens(sql: string, countMax: number): string[] {
  const tokens: string[] = [];
  for (const { 0: token, groups } of sql.matchAll(TOKEN)) {
    if (groups?.gap !== undefined) continue;
    if (tokens.push(token) === countMax) break;
  }
  return tokens.at(-1) === ';' ? tokens.slice(0, -1) : tokens;
}

/** True where the token is this word, in any case. */
export function isWord(token: string | undefined, ...words: string[]): boolean {
  return token !== undefined && words.includes(token.toUpperCase());
}

export function isString(token: string | undefined): token is string {
  return token !== undefined && /^'.*'$/s.test(token) && token.length > 1;
}

export function isName(token: string | undefined): token is string {
  return token !== undefined && /^(?:[A-Za-z_]\w*|`.+`|".+")$/s.test(token);
}

const ESCAPES: Record<string, string> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  0: '\0',
  a: '\x07',
  v: '\v',
};

/** The text of a string or of a name, quoted or not. */
export function readText(token: string): string {
  if (!/^['`"]/.test(token)) return token;
  return token
    .slice(1, -1)
    .replaceAll(/\\(.)|''/gs, (whole, escaped?: string) =>
      escaped !== undefined ? (ESCAPES[escaped] ?? escaped) : token[0] === "'" ? "'" : whole,
    );
}

/** Replaces calls without arguments of these functions (names in lower case), outside of strings, quoted names and comments. */
export function replaceCalls(sql: string, replacements: ReadonlyMap<string, string>): string {
  const names = [...replacements.keys()].join('|');
  const pattern = new RegExp(`${NOT_CODE}|(?<![\\w.])(?<name>${names})\\s*\\(\\s*\\)`, 'gi');
  return sql.replaceAll(pattern, (...found) => {
    const { name } = found.at(-1) as { name?: string };
    return name === undefined ? (found[0] as string) : replacements.get(name.toLowerCase())!;
  });
}
