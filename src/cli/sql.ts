/**
 * `plumbline sql`: one query → its answer on stdout, over HTTP, from the running server or from the ClickHouse that
 * CLICKHOUSE_URL names. The answer goes out as it comes in, at the pace of whoever reads it. Passwords come from the
 * environment alone and are never printed.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config.js';
import { ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { ownCommand } from '../model/own-command.js';
import { chooseUrl, connectTo } from './asked-server.js';
import { neutralizeChunks } from './terminal-text.js';

interface SqlOptions {
  file?: string;
  format?: string;
  param: Record<string, string>;
  database?: string;
  url?: string;
}

/** What shells report for a program that Ctrl-C ended. */
const EXIT_CANCELLED = 130;

export function createSqlCommand(): Command {
  return new Command('sql')
    .description('run a query on the running server and print the answer')
    .argument('[query]', 'the query; read from stdin where it is missing or -')
    .option('-f, --file <path>', 'read the query from a file')
    .option(
      '--format <name>',
      'any ClickHouse output format (default: PrettyCompact on a terminal, else TabSeparatedWithNames)',
    )
    .option('-p, --param <name=value>', 'value of {name:Type} in the query; may be repeated', addParam, {})
    .option('-d, --database <name>', 'database of unqualified table names (default: CLICKHOUSE_DATABASE)')
    .option(
      '--url <url>',
      'where to ask (default: the Plumbline on this machine, or CLICKHOUSE_URL)',
      checkUrl,
    )
    .addHelpText('after', EXAMPLES)
    .action(runSql);
}

const EXAMPLES = `
Examples:
  plumbline sql "SELECT category, count() FROM series GROUP BY category"
  plumbline sql "SELECT * FROM series WHERE metric_name = {name:String}" --param name=http.server.request.duration
  plumbline sql --format JSONEachRow "SELECT * FROM number_points" | gzip > points.jsonl.gz
  plumbline sql --file report.sql --format CSVWithNames > report.csv
  echo "SHOW TABLES" | plumbline sql

The local address follows PLUMBLINE_HOST, PLUMBLINE_SQL_HOST and PLUMBLINE_SQL_PORT; where the port asks for a token, it is
PLUMBLINE_TOKEN. With CLICKHOUSE_URL the query goes to that server,
signed in with CLICKHOUSE_USER and CLICKHOUSE_PASSWORD. Plumbline's own port is read-only.
The exit code is 0, or 1 after an error, or ${EXIT_CANCELLED} after Ctrl-C.`;

function addParam(text: string, params: Record<string, string>): Record<string, string> {
  const parts = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
  if (parts === null) throw new InvalidArgumentError('It must look like name=value.');
  return { ...params, [parts[1]!]: parts[2]! };
}

export function checkUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) {
    throw new InvalidArgumentError('It must look like http://host:8123.');
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(
      'User and password come from CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, a token from PLUMBLINE_TOKEN.',
    );
  }
  return text;
}

async function runSql(argument: string | undefined, options: SqlOptions): Promise<void> {
  const config = readConfig(process.env);
  const url = chooseUrl(config, options.url);
  const sql = await readSql(argument, options.file);
  const cancel = new AbortController();
  process.once('SIGINT', () => cancel.abort(new Cancelled()));
  process.stdout.once('error', (error) => cancel.abort(error));
  const clickhouse = await connectTo(url, config, {
    ...(options.database !== undefined && { database: options.database }),
  });
  const format = options.format ?? (process.stdout.isTTY ? 'PrettyCompact' : 'TabSeparatedWithNames');
  try {
    const settings = buildParamSettings(options.param);
    const answer = clickhouse.stream(sql, format, { settings, signal: cancel.signal });
    await print(process.stdout.isTTY ? neutralizeChunks(answer) : answer, cancel.signal);
  } catch (error) {
    explain(error, url);
  } finally {
    await clickhouse.close();
  }
}

class Cancelled extends Error {}

async function readSql(argument: string | undefined, file: string | undefined): Promise<string> {
  if (file !== undefined && argument !== undefined) {
    throw new UserError('give the query as an argument or with --file, not both');
  }
  const sql = file === undefined ? await readArgument(argument) : await readQueryFile(file);
  if (sql.trim() === '') throw new UserError('the query is empty');
  return sql;
}

async function readArgument(argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && process.stdin.isTTY) {
    throw new UserError('there is no query; for example: plumbline sql "SHOW TABLES" (more with --help)');
  }
  return readText(process.stdin);
}

async function readQueryFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`the query cannot be read: ${(error as Error).message}`);
  }
}

/**
 * As URL parameters, in ClickHouse's own notation ([1,2], \\t, \\N …) whatever the type, since only the server knows it.
 * Real tabs and line breaks would end a value there.
 */
function buildParamSettings(params: Record<string, string>): Record<string, string> {
  const escapes: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      `param_${name}`,
      value.replaceAll(/[\t\n\r]/g, (char) => escapes[char]!),
    ]),
  );
}

/** Each chunk waits until stdout took the one before it: an answer of any size needs little memory. */
async function print(chunks: AsyncIterable<Uint8Array | string>, signal: AbortSignal): Promise<void> {
  for await (const chunk of chunks) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain', { signal });
  }
}

/** What went wrong, for the person at the keyboard. A reader that has enough (`| head`) is no error. */
export function explain(error: unknown, url: string): void {
  const reason = error instanceof Error && error.name === 'AbortError' ? error.cause : error;
  if (reason instanceof Cancelled) {
    process.exitCode = EXIT_CANCELLED;
    return;
  }
  if ((reason as NodeJS.ErrnoException).code === 'EPIPE') return;
  if (!(reason instanceof ClickHouseError)) throw reason;
  if (reason.type !== 'NETWORK') {
    throw new UserError(`Code: ${reason.code}. ${reason.message}. (${reason.type})`);
  }
  const { origin } = new URL(url);
  const advice = /ECONNREFUSED/.test(reason.message)
    ? `nothing listens at ${origin}; start Plumbline with "${ownCommand()} serve", or name another address with --url`
    : `no answer, or not all of it, came from ${origin} (${reason.message})`;
  throw new UserError(advice);
}
