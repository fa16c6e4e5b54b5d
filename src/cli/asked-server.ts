/**
 * The server that a command asks: the one that --url names, else CLICKHOUSE_URL, else the Plumbline of this machine. Enters
 * settings; leaves a connection. Loads no engine.
 */
import type { Config } from '../config.js';
import { describeLocalEndpoint } from '../demo/demo-options.js';
import type { ClickHouse } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { connectClickHouse } from '../store/http-driver.js';

/** Longest silence of a server while it works on one statement. */
const TIMEOUT_MS = 3_600_000;

/** Throws UserError where this machine's Plumbline listens on a port that nobody can know. */
export function chooseUrl(config: Config, wanted: string | undefined): string {
  return wanted ?? (config.clickhouseUrl || chooseLocalUrl(config));
}

function chooseLocalUrl({ sqlHost, sqlPort }: Config): string {
  if (sqlPort > 0) return describeLocalEndpoint(sqlHost, sqlPort);
  throw new UserError('PLUMBLINE_SQL_PORT=0 names no port; give the one that the server printed with --url');
}

/**
 * Plumbline's token, where there is one, goes to every address but CLICKHOUSE_URL, which has a user and password of its own.
 * `database`: that of the settings unless said otherwise; `cluster`: as in HttpOptions, none unless said.
 */
export function connectTo(
  url: string,
  config: Config,
  { database = config.clickhouseDatabase, cluster = '' } = {},
): Promise<ClickHouse> {
  const hasToken = config.token !== '' && url !== config.clickhouseUrl;
  return connectClickHouse({
    url,
    username: config.clickhouseUser,
    password: hasToken ? config.token : config.clickhousePassword,
    database,
    cluster,
    requestTimeoutMs: TIMEOUT_MS,
  });
}
