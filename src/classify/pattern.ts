/**
 * Patterns of the taxonomy. Enters: a glob or a /regex/ as a user wrote it; leaves: a test for metric names or for
 * attribute values. A bad pattern throws PatternError with the reason; a compiled test never throws.
 */
import picomatch from 'picomatch';

/** Longer names and values are judged by this much of their beginning, so that no sender can make matching slow. */
export const TEXT_CHARS_MAX = 512;

export class PatternError extends Error {
  override readonly name = 'PatternError';
}

export type TestText = (text: string) => boolean;
/** `words` is `splitWords(name)`, worked out once for all rules. */
export type TestName = (name: string, words: string) => boolean;

/** `bash`: a star crosses slashes; every dot file rule of file globs is off: these are names, not files. */
const GLOB_OPTIONS = {
  bash: true,
  dot: true,
  nonegate: true,
  noextglob: true,
  strictBrackets: true,
  flags: 'is',
} as const;

const REGEX = /^\/(.+)\/(i?)$/s;

/**
 * A metric name as lower-case words joined by `/`: `http.server.duration`, `http_server_duration` and
 * `HttpServerDuration` are the same words. Slashes, because then a glob's double star means "any number of words".
 */
export function splitWords(name: string): string {
  return foldWords(name).replace(/^\/|\/$/g, '');
}

function foldWords(text: string): string {
  return text
    .replace(/([a-z])([A-Z])/g, '$1/$2')
    .replace(/([A-Z0-9])([A-Z][a-z])/g, '$1/$2')
    .replace(/[./_:\- ]+/g, '/')
    .toLowerCase();
}

/** One test for all patterns of a rule: globs against the words of a name, regexes against the name as sent. */
export function compileNamePatterns(patterns: readonly string[]): TestName {
  const regexes = patterns.filter(isRegex).map(compileRegex);
  const globs = patterns.filter((pattern) => !isRegex(pattern)).map((glob) => compileGlob(toWordGlob(glob)));
  const anyGlob = globs.length > 0 ? new RegExp(globs.map((glob) => glob.source).join('|'), 'is') : undefined;
  return (name, words) =>
    anyGlob?.test(words) === true ||
    (regexes.length > 0 && regexes.some((regex) => regex.test(name.slice(0, TEXT_CHARS_MAX))));
}

/** True where any of the patterns fits; `present` fits every value. */
export function compileValuePatterns(patterns: readonly string[]): TestText {
  if (patterns.includes('present')) return () => true;
  const tests = patterns.map((pattern) => (isRegex(pattern) ? compileRegex(pattern) : compileGlob(pattern)));
  return (value) => tests.some((test) => test.test(value.slice(0, TEXT_CHARS_MAX)));
}

/** The words of a pattern that has no wildcard, hence stands for exactly one name; undefined for any other. */
export function readLiteral(pattern: string): string | undefined {
  return isRegex(pattern) || /[*?[\]{}()]/.test(pattern) ? undefined : splitWords(pattern);
}

/** The form in which two patterns that mean the same are the same text. */
export function normalisePattern(pattern: string): string {
  return isRegex(pattern) ? pattern : toWordGlob(pattern);
}

function isRegex(pattern: string): boolean {
  return pattern.startsWith('/') && REGEX.test(pattern);
}

/** Splits a glob as names are split, but leaves character classes such as [0-9] alone. */
function toWordGlob(glob: string): string {
  if (glob.startsWith('/')) {
    throw new PatternError('begins with "/", so it must be a regular expression: /…/ or /…/i');
  }
  const pieces = glob.split(/(\[[^\]]*\])/);
  const words = pieces.map((piece, i) => (i % 2 === 1 ? piece.toLowerCase() : foldWords(piece)));
  return words.join('').replace(/^\/|\/$/g, '');
}

function compileGlob(glob: string): RegExp {
  try {
    return picomatch.makeRe(glob, GLOB_OPTIONS);
  } catch (error) {
    throw new PatternError(`is not a usable glob: ${(error as Error).message.replace(/ - use .*$/, '')}`);
  }
}

function compileRegex(pattern: string): RegExp {
  const [, source, flags] = REGEX.exec(pattern)!;
  try {
    return new RegExp(source!, flags);
  } catch (error) {
    throw new PatternError(`is not a usable regular expression: ${(error as Error).message}`);
  }
}
