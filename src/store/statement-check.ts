/**
 * What a statement of the read-only port may be. Enters: the engine's rendering of it, inspected; leaves: its settings, or an
 * error. What is allowed is a list: kinds of statements, table functions, settings. All of it is decided before the engine
 * plans anything, because planning alone opens files (sqlite), and some functions read them without asking for a right.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { checkResetSetting, checkStatementSetting, type SettingLimits } from './allowed-settings.js';
import { FORBIDDEN_FUNCTIONS, isPlain } from './plain-sql.js';
import type { InspectedStatement, StatementSetting } from './statement-inspection.js';

/** Table functions that make rows from nothing, or from tables that may be read anyway. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...[
    'numbers',
    'numbers_mt',
    'zeros',
    'zeros_mt',
    'generateSeries',
    'generate_series',
    'generateRandom',
    'primes',
  ],
  ...['values', 'view', 'null', 'merge'],
]);
/** Both a table function, for which the engine asks for a right that readers do not have, and a function of texts. */
const ALSO_FUNCTIONS: ReadonlySet<string> = new Set(['format']);
export interface StatementRules extends SettingLimits {
  /** Every table function that the engine has. */
  tableFunctions: readonly string[];
}

/** @throws ClickHouseError where the statement is not allowed. */
export function checkStatement(
  inspected: InspectedStatement,
  params: Readonly<Record<string, string>>,
  rules: StatementRules,
): void {
  const { kind, words, calls, text, settings } = inspected;
  if (words.has('OUTFILE')) {
    throw new ClickHouseError(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
  }
  if (kind === 'insert' || kind === 'other') {
    throw readOnly('this port answers SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS');
  }
  const forbidden = findForbiddenFunction(words, text, params);
  if (forbidden !== undefined) {
    throw readOnly(
      `the function ${forbidden} reads files of the server, so that nothing else may be called by that name either`,
    );
  }
  const denied = deniedTableFunctions(rules.tableFunctions);
  for (const name of calls) {
    if (!denied.has(name.toLowerCase())) continue;
    throw new ClickHouseError(
      497,
      'ACCESS_DENIED',
      `default: Not enough privileges. The table function ${name} is not allowed on this port`,
    );
  }
  for (const setting of settings) {
    // What a reader is anyway; tools say it when they connect.
    if (kind === 'set' && setting.name === 'readonly' && /^'?[12]'?$/.test(setting.value)) continue;
    // In a clause it would take a limit of ours back.
    if (kind === 'set' && setting.value === 'DEFAULT') checkResetSetting(setting.name, rules);
    else checkSetting(setting, rules);
  }
}

function checkSetting({ name, value }: StatementSetting, rules: StatementRules): void {
  if (/^readonly$|^profile$/.test(name)) throw readOnly(`the setting ${name} cannot be changed`);
  checkStatementSetting(name, value, rules);
}

/** `file` may also be called by its bare name (APPLY file, arrayMap(file, …)), or hide in a parameter that is an identifier. */
function findForbiddenFunction(
  words: ReadonlySet<string>,
  text: string,
  params: Readonly<Record<string, string>>,
): string | undefined {
  for (const name of FORBIDDEN_FUNCTIONS) if (words.has(name)) return name;
  for (const [, parameter] of text.matchAll(/\{\s*(\w+)\s*:\s*Identifier\b/gi)) {
    const value = params[parameter!] ?? '';
    if (value.includes('\\')) return value;
    for (const name of FORBIDDEN_FUNCTIONS) if (new RegExp(`\\b${name}\\b`).test(value)) return name;
  }
  return undefined;
}

let deniedOf: { names: readonly string[]; denied: ReadonlySet<string> } | undefined;

function deniedTableFunctions(names: readonly string[]): ReadonlySet<string> {
  if (deniedOf?.names !== names) {
    const denied = names.filter((name) => !ALLOWED_TABLE_FUNCTIONS.has(name) && !ALSO_FUNCTIONS.has(name));
    deniedOf = { names, denied: new Set(denied.map((name) => name.toLowerCase())) };
  }
  return deniedOf.denied;
}

/** `FORMAT name` at the end. */
const FORMAT_CLAUSE = /[ \t\r\n]+format[ \t\r\n]+([A-Za-z][A-Za-z0-9]*)$/i;

/**
 * A SELECT that is allowed, seen without asking the engine's parser, and the format that it names. Undefined says nothing: it has to
 * be inspected.
 */
export function readPlainSelect(
  sql: string,
  tableFunctions: readonly string[],
): { format: string | undefined } | undefined {
  const text = sql.trim().replace(/[ \t\r\n]*;$/, '');
  const format = FORMAT_CLAUSE.exec(text);
  const rest = format === null ? text : text.slice(0, format.index);
  const isSelect = /^(select|with)\b/i.test(rest) && isPlain(rest, deniedTableFunctions(tableFunctions));
  return isSelect ? { format: format?.[1] } : undefined;
}

function readOnly(why: string): ClickHouseError {
  return new ClickHouseError(164, 'READONLY', `Cannot execute query in readonly mode: ${why}`);
}
