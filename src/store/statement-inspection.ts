/**
 * What kind of statement a text is, found on the engine's own rendering of it (one line, no comments, one statement):
 * the engine's parser has spoken before this file looks, so a comment, a string or a second statement cannot mislead
 * it. It judges nothing: who may run what is decided by engine-statements.ts and, for data, by the engine's grants.
 */

export type StatementKind =
  | 'select' // SELECT, WITH … SELECT, unions
  | 'question' // SHOW, DESCRIBE, EXPLAIN, EXISTS: small answers
  | 'set' // SET of settings: checked by the engine, gone with the session
  | 'insert'
  | 'other';

export interface InspectedStatement {
  kind: StatementKind;
  /** The engine's rendering. */
  text: string;
  /** Format named by the statement itself, and where that clause begins; the end where there is none. */
  format: string | undefined;
  formatAt: number;
  /** Where `FROM INFILE` would go: before SETTINGS or FORMAT of an INSERT, else the end. */
  clausesAt: number;
  /** Every name and keyword outside of strings, without quotes. */
  words: ReadonlySet<string>;
}

interface Token {
  text: string;
  at: number;
  depth: number;
}

const TOKEN = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\S/gs;
const QUESTIONS = new Set(['SHOW', 'DESCRIBE', 'EXPLAIN', 'EXISTS']);

export function inspectStatement(text: string): InspectedStatement {
  const tokens = splitTokens(text);
  const formatIndex = findFormat(tokens);
  return {
    kind: findKind(tokens),
    text,
    format: unquote(tokens[formatIndex + 1]?.text),
    formatAt: tokens[formatIndex]?.at ?? text.length,
    clausesAt: tokens.find((token) => isClause(token, 'SETTINGS', 'FORMAT'))?.at ?? text.length,
    words: new Set(tokens.map((token) => unquote(token.text))),
  };
}

/** The engine puts quotes around names that are also keywords. */
function unquote<T extends string | undefined>(name: T) {
  return name?.replaceAll(/^[`"]|[`"]$/g, '') as T;
}

function splitTokens(text: string): Token[] {
  let depth = 0;
  return [...text.matchAll(TOKEN)].map(({ 0: token, index }) => {
    if (token === ')') depth--;
    const found = { text: token, at: index, depth };
    if (token === '(') depth++;
    return found;
  });
}

function findKind(tokens: readonly Token[]): StatementKind {
  const [first, second] = tokens.map((token) => token.text);
  if (first === 'SELECT' || first === 'WITH' || first === '(') return 'select';
  if (first !== undefined && QUESTIONS.has(first)) return 'question';
  // SET ROLE and SET TRANSACTION are no settings: what follows a setting's name is `=`.
  if (first === 'SET' && tokens[2]?.text === '=' && second !== undefined) return 'set';
  return first === 'INSERT' ? 'insert' : 'other';
}

/**
 * `FORMAT name` outside parentheses, at the end or before SETTINGS; anywhere else the word is a column or an alias.
 * Without one, the index behind the last token.
 */
function findFormat(tokens: readonly Token[]): number {
  const index = tokens.findLastIndex(
    (token, i) =>
      isClause(token, 'FORMAT') &&
      /^[`A-Za-z]/.test(tokens[i + 1]?.text ?? '') &&
      (tokens[i + 2] === undefined || isClause(tokens[i + 2]!, 'SETTINGS')),
  );
  return index === -1 ? tokens.length : index;
}

function isClause(token: Token, ...words: string[]): boolean {
  return token.depth === 0 && words.includes(token.text);
}
