/**
 * Tokens of a role, from its two settings. Enters: a Config; leaves: tokens that change with their file. Errors name a token
 * by its place only.
 */
import type { Config } from './config.js';
import { UserError } from './model/errors.js';
import type { Reloaded } from './model/reloaded.js';
import { openReloadedFiles, type ReloadedFiles } from './reloaded-files.js';
import { SETTINGS } from './settings.js';

/** b64token of RFC 6750, section 2.1: what can be sent in the header. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The settings of each role: tokens, and a file of tokens. */
const TOKEN_SETTINGS = {
  ingest: ['authTokens', 'authTokensFile'],
  read: ['readTokens', 'readTokensFile'],
  admin: ['adminTokens', 'adminTokensFile'],
} as const;

/** Undefined where the role has no tokens. Throws UserError where a setting or its file cannot be used. */
export async function openTokens(
  role: keyof typeof TOKEN_SETTINGS,
  config: Config,
  log: { info(message: string): void; error(message: string): void },
): Promise<Reloaded<readonly string[]> | ReloadedFiles<readonly string[]> | undefined> {
  const [listName, fileName] = TOKEN_SETTINGS[role];
  const list = config[listName];
  const file = config[fileName];
  const fixed = list === '' ? [] : readFixedTokens(list, SETTINGS[listName].env);
  if (file === '') return fixed.length === 0 ? undefined : { current: () => fixed, onChange: () => {} };
  return openReloadedFiles({
    name: `file of tokens (${SETTINGS[fileName].env})`,
    paths: [file],
    parse: ([content]) => [...fixed, ...parseTokens(content!.toString().split(/\r?\n/))],
    everyMs: config.reloadMs,
    log,
  });
}

/** Parts between commas, without spaces around them and without empty ones. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function readFixedTokens(text: string, env: string): string[] {
  try {
    return parseTokens(text.split(','));
  } catch (error) {
    throw new UserError(`${env} cannot be used: ${(error as Error).message}`);
  }
}

/** Rows that are empty or start with # are no tokens. */
function parseTokens(rows: readonly string[]): string[] {
  const tokens = rows.map((row) => row.trim()).filter((row) => row !== '' && !row.startsWith('#'));
  if (tokens.length === 0) throw new Error('there is no token in it');
  const wrong = tokens.findIndex((token) => !TOKEN.test(token));
  if (wrong >= 0) {
    throw new Error(`token ${wrong + 1} has characters that no token may have (A-Z a-z 0-9 - . _ ~ + / =)`);
  }
  return tokens;
}
