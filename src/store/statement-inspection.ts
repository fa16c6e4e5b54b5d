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
  /** Names that are followed by a parenthesis. */
  calls: ReadonlySet<string>;
  /** Of every SETTINGS clause, those of subqueries too, and of SET. */
  settings: readonly StatementSetting[];
}

export interface StatementSetting {
  name: string;
  /** As it is written: a literal of SQL. */
  value: string;
  /** Whether it stands in a subquery. */
  isInner: boolean;
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
    calls: new Set(tokens.filter((_, i) => tokens[i + 1]?.text === '(').map((token) => unquote(token.text))),
    settings: findSettings(text, tokens),
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

/** `SETTINGS a = 1, b = {'x' : 'y'}`, and `SET a = 1`; what cannot be read as one has no name that is allowed. */
function findSettings(text: string, tokens: readonly Token[]): StatementSetting[] {
  const found: StatementSetting[] = [];
  tokens.forEach((token, i) => {
    if (token.text !== 'SETTINGS' && !(i === 0 && token.text === 'SET')) return;
    if (isShown(tokens, i)) return;
    for (let at = i + 1; ; ) {
      const end = findValueEnd(tokens, at + 2, token.depth);
      const from = tokens[at + 2]?.at ?? text.length;
      const value = text.slice(from, tokens[end]?.at ?? text.length).trim();
      const isSetting = tokens[at + 1]?.text === '=' && tokens[at] !== undefined;
      found.push({
        name: isSetting ? unquote(tokens[at]!.text) : 'SETTINGS',
        value,
        isInner: token.depth > 0,
      });
      if (tokens[end]?.text !== ',') return;
      at = end + 1;
    }
  });
  return found;
}

/** SHOW SETTINGS, SHOW CHANGED SETTINGS and SHOW CREATE SETTINGS PROFILE have the word, and no settings after it. */
function isShown(tokens: readonly Token[], index: number): boolean {
  return tokens[0]!.text === 'SHOW' && ['SHOW', 'CHANGED', 'CREATE'].includes(tokens[index - 1]?.text ?? '');
}

const AFTER_SETTINGS = new Set(['FORMAT', 'UNION', 'INTERSECT', 'EXCEPT', 'INTO']);

/** Index of the comma behind the value at `from`, or of what ends the clause. */
function findValueEnd(tokens: readonly Token[], from: number, depth: number): number {
  let nesting = 0;
  for (let at = from; at < tokens.length; at++) {
    const { text, depth: tokenDepth } = tokens[at]!;
    if (tokenDepth < depth) return at;
    if (text === '{' || text === '[' || text === '(') nesting++;
    else if (text === '}' || text === ']' || text === ')') {
      if (nesting-- === 0) return at;
    } else if (nesting === 0 && (text === ',' || AFTER_SETTINGS.has(text))) return at;
  }
  return tokens.length;
}
