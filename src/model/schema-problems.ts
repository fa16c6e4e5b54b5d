/**
 * What a zod schema found wrong in a value read from a file, as places and reasons in words. Enters: the result of a
 * parse and the keys that exist; leaves: a path and a reason for each mistake. Knows nothing of lines or files.
 */
import type { z } from 'zod';
import { suggestName } from './nearest-name.js';
import type { YamlPath } from './yaml-source.js';

export interface SchemaProblem {
  path: YamlPath;
  /** The key in question, where it is the key of the map at `path` that is wrong and not its value. */
  key: string | undefined;
  /** Without the path. */
  reason: string;
}

/** Keys that each kind of entry may have, by the key that holds it ('' is the file itself). */
export type KnownKeys = Readonly<Record<string, readonly string[]>>;

/** `at`: where the value that was parsed stands in the file. */
export function listProblems(
  result: z.ZodSafeParseResult<unknown>,
  at: YamlPath,
  known: KnownKeys,
): SchemaProblem[] {
  return listIssues(result.error?.issues ?? [], at, known);
}

function listIssues(issues: readonly z.core.$ZodIssue[], at: YamlPath, known: KnownKeys): SchemaProblem[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
    if (issue.code === 'unrecognized_keys') {
      const holder = path.filter((key) => typeof key === 'string').at(-1) ?? '';
      return issue.keys.map((key) => {
        const reason = `unknown key "${key}"${suggestName(key, known[holder] ?? [])}`;
        return { path, key, reason };
      });
    }
    if (issue.code === 'invalid_key') {
      const key = String(path.at(-1));
      return [{ path: path.slice(0, -1), key, reason: `the name "${key}" ${issue.issues[0]?.message}` }];
    }
    const meant = issue.code === 'invalid_union' ? findMeantBranch(issue.errors) : undefined;
    if (meant !== undefined) return listIssues(meant, path, known);
    return [{ path, key: undefined, reason: issue.message }];
  });
}

/** Codes that say, at the value itself, that it is of another form altogether. */
const OTHER_FORM: readonly string[] = ['invalid_type', 'invalid_value', 'invalid_union'];

/** Of the forms a value may have, the one it has: the only one whose mistakes are inside it. */
function findMeantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]) {
  const inside = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || !OTHER_FORM.includes(issue.code)),
  );
  return inside.length === 1 ? inside[0] : undefined;
}

/** Message of a schema: "is missing" for an absent value, and what it must be for any other. */
export function mustBe(what: string) {
  return { error: (issue: { input?: unknown }) => (issue.input == null ? 'is missing' : `must be ${what}`) };
}

/** `sources[0].average`; '' for the file itself. */
export function describePath(path: YamlPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
}
