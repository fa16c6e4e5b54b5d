/**
 * Statements for one server → the same for a cluster: ON CLUSTER, replicated engines, a local and a Distributed table for
 * what is sharded (cluster-tables.ts), rollups worked out on the shards. Enters: a statement with its parameters; leaves: the
 * statements to run in its place, in order. Pure; what needs no change comes back as it was.
 */

import { quote } from '../model/sql-literal.js';
import {
  type ClusterNames,
  isKnownTable,
  localNameOf,
  qualifiedLocalName,
  shardingKeyOf,
} from './cluster-tables.js';
import { quoteIdentifier } from './session-settings.js';

export interface Statement {
  sql: string;
  params?: Record<string, unknown>;
}

/** A name in a statement: itself, or the parameter that holds it. */
const NAME = String.raw`(\w+|\{\w+:Identifier\})`;
const CREATE_TABLE = /^(\s*CREATE TABLE (?:IF NOT EXISTS )?)(\w+)( AS (\w+))?/;
const ALTER_TABLE = new RegExp(`^(\\s*ALTER TABLE )${NAME}`);
const DROP_TABLE = /^(\s*DROP TABLE (?:IF EXISTS )?)(\w+)/;
const NAMED_ONCE = new RegExp(
  `^\\s*(?:CREATE (?:OR REPLACE )?VIEW|DROP VIEW|CREATE DATABASE)(?: IF (?:NOT )?EXISTS)? ${NAME}`,
);
const OTHER_DDL = /^\s*(?:CREATE|ALTER|DROP|RENAME|EXCHANGE|TRUNCATE|ATTACH|DETACH|OPTIMIZE)\b/;

export function rewriteForCluster(statement: Statement, names: ClusterNames): Statement[] {
  const { sql } = statement;
  const mask = maskNested(sql);
  if (CREATE_TABLE.test(mask))
    return createTable(sql, mask, names).map((text) => ({ ...statement, sql: text }));
  if (ALTER_TABLE.test(mask)) return alterTable(statement, mask, names);
  if (DROP_TABLE.test(mask)) return dropTable(sql, mask, names).map((text) => ({ ...statement, sql: text }));
  const named = NAMED_ONCE.exec(mask);
  if (named !== null) return [{ ...statement, sql: insertAt(sql, named[0].length, onCluster(names)) }];
  if (OTHER_DDL.test(mask)) {
    throw new Error(
      `src/store/cluster-ddl.ts does not know how this runs on a cluster: ${sql.trim().slice(0, 120)}`,
    );
  }
  return [statement];
}

const onCluster = ({ cluster }: ClusterNames) => ` ON CLUSTER ${quoteIdentifier(cluster)}`;

/** Paths in Keeper: a table that every server has whole is one table over all shards. */
const SHARD_PATH = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";
const WHOLE_PATH = "'/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}'";

/**
 * Insert tokens that each shard remembers. More than on a single server: all receivers share them. Tables without a window
 * get none here either, though replicated ones have one by default.
 */
const WINDOW = 'replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800';
const NO_WINDOW = 'replicated_deduplication_window = 0';

function createTable(sql: string, mask: string, names: ClusterNames): string[] {
  const [head, create, table, , copied] = CREATE_TABLE.exec(mask) as unknown as [
    string,
    string,
    string,
    string?,
    string?,
  ];
  const key = shardingKeyOf(table);
  const engine = /\bENGINE = (\w*MergeTree)(\(\s*\))?/.exec(mask);
  if (engine === null) throw new Error(`table ${table} has no engine that a cluster can replicate`);
  const own =
    engine[2] === undefined
      ? ''
      : sql
          .slice(engine.index, engine.index + engine[0].length)
          .replace(/^[^(]*\(/, ', ')
          .slice(0, -1);
  const body = sql.slice(head.length, engine.index);
  const rest = sql.slice(engine.index + engine[0].length);
  const local =
    `${create}${localNameOf(table)}${onCluster(names)}${copied === undefined ? '' : ` AS ${localNameOf(copied)}`}${body}` +
    `ENGINE = Replicated${engine[1]}(${key === undefined ? WHOLE_PATH : SHARD_PATH}${own})${withWindow(rest)}`;
  if (key === undefined) return [local];
  const distributed = [names.cluster, names.database, localNameOf(table)].map(quote).join(', ');
  return [
    local,
    `${create}${table}${onCluster(names)} AS ${localNameOf(table)} ENGINE = Distributed(${distributed}, ${key})`,
  ];
}

/** `rest` of a CREATE TABLE behind its engine, with the window of a replicated table. */
function withWindow(rest: string): string {
  const single = /\bnon_replicated_deduplication_window = \d+/;
  if (single.test(rest)) return rest.replace(single, WINDOW);
  return maskNested(rest).includes('SETTINGS ')
    ? rest.replace(/\bSETTINGS /, `SETTINGS ${NO_WINDOW}, `)
    : `${rest.trimEnd()} SETTINGS ${NO_WINDOW}`;
}

/** Commands of an ALTER TABLE, and those of them that change the columns that a Distributed table has too. */
const COMMANDS = /,(?=\s*(?:ADD|DROP|CLEAR|MODIFY|RENAME|COMMENT|MATERIALIZE|REMOVE|DELETE|UPDATE) )/g;
const OF_SETTINGS = /^\s*(?:MODIFY|RESET) SETTING /;
const OF_COLUMNS = /^\s*(?:ADD|DROP|MODIFY|RENAME|COMMENT) COLUMN /;

function alterTable({ sql, params }: Statement, mask: string, names: ClusterNames): Statement[] {
  const [head, alter, name] = ALTER_TABLE.exec(mask) as unknown as [string, string, string];
  const parameter = /^\{(\w+):/.exec(name)?.[1];
  const table = parameter === undefined ? name : String(params?.[parameter]);
  const isWhole = shardingKeyOf(table) === undefined;
  // A replicated table that is the same everywhere tells its replicas itself; once for each shard would be too often. Settings
  // it keeps to itself.
  if (isWhole && !OF_SETTINGS.test(mask.slice(head.length))) return [{ sql, ...(params && { params }) }];
  const named = (as: string, commands: string): Statement =>
    parameter === undefined
      ? { sql: `${alter}${as}${onCluster(names)}${commands}`, ...(params && { params }) }
      : { sql: `${head}${onCluster(names)}${commands}`, params: { ...params, [parameter]: as } };
  const commands = splitAt(
    sql,
    [...mask.matchAll(COMMANDS)].map(({ index }) => index),
    head.length,
  );
  const ofColumns = commands.filter((_, i) => OF_COLUMNS.test(maskNested(commands[i]!)));
  return [
    named(localNameOf(table), sql.slice(head.length)),
    ...(isWhole || ofColumns.length === 0 ? [] : [named(table, ofColumns.join(','))]),
  ];
}

/** The parts of `sql` from `from` on, between these positions. */
function splitAt(sql: string, positions: readonly number[], from: number): string[] {
  const starts = [from, ...positions.map((position) => position + 1)];
  return starts.map((start, i) => sql.slice(start, positions[i] ?? sql.length));
}

/** SYNC: a table of the same name, and so of the same path in Keeper, may follow at once. */
function dropTable(sql: string, mask: string, names: ClusterNames): string[] {
  const [head, drop, table] = DROP_TABLE.exec(mask) as unknown as [string, string, string];
  const isSharded = shardingKeyOf(table) !== undefined;
  const dropOf = (name: string) => `${drop}${name}${onCluster(names)} SYNC${sql.slice(head.length)}`;
  return [...(isSharded ? [dropOf(table)] : []), dropOf(localNameOf(table))];
}

/**
 * An INSERT … SELECT that works out each series by itself: every shard reads its own rows. Where the target is sharded too
 * the rows stay where they are (parallel_distributed_insert_select); where it is not they come back and are written once.
 */
export function insertOnShards({ sql, params }: Statement, names: ClusterNames): Statement {
  const mask = maskNested(sql);
  const head = new RegExp(`^\\s*INSERT INTO ${NAME}\\s*\\(\\s*\\)`).exec(mask);
  if (head === null) throw new Error(`this is no INSERT with columns: ${sql.trim().slice(0, 120)}`);
  const select = sql
    .slice(head[0].length)
    .replace(/\{(source|target):Identifier\}/g, (_, name: string) =>
      qualifiedLocalName(String(params?.[name]), names),
    )
    .replace(/\b(FROM|JOIN) (\w+)\b/g, (text, word: string, table: string) =>
      isKnownTable(table) ? `${word} ${qualifiedLocalName(table, names)}` : text,
    );
  const sent = `${sql.slice(0, head[0].length)}\nSELECT * FROM cluster(${quote(names.cluster)}, view(${select}\n))`;
  return { sql: sent, ...(params && { params }) };
}

function insertAt(text: string, at: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at);
}

/** The text with everything blank that is in brackets, in quotes or a comment: positions stay the same. */
function maskNested(sql: string): string {
  let depth = 0;
  return sql.replaceAll(
    /--[^\n]*|\/\*.*?\*\/|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[()]|[^()'`/-]+|./gs,
    (part) => {
      if (part === ')') depth--;
      const isShown = depth === 0 && !/^(?:--|\/\*|['`])/.test(part);
      if (part === '(') depth++;
      return isShown ? part : part.replaceAll(/[^\n]/g, ' ');
    },
  );
}
